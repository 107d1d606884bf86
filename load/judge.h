/* SPDX-License-Identifier: MIT */
/** @file
 *  What a step, and a row of steps, comes to: was the generator the bottleneck, and where does the target stop keeping
 *  up? Pure. */
#ifndef LOAD_JUDGE_H
#define LOAD_JUDGE_H

#include "load/options.h"
#include "load/result.h"

/** A closed loop is judged by its CPU only if it sent for so long, an open one by its lag only from so many sends on:
 *  a burst is no sustained load. */
#define LOAD_JUDGE_SPAN_NS (INT64_C(1000) * 1000 * 1000)
enum { LOAD_JUDGE_SENDS = 100 };

/** Set `invalid` and say why. */
void load_judge_step(load_step *step, const load_options *options);
/** Look for the knee among the steps of one target in one round: those from index `first` to the last.
 *  @param knee is filled but for its target and round. */
void load_judge_knee(load_knee *knee, const load_sweep *sweep, unsigned first, const load_options *options);

#endif
