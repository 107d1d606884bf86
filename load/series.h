/* SPDX-License-Identifier: MIT */
/** @file
 *  A step over time, in slices. One owner; no locks. */
#ifndef LOAD_SERIES_H
#define LOAD_SERIES_H

#include "load/result.h"

/** A step keeps at most so many slices; then each two are joined. */
enum { LOAD_SAMPLES_MAX = 1200 };

typedef struct load_series {
    load_sample *items; /**< at_ns is the monotonic clock until load_series_finish() */
    size_t count;
    int64_t begun_ns, every_ns, ramp_ns;
    double rate;
    load_live last; /**< counts at the end of the last slice */
} load_series;

/** @return 0; -ENOMEM. */
int load_series_init(load_series *series, const load_step *step, int64_t now_ns);
/** Is a slice over? */
bool load_series_due(const load_series *series, int64_t now_ns);
/** End a slice: the counts so far, and the latencies within it. */
void load_series_add(load_series *series, const load_live *live, const tdm_histogram *window, int64_t now_ns);
/** At the end: what came after the last slice, if anything did. */
void load_series_add_rest(load_series *series, const load_live *live, const tdm_histogram *window, int64_t now_ns);
/** Hand the slices over to the step, as of its zero. The series is empty then. */
void load_series_finish(load_series *series, load_step *step);

#endif
