/* SPDX-License-Identifier: MIT */
/* DESIGN: static SVG, so that the page needs no script and prints as it looks. A lane is an area under a step line, in
 * the lane's own colour (set by the page's style sheet, for light and dark). The ideal end is a dashed line: what lies
 * to its right is waiting. Labels keep clear of the edges by choosing their side. */
#include "load/chart.h"

#include <math.h>

#include "load/format.h"

enum { WIDTH = 560, HEIGHT = 270, LEFT = 66, RIGHT = 14, TOP = 26, BOTTOM = 44, PLOT = WIDTH - LEFT - RIGHT };

void load_html_text(FILE *to, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        case '\'':
            fputs("&#39;", to);
            break;
        default:
            fputc(*text, to);
        }
    }
}

/* A round distance (1, 2 or 5 times a power of ten) that divides `span` into about `parts`. */
static double round_tick(double span, double parts, double least)
{
    double raw = span / parts;
    double power = pow(10, floor(log10(raw)));
    double unit = raw / power;
    double tick = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 5 ? 5 : 10) * power;
    return tick < least ? least : tick;
}

load_scale load_chart_scale(const load_step *const *steps, unsigned count)
{
    double seconds = 0, running = 1;
    for (unsigned i = 0; i < count; i++) {
        const load_tasks *tasks = &steps[i]->tasks;
        if (!load_step_has_runs(steps[i]))
            continue;
        seconds = fmax(seconds, fmax((double) tasks->elapsed_ns, (double) tasks->ideal_ns) / 1e9);
        running = fmax(running, tasks->lanes[LOAD_BOTH_LANES].curve.peak);
    }
    load_scale scale = {.seconds = seconds > 0 ? seconds * 1.04 : 1, .running = running * 1.1};
    scale.seconds_tick = round_tick(scale.seconds, 6, 1e-9);
    scale.running_tick = round_tick(scale.running, 4, 1);
    return scale;
}

static double x_of(const load_scale *scale, double seconds)
{
    double share = seconds / scale->seconds;
    return LEFT + (share < 0 ? 0 : share > 1 ? 1 : share) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const load_scale *scale, double running)
{
    return HEIGHT - BOTTOM - running / scale->running * (HEIGHT - TOP - BOTTOM);
}

static void write_axes(FILE *to, const load_scale *scale)
{
    int decimals = scale->seconds_tick >= 1 ? 0 : (int) ceil(-log10(scale->seconds_tick) - 1e-9);
    fputs("<g class=\"grid\">", to);
    for (double v = 0; v <= scale->running; v += scale->running_tick)
        fprintf(to, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, y_of(scale, v),
                y_of(scale, v));
    fputs("</g><g class=\"ticks\">", to);
    for (double v = 0; v <= scale->running; v += scale->running_tick)
        fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 7, y_of(scale, v) + 4,
                load_format_count((uint64_t) v).text);
    for (double v = 0; v <= scale->seconds; v += scale->seconds_tick)
        fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.*f</text>", x_of(scale, v),
                HEIGHT - BOTTOM + 17, decimals, v);
    fprintf(
        to,
        "</g><g class=\"titles\"><text x=\"%d\" y=\"%d\" text-anchor=\"end\">seconds since the first request</text>",
        WIDTH - RIGHT, HEIGHT - 9);
    fprintf(
        to,
        "<text transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">tasks running at once</text></g>\n",
        (TOP + HEIGHT - BOTTOM) / 2);
}

/* What a lane did within each column of pixels: a gap of microseconds must neither vanish nor be drawn as wide as a
 * line, so a column knows the least and the most of what happened in it. */
typedef struct columns {
    double low[PLOT], high[PLOT];
    int first, last; /* columns in use */
} columns;

static int column_of(const load_scale *scale, int64_t at_ns)
{
    int column = (int) (x_of(scale, (double) at_ns / 1e9) - LEFT);
    return column < PLOT ? column : PLOT - 1;
}

static void fill_columns(columns *c, const load_curve *curve, const load_scale *scale)
{
    c->first = column_of(scale, curve->points[0].at_ns);
    c->last = column_of(scale, curve->points[curve->count - 1].at_ns);
    for (int x = 0; x < PLOT; x++) {
        c->low[x] = INFINITY;
        c->high[x] = 0;
    }
    for (size_t i = 0; i + 1 < curve->count; i++) {
        int from = column_of(scale, curve->points[i].at_ns), to = column_of(scale, curve->points[i + 1].at_ns);
        for (int x = from; x <= to; x++) {
            c->low[x] = fmin(c->low[x], curve->points[i].running);
            c->high[x] = fmax(c->high[x], curve->points[i].running);
        }
    }
}

static void write_path(FILE *to, const char *class, const char *lane, const columns *c, const double *values,
                       const load_scale *scale)
{
    double y = y_of(scale, 0);
    fprintf(to, "<path class=\"%s %s\" d=\"M%d %.1f", class, lane, LEFT + c->first, y);
    for (int x = c->first; x <= c->last; x++) {
        if (x > c->first && values[x] == values[x - 1])
            continue;
        fprintf(to, "H%dV%.1f", LEFT + x, y_of(scale, values[x]));
    }
    fprintf(to, "H%dV%.1f\"/>\n", LEFT + c->last + 1, y);
}

static void write_lane(FILE *to, const load_curve *curve, const char *lane, const load_scale *scale)
{
    columns c;
    if (!curve->count)
        return;
    fill_columns(&c, curve, scale);
    write_path(to, "area", lane, &c, c.high, scale);
    write_path(to, "area", lane, &c, c.low, scale);
    write_path(to, "line", lane, &c, c.high, scale);
}

static void write_ideal(FILE *to, const load_step *step, const load_scale *scale)
{
    double x = x_of(scale, (double) step->tasks.ideal_ns / 1e9);
    bool left = x > WIDTH - RIGHT - 110;
    fprintf(to, "<g class=\"ideal\"><line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x, x, TOP - 4,
            HEIGHT - BOTTOM);
    fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">ideal end %.2f s</text></g>\n", x + (left ? -5 : 5),
            TOP - 12, left ? "end" : "start", (double) step->tasks.ideal_ns / 1e9);
}

static void write_peak(FILE *to, const load_curve *curve, const char *lane, const load_scale *scale)
{
    if (!curve->count)
        return;
    double x = x_of(scale, (double) curve->peak_ns / 1e9), y = y_of(scale, curve->peak);
    bool left = x > WIDTH - 150;
    fprintf(to, "<g class=\"peak %s\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"/>", lane, x, y);
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s at once</text></g>\n", x + (left ? -7 : 7), y - 6,
            left ? "end" : "start", load_format_count(curve->peak).text);
}

void load_chart_write(FILE *to, const load_step *step, const load_scale *scale)
{
    const load_lane_figures *lanes = step->tasks.lanes;
    fprintf(to, "<svg viewBox=\"0 0 %d %d\" role=\"img\"><title>", WIDTH, HEIGHT);
    load_html_text(to, step->target->label);
    fprintf(to, ", %u connections: tasks running at once over time, peak %u</title>\n", step->connections,
            lanes[LOAD_BOTH_LANES].curve.peak);
    write_axes(to, scale);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        write_lane(to, &lanes[lane].curve, load_lane_name((load_lane) lane), scale);
    write_ideal(to, step, scale);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        write_peak(to, &lanes[lane].curve, load_lane_name((load_lane) lane), scale);
    fprintf(to, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/></svg>\n", LEFT, WIDTH - RIGHT,
            HEIGHT - BOTTOM, HEIGHT - BOTTOM);
}
