/* SPDX-License-Identifier: MIT */
/* DESIGN: a round is one measurement; what it measured is one figure for each kind (its median response, its rate, …),
 * and the tables tell how these scatter from round to round. Percentiles are never averaged within a round: only whole
 * rounds are values here. The verdict on two variants is worded as hyperfine words it; where the spread is as large as
 * the difference it says so, and one round each is called what it is. */
#include "load/report_rounds.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "load/format.h"
#include "load/report_grid.h"
#include "load/words.h"

enum { COLUMNS = 10 };

/* NaN: not known */
static double figure_of(const load_step *step, load_round_figure figure)
{
    bool answered = tdm_histogram_count(step->latency) > 0;
    switch (figure) {
    case LOAD_ROUND_RESPONSE:
        return answered ? (double) tdm_histogram_percentile(step->latency, 50) / 1e9 : NAN;
    case LOAD_ROUND_TAIL:
        return answered ? (double) tdm_histogram_percentile(step->latency, 99) / 1e9 : NAN;
    case LOAD_ROUND_RATE:
        return load_step_rate(step) > 0 ? load_step_rate(step) : NAN;
    case LOAD_ROUND_ELAPSED:
        return step->tasks.timed && load_step_has_runs(step) ? (double) step->tasks.elapsed_ns / 1e9 : NAN;
    case LOAD_ROUND_FIGURES:
        break;
    }
    return NAN;
}

static bool same_group(const load_step *a, const load_step *b)
{
    return a->target_index == b->target_index && load_words_same_level(a, b);
}

static int sum_up(load_rounds *group, const load_sweep *sweep, double *values)
{
    for (int figure = 0; figure < LOAD_ROUND_FIGURES; figure++) {
        size_t n = 0;
        for (const load_step *step = group->first; step < sweep->steps + sweep->step_count; step++) {
            if (!same_group(step, group->first))
                continue;
            values[n] = figure_of(step, (load_round_figure) figure);
            n += !isnan(values[n]);
        }
        group->known[figure] = n == group->count;
        if (!group->known[figure])
            continue;
        int err = load_stats_make(&group->figures[figure], (load_numbers){values, n});
        if (err)
            return err;
    }
    return 0;
}

int load_rounds_make(load_rounds **out, const load_sweep *sweep)
{
    int count = 0, err = 0;
    load_rounds *groups = calloc(sweep->step_count + 1, sizeof *groups);
    double *values = calloc(sweep->step_count + 1, sizeof *values);
    for (unsigned i = 0; groups && i < sweep->step_count; i++) {
        int at = 0;
        while (at < count && !same_group(groups[at].first, &sweep->steps[i]))
            at++;
        if (at == count)
            groups[count++].first = &sweep->steps[i];
        groups[at].count++;
    }
    for (int i = 0; values && i < count && !err; i++)
        err = sum_up(&groups[i], sweep, values);
    free(values);
    if (!groups || !values || err) {
        free(groups);
        return -ENOMEM;
    }
    *out = groups;
    return count;
}

/* ---- tables ---- */

static const struct {
    const char *title;
    load_round_figure figure;
} tables[] = {
    {"median response of each round", LOAD_ROUND_RESPONSE},
    {"p99 response of each round", LOAD_ROUND_TAIL},
    {"first request to the last task's end", LOAD_ROUND_ELAPSED},
};

static load_text seconds(double value)
{
    return load_format_duration(llround(value * 1e9));
}

/* Operations a second: replies, or, over the time to the last task's end, tasks. */
static load_text operations(const load_rounds *group, load_round_figure figure)
{
    if (figure == LOAD_ROUND_ELAPSED)
        return load_format_rate((double) group->first->tasks.lanes[LOAD_BOTH_LANES].tasks /
                                group->figures[figure].mean);
    return load_format_rate(group->figures[LOAD_ROUND_RATE].mean);
}

/* The smallest median at the same level. */
static double best_median(const load_rounds *rounds, unsigned count, const load_rounds *of, load_round_figure figure)
{
    double best = INFINITY;
    for (unsigned i = 0; i < count; i++)
        if (rounds[i].known[figure] && load_words_same_level(rounds[i].first, of->first))
            best = fmin(best, rounds[i].figures[figure].median);
    return best;
}

static void fill_row(load_grid *grid, unsigned row, const load_rounds *group, load_round_figure figure, double best)
{
    const load_stats *s = &group->figures[figure];
    char text[LOAD_CELL_SIZE];
    unsigned column = 0;
    snprintf(text, sizeof text, "%.48s at %s", group->first->target->label, load_words_level(group->first).text);
    load_grid_put(grid, row, column++, text);
    const double values[] = {s->min, s->max, s->mean, s->stddev};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        load_grid_put(grid, row, column++, seconds(values[i]).text);
    snprintf(text, sizeof text, "%s (%.2f)", seconds(s->median).text, best > 0 ? s->median / best : 1);
    load_grid_put(grid, row, column++, text);
    load_grid_put(grid, row, column++, seconds(s->q3 - s->q1).text);
    snprintf(text, sizeof text, "%zu;%zu", s->far_from_mean, s->far_from_box);
    load_grid_put(grid, row, column++, text);
    load_grid_put(grid, row, column++, group->known[LOAD_ROUND_RATE] ? operations(group, figure).text : "-");
    snprintf(text, sizeof text, "%u", group->count);
    load_grid_put(grid, row, column++, text);
}

/* The first group at its level: the groups at one level stand together. */
static bool leads(const load_rounds *rounds, unsigned at)
{
    for (unsigned i = 0; i < at; i++)
        if (load_words_same_level(rounds[i].first, rounds[at].first))
            return false;
    return true;
}

static void fill_table(load_grid *grid, bool *gaps, const load_rounds *rounds, unsigned count, load_round_figure figure)
{
    unsigned row = 1;
    for (unsigned lead = 0; lead < count; lead++) {
        if (!leads(rounds, lead))
            continue;
        gaps[row] = row > 1;
        for (unsigned i = lead; i < count; i++)
            if (rounds[i].known[figure] && load_words_same_level(rounds[i].first, rounds[lead].first))
                fill_row(grid, row++, &rounds[i], figure, best_median(rounds, count, &rounds[i], figure));
    }
}

static void print_table(FILE *to, const load_rounds *rounds, unsigned count, const char *title,
                        load_round_figure figure, unsigned width)
{
    static const char *const headings[COLUMNS] = {"",       "min", "max",      "mean", "stddev",
                                                  "median", "IQR", "outliers", "OPS",  "rounds"};
    load_grid grid;
    unsigned rows = 1;
    for (unsigned i = 0; i < count; i++)
        rows += rounds[i].known[figure];
    bool *gaps = calloc(rows + 1, sizeof *gaps);
    if (rows > 1 && gaps && load_grid_init(&grid, rows, COLUMNS) == 0) {
        for (unsigned column = 0; column < COLUMNS; column++)
            load_grid_put(&grid, 0, column, column ? headings[column] : title);
        fill_table(&grid, gaps, rounds, count, figure);
        grid.gaps = gaps;
        grid.width = width;
        fputc('\n', to);
        load_grid_print(to, &grid);
        load_grid_finish(&grid);
    }
    free(gaps);
}

void load_rounds_tables(FILE *to, const load_rounds *rounds, unsigned count, unsigned width)
{
    unsigned most = 0;
    for (unsigned i = 0; i < count; i++)
        most = rounds[i].count > most ? rounds[i].count : most;
    if (most < 2)
        return;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        print_table(to, rounds, count, tables[i].title, tables[i].figure, width);
    fputs("\nmedian (n): n times the least at that level. OPS: replies, or tasks, a second.\n"
          "outliers: rounds more than a standard deviation from the mean; more than 1.5 IQR outside the quartiles.\n",
          to);
}

/* ---- verdicts ---- */

/* "at 20, async was 1.67 ± 0.02 times faster than sync to the last task's end" */
static void print_verdict(FILE *to, const load_rounds *a, const load_rounds *b, load_round_figure figure,
                          const char *what)
{
    bool once = a->count < 2 || b->count < 2;
    bool faster = b->figures[figure].mean <= a->figures[figure].mean;
    const load_rounds *fast = faster ? b : a, *slow = faster ? a : b;
    double spread, ratio = load_stats_relative(&fast->figures[figure], &slow->figures[figure], &spread);
    fprintf(to, "at %s, ", load_words_level(a->first).text);
    if (once && ratio < 1.005)
        fprintf(to, "%s and %s took as long %s", a->first->target->label, b->first->target->label, what);
    else if (once)
        fprintf(to, "%s was %.2f times faster than %s %s", fast->first->target->label, ratio,
                slow->first->target->label, what);
    else
        fprintf(to, "%s was %.2f ± %.2f times faster than %s %s", fast->first->target->label, ratio, spread,
                slow->first->target->label, what);
    if (once)
        fputs(" (one round)\n", to);
    else
        fputs(ratio - 1 <= spread ? " (no more than it scatters)\n" : "\n", to);
}

static double work_of(const load_rounds *group)
{
    return (double) group->first->tasks.lanes[LOAD_BOTH_LANES].run_total_ns;
}

/* May these two be held against each other? The time to the last end only where the tasks had as much to do. */
static bool comparable(const load_rounds *a, const load_rounds *b, load_round_figure figure)
{
    if (!a->known[figure] || !b->known[figure] || a->figures[figure].mean <= 0 || b->figures[figure].mean <= 0)
        return false;
    if (figure == LOAD_ROUND_RESPONSE && (a->count < 2 || b->count < 2))
        return !a->known[LOAD_ROUND_ELAPSED]; /* a volley's responses are chance; its tasks' time is not */
    return figure != LOAD_ROUND_ELAPSED || fabs(work_of(a) - work_of(b)) < 0.25 * fmax(work_of(a), work_of(b));
}

void load_rounds_verdicts(FILE *to, const load_rounds *rounds, unsigned count)
{
    static const struct {
        load_round_figure figure;
        const char *what;
    } verdicts[] = {{LOAD_ROUND_RESPONSE, "in its median response"}, {LOAD_ROUND_ELAPSED, "to the last task's end"}};
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = i + 1; leads(rounds, i) && k < count; k++) {
            bool pair = load_words_same_level(rounds[i].first, rounds[k].first);
            for (size_t v = 0; pair && v < sizeof verdicts / sizeof verdicts[0]; v++)
                if (comparable(&rounds[i], &rounds[k], verdicts[v].figure))
                    print_verdict(to, &rounds[i], &rounds[k], verdicts[v].figure, verdicts[v].what);
        }
    }
}
