/* SPDX-License-Identifier: MIT */
/** @file
 *  A plot as inline SVG: axes, and where a value lies on them. Pure. */
#ifndef LOAD_SVG_H
#define LOAD_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "load/format.h"

/** How an axis writes its values. */
typedef enum load_axis_form {
    LOAD_AXIS_NUMBER,   /**< 1,000 */
    LOAD_AXIS_SECONDS,  /**< 0.5: seconds, without a unit */
    LOAD_AXIS_DURATION, /**< 500 us */
    LOAD_AXIS_PERCENT,  /**< 50 %, of a share 0 … 1 */
    LOAD_AXIS_RATE,     /**< 10 k */
} load_axis_form;

typedef struct load_axis {
    double low, high;
    double tick; /**< distance of the marks; of a logarithmic axis unused */
    bool log;
    load_axis_form form;
    const char *title; /**< NULL: none */
} load_axis;

/** From 0 to `high` or a little more, with about `parts` marks at round values, not closer than `least`. */
load_axis load_axis_linear(double high, double parts, double least, load_axis_form form, const char *title);
/** Whole decades, or 1-2-5 steps of them, around low … high (both above 0). */
load_axis load_axis_log(double low, double high, load_axis_form form, const char *title);

/** What an axis writes at a value. */
load_text load_axis_mark(const load_axis *axis, double value);

typedef struct load_plot {
    FILE *to;
    int width, height, left, right, top, bottom; /**< the last four: margins */
    load_axis x, y;
} load_plot;

/** Where a value lies; what is beyond an axis lies at its end. */
double load_plot_x(const load_plot *plot, double value);
double load_plot_y(const load_plot *plot, double value);
/** <svg …> with a title for those who do not see it (format as for printf; escaped). */
void load_plot_begin(const load_plot *plot, const char *class, const char *title, ...)
    __attribute__((format(printf, 3, 4)));
/** Grid, marks and titles of both axes. */
void load_plot_axes(const load_plot *plot);
/** The line under the plot, and </svg>. */
void load_plot_end(const load_plot *plot);
/** An upright dashed line at x with words beside it at `row` (0: the top one), on the side where there is room. */
void load_plot_mark(const load_plot *plot, const char *class, double x, int row, const char *words);

/** Text for HTML: what has a meaning there is escaped. */
void load_html_text(FILE *to, const char *text);

#endif
