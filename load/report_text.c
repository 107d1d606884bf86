/* SPDX-License-Identifier: MIT */
/* DESIGN: a block for each step as it ends. A figure that is not known is left out, never 0. Colour only marks what is
 * wrong. The table at the end is in report_table.c. */
#include "load/report_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load/format.h"
#include "load/report_fold.h"
#include "load/term.h"
#include "load/words.h"

#define NAME_COLUMNS 17    /* of the names at the left */
#define LATENCY_COLUMNS 64 /* of four percentiles and the marks around a note */

load_look load_look_at(FILE *to)
{
    const load_term term = load_term_of(to);
    load_look look = {.colour = term.colour};
    unsigned rows;
    if (term.live)
        load_term_size(&term, &look.columns, &rows);
    return look;
}

const char *load_paint(const load_look *look, const char *code)
{
    return look->colour ? code : "";
}

static load_text percentile(const tdm_histogram *h, double p)
{
    return load_format_duration(tdm_histogram_percentile(h, p));
}

/* What a block is written with. */
typedef struct block {
    FILE *to;
    const load_look *look;
} block;

/* The note is left out where it would take a line of its own. */
static void latency_line(const block *b, const char *name, const tdm_histogram *h, const char *note)
{
    if (!tdm_histogram_count(h))
        return;
    bool noted = *note && (!b->look->columns || b->look->columns >= NAME_COLUMNS + LATENCY_COLUMNS + strlen(note));
    fprintf(b->to, "  %-14s p50 %-9s  p99 %-9s  p99.9 %-9s  max %-9s", name, percentile(h, 50).text,
            percentile(h, 99).text, percentile(h, 99.9).text, load_format_duration(tdm_histogram_max(h)).text);
    fprintf(b->to, noted ? "  (%s)\n" : "\n", note);
}

static void retry_after(FILE *to, const load_step *step)
{
    if (step->retry_after_s < 0)
        return;
    if (step->retry_after_least_s >= 0 && step->retry_after_least_s < step->retry_after_s)
        fprintf(to, " (Retry-After %" PRId64 " to %" PRId64 " s)", step->retry_after_least_s, step->retry_after_s);
    else
        fprintf(to, " (Retry-After %" PRId64 " s)", step->retry_after_s);
}

static void requests_line(FILE *to, const load_step *step)
{
    fprintf(to, "  %-14s %s made, %s ok, %s errors, %s rejected", "requests", load_format_count(step->made).text,
            load_format_count(step->succeeded).text, load_format_count(load_step_errors(step)).text,
            load_format_count(step->rejected).text);
    retry_after(to, step);
    if (step->retried)
        fprintf(to, ", %s retried", load_format_count(step->retried).text);
    if (step->reopened)
        fprintf(to, ", %s connections reopened", load_format_count(step->reopened).text);
    if (load_step_rate(step) > 0)
        fprintf(to, ", %s", load_format_rate(load_step_rate(step)).text);
    fputc('\n', to);
}

/* How an open loop kept its rate; nothing in a closed one. */
static void pace_line(FILE *to, const load_step *step)
{
    if (step->loop != LOAD_LOOP_OPEN)
        return;
    fprintf(to, "  %-14s %.2f %% of the requests that were due were sent", "pace", 100 * load_step_kept_up(step));
    if (step->held_up)
        fprintf(to, "; %s of them late, because every connection was busy", load_format_count(step->held_up).text);
    if (step->unsent)
        fprintf(to, "; %s never", load_format_count(step->unsent).text);
    fputc('\n', to);
}

static void response_lines(const block *b, const load_step *step)
{
    bool open = step->loop == LOAD_LOOP_OPEN;
    latency_line(b, "response", step->latency, open ? "due to reply complete" : "sent to reply complete");
    if (open)
        latency_line(b, "uncorrected", step->uncorrected, "sent to reply complete");
    latency_line(b, "not ok", step->failed_latency, "of what was rejected or failed");
    for (unsigned i = 0; step->url_count > 1 && i < step->url_count; i++) {
        char name[40];
        snprintf(name, sizeof name, "- %.12s", load_words_request(step->target, i));
        latency_line(b, name, step->urls[i].latency, "");
    }
}

static void generator_line(FILE *to, const load_step *step)
{
    if (!step->thread_count)
        return;
    fprintf(to, "  %-14s %u thread%s, the busiest %.0f %% of its time on the CPU", "generator", step->thread_count,
            step->thread_count == 1 ? "" : "s", 100 * step->cpu_share);
    if (tdm_histogram_count(step->send_lag))
        fprintf(to, "; it sent late by p99 %s, max %s", percentile(step->send_lag, 99).text,
                load_format_duration(tdm_histogram_max(step->send_lag)).text);
    fputc('\n', to);
}

/* ---- the tasks ---- */

static void tasks_line(FILE *to, const load_tasks *tasks)
{
    fprintf(to, "  %-14s %s accepted", "tasks", load_format_count(tasks->promised).text);
    for (int state = 0; state < LOAD_STATE_COUNT; state++) {
        bool always = state == LOAD_STATE_DONE || state == LOAD_STATE_FAILED || state == LOAD_STATE_CANCELLED;
        if (always || tasks->states[state])
            fprintf(to, ", %s %s", load_format_count(tasks->states[state]).text, load_state_name((load_state) state));
    }
    fprintf(to, ", %s lost", load_format_count(tasks->lost).text);
    if (tasks->unknown)
        fprintf(to, ", %s unknown", load_format_count(tasks->unknown).text);
    fputc('\n', to);
}

static void multiplicity_lines(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    fprintf(to, "  %-14s peak %s, mean %s, on %u thread%s", "multiplicity", load_format_count(both->curve.peak).text,
            load_format_mean(both->curve.mean).text, both->threads, both->threads == 1 ? "" : "s");
    if (both->queue.peak)
        fprintf(to, "; at most %s ready and waiting", load_format_count(both->queue.peak).text);
    fprintf(to, "\n  %-14s %s from the first request to the last task's end; ideal %s (%.2f x)\n", "elapsed",
            load_format_seconds(tasks->elapsed_ns).text, load_format_seconds(tasks->ideal_ns).text,
            tasks->ideal_ns ? (double) tasks->elapsed_ns / (double) tasks->ideal_ns : 0);
    if (tasks->drain_ns > 0)
        fprintf(to, "  %-14s %s from the last reply to the last task's end\n", "drain",
                load_format_duration(tasks->drain_ns).text);
}

/* What the server itself counted is worth a line only where it says something else. */
static void server_line(FILE *to, const load_step *step)
{
    const load_server_counts *server = &step->tasks.server;
    if (!server->known || server->agrees || step->tasks.follow == LOAD_FOLLOW_OFF)
        return;
    fprintf(to, "  %-14s its own count is another: %s tasks accepted, %s done", "server",
            load_format_count(server->accepted).text, load_format_count(server->states[LOAD_STATE_DONE]).text);
    fputs(" (tasks of other clients are in it)\n", to);
}

static void followed_lines(const block *b, const load_step *step)
{
    FILE *to = b->to;
    const load_tasks *tasks = &step->tasks;
    if (tasks->follow == LOAD_FOLLOW_OFF || tasks->follow == LOAD_FOLLOW_NO_IDS)
        return;
    tasks_line(to, tasks);
    server_line(to, step);
    if (!load_step_has_runs(step))
        return;
    multiplicity_lines(to, step);
    latency_line(b, "start latency", tasks->start_latency, "accepted to started");
    latency_line(b, "queue wait", tasks->queue_wait, "ready to started");
    latency_line(b, "run time", tasks->run_time, "started to ended");
    latency_line(b, "completion", tasks->completion, "accepted to ended");
    latency_line(b, "loop lag", tasks->loop_lag, "asked to answered");
    if (!tasks->clock_same) {
        fprintf(to, "  %-14s ", "clock");
        load_words_clock(to, step);
        fputc('\n', to);
    }
}

static void write_step(FILE *to, const load_step *step, const load_look *look)
{
    const block b = {to, look};
    fprintf(to, "%s%s%s: ", load_paint(look, LOAD_BOLD), step->target->label, load_paint(look, LOAD_PLAIN));
    load_words_plan(to, step);
    fprintf(to, ", %s loop", load_loop_name(step->loop));
    if (step->round)
        fprintf(to, ", round %u", step->round + 1);
    fputc('\n', to);
    requests_line(to, step);
    pace_line(to, step);
    response_lines(&b, step);
    generator_line(to, step);
    followed_lines(&b, step);
    fprintf(to, "  %-14s ", "seen");
    load_words_seen(to, step);
    fputc('\n', to);
    char *trouble = load_words_text(load_words_trouble, step);
    if (trouble && *trouble)
        fprintf(to, "  %s%-14s %s%s\n", load_paint(look, LOAD_RED), "trouble", trouble, load_paint(look, LOAD_PLAIN));
    free(trouble);
    fputc('\n', to);
}

void load_report_step(FILE *to, const load_step *step, const load_look *look)
{
    load_fold fold;
    write_step(load_fold_begin(&fold, to, look->columns, NAME_COLUMNS), step, look);
    load_fold_end(&fold);
}
