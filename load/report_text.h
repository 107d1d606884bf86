/* SPDX-License-Identifier: MIT */
/** @file
 *  The report on a terminal or in a pipe. */
#ifndef LOAD_REPORT_TEXT_H
#define LOAD_REPORT_TEXT_H

#include "load/sweep.h"

/** How the text may look. */
typedef struct load_look {
    bool colour;
} load_look;

/** One step, in full. */
void load_report_step(FILE *to, const load_step *step, const load_look *look);
/** All steps side by side, and the verdict. */
void load_report_table(FILE *to, const load_sweep *sweep, const load_look *look);

#endif
