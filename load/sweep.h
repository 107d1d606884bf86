/* SPDX-License-Identifier: MIT */
/** @file
 *  Run a plan: every step of every target, one after another, on one event loop. */
#ifndef LOAD_SWEEP_H
#define LOAD_SWEEP_H

#include <stdio.h>

#include "load/plan.h"
#include "load/step.h"

typedef struct load_sweep {
    const load_plan *plan;
    load_step *steps; /**< in the order they ran */
    unsigned step_count;
    bool interrupted;
    bool unreachable; /**< a target could not be reached, or did not answer as promised; `why` says which and how */
    char why[400];
} load_sweep;

/** Called before a step, every 20 ms or so while it runs, and after it. */
typedef struct load_sweep_calls {
    void (*begun)(void *arg, const load_step *step);
    void (*tick)(void *arg, const load_step *step, bool following, uint64_t ended, int64_t now_ns);
    void (*ended)(void *arg, const load_step *step);
} load_sweep_calls;

/** Run it all. SIGINT and SIGTERM stop it early; a second one has its usual effect.
 *  @return 0: see the sweep for what happened; -ENOMEM, or another errno of the event loop. */
int load_sweep_run(load_sweep *sweep, const load_plan *plan, const load_sweep_calls *calls, void *arg);
void load_sweep_finish(load_sweep *sweep);

/** Was anything lost, failed, or not seen to its end? */
bool load_sweep_failed(const load_sweep *sweep);
/** 0, 1 or 3, as documented. */
int load_sweep_status(const load_sweep *sweep);

#endif
