/* SPDX-License-Identifier: MIT */
/** @file
 *  The closed loop: many connections, each with one request at a time. Runs on one event loop; no locks. */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "load/link.h"
#include "load/result.h"

typedef struct load_engine load_engine;

typedef struct load_engine_limits {
    int64_t timeout_ns; /**< for one request */
} load_engine_limits;

/** An engine for one step; `shared` and `step` must outlive it. @return 0; -ENOMEM. */
int load_engine_create(load_engine **out, const load_link_shared *shared, const load_engine_limits *limits,
                       load_step *step);
/** Closes its connections. NULL is accepted; *engine becomes NULL. */
void load_engine_destroy(load_engine **engine);

/** Open every connection of the step. Begins; load_engine_busy() says when it is over. */
void load_engine_open(load_engine *engine);
/** Send, and go on until the plan is fulfilled. Begins; load_engine_busy() says when it is over. */
void load_engine_drive(load_engine *engine);
/** Is what was begun not over yet? When it is, the event loop was told to stop. */
bool load_engine_busy(const load_engine *engine);
/** Compare deadlines, reopen what waited. Call it every 20 ms or so. */
void load_engine_tick(load_engine *engine, int64_t now_ns);
/** Stop where it is; requests on their way are counted as unfinished. */
void load_engine_stop(load_engine *engine);
/** Out of memory on the way: 0 or -ENOMEM. */
int load_engine_error(const load_engine *engine);

#endif
