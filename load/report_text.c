/* SPDX-License-Identifier: MIT */
/* DESIGN: a block for each step as it ends, and one table at the end in which the steps stand side by side. A figure
 * that is not known is "-", never 0. Colour only marks what is wrong. */
#include "load/report_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "load/format.h"
#include "load/words.h"

#define BOLD "\033[1m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const char *paint(const load_look *look, const char *code)
{
    return look->colour ? code : "";
}

static load_text percentile(const tdm_histogram *h, double p)
{
    return load_format_duration(tdm_histogram_percentile(h, p));
}

static void latency_line(FILE *to, const char *name, const tdm_histogram *h, const char *note)
{
    if (!tdm_histogram_count(h))
        return;
    fprintf(to, "  %-14s p50 %-9s  p99 %-9s  max %-9s%s\n", name, percentile(h, 50).text, percentile(h, 99).text,
            load_format_duration(tdm_histogram_max(h)).text, note);
}

static void requests_lines(FILE *to, const load_step *step)
{
    fprintf(to, "  %-14s %s made, %s ok, %s errors, %s rejected", "requests", load_format_count(step->made).text,
            load_format_count(step->succeeded).text, load_format_count(load_step_errors(step)).text,
            load_format_count(step->rejected).text);
    if (step->retry_after_s >= 0)
        fprintf(to, " (Retry-After %" PRId64 " s)", step->retry_after_s);
    if (step->retried)
        fprintf(to, ", %s retried", load_format_count(step->retried).text);
    if (step->reopened)
        fprintf(to, ", %s connections reopened", load_format_count(step->reopened).text);
    if (load_step_rate(step) > 0)
        fprintf(to, ", %s", load_format_rate(load_step_rate(step)).text);
    fputc('\n', to);
    latency_line(to, "response", step->latency, "  (request sent to reply complete)");
}

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

static void followed_lines(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    if (tasks->follow == LOAD_FOLLOW_OFF || tasks->follow == LOAD_FOLLOW_NO_IDS)
        return;
    tasks_line(to, tasks);
    if (!load_step_has_runs(step))
        return;
    fprintf(to, "  %-14s peak %s, mean %s, on %u thread%s\n", "multiplicity", load_format_count(both->curve.peak).text,
            load_format_mean(both->curve.mean).text, both->threads, both->threads == 1 ? "" : "s");
    fprintf(to, "  %-14s %s from the first request to the last task's end; ideal %s (%.2f x)\n", "elapsed",
            load_format_seconds(tasks->elapsed_ns).text, load_format_seconds(tasks->ideal_ns).text,
            tasks->ideal_ns ? (double) tasks->elapsed_ns / (double) tasks->ideal_ns : 0);
    latency_line(to, "start latency", tasks->start_latency, "  (accepted to started)");
    latency_line(to, "queue wait", tasks->queue_wait, "  (ready to started)");
    latency_line(to, "run time", tasks->run_time, "  (started to ended)");
    latency_line(to, "completion", tasks->completion, "  (accepted to ended)");
    if (!tasks->clock_same) {
        fprintf(to, "  %-14s ", "clock");
        load_words_clock(to, step);
        fputc('\n', to);
    }
}

void load_report_step(FILE *to, const load_step *step, const load_look *look)
{
    fprintf(to, "%s%s%s: ", paint(look, BOLD), step->target->label, paint(look, PLAIN));
    load_words_plan(to, step);
    fputs(", closed loop\n", to);
    requests_lines(to, step);
    followed_lines(to, step);
    fprintf(to, "  %-14s ", "seen");
    load_words_seen(to, step);
    fputc('\n', to);
    char *trouble = load_words_text(load_words_trouble, step);
    if (trouble && *trouble)
        fprintf(to, "  %s%-14s %s%s\n", paint(look, RED), "trouble", trouble, paint(look, PLAIN));
    free(trouble);
    fputc('\n', to);
}

/* ---- the table ---- */

enum { COLUMNS = 15 };

static const char *const headings[COLUMNS] = {"target", "conns", "requests", "errors",  "rejected",
                                              "p50",    "p99",   "rate",     "tasks",   "done",
                                              "lost",   "peak",  "mean",     "threads", "elapsed / ideal"};

typedef struct cell {
    char text[64];
} cell;

static void put(cell *into, const char *text)
{
    snprintf(into->text, sizeof into->text, "%s", text);
}

static void fill_row(cell *row, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    bool followed = tasks->follow == LOAD_FOLLOW_COMPLETE || tasks->follow == LOAD_FOLLOW_INCOMPLETE;
    for (int i = 0; i < COLUMNS; i++)
        put(&row[i], "-");
    put(&row[0], step->target->label);
    put(&row[1], load_format_count(step->connections).text);
    put(&row[2], load_format_count(step->made).text);
    put(&row[3], load_format_count(load_step_errors(step)).text);
    put(&row[4], load_format_count(step->rejected).text);
    if (tdm_histogram_count(step->latency)) {
        put(&row[5], percentile(step->latency, 50).text);
        put(&row[6], percentile(step->latency, 99).text);
        put(&row[7], load_format_rate(load_step_rate(step)).text);
    }
    if (followed || tasks->promised)
        put(&row[8], load_format_count(tasks->promised).text);
    if (followed) {
        put(&row[9], load_format_count(tasks->states[LOAD_STATE_DONE]).text);
        put(&row[10], load_format_count(tasks->lost).text);
    }
    if (!load_step_has_runs(step))
        return;
    put(&row[11], load_format_count(both->curve.peak).text);
    put(&row[12], load_format_mean(both->curve.mean).text);
    put(&row[13], load_format_count(both->threads).text);
    snprintf(row[14].text, sizeof row[14].text, "%.2f / %.2f s", (double) tasks->elapsed_ns / 1e9,
             (double) tasks->ideal_ns / 1e9);
}

static void print_row(FILE *to, const cell *row, const size_t *widths)
{
    for (int i = 0; i < COLUMNS; i++) {
        size_t pad = widths[i] - load_format_columns(row[i].text);
        if (i == 0)
            fprintf(to, "%s%*s", row[i].text, (int) pad, "");
        else
            fprintf(to, "  %*s%s", (int) pad, "", row[i].text);
    }
    fputc('\n', to);
}

static void print_table(FILE *to, const load_sweep *sweep, cell (*rows)[COLUMNS])
{
    size_t widths[COLUMNS] = {0};
    for (unsigned r = 0; r <= sweep->step_count; r++) {
        for (int i = 0; i < COLUMNS; i++) {
            if (r == 0)
                put(&rows[0][i], headings[i]);
            else if (i == 0)
                fill_row(rows[r], &sweep->steps[r - 1]);
            size_t columns = load_format_columns(rows[r][i].text);
            widths[i] = columns > widths[i] ? columns : widths[i];
        }
    }
    for (unsigned r = 0; r <= sweep->step_count; r++) {
        if (r > 1 && sweep->steps[r - 1].target_index != sweep->steps[r - 2].target_index)
            fputc('\n', to);
        print_row(to, rows[r], widths);
    }
}

static void print_verdict(FILE *to, const load_sweep *sweep, const load_look *look)
{
    if (!load_sweep_failed(sweep)) {
        fputc('\n', to);
        load_words_good(to, sweep);
        fputc('\n', to);
        return;
    }
    fputc('\n', to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        const load_step *step = &sweep->steps[i];
        if (!load_step_failed(step))
            continue;
        fprintf(to, "%s%s, %u connections: ", paint(look, RED), step->target->label, step->connections);
        load_words_trouble(to, step);
        fprintf(to, "%s\n", paint(look, PLAIN));
    }
}

void load_report_table(FILE *to, const load_sweep *sweep, const load_look *look)
{
    cell(*rows)[COLUMNS] = calloc(sweep->step_count + 1, sizeof *rows);
    if (!sweep->step_count || !rows) {
        free(rows);
        return;
    }
    fprintf(to, "all steps (" LOAD_WORDS_CLOSED_LOOP ")\n\n");
    print_table(to, sweep, rows);
    free(rows);
    print_verdict(to, sweep, look);
}
