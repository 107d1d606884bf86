/* SPDX-License-Identifier: MIT */
/** @file
 *  What repeated rounds come to, and how variants compare: in words and tables. */
#ifndef LOAD_REPORT_ROUNDS_H
#define LOAD_REPORT_ROUNDS_H

#include "load/stat.h"
#include "load/sweep.h"

/** A figure of a step that rounds are compared by. */
typedef enum load_round_figure {
    LOAD_ROUND_RESPONSE, /**< the median response, seconds */
    LOAD_ROUND_TAIL,     /**< the 99th percentile of the responses, seconds */
    LOAD_ROUND_RATE,     /**< complete replies a second */
    LOAD_ROUND_ELAPSED,  /**< first request to the last task's end, seconds */
    LOAD_ROUND_FIGURES
} load_round_figure;

/** The rounds of one target at one level. */
typedef struct load_rounds {
    const load_step *first;         /**< of them */
    unsigned count;                 /**< of rounds */
    bool known[LOAD_ROUND_FIGURES]; /**< every round knows it */
    load_stats figures[LOAD_ROUND_FIGURES];
} load_rounds;

/** Group the steps of a sweep. @param out malloc'ed. @return how many; -ENOMEM. */
int load_rounds_make(load_rounds **out, const load_sweep *sweep);

/** Tables of min, max, mean, stddev, median, IQR, outliers, OPS, rounds; nothing if there was one round.
 *  @param width the most columns of text; 0: any. */
void load_rounds_tables(FILE *to, const load_rounds *rounds, unsigned count, unsigned width);
/** One line for each pair of the first target at a level and another at the same; nothing for one target. */
void load_rounds_verdicts(FILE *to, const load_rounds *rounds, unsigned count);

#endif
