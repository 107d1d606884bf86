/* SPDX-License-Identifier: MIT */
/* DESIGN: a step's replies a second, slice by slice, so that a stall or a slow start is seen that an average hides.
 * What the plan asked for in an open loop is a dashed line. */
#include "load/chart.h"

#include <string.h>

enum { WIDTH = 560, LEFT = 66, RIGHT = 14 };

static double rate_of(const load_sample *sample)
{
    double answered = (double) (sample->succeeded + sample->rejected + sample->failed);
    return sample->span_ns > 0 ? answered * 1e9 / (double) sample->span_ns : 0;
}

static double offered_of(const load_sample *sample)
{
    return sample->offered;
}

/* A step line through every slice from zero on. */
static void write_line(const load_plot *plot, const load_step *step, const char *class,
                       double (*value)(const load_sample *sample))
{
    bool begun = false;
    fprintf(plot->to, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < step->sample_count; i++) {
        const load_sample *s = &step->samples[i];
        double from = (double) s->at_ns / 1e9, end = (double) (s->at_ns + s->span_ns) / 1e9;
        if (!load_chart_measured(s))
            continue;
        if (!begun)
            fprintf(plot->to, "M%.1f %.1f", load_plot_x(plot, from), load_plot_y(plot, value(s)));
        fprintf(plot->to, "V%.1fH%.1f", load_plot_y(plot, value(s)), load_plot_x(plot, end));
        begun = true;
    }
    fputs("\"/>\n", plot->to);
}

bool load_chart_measured(const load_sample *sample)
{
    return sample->at_ns + sample->span_ns / 2 > 0;
}

bool load_chart_has_series(const load_step *step)
{
    unsigned slices = 0;
    for (size_t i = 0; i < step->sample_count; i++)
        slices += load_chart_measured(&step->samples[i]) && rate_of(&step->samples[i]) > 0;
    return slices >= LOAD_SERIES_LEAST;
}

void load_chart_series(FILE *to, const load_step *step, const load_scale *scale)
{
    char class[40];
    const load_plot plot = {.to = to,
                            .width = WIDTH,
                            .height = 150,
                            .left = LEFT,
                            .right = RIGHT,
                            .top = 14,
                            .bottom = 24,
                            .x = scale->sending,
                            .y = scale->rate};
    load_plot_begin(&plot, "series", "%.100s, %u connections: replies a second over time", step->target->label,
                    step->connections);
    load_plot_axes(&plot);
    if (step->loop == LOAD_LOOP_OPEN)
        write_line(&plot, step, "offered", offered_of);
    snprintf(class, sizeof class, "line %s", load_chart_class(step->target_index));
    write_line(&plot, step, class, rate_of);
    load_plot_end(&plot);
}
