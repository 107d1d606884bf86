/* SPDX-License-Identifier: MIT */
/* DESIGN: whole reports of runs that were made up, so that each figure that they must show is known. With an argument
 * the program writes its pages and documents there (REPORT_DIR in the environment), for eyes and for other tests. */
#include <stdio.h>
#include <string.h>

#include "load/chart.h"
#include "load/report_html.h"
#include "load/report_json.h"
#include "load/report_text.h"
#include "load/words.h"
#include "tests/unit/load_made.h"
#include "tests/unit/unit.h"

static const load_made_as experiment = {.levels = {"4,20", "4,20,1000"}};
static const load_made_as repeated = {.levels = {"4,20", "4,20"}, .rounds = 5};
static const load_made_as open_loop = {.levels = {"100,500,2000", "100,500,2000"}, .open = true};
static const load_made_as troubled = {.levels = {"4", "4"}, .troubled = true};
static const load_made_as plain = {.levels = {"4", NULL}, .plain = true};

static int write_table(FILE *to, const load_sweep *sweep)
{
    load_report_table(to, sweep, &(load_look){.colour = false});
    return 0;
}

static int write_steps(FILE *to, const load_sweep *sweep)
{
    for (unsigned i = 0; i < sweep->step_count; i++)
        load_report_step(to, &sweep->steps[i], &(load_look){.colour = true});
    return 0;
}

/* What a report of a made-up run says; free() it. */
static char *report(const load_made_as *as, int (*write)(FILE *to, const load_sweep *sweep))
{
    load_made made;
    load_made_init(&made, as);
    char *text = load_made_text(write, &made);
    load_made_finish(&made);
    return text;
}

static void says(const char *text, const char *what)
{
    if (strstr(text, what))
        return;
    fprintf(stderr, "%.20000s\n", text);
    ck_abort_msg("\"%s\" is not in what stands above", what);
}

static unsigned occurrences(const char *text, const char *of)
{
    unsigned n = 0;
    for (; (text = strstr(text, of)) != NULL; text++)
        n++;
    return n;
}

/* ---- text ---- */

START_TEST(the_table_shows_steps_side_by_side_and_leaves_out_what_nobody_knows)
{
    char *text = report(&experiment, write_table);
    says(text, "all steps (closed loop: each connection sends its next request when its reply is complete)\n");
    says(text, "target  conns  requests  errors  rejected  ");
    says(text, "   60     60     0     12    12.0       12  15.00 / 15.00 s\n");
    says(text, "3,000  3,000     0  1,000  1000.0        1    9.00 / 9.00 s\n");
    says(text, "at 20, async was 1.67 times faster than sync to the last task's end (one round)\n");
    says(text, "at 4, sync and async took as long to the last task's end (one round)\n");
    says(text, "knee, sync: past 20 connections the queue of tasks kept growing\n");
    says(text, "nothing was lost and nothing failed\n");
    ck_assert_ptr_null(strstr(text, "offered"));
    ck_assert_ptr_null(strstr(text, "rounds"));
    free(text);
}
END_TEST

START_TEST(rounds_are_summed_up_in_tables_with_their_spread)
{
    char *text = report(&repeated, write_table);
    says(text, "target  round  conns");
    says(text, "median response of each round ");
    says(text, "first request to the last task's end ");
    says(text, "stddev");
    says(text, "outliers");
    says(text, "0;0");
    /* 15 s each round: no spread; 60 tasks in 15 s */
    says(text,
         "\nsync at 20                            15.0 s  15.0 s  15.0 s    0 ns  15.0 s (1.67)  0 ns       0;0     4 "
         "/s       5\nasync at 20 ");
    says(text, "knee, sync: past 20 connections the queue of tasks kept growing (so in 5 of 5 rounds)\nknee, async: ");
    says(text, "at 20, async was 1.67 ± 0.00 times faster than sync to the last task's end\n");
    says(text,
         "at 4, async was 1.00 ± 0.00 times faster than sync to the last task's end (no more than it scatters)\n");
    free(text);
}
END_TEST

START_TEST(an_open_loop_says_its_rate_and_both_latencies)
{
    char *text = report(&open_loop, write_steps);
    says(text, "sync\033[0m: 2,000 requests/s (uniform) over 50 connections, 2,000 requests in all, open loop\n");
    says(text, "  pace           100.00 % of the requests that were due were sent\n");
    says(text, "  response       p50 ");
    says(text, "  (due to reply complete)\n");
    says(text, "  uncorrected    p50 ");
    free(text);
    text = report(&open_loop, write_table);
    says(text, "open loop: requests are sent at a given rate");
    says(text, "offered");
    free(text);
}
END_TEST

START_TEST(every_trouble_is_named_in_every_report)
{
    static const char *const words[] = {"1 connect", "5 parse (Invalid ", "1 tasks lost",
                                        "INCOMPLETE: the server had forgotten 9 ended tasks",
                                        "INVALID: its busiest thread was on the CPU all the time"};
    char *texts[] = {report(&troubled, write_steps), report(&troubled, write_table),
                     report(&troubled, load_report_html), report(&troubled, load_report_json)};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            says(texts[k], words[i]);
        ck_assert_ptr_null(strstr(texts[k], "nothing was lost"));
        ck_assert_ptr_null(strstr(texts[k], "Nothing was lost"));
    }
    says(texts[0], "(Retry-After 1 to 9 s)");
    says(texts[0], "its own count is another: 12 tasks accepted, 12 done");
    says(texts[0], "mapped to the client's from its replies, to within 1.00 us");
    says(texts[0], "not ok         p50 5.0");
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        free(texts[k]);
}
END_TEST

START_TEST(a_server_without_task_ids_is_said_to_tell_nothing)
{
    char *text = report(&plain, write_steps);
    says(text,
         "seen           the target tells nothing of its tasks (GET /tasks?ended_after=now answered 404): only its "
         "replies were measured\n");
    free(text);
    text = report(&plain, write_table);
    ck_assert_ptr_null(strstr(text, "peak"));
    ck_assert_ptr_null(strstr(text, "lost"));
    free(text);
    text = report(&plain, load_report_html);
    says(text, "How the server answered");
    ck_assert_uint_eq(occurrences(text, "class=\"multiplicity\""), 0);
    ck_assert_uint_eq(occurrences(text, "class=\"responses\""), 1);
    free(text);
}
END_TEST

/* ---- the page ---- */

START_TEST(the_page_has_each_chart_once_for_each_step)
{
    char *text = report(&experiment, load_report_html);
    ck_assert_uint_eq(occurrences(text, "class=\"multiplicity\""), 5);
    ck_assert_uint_eq(occurrences(text, "class=\"swim\""), 5);
    ck_assert_uint_eq(occurrences(text, "class=\"responses\""), 5);
    ck_assert_uint_eq(occurrences(text, "class=\"queue\""), 2); /* at 20 the pool's grew, and its row shares it */
    ck_assert_uint_eq(occurrences(text, "class=\"levels\""), 4);
    says(text, "knee of sync: queue");
    says(text, "12 at once");
    says(text, "1,000 at once");
    says(text, "48 of 1,000 rows are drawn");
    says(text, "<title>task 1 of request 1: done, 0.000 to 3.000 s on thread 100</title>");
    free(text);
}
END_TEST

START_TEST(the_page_needs_no_network_and_no_script_and_escapes_what_it_shows)
{
    static const char *const never[] = {"<script", "src=", "@import", "<link", "url(", "<b>&period", "javascript:"};
    const load_made_as *all[] = {&experiment, &repeated, &open_loop, &troubled, &plain};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        char *text = report(all[k], load_report_html);
        for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
            ck_assert_msg(!strstr(text, never[i]), "%s", never[i]);
        says(text, "&lt;b&gt;&amp;period=3");
        ck_assert_ptr_null(strstr(text, "nan"));
        ck_assert_ptr_null(strstr(text, "\"inf"));
        says(text, "</html>\n");
        free(text);
    }
}
END_TEST

START_TEST(a_distribution_holds_every_value_once)
{
    double bins[LOAD_BINS_MAX], sum = 0;
    tdm_histogram *h = NULL;
    ck_assert_int_eq(load_histogram_create(&h), 0);
    for (int i = 0; i < 1000; i++)
        tdm_histogram_record(h, i < 900 ? 150000 : 15000000);
    unsigned n = load_chart_bins(bins, h, 1e-4, 1e-1);
    ck_assert_uint_eq(n, 3 * LOAD_BINS_PER_DECADE);
    for (unsigned i = 0; i < n; i++)
        sum += bins[i];
    ck_assert_double_eq_tol(sum, 1, 1e-9);
    ck_assert_double_eq_tol(bins[LOAD_BINS_PER_DECADE / 6], 0.9, 0.01); /* 1.5 × 10^-4: 0.18 of the first decade */
    ck_assert_uint_eq(load_chart_bins(bins, h, 1e-9, 1e-9), 1);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(axes_have_round_marks_that_reach_the_highest_value)
{
    load_axis axis = load_axis_linear(1040, 4, 1, LOAD_AXIS_NUMBER, NULL);
    ck_assert_double_eq(axis.tick, 500);
    axis = load_axis_linear(0, 4, 1, LOAD_AXIS_NUMBER, NULL);
    ck_assert_double_eq(axis.high, 1);
    axis = load_axis_log(3e-4, 0.021, LOAD_AXIS_DURATION, NULL);
    ck_assert_double_eq_tol(axis.low, 2e-4, 1e-12);
    ck_assert_double_eq_tol(axis.high, 0.05, 1e-12);
    ck_assert_str_eq(load_axis_mark(&axis, 2e-4).text, "200 us");
    ck_assert_str_eq(load_axis_mark(&axis, 1e-3).text, "1 ms");
    ck_assert_str_eq(load_axis_mark(&(load_axis){.form = LOAD_AXIS_RATE}, 25000).text, "25 k");
    const load_plot plot = {.width = 100, .height = 50, .x = {.high = 10}, .y = axis};
    ck_assert_double_eq(load_plot_x(&plot, 5), 50);
    ck_assert_double_eq(load_plot_x(&plot, 50), 100);
    ck_assert_double_eq(load_plot_y(&plot, 0), 50);
}
END_TEST

/* For eyes, and for the tests of the schema. */
START_TEST(reports_are_written_where_they_are_asked_for)
{
    static const struct {
        const char *name;
        const load_made_as *as;
    } runs[] = {{"experiment", &experiment},
                {"repeated", &repeated},
                {"open", &open_loop},
                {"troubled", &troubled},
                {"plain", &plain}};
    const char *dir = getenv("REPORT_DIR");
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        load_made made;
        char path[400];
        load_made_init(&made, runs[i].as);
        char *pages[] = {load_made_text(load_report_html, &made), load_made_text(load_report_json, &made)};
        for (int k = 0; k < 2; k++) {
            ck_assert_uint_gt(strlen(pages[k]), 1000);
            snprintf(path, sizeof path, "%s/%s.%s", dir ? dir : "", runs[i].name, k ? "json" : "html");
            FILE *to = dir ? fopen(path, "we") : NULL;
            ck_assert(!dir || (to && fputs(pages[k], to) >= 0 && fclose(to) == 0));
            free(pages[k]);
        }
        load_made_finish(&made);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_table_shows_steps_side_by_side_and_leaves_out_what_nobody_knows,
        rounds_are_summed_up_in_tables_with_their_spread,
        an_open_loop_says_its_rate_and_both_latencies,
        every_trouble_is_named_in_every_report,
        a_server_without_task_ids_is_said_to_tell_nothing,
        the_page_has_each_chart_once_for_each_step,
        the_page_needs_no_network_and_no_script_and_escapes_what_it_shows,
        a_distribution_holds_every_value_once,
        axes_have_round_marks_that_reach_the_highest_value,
        reports_are_written_where_they_are_asked_for,
        NULL,
    };
    return unit_main("load_report", tests);
}
