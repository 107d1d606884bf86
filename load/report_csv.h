/* SPDX-License-Identifier: MIT */
/** @file
 *  Figures over time as CSV (RFC 4180): a line for each slice of each step. */
#ifndef LOAD_REPORT_CSV_H
#define LOAD_REPORT_CSV_H

#include <stdio.h>

#include "load/sweep.h"

/** @return 0. What the stream says of writing is the caller's to ask. */
int load_report_csv(FILE *to, const load_sweep *sweep);

/** One field; quoted where it must be. */
void load_csv_text(FILE *to, const char *text);

#endif
