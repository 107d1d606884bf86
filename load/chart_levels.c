/* SPDX-License-Identifier: MIT */
/* DESIGN: a figure over the levels of a sweep, one line for each target: throughput, and where it stops growing. With
 * several rounds a point is the median round, and an upright line through it reaches from the least to the most. The
 * knee of a target is a mark at the first level past it. Levels of another loop than the first step's are not drawn:
 * connections and requests a second have no common axis. */
#include "load/chart.h"

#include <assert.h>
#include <math.h>

#include "load/format.h"
#include "load/words.h"

enum { WIDTH = 560, HEIGHT = 290, LEFT = 66, RIGHT = 30, TOP = 46, BOTTOM = 44 };

const char *load_chart_class(unsigned target_index)
{
    static const char *const classes[] = {"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"};
    return classes[target_index % (sizeof classes / sizeof classes[0])];
}

static double level_of(const load_step *step)
{
    if (load_words_own_requests(step))
        return (double) step->planned;
    return step->loop == LOAD_LOOP_OPEN ? step->rate : step->connections;
}

/* Some level is told by how many requests it sends. */
static bool counts_requests(const load_sweep *sweep)
{
    for (unsigned i = 0; i < sweep->step_count; i++)
        if (load_words_own_requests(&sweep->steps[i]))
            return true;
    return false;
}

static bool shown(const load_sweep *sweep, const load_rounds *group, load_round_figure figure)
{
    return group->known[figure] && group->first->loop == sweep->steps[0].loop && group->figures[figure].median > 0;
}

static load_axis level_axis(const load_sweep *sweep, double low, double high)
{
    bool open = sweep->steps[0].loop == LOAD_LOOP_OPEN;
    const char *title = open                     ? "requests a second that were asked for"
                        : counts_requests(sweep) ? "requests"
                                                 : "connections";
    if (low > 0 && high / low >= 20)
        return load_axis_log(low, high, open ? LOAD_AXIS_RATE : LOAD_AXIS_NUMBER, title);
    return load_axis_linear(high * 1.05, 6, open ? 1e-9 : 1, open ? LOAD_AXIS_RATE : LOAD_AXIS_NUMBER, title);
}

static load_axis figure_axis(load_round_figure figure, double low, double high)
{
    switch (figure) {
    case LOAD_ROUND_RATE:
        return load_axis_linear(high * 1.12, 4, 1e-9, LOAD_AXIS_RATE, "replies a second");
    case LOAD_ROUND_ELAPSED:
        return load_axis_linear(high * 1.12, 4, 1e-9, LOAD_AXIS_SECONDS, "seconds to the last end");
    case LOAD_ROUND_TAIL:
        return load_axis_log(low, high, LOAD_AXIS_DURATION, "p99 response");
    case LOAD_ROUND_RESPONSE:
    case LOAD_ROUND_FIGURES:
        break;
    }
    return load_axis_log(low, high, LOAD_AXIS_DURATION, "median response");
}

static void write_target(const load_plot *plot, const load_sweep *sweep, const load_rounds *rounds, unsigned count,
                         load_round_figure figure, unsigned target)
{
    const char *class = load_chart_class(target), *verb = "M";
    fprintf(plot->to, "<path class=\"line %s\" d=\"", class);
    for (unsigned i = 0; i < count; i++) {
        if (rounds[i].first->target_index != target || !shown(sweep, &rounds[i], figure))
            continue;
        fprintf(plot->to, "%s%.1f %.1f", verb, load_plot_x(plot, level_of(rounds[i].first)),
                load_plot_y(plot, rounds[i].figures[figure].median));
        verb = "L";
    }
    fprintf(plot->to, "\"/><g class=\"points %s\">", class);
    for (unsigned i = 0; i < count; i++) {
        const load_stats *s = &rounds[i].figures[figure];
        if (rounds[i].first->target_index != target || !shown(sweep, &rounds[i], figure))
            continue;
        double x = load_plot_x(plot, level_of(rounds[i].first));
        if (s->count > 1)
            fprintf(plot->to, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x,
                    load_plot_y(plot, s->min), load_plot_y(plot, s->max));
        fprintf(plot->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\"/>", x, load_plot_y(plot, s->median));
    }
    fputs("</g>\n", plot->to);
}

/* The knees of the first round; more marks than rows fit would only cover each other. */
static void write_knees(const load_plot *plot, const load_sweep *sweep)
{
    int row = 0;
    for (unsigned i = 0; i < sweep->knee_count && row < 3; i++) {
        const load_knee *knee = &sweep->knees[i];
        char words[120], class[40];
        if (knee->rule < LOAD_KNEE_RATE || knee->round || knee->step >= sweep->step_count ||
            sweep->steps[knee->step].loop != sweep->steps[0].loop)
            continue;
        snprintf(words, sizeof words, "knee of %.40s: %s", sweep->plan->targets[knee->target_index].label,
                 load_knee_rule_name(knee->rule));
        snprintf(class, sizeof class, "knee %s", load_chart_class(knee->target_index));
        load_plot_mark(plot, class, level_of(&sweep->steps[knee->step]), row++, words);
    }
}

bool load_chart_levels(FILE *to, const load_sweep *sweep, const load_rounds *rounds, unsigned count,
                       load_round_figure figure)
{
    static const char *const names[LOAD_ROUND_FIGURES] = {"median response", "p99 response", "replies a second",
                                                          "seconds to the last task's end"};
    double low = INFINITY, high = 0, least = INFINITY, most = 0;
    assert(figure < LOAD_ROUND_FIGURES);
    for (unsigned i = 0; i < count; i++) {
        if (!shown(sweep, &rounds[i], figure))
            continue;
        low = fmin(low, level_of(rounds[i].first));
        high = fmax(high, level_of(rounds[i].first));
        least = fmin(least, fmax(rounds[i].figures[figure].min, 1e-9));
        most = fmax(most, rounds[i].figures[figure].max);
    }
    if (high <= low || most <= 0)
        return false;
    const load_plot plot = {.to = to,
                            .width = WIDTH,
                            .height = HEIGHT,
                            .left = LEFT,
                            .right = RIGHT,
                            .top = TOP,
                            .bottom = BOTTOM,
                            .x = level_axis(sweep, low, high),
                            .y = figure_axis(figure, least, most)};
    load_plot_begin(&plot, "levels", "%s over the levels", names[figure]);
    load_plot_axes(&plot);
    write_knees(&plot, sweep);
    for (unsigned target = 0; target < sweep->plan->target_count; target++)
        write_target(&plot, sweep, rounds, count, figure, target);
    load_plot_end(&plot);
    return true;
}
