/* SPDX-License-Identifier: MIT */
/** @file
 *  Run a plan: every step of every target, one after another, on one event loop. */
#ifndef LOAD_SESSION_H
#define LOAD_SESSION_H

#include <stdio.h>

#include "load/plan.h"
#include "load/step.h"

typedef struct load_session {
    const load_plan *plan;
    load_step *steps; /**< in the order they ran */
    unsigned step_count;
    bool interrupted;
    bool unreachable; /**< a target could not be reached, or did not answer as promised; `why` says which and how */
    char why[400];
} load_session;

/** Called before a step, every 20 ms or so while it runs, and after it. */
typedef struct load_session_calls {
    void (*begun)(void *arg, const load_step *step);
    void (*tick)(void *arg, const load_step *step, bool following, uint64_t ended, int64_t now_ns);
    void (*ended)(void *arg, const load_step *step);
} load_session_calls;

/** Run it all. SIGINT and SIGTERM stop it early; a second one has its usual effect.
 *  @return 0: see the session for what happened; -ENOMEM, or another errno of the event loop. */
int load_session_run(load_session *session, const load_plan *plan, const load_session_calls *calls, void *arg);
void load_session_finish(load_session *session);

/** Was anything lost, failed, or not seen to its end? */
bool load_session_failed(const load_session *session);
/** 0, 1 or 3, as documented. */
int load_session_status(const load_session *session);

#endif
