/* SPDX-License-Identifier: MIT */
/** @file
 *  The charts of the page, as inline SVG. Pure. */
#ifndef LOAD_CHART_H
#define LOAD_CHART_H

#include <stdio.h>

#include "load/report_rounds.h"
#include "load/svg.h"

/** Axes that several charts share, so that they can be compared by eye. */
typedef struct load_scale {
    load_axis seconds;  /**< since the step's zero */
    load_axis running;  /**< multiplicity */
    load_axis queue;    /**< tasks ready and not started */
    load_axis response; /**< durations, logarithmic; `high` 0: no step has any */
    load_axis share;    /**< of the requests in one bin of a distribution */
    load_axis sending;  /**< the time in which requests were sent and answered */
    load_axis rate;     /**< replies a second over that */
    bool queued;        /**< some step's queue grew */
} load_scale;

/** Axes on which every one of these steps fits. */
load_scale load_chart_scale(const load_step *const *steps, unsigned count);

/** Multiplicity over time; and what waited, if any did. Of a step whose tasks ran. */
void load_chart_multiplicity(FILE *to, const load_step *step, const load_scale *scale);
void load_chart_queue(FILE *to, const load_step *step, const load_scale *scale);
/** Which thread ran which task when. Of a step whose tasks ran. */
void load_chart_swims(FILE *to, const load_step *step, const load_scale *scale);
/** How long the responses took: the share of each duration. Of a step with a response. */
void load_chart_responses(FILE *to, const load_step *step, const load_scale *scale);
/** Replies a second over time. Of a step in which replies came in at least LOAD_SERIES_LEAST slices. */
void load_chart_series(FILE *to, const load_step *step, const load_scale *scale);
bool load_chart_has_series(const load_step *step);
/** Is a slice more than warm-up? (The first begins just before the first request was sent.) */
bool load_chart_measured(const load_sample *sample);
enum { LOAD_SERIES_LEAST = 8 };

/** A figure over all levels, a line for each target, with the knees; `rounds` as of load_rounds_make().
 *  @return false: nothing was written, for the figure is not known at two levels. */
bool load_chart_levels(FILE *to, const load_sweep *sweep, const load_rounds *rounds, unsigned count,
                       load_round_figure figure);

/** Class of the n-th target's colour: "t0" … "t7", and from the start again. */
const char *load_chart_class(unsigned target_index);

/** The most slices of a distribution: a quarter of an octave each, nanoseconds to a week. */
enum { LOAD_BINS_MAX = 200 };
/** How many (of 1, all together) of a histogram's values lie in each bin of [low, high) that are `LOAD_BINS_PER_DECADE`
 *  to a decade. Made from percentiles, so that no more is claimed than the histogram keeps. @return bins. */
unsigned load_chart_bins(double *bins, const tdm_histogram *h, double low_s, double high_s);
enum { LOAD_BINS_PER_DECADE = 16, LOAD_BIN_QUANTILES = 400 };

#endif
