/* SPDX-License-Identifier: MIT */
/** @file
 *  Multiplicity over time: how many tasks ran at once, or waited. One owner; no locks. */
#ifndef LOAD_CURVE_H
#define LOAD_CURVE_H

#include "load/rows.h"

/** From `at_ns` on, `running` tasks ran, until the next point. */
typedef struct load_point {
    int64_t at_ns;
    uint32_t running;
} load_point;

typedef struct load_curve {
    load_point *points;
    size_t count;
    uint32_t peak;
    int64_t peak_ns;           /**< when it was reached first */
    int64_t first_ns, last_ns; /**< first start, last end */
    double mean;               /**< time-weighted, from the first start to the last end */
} load_curve;

/** Which rows a curve counts: one lane, or both. */
#define LOAD_BOTH_LANES LOAD_LANE_COUNT

/** Count the rows that started and ended. A task that took no time counts for one nanosecond.
 *  @return 0 (a curve without points if there are none); -ENOMEM. */
int load_curve_make(load_curve *curve, const load_rows *rows, load_lane lane);
/** The same of tasks that wait: ready and not started (`running` counts them). A task that did not wait counts nothing.
 *  @return 0; -ENOMEM. */
int load_curve_make_queue(load_curve *curve, const load_rows *rows, load_lane lane);
/** Keep at most about `most` points: of each slice of time its first, highest, lowest and last, so that no peak and no
 *  gap is lost. @return 0; -ENOMEM (the curve is as before). */
int load_curve_thin(load_curve *curve, size_t most);
void load_curve_finish(load_curve *curve);

#endif
