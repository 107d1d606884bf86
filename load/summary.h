/* SPDX-License-Identifier: MIT */
/** @file
 *  From rows to figures. Pure. */
#ifndef LOAD_SUMMARY_H
#define LOAD_SUMMARY_H

#include "load/result.h"

/** Fill the figures of `step->tasks` from the rows of its ended tasks (each promised, each once).
 *  The step's promises are settled. @return 0; -ENOMEM. */
int load_summarise(load_step *step, load_rows *rows);

/** The points a curve keeps. */
enum { LOAD_CURVE_POINTS = 600 };

#endif
