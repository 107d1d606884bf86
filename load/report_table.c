/* SPDX-License-Identifier: MIT */
/* DESIGN: the end of the report: one table in which the steps stand side by side, what rounds come to, where each
 * target stopped keeping up, and the verdict. A figure that is not known is "-", never 0. */
#include "load/report_text.h"

#include <stdlib.h>

#include "load/format.h"
#include "load/report_fold.h"
#include "load/report_grid.h"
#include "load/report_rounds.h"
#include "load/words.h"

typedef enum column {
    TARGET,
    ROUND,
    CONNECTIONS,
    OFFERED,
    REQUESTS,
    ERRORS,
    REJECTED,
    P50,
    P99,
    RATE,
    TASKS,
    DONE,
    LOST,
    PEAK,
    MEAN,
    THREADS,
    ELAPSED,
    COLUMNS
} column;

static const char *const headings[COLUMNS] = {
    [TARGET] = "target",
    [ROUND] = "round",
    [CONNECTIONS] = "conns",
    [OFFERED] = "offered",
    [REQUESTS] = "requests",
    [ERRORS] = "errors",
    [REJECTED] = "rejected",
    [P50] = "p50",
    [P99] = "p99",
    [RATE] = "rate",
    [TASKS] = "tasks",
    [DONE] = "done",
    [LOST] = "lost",
    [PEAK] = "peak",
    [MEAN] = "mean",
    [THREADS] = "threads",
    [ELAPSED] = "elapsed / ideal",
};

static void put_count(load_grid *grid, unsigned row, column at, uint64_t value)
{
    load_grid_put(grid, row, at, load_format_count(value).text);
}

static void fill_tasks(load_grid *grid, unsigned row, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    bool followed = tasks->follow == LOAD_FOLLOW_COMPLETE || tasks->follow == LOAD_FOLLOW_INCOMPLETE;
    char text[LOAD_CELL_SIZE];
    if (followed || tasks->promised)
        put_count(grid, row, TASKS, tasks->promised);
    if (followed) {
        put_count(grid, row, DONE, tasks->states[LOAD_STATE_DONE]);
        put_count(grid, row, LOST, tasks->lost);
    }
    if (!load_step_has_runs(step))
        return;
    put_count(grid, row, PEAK, both->curve.peak);
    load_grid_put(grid, row, MEAN, load_format_mean(both->curve.mean).text);
    put_count(grid, row, THREADS, both->threads);
    snprintf(text, sizeof text, "%.2f / %.2f s", (double) tasks->elapsed_ns / 1e9, (double) tasks->ideal_ns / 1e9);
    load_grid_put(grid, row, ELAPSED, text);
}

static void fill_row(load_grid *grid, unsigned row, const load_step *step, bool rounds)
{
    load_grid_put(grid, row, TARGET, step->target->label);
    if (rounds)
        put_count(grid, row, ROUND, step->round + 1);
    put_count(grid, row, CONNECTIONS, step->connections);
    if (step->loop == LOAD_LOOP_OPEN)
        load_grid_put(grid, row, OFFERED, load_format_rate(step->rate).text);
    put_count(grid, row, REQUESTS, step->made);
    put_count(grid, row, ERRORS, load_step_errors(step));
    put_count(grid, row, REJECTED, step->rejected);
    if (tdm_histogram_count(step->latency)) {
        load_grid_put(grid, row, P50, load_format_duration(tdm_histogram_percentile(step->latency, 50)).text);
        load_grid_put(grid, row, P99, load_format_duration(tdm_histogram_percentile(step->latency, 99)).text);
        load_grid_put(grid, row, RATE, load_format_rate(load_step_rate(step)).text);
    }
    fill_tasks(grid, row, step);
}

static int print_table(FILE *to, const load_sweep *sweep, const load_look *look)
{
    load_grid grid;
    bool *gaps = calloc(sweep->step_count + 1, sizeof *gaps), rounds = sweep->steps[sweep->step_count - 1].round > 0;
    int err = gaps ? load_grid_init(&grid, sweep->step_count + 1, COLUMNS) : -1;
    if (err) {
        free(gaps);
        return err;
    }
    for (unsigned i = 0; i < COLUMNS; i++)
        load_grid_put(&grid, 0, i, headings[i]);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        fill_row(&grid, i + 1, &sweep->steps[i], rounds);
        gaps[i + 1] = i && sweep->steps[i].target_index != sweep->steps[i - 1].target_index;
    }
    grid.gaps = gaps;
    grid.keys = REQUESTS; /* target, round, level */
    grid.width = look->columns;
    load_grid_print(to, &grid);
    load_grid_finish(&grid);
    free(gaps);
    return 0;
}

/* The loops of the steps, each once. */
static void print_loops(FILE *to, const load_sweep *sweep)
{
    const char *before = "all steps (";
    for (int loop = LOAD_LOOP_CLOSED; loop <= LOAD_LOOP_OPEN; loop++) {
        bool any = false;
        for (unsigned i = 0; i < sweep->step_count; i++)
            any = any || sweep->steps[i].loop == (load_loop) loop;
        if (any)
            fprintf(to, "%s%s", before, load_words_loop((load_loop) loop));
        before = any ? ";\n" : before;
    }
    fputs(")\n\n", to);
}

static void print_knees(FILE *to, const load_sweep *sweep)
{
    char *text = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    if (!words)
        return;
    load_words_knees(words, sweep);
    if (fclose(words) == 0 && size)
        fprintf(to, "\n%s", text);
    free(text);
}

static void print_rounds(FILE *to, const load_sweep *sweep, const load_look *look)
{
    load_rounds *rounds = NULL;
    int count = load_rounds_make(&rounds, sweep);
    if (count < 0)
        return;
    load_rounds_tables(to, rounds, (unsigned) count, look->columns);
    char *text = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    if (words) {
        load_rounds_verdicts(words, rounds, (unsigned) count);
        if (fclose(words) == 0 && size)
            fprintf(to, "\n%s", text);
        free(text);
    }
    free(rounds);
}

static void print_verdict(FILE *to, const load_sweep *sweep, const load_look *look)
{
    bool invalid = false;
    for (unsigned i = 0; i < sweep->step_count; i++)
        invalid = invalid || sweep->steps[i].invalid;
    fputc('\n', to);
    if (!load_sweep_failed(sweep) && !invalid) {
        load_words_good(to, sweep);
        fputc('\n', to);
        return;
    }
    for (unsigned i = 0; i < sweep->step_count; i++) {
        const load_step *step = &sweep->steps[i];
        if (!load_step_failed(step) && !step->invalid)
            continue;
        fprintf(to, "%s%s, ", load_paint(look, LOAD_RED), step->target->label);
        load_words_where(to, step);
        fputs(": ", to);
        load_words_trouble(to, step);
        fprintf(to, "%s\n", load_paint(look, LOAD_PLAIN));
    }
}

void load_report_table(FILE *to, const load_sweep *sweep, const load_look *look)
{
    load_fold fold;
    if (!sweep->step_count)
        return;
    to = load_fold_begin(&fold, to, look->columns, 2);
    print_loops(to, sweep);
    if (print_table(to, sweep, look) == 0) {
        print_rounds(to, sweep, look);
        print_knees(to, sweep);
        print_verdict(to, sweep, look);
    }
    load_fold_end(&fold);
}
