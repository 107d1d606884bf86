/* SPDX-License-Identifier: MIT */
/** @file
 *  The report on a terminal or in a pipe. */
#ifndef LOAD_REPORT_TEXT_H
#define LOAD_REPORT_TEXT_H

#include "load/sweep.h"

/** How the text may look. */
typedef struct load_look {
    bool colour;
    unsigned columns; /**< of the terminal; 0: lines may be of any length */
} load_look;

#define LOAD_BOLD "\033[1m"
#define LOAD_RED "\033[31m"
#define LOAD_GREEN "\033[32m"
#define LOAD_DIM "\033[2m"
#define LOAD_PLAIN "\033[0m"

/** Of what goes to this stream. */
load_look load_look_at(FILE *to);
/** The code, or nothing where there is no colour. */
const char *load_paint(const load_look *look, const char *code);

/** One step, in full. */
void load_report_step(FILE *to, const load_step *step, const load_look *look);
/** All steps side by side, what rounds come to, the knees, and the verdict. */
void load_report_table(FILE *to, const load_sweep *sweep, const load_look *look);

#endif
