/* SPDX-License-Identifier: MIT */
/** @file
 *  tandem-load compare A.json B.json: is B better than A, and is that more than chance? */
#ifndef LOAD_COMPARE_H
#define LOAD_COMPARE_H

#include "load/metric.h"
#include "load/report_text.h"

enum { LOAD_FIGURES_MAX = 64 };

/** What to compare, and when to fail. */
typedef struct load_comparison {
    load_metric metrics[LOAD_FIGURES_MAX];
    char names[LOAD_FIGURES_MAX][64];
    unsigned count;
    double tolerance; /**< a figure that is surely worse by more than this share fails; < 0: none does */
} load_comparison;

/** What was found, counted over all figures of all levels. */
typedef struct load_compared {
    unsigned better, worse, other; /**< surely; other: surely different, and neither is the better */
    unsigned alike;                /**< no difference was seen */
    unsigned untold;               /**< too few rounds to tell */
    unsigned failed;               /**< worse by more than the tolerance */
    unsigned unmatched;            /**< levels that only one of the two has */
    unsigned pairs;                /**< levels that both have */
} load_compared;

/** The figures that are compared unless others are named. */
void load_comparison_init(load_comparison *comparison);
/** One more. @return 0; -ENOENT: there is no such figure; -E2BIG: there are LOAD_FIGURES_MAX. */
int load_comparison_add(load_comparison *comparison, const char *name);

/** Compare two reports, and print a table for each level that both have and a verdict. @return 0; -ENOMEM. */
int load_compare_reports(FILE *to, const load_comparison *comparison, const tdm_json *a, const tdm_json *b,
                         const load_look *look, load_compared *found);

/** The subcommand. @return the exit status: 0; 1: a figure is worse by more than the tolerance; 2: wrong usage, or a
 *  file that is no report. */
int load_compare_main(int argc, char **argv);

#endif
