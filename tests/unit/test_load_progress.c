/* SPDX-License-Identifier: MIT */
/* DESIGN: frames of the live view as a screen would show them, from snapshots made by hand. */
#include <stdio.h>
#include <string.h>

#include "load/format.h"
#include "load/progress.h"
#include "tests/unit/unit.h"

static const load_term colourless = {.live = true, .utf8 = true};
static const load_term colourful = {.live = true, .utf8 = true, .colour = true};

enum { SAMPLES = 40 };
static load_sample samples[SAMPLES];
static char label[] = "async", sly_label[] = "a\033[2Jb\nc";
static load_target target = {.label = label};
static load_step step = {.target = &target, .connections = 1000, .planned = 3000};

static load_live measuring(void)
{
    for (int i = 0; i < SAMPLES; i++)
        samples[i] = (load_sample){.at_ns = i * INT64_C(100000000),
                                   .span_ns = 100000000,
                                   .succeeded = (uint64_t) i,
                                   .p99_ns = 1000 * i,
                                   .running = {10 * i, 12},
                                   .queued = {LOAD_UNKNOWN, 100}};
    return (load_live){.step = &step,
                       .step_number = 2,
                       .step_total = 5,
                       .phase = LOAD_PHASE_MEASURING,
                       .now_ns = 1000000000,
                       .made = 2000,
                       .succeeded = 1500,
                       .rate = 9540,
                       .p50_ns = 1200000,
                       .p99_ns = 13000000,
                       .tasks_running = {390, 12},
                       .tasks_queued = {LOAD_UNKNOWN, 2988},
                       .samples = samples,
                       .sample_count = SAMPLES};
}

static bool says(const load_line *lines, unsigned count, const char *what)
{
    for (unsigned i = 0; i < count; i++)
        if (strstr(lines[i].text, what))
            return true;
    return false;
}

START_TEST(a_frame_tells_progress_rate_latency_and_lanes)
{
    static const char *const words[] = {"async",
                                        "1,000 connections, closed loop",
                                        "step 2 of 5",
                                        "50 %",
                                        "1,500 of 3,000 requests answered",
                                        "9.54 k/s",
                                        "p50 1.20 ms",
                                        "p99 13.0 ms",
                                        "12 at once, 2,988 queued",
                                        "390 at once"};
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    unsigned n = load_progress_frame(lines, &colourless, 100, 24, &live);
    ck_assert_uint_eq(n, 6);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        ck_assert_msg(says(lines, n, words[i]), "no line says \"%s\"", words[i]);
    ck_assert_ptr_nonnull(strstr(lines[5].text, "██████████")); /* the lane with the most has the full bar, … */
    ck_assert_ptr_nonnull(strstr(lines[4].text, "▎░░░░░░░░░")); /* … the other its share */
    ck_assert_ptr_nonnull(strstr(lines[5].text, "▅▆▆"));        /* the loop's multiplicity grew */
}
END_TEST

START_TEST(no_line_is_wider_than_the_screen_nor_are_there_more_than_it_has)
{
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    for (unsigned columns = 1; columns <= 200; columns++) {
        for (unsigned rows = 1; rows <= 8; rows++) {
            unsigned n = load_progress_frame(lines, &colourless, columns, rows, &live);
            ck_assert_uint_ge(n, 1);
            ck_assert_uint_le(n, rows > 1 ? rows - 1 : 1);
            for (unsigned i = 0; i < n; i++) {
                ck_assert_uint_eq(load_format_columns(lines[i].text), lines[i].columns);
                ck_assert_uint_le(lines[i].columns, columns > 1 ? columns - 1 : 1);
            }
        }
    }
    ck_assert_uint_eq(load_progress_frame(lines, &colourless, 80, 2, &live), 1);
    ck_assert(says(lines, 1, "1,500 of 3,000"));
}
END_TEST

START_TEST(colour_is_in_no_frame_without_it_and_is_always_ended)
{
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    live.failed = 3;
    unsigned n = load_progress_frame(lines, &colourless, 100, 24, &live);
    ck_assert(!says(lines, n, "\033"));
    for (unsigned columns = 1; columns < 100; columns++) {
        n = load_progress_frame(lines, &colourful, columns, 24, &live);
        for (unsigned i = 0; i < n; i++) {
            const char *last = strrchr(lines[i].text, '\033');
            ck_assert_msg(!last || !strncmp(last, "\033[0m", 4), "%s", lines[i].text);
        }
    }
    n = load_progress_frame(lines, &colourful, 100, 24, &live);
    ck_assert(says(lines, n, "\033[31m3 errors\033[0m"));
}
END_TEST

START_TEST(a_label_cannot_move_the_cursor)
{
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    load_target sly = {.label = sly_label};
    load_step other = step;
    other.target = &sly;
    live.step = &other;
    load_progress_frame(lines, &colourless, 100, 24, &live);
    ck_assert_ptr_nonnull(strstr(lines[0].text, "a?[2Jb?c"));
}
END_TEST

START_TEST(every_phase_says_how_far_it_has_come)
{
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    load_step timed = step;
    timed.planned = 0;
    timed.duration_s = 10;
    timed.warmup_s = 2;
    live.phase = LOAD_PHASE_OPENING;
    live.connections_open = 250;
    ck_assert(says(lines, load_progress_frame(lines, &colourless, 100, 24, &live), "250 of 1,000 connections open"));
    live.phase = LOAD_PHASE_FOLLOWING;
    live.tasks_ended = 900;
    live.tasks_promised = 3000;
    ck_assert(says(lines, load_progress_frame(lines, &colourless, 100, 24, &live), " 30 %  900 of 3,000 tasks ended"));
    live.step = &timed;
    live.phase_ns = 1000000000;
    live.phase = LOAD_PHASE_WARMUP;
    ck_assert(says(lines, load_progress_frame(lines, &colourless, 100, 24, &live), " 50 %  warming up, 1.0 of 2.0 s"));
    live.phase = LOAD_PHASE_MEASURING;
    ck_assert(says(lines, load_progress_frame(lines, &colourless, 100, 24, &live), " 10 %  1.0 of 10 s"));
    live.phase = LOAD_PHASE_AWAITING;
    ck_assert(says(lines, load_progress_frame(lines, &colourless, 100, 24, &live), "awaiting the last replies"));
}
END_TEST

START_TEST(without_figures_of_tasks_and_replies_a_frame_says_less)
{
    load_line lines[LOAD_FRAME_LINES];
    load_live live = measuring();
    live.sample_count = 0;
    live.p50_ns = live.p99_ns = LOAD_UNKNOWN;
    live.tasks_running[0] = live.tasks_running[1] = LOAD_UNKNOWN;
    unsigned n = load_progress_frame(lines, &colourless, 100, 24, &live);
    ck_assert_uint_eq(n, 4);
    ck_assert(says(lines, n, "none yet"));
    ck_assert(!says(lines, n, "at once"));
}
END_TEST

START_TEST(in_a_pipe_the_same_is_one_plain_line)
{
    char text[512] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    load_live live = measuring();
    load_progress_line(to, &live, 10000000000);
    fclose(to);
    ck_assert_str_eq(text, "async, 1,000 connections, 10 s: 1,500 of 3,000 requests answered, 9.54 k/s, p99 13.0 ms, "
                           "pool: 12 at once and 2,988 queued, loop: 390 at once\n");
}
END_TEST

int main(void)
{
    return unit_main("load_progress",
                     (const TTest *const[]){a_frame_tells_progress_rate_latency_and_lanes,
                                            no_line_is_wider_than_the_screen_nor_are_there_more_than_it_has,
                                            colour_is_in_no_frame_without_it_and_is_always_ended,
                                            a_label_cannot_move_the_cursor, every_phase_says_how_far_it_has_come,
                                            without_figures_of_tasks_and_replies_a_frame_says_less,
                                            in_a_pipe_the_same_is_one_plain_line, NULL});
}
