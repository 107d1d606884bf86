/* SPDX-License-Identifier: MIT */
/** @file
 *  One chart as inline SVG: multiplicity over time. Pure. */
#ifndef LOAD_CHART_H
#define LOAD_CHART_H

#include <stdio.h>

#include "load/result.h"

/** Scales that several charts share, so that they can be compared by eye. */
typedef struct load_scale {
    double seconds; /**< the time axis ends here */
    double running; /**< the multiplicity axis ends here */
    double seconds_tick, running_tick;
} load_scale;

/** A scale on which every one of these steps fits; steps without runs are skipped. */
load_scale load_chart_scale(const load_step *const *steps, unsigned count);
/** Write the chart of a step whose tasks ran. */
void load_chart_write(FILE *to, const load_step *step, const load_scale *scale);
/** Text for HTML: what has a meaning there is escaped. */
void load_html_text(FILE *to, const char *text);

#endif
