/* SPDX-License-Identifier: MIT */
/** @file
 *  Names for the figures of a step, as --check and compare use them. A name is a place in the JSON report (below one of
 *  its steps), or a short form of one. Pure. */
#ifndef LOAD_METRIC_H
#define LOAD_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <tandem/json.h>

#include "load/format.h"

typedef enum load_unit {
    LOAD_UNIT_COUNT,   /**< a number of things */
    LOAD_UNIT_SECONDS, /**< a duration */
    LOAD_UNIT_RATE,    /**< things a second */
    LOAD_UNIT_SHARE,   /**< a part of a whole, 0 … 1 */
} load_unit;

typedef enum load_better { LOAD_BETTER_NEITHER, LOAD_BETTER_LOWER, LOAD_BETTER_HIGHER } load_better;

typedef struct load_metric {
    char path[64]; /**< members, with dots: "tasks.multiplicity.both.peak" */
    load_unit unit;
    load_better better;
} load_metric;

/** "p99", "latency.p99", "lost", "multiplicity.peak", "tasks.multiplicity.pool.peak", …
 *  @return 0; -ENOENT: there is no such figure. */
int load_metric_find(load_metric *metric, const char *name, size_t size);
/** Its value in a step of a report; NULL if it is not there. */
const tdm_json *load_metric_value(const load_metric *metric, const tdm_json *step);
/** Is it known, and how much? */
bool load_metric_number(const load_metric *metric, const tdm_json *step, double *value);

/** A value with its unit, as a person reads it: "12.3 ms", "1,000", "9.54 k/s", "2.5 %". */
load_text load_metric_text(load_unit unit, double value);
/** Read one: "20ms", "1.5s", "10k", "10k/s", "1%"; a duration must say its unit (0 need not).
 *  @param why where what would be right goes on an error (a literal). @return 0; -EINVAL. */
int load_metric_read(load_unit unit, const char *text, double *value, const char **why);

/** Every name, for the help. */
void load_metric_list(FILE *to);

#endif
