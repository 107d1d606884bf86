/* SPDX-License-Identifier: MIT */
/* DESIGN: a level of one report is held against the same level of the other, figure by figure. A value is a round: only
 * several rounds on both sides tell how much a figure scatters by itself, so with fewer than LOAD_RATIO_LEAST there is
 * a ratio and no verdict. With enough, the interval of the ratio decides: if it holds 1, no difference was seen. Levels
 * are matched by label and level; two reports of one target each are matched by level alone, so that a report of one
 * variant can be held against that of another. */
#include "load/compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/report_grid.h"
#include "load/stat.h"

enum { COLUMNS = 6 };

#define NEGLIGIBLE 0.01 /* a difference that is surely smaller is none */

static const char *const usual[] = {"rate",
                                    "p50",
                                    "p99",
                                    "p999",
                                    "errors",
                                    "rejected",
                                    "elapsed",
                                    "start_latency.p99",
                                    "queue_wait.p99",
                                    "completion.p99",
                                    "multiplicity.peak",
                                    "multiplicity.mean",
                                    "lost"};

int load_comparison_add(load_comparison *comparison, const char *name)
{
    if (comparison->count == LOAD_FIGURES_MAX)
        return -E2BIG;
    int err = load_metric_find(&comparison->metrics[comparison->count], name, strlen(name));
    if (err)
        return err;
    snprintf(comparison->names[comparison->count++], sizeof comparison->names[0], "%s", name);
    return 0;
}

void load_comparison_init(load_comparison *comparison)
{
    *comparison = (load_comparison){.tolerance = -1};
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        load_comparison_add(comparison, usual[i]);
}

/* ---- steps of a report ---- */

static const tdm_json *first_step(const tdm_json *report)
{
    return tdm_json_first(tdm_json_get(report, "steps"));
}

static const char *text_of(const tdm_json *object, const char *key)
{
    const char *text = "";
    tdm_json_as_string(tdm_json_get(object, key), &text);
    return text;
}

static unsigned count_targets(const tdm_json *report)
{
    unsigned n = 0;
    for (const tdm_json *t = tdm_json_first(tdm_json_get(report, "targets")); t; t = tdm_json_next(t))
        n++;
    return n;
}

static bool same_group(const tdm_json *a, const tdm_json *b, bool by_level)
{
    return !strcmp(text_of(a, "level"), text_of(b, "level")) && !strcmp(text_of(a, "loop"), text_of(b, "loop")) &&
           (by_level || !strcmp(text_of(a, "label"), text_of(b, "label")));
}

static const tdm_json *find_step(const tdm_json *report, const tdm_json *like, bool by_level)
{
    const tdm_json *step = first_step(report);
    while (step && !same_group(step, like, by_level))
        step = tdm_json_next(step);
    return step;
}

typedef struct side {
    const tdm_json *report, *step; /* `step`: the first of its group */
    double *values;                /* room for one of each step */
    size_t count;
    unsigned rounds; /* in which the figure is not known too */
} side;

static size_t count_steps(const tdm_json *report)
{
    size_t n = 0;
    for (const tdm_json *step = first_step(report); step; step = tdm_json_next(step))
        n++;
    return n;
}

/* The rounds' values of a figure. */
static void collect(side *s, const load_metric *metric)
{
    s->count = s->rounds = 0;
    for (const tdm_json *step = first_step(s->report); step; step = tdm_json_next(step)) {
        if (!same_group(step, s->step, false))
            continue;
        s->rounds++;
        s->count += load_metric_number(metric, step, &s->values[s->count]);
    }
}

static load_numbers values_of(const side *s)
{
    return (load_numbers){s->values, s->count};
}

/* ---- one figure ---- */

typedef struct verdict {
    load_stats a, b;
    load_ratio ratio;
    bool has_ratio, failed;
    enum { UNTOLD, ALIKE, BETTER, WORSE, OTHER } is;
} verdict;

static const char *const verdict_words[] = {[UNTOLD] = "too few rounds to tell",
                                            [ALIKE] = "no difference seen",
                                            [BETTER] = "better",
                                            [WORSE] = "worse",
                                            [OTHER] = "different"};

static void judge(verdict *v, const load_metric *metric, double tolerance)
{
    bool more = v->ratio.low > 1, less = v->ratio.high < 1;
    if (!v->ratio.known)
        v->is = UNTOLD;
    else if ((!more && !less) || (v->ratio.low > 1 - NEGLIGIBLE && v->ratio.high < 1 + NEGLIGIBLE))
        v->is = ALIKE;
    else if (metric->better == LOAD_BETTER_NEITHER)
        v->is = OTHER;
    else
        v->is = (metric->better == LOAD_BETTER_HIGHER) == more ? BETTER : WORSE;
    double sure = more ? v->ratio.low - 1 : 1 - v->ratio.high; /* so much at least */
    v->failed = v->is == WORSE && tolerance >= 0 && sure > tolerance;
}

/* Nothing on the side of A has no ratio: what is something in place of nothing is told by the values themselves. */
static void judge_from_nothing(verdict *v, const load_metric *metric, double tolerance)
{
    bool enough = v->a.count >= LOAD_RATIO_LEAST && v->b.count >= LOAD_RATIO_LEAST;
    if (v->b.max == 0 && v->a.max == 0)
        v->is = ALIKE;
    else if (!enough || v->b.min <= 0)
        v->is = UNTOLD;
    else
        v->is = metric->better == LOAD_BETTER_NEITHER ? OTHER : metric->better == LOAD_BETTER_HIGHER ? BETTER : WORSE;
    v->failed = v->is == WORSE && tolerance >= 0;
}

/* @return 0; -ENOENT: a side does not know the figure; -ENOMEM. */
static int compare_figure(verdict *v, const load_metric *metric, const side *a, const side *b, double tolerance)
{
    *v = (verdict){.is = UNTOLD};
    if (!a->count || !b->count)
        return -ENOENT;
    int err = load_stats_make(&v->a, values_of(a));
    if (!err)
        err = load_stats_make(&v->b, values_of(b));
    if (err)
        return err;
    if (v->a.mean == 0) {
        judge_from_nothing(v, metric, tolerance);
        return 0;
    }
    v->has_ratio = true;
    err = load_stats_ratio(&v->ratio, values_of(a), values_of(b));
    if (!err)
        judge(v, metric, tolerance);
    return err;
}

static void count_verdict(load_compared *found, const verdict *v)
{
    unsigned *const counts[] = {[UNTOLD] = &found->untold,
                                [ALIKE] = &found->alike,
                                [BETTER] = &found->better,
                                [WORSE] = &found->worse,
                                [OTHER] = &found->other};
    ++*counts[v->is];
    found->failed += v->failed;
}

static void fill_row(load_grid *grid, unsigned row, const char *name, const load_metric *metric, const verdict *v)
{
    char text[LOAD_CELL_SIZE];
    load_grid_put(grid, row, 0, name);
    load_grid_put(grid, row, 1, load_metric_text(metric->unit, v->a.mean).text);
    load_grid_put(grid, row, 2, load_metric_text(metric->unit, v->b.mean).text);
    if (v->has_ratio) {
        snprintf(text, sizeof text, "%.3f", v->ratio.ratio);
        load_grid_put(grid, row, 3, text);
    }
    if (v->has_ratio && v->ratio.known) {
        snprintf(text, sizeof text, "%.3f to %.3f", v->ratio.low, v->ratio.high);
        load_grid_put(grid, row, 4, text);
    }
    snprintf(text, sizeof text, "%s%s", verdict_words[v->is], v->failed ? " (FAILED)" : "");
    load_grid_put(grid, row, 5, text);
}

/* ---- one level ---- */

static void print_title(FILE *to, const side *a, const side *b, const load_look *look)
{
    const char *from = text_of(a->step, "label"), *other = text_of(b->step, "label");
    fprintf(to, "\n%s%s", load_paint(look, LOAD_BOLD), from);
    if (strcmp(from, other) != 0)
        fprintf(to, " (A) and %s (B)", other);
    fprintf(to, " at %s%s, %s loop: %u and %u rounds\n", text_of(a->step, "level"), load_paint(look, LOAD_PLAIN),
            text_of(a->step, "loop"), a->rounds, b->rounds);
}

/* A step whose figures are not to be believed. */
static void print_warnings(FILE *to, const side *s, const char *name)
{
    for (const tdm_json *step = first_step(s->report); step; step = tdm_json_next(step)) {
        bool valid = true, ok = true;
        if (!same_group(step, s->step, false))
            continue;
        tdm_json_as_bool(tdm_json_get(step, "valid"), &valid);
        tdm_json_as_bool(tdm_json_get(step, "ok"), &ok);
        if (!valid)
            fprintf(to, "%s is INVALID: the load generator was the bottleneck\n", name);
        else if (!ok)
            fprintf(to, "in %s something went wrong: %s\n", name, text_of(step, "trouble"));
    }
}

static int compare_level(FILE *to, const load_comparison *c, side *a, side *b, const load_look *look,
                         load_compared *found)
{
    static const char *const headings[COLUMNS] = {"figure", "A", "B", "B / A", "95 % interval", "B is"};
    load_grid grid;
    unsigned row = 1;
    int err = load_grid_init(&grid, c->count + 1, COLUMNS);
    for (unsigned i = 0; i < COLUMNS && !err; i++)
        load_grid_put(&grid, 0, i, headings[i]);
    for (unsigned i = 0; i < c->count && !err; i++) {
        verdict v;
        collect(a, &c->metrics[i]);
        collect(b, &c->metrics[i]);
        err = compare_figure(&v, &c->metrics[i], a, b, c->tolerance);
        if (err == -ENOENT) {
            err = 0;
            continue;
        }
        fill_row(&grid, row++, c->names[i], &c->metrics[i], &v);
        count_verdict(found, &v);
    }
    if (!err) {
        print_title(to, a, b, look);
        print_warnings(to, a, "A");
        print_warnings(to, b, "B");
        grid.rows = row;
        grid.width = look->columns;
        load_grid_print(to, &grid);
    }
    load_grid_finish(&grid);
    return err;
}

/* ---- both reports ---- */

/* Is this step the first of its group? */
static bool leads(const tdm_json *report, const tdm_json *step)
{
    return find_step(report, step, false) == step;
}

static void print_unmatched(FILE *to, const tdm_json *in, const tdm_json *other, bool by_level, const char *name,
                            load_compared *found)
{
    for (const tdm_json *step = first_step(in); step; step = tdm_json_next(step)) {
        if (!leads(in, step) || find_step(other, step, by_level))
            continue;
        fprintf(to, "only %s has %s at %s\n", name, text_of(step, "label"), text_of(step, "level"));
        found->unmatched++;
    }
}

static void print_machines(FILE *to, const tdm_json *a, const tdm_json *b)
{
    const tdm_json *left = tdm_json_get(a, "machine"), *right = tdm_json_get(b, "machine");
    double cores[2] = {0, 0};
    tdm_json_as_double(tdm_json_get(left, "cores"), &cores[0]);
    tdm_json_as_double(tdm_json_get(right, "cores"), &cores[1]);
    if (strcmp(text_of(left, "system"), text_of(right, "system")) != 0 || cores[0] != cores[1])
        fprintf(to, "A was measured on %s with %.0f cores, B on %s with %.0f: what differs may be the machine\n",
                text_of(left, "system"), cores[0], text_of(right, "system"), cores[1]);
}

static void print_verdict(FILE *to, const load_compared *found)
{
    fputc('\n', to);
    if (!found->pairs) {
        fputs("the two have no level of the same label in common: nothing was compared\n", to);
        return;
    }
    fprintf(to, "B is better in %u figures and worse in %u; ", found->better, found->worse);
    if (found->other)
        fprintf(to, "%u differ; ", found->other);
    fprintf(to, "in %u no difference was seen", found->alike);
    if (found->untold)
        fprintf(to, "; %u cannot be told (%d rounds on both sides are needed: --rounds)", found->untold,
                LOAD_RATIO_LEAST);
    fputs(found->failed ? "; worse by more than the tolerance: " : "\n", to);
    if (found->failed)
        fprintf(to, "%u\n", found->failed);
}

int load_compare_reports(FILE *to, const load_comparison *comparison, const tdm_json *a, const tdm_json *b,
                         const load_look *look, load_compared *found)
{
    bool by_level = count_targets(a) == 1 && count_targets(b) == 1;
    side left = {.report = a, .values = calloc(count_steps(a) + 1, sizeof(double))};
    side right = {.report = b, .values = calloc(count_steps(b) + 1, sizeof(double))};
    int err = left.values && right.values ? 0 : -ENOMEM;
    *found = (load_compared){0};
    print_machines(to, a, b);
    for (left.step = first_step(a); left.step && !err; left.step = tdm_json_next(left.step)) {
        right.step = leads(a, left.step) ? find_step(b, left.step, by_level) : NULL;
        if (!right.step)
            continue;
        found->pairs++;
        err = compare_level(to, comparison, &left, &right, look, found);
    }
    if (!err) {
        print_unmatched(to, a, b, by_level, "A", found);
        print_unmatched(to, b, a, by_level, "B", found);
        print_verdict(to, found);
    }
    free(left.values);
    free(right.values);
    return err;
}
