/* SPDX-License-Identifier: MIT */
/** @file
 *  Figures of figures: what several rounds of the same measurement come to, and how two such rows compare. Pure. */
#ifndef LOAD_STAT_H
#define LOAD_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a row of values comes to. */
typedef struct load_stats {
    size_t count;
    double min, max, mean;
    double stddev;         /**< of the sample (n − 1); 0 for one value */
    double median, q1, q3; /**< between two values: on the line between them */
    size_t far_from_mean;  /**< values more than one stddev from the mean */
    size_t far_from_box;   /**< values more than 1.5 IQR below q1 or above q3 */
} load_stats;

/** A row of values, borrowed. */
typedef struct load_numbers {
    const double *items;
    size_t count;
} load_numbers;

/** One figure in relation to another. */
typedef struct load_ratio {
    double ratio;
    double low, high; /**< the interval of 95 %; both equal to `ratio` unless `known` */
    bool known;       /**< there were values enough for an interval: LOAD_RATIO_LEAST on both sides */
} load_ratio;

enum {
    LOAD_RATIO_LEAST = 3,       /**< fewer values say nothing of how much they scatter */
    LOAD_RATIO_RESAMPLES = 4000 /**< bootstrap rounds: the ends of the interval then move by less than they mean */
};

/** @return 0; -EINVAL: there is no value; -ENOMEM. */
int load_stats_make(load_stats *stats, load_numbers values);

/** Mean of `b` over mean of `a`, with a bootstrap interval. The same values give the same interval.
 *  @return 0; -EINVAL: a side has no value, or the mean of `a` is 0; -ENOMEM. */
int load_stats_ratio(load_ratio *ratio, load_numbers a, load_numbers b);

/** Mean of `b` over mean of `a` with the standard deviation that follows from both (as hyperfine prints it); `spread`
 *  is 0 where a side has one value. The mean of `a` must not be 0. */
double load_stats_relative(const load_stats *a, const load_stats *b, double *spread);

#endif
