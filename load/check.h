/* SPDX-License-Identifier: MIT */
/** @file
 *  Thresholds: --check 'p99<20ms'. Pure but for what is written to `to`. */
#ifndef LOAD_CHECK_H
#define LOAD_CHECK_H

#include "load/metric.h"

typedef enum load_relation {
    LOAD_BELOW,
    LOAD_AT_MOST,
    LOAD_ABOVE,
    LOAD_AT_LEAST,
    LOAD_EQUAL,
    LOAD_UNEQUAL,
} load_relation;

/** FIGURE[LABEL@LEVEL] RELATION VALUE, where [LABEL@LEVEL], [LABEL] or [@LEVEL] picks steps; without it every step must
 *  pass. */
typedef struct load_check {
    const char *text; /**< as it was given; borrowed */
    load_metric metric;
    char label[128]; /**< "": of any label */
    char level[32];  /**< "": at any level; else as the report names it ("1000", "10000/s") */
    load_relation relation;
    double value;
} load_check;

enum { LOAD_CHECKS_MAX = 64 };

/** @param why one line on what is wrong and what would be right. @return 0; -EINVAL. */
int load_check_parse(load_check *check, const char *text, char *why, size_t why_size);

/** Hold a report against the checks, and say how each went, one line each. A figure that is not known, and a pick that
 *  fits no step, fail their check.
 *  @return how many checks failed. */
unsigned load_check_report(const load_check *checks, unsigned count, const tdm_json *report, FILE *to);

#endif
