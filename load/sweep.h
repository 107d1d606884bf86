/* SPDX-License-Identifier: MIT */
/** @file
 *  Run a plan: every step of every target, one after another, on one event loop. */
#ifndef LOAD_SWEEP_H
#define LOAD_SWEEP_H

#include <stdio.h>

#include "load/plan.h"
#include "load/result.h"

/** What a caller may want to hear; any may be NULL. Called on the thread of load_sweep_run(), but for `log`. */
typedef struct load_sweep_calls {
    void (*begun)(void *arg, const load_step *step); /**< before a step */
    void (*tick)(void *arg, const load_live *live);  /**< every 50 ms or so while it runs */
    void (*ended)(void *arg, const load_step *step); /**< after it; its figures are complete */
    /** Requests that ended, a few thousand at a time, in no order. On any load thread, never on two at once; the
     *  measuring of that thread waits meanwhile. All of a step's are told before `ended`. */
    void (*log)(void *arg, const load_step *step, const load_record *records, size_t count);
} load_sweep_calls;

/** Run it all. SIGINT and SIGTERM stop it early; a second one ends the process.
 *  @return 0: see the sweep for what happened; -ENOMEM, or another errno of the event loop. */
int load_sweep_run(load_sweep *sweep, const load_plan *plan, const load_sweep_calls *calls, void *arg);
void load_sweep_finish(load_sweep *sweep);

/** Was anything lost, failed, or not seen to its end? */
bool load_sweep_failed(const load_sweep *sweep);
/** Was the generator the bottleneck in any step? */
bool load_sweep_invalid(const load_sweep *sweep);
/** 0, 1, 3 or 4, as documented. */
int load_sweep_status(const load_sweep *sweep);

#endif
