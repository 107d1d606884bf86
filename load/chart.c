/* SPDX-License-Identifier: MIT */
/* DESIGN: multiplicity over time, and the queue below it. A lane is an area under a step line, in the lane's own
 * colour. A gap of microseconds must neither vanish nor be drawn as wide as a line, so each column of pixels knows the
 * least and the most of what happened in it. The ideal end is a dashed line: what lies to its right is waiting. */
#include "load/chart.h"

#include <math.h>

#include "load/format.h"

enum { WIDTH = 560, LEFT = 66, RIGHT = 14, PLOT = WIDTH - LEFT - RIGHT };

static bool answered(const load_step *step)
{
    return tdm_histogram_count(step->latency) > 0;
}

/* The largest share that any bin of any of these steps holds. */
static double most_share(const load_step *const *steps, unsigned count, const load_axis *response)
{
    double bins[LOAD_BINS_MAX], most = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned n = answered(steps[i]) ? load_chart_bins(bins, steps[i]->latency, response->low, response->high) : 0;
        for (unsigned k = 0; k < n; k++)
            most = fmax(most, bins[k]);
    }
    return most;
}

static double seconds_of(const load_step *step)
{
    double seconds = 0;
    if (load_step_has_runs(step))
        seconds = fmax((double) step->tasks.elapsed_ns, (double) step->tasks.ideal_ns) / 1e9;
    if (answered(step) && step->last_reply_ns > step->first_sent_ns)
        seconds = fmax(seconds, (double) (step->last_reply_ns - step->first_sent_ns) / 1e9);
    return seconds;
}

/* When the last slice of it with a reply ended. */
static double sending_of(const load_step *step)
{
    double end = 0;
    for (size_t i = 0; i < step->sample_count; i++)
        if (step->samples[i].succeeded + step->samples[i].rejected + step->samples[i].failed)
            end = fmax(end, (double) (step->samples[i].at_ns + step->samples[i].span_ns) / 1e9);
    return end;
}

static double most_rate(const load_step *step)
{
    double most = 0;
    for (size_t i = 0; i < step->sample_count; i++) {
        const load_sample *s = &step->samples[i];
        if (!load_chart_measured(s) || s->span_ns <= 0)
            continue;
        most = fmax(most, s->offered);
        most = fmax(most, (double) (s->succeeded + s->rejected + s->failed) * 1e9 / (double) s->span_ns);
    }
    return most;
}

load_scale load_chart_scale(const load_step *const *steps, unsigned count)
{
    double seconds = 0, running = 1, queue = 0, low = INFINITY, high = 0, rate = 0, sending = 0;
    load_scale scale = {.queued = false};
    for (unsigned i = 0; i < count; i++) {
        const load_tasks *tasks = &steps[i]->tasks;
        seconds = fmax(seconds, seconds_of(steps[i]));
        running = fmax(running, tasks->lanes[LOAD_BOTH_LANES].curve.peak);
        queue = fmax(queue, tasks->lanes[LOAD_BOTH_LANES].queue.peak);
        rate = fmax(rate, most_rate(steps[i]));
        sending = fmax(sending, sending_of(steps[i]));
        if (!answered(steps[i]))
            continue;
        low = fmin(low, (double) tdm_histogram_min(steps[i]->latency) / 1e9);
        high = fmax(high, (double) tdm_histogram_max(steps[i]->latency) / 1e9);
        if (tdm_histogram_count(steps[i]->uncorrected))
            low = fmin(low, (double) tdm_histogram_min(steps[i]->uncorrected) / 1e9);
    }
    scale.seconds = load_axis_linear(seconds * 1.04, 6, 1e-9, LOAD_AXIS_SECONDS, "seconds since the first request");
    scale.running = load_axis_linear(running * 1.1, 4, 1, LOAD_AXIS_NUMBER, "tasks running at once");
    scale.queue = load_axis_linear(queue * 1.1, 2, 1, LOAD_AXIS_NUMBER, "waiting");
    scale.sending = load_axis_linear(sending * 1.02, 6, 1e-9, LOAD_AXIS_SECONDS, NULL);
    scale.rate = load_axis_linear(rate * 1.1, 3, 1e-9, LOAD_AXIS_RATE, "replies a second");
    scale.queued = queue > 0;
    if (high > 0)
        scale.response = load_axis_log(fmax(low, 1e-9), fmax(high * 1.05, 1e-9), LOAD_AXIS_DURATION, "response");
    scale.share = load_axis_linear(high > 0 ? most_share(steps, count, &scale.response) * 1.15 : 1, 3, 1e-9,
                                   LOAD_AXIS_PERCENT, "of all requests");
    return scale;
}

/* ---- curves ---- */

typedef struct columns {
    double low[PLOT], high[PLOT];
    int first, last; /* columns in use */
} columns;

static int column_of(const load_plot *plot, int64_t at_ns)
{
    int column = (int) (load_plot_x(plot, (double) at_ns / 1e9) - LEFT);
    return column < PLOT ? column : PLOT - 1;
}

static void fill_columns(columns *c, const load_curve *curve, const load_plot *plot)
{
    c->first = column_of(plot, curve->points[0].at_ns);
    c->last = column_of(plot, curve->points[curve->count - 1].at_ns);
    for (int x = 0; x < PLOT; x++) {
        c->low[x] = INFINITY;
        c->high[x] = 0;
    }
    for (size_t i = 0; i + 1 < curve->count; i++) {
        int from = column_of(plot, curve->points[i].at_ns), to = column_of(plot, curve->points[i + 1].at_ns);
        for (int x = from; x <= to; x++) {
            c->low[x] = fmin(c->low[x], curve->points[i].running);
            c->high[x] = fmax(c->high[x], curve->points[i].running);
        }
    }
}

static void write_path(const load_plot *plot, const char *class, const char *lane, const columns *c,
                       const double *values)
{
    double y = load_plot_y(plot, 0);
    fprintf(plot->to, "<path class=\"%s %s\" d=\"M%d %.1f", class, lane, LEFT + c->first, y);
    for (int x = c->first; x <= c->last; x++) {
        if (x > c->first && values[x] == values[x - 1])
            continue;
        fprintf(plot->to, "H%dV%.1f", LEFT + x, load_plot_y(plot, isfinite(values[x]) ? values[x] : 0));
    }
    fprintf(plot->to, "H%dV%.1f\"/>\n", LEFT + c->last + 1, y);
}

static void write_curve(const load_plot *plot, const load_curve *curve, const char *lane)
{
    columns c;
    if (!curve->count)
        return;
    fill_columns(&c, curve, plot);
    write_path(plot, "area", lane, &c, c.high);
    write_path(plot, "area", lane, &c, c.low);
    write_path(plot, "line", lane, &c, c.high);
}

static void write_peak(const load_plot *plot, const load_curve *curve, const char *lane, const char *words)
{
    if (!curve->count)
        return;
    double x = load_plot_x(plot, (double) curve->peak_ns / 1e9), y = load_plot_y(plot, curve->peak);
    bool left = x > WIDTH - 150;
    fprintf(plot->to, "<g class=\"peak %s\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"/>", lane, x, y);
    fprintf(plot->to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s %s</text></g>\n", x + (left ? -7 : 7), y - 6,
            left ? "end" : "start", load_format_count(curve->peak).text, words);
}

void load_chart_multiplicity(FILE *to, const load_step *step, const load_scale *scale)
{
    const load_lane_figures *lanes = step->tasks.lanes;
    const load_plot plot = {.to = to,
                            .width = WIDTH,
                            .height = 270,
                            .left = LEFT,
                            .right = RIGHT,
                            .top = 26,
                            .bottom = 44,
                            .x = scale->seconds,
                            .y = scale->running};
    char words[60];
    load_plot_begin(&plot, "multiplicity", "%.100s, %u connections: tasks running at once over time, peak %u",
                    step->target->label, step->connections, lanes[LOAD_BOTH_LANES].curve.peak);
    load_plot_axes(&plot);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        write_curve(&plot, &lanes[lane].curve, load_lane_name((load_lane) lane));
    snprintf(words, sizeof words, "ideal end %.2f s", (double) step->tasks.ideal_ns / 1e9);
    load_plot_mark(&plot, "ideal", (double) step->tasks.ideal_ns / 1e9, 0, words);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        write_peak(&plot, &lanes[lane].curve, load_lane_name((load_lane) lane), "at once");
    load_plot_end(&plot);
}

void load_chart_queue(FILE *to, const load_step *step, const load_scale *scale)
{
    const load_lane_figures *lanes = step->tasks.lanes;
    load_plot plot = {.to = to,
                      .width = WIDTH,
                      .height = 96,
                      .left = LEFT,
                      .right = RIGHT,
                      .top = 18,
                      .bottom = 22,
                      .x = scale->seconds,
                      .y = scale->queue};
    if (!scale->queued)
        return;
    plot.x.title = NULL;
    load_plot_begin(&plot, "queue", "%.100s, %u connections: tasks ready and not started over time, at most %u",
                    step->target->label, step->connections, lanes[LOAD_BOTH_LANES].queue.peak);
    load_plot_axes(&plot);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        write_curve(&plot, &lanes[lane].queue, load_lane_name((load_lane) lane));
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        if (lanes[lane].queue.peak)
            write_peak(&plot, &lanes[lane].queue, load_lane_name((load_lane) lane), "waiting");
    load_plot_end(&plot);
}
