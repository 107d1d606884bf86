/* SPDX-License-Identifier: MIT */
/** @file
 *  The server's own figures while a step runs, from its GET /stats, on a connection of its own: how many tasks run and
 *  wait, how long its loops take to come round, and what it counted in all. One thread, that of its poll; no locks. */
#ifndef LOAD_VITALS_H
#define LOAD_VITALS_H

#include "load/link.h"
#include "load/result.h"

typedef struct load_vitals load_vitals;

/** For one step; `shared` and `step` must outlive it. @return 0; -ENOMEM. */
int load_vitals_create(load_vitals **out, const load_link_shared *shared, load_step *step);
/** NULL is accepted; *vitals becomes NULL. */
void load_vitals_destroy(load_vitals **vitals);

/** Ask for the counts from which the step begins. Begins; over when load_vitals_busy() says so. */
void load_vitals_begin(load_vitals *vitals);
/** Ask for the counts with which it ends. Begins. */
void load_vitals_finish(load_vitals *vitals);
bool load_vitals_busy(const load_vitals *vitals);
/** Ask again when it is time. Call it every 20 ms or so. */
void load_vitals_tick(load_vitals *vitals, int64_t now_ns);
/** Give up. */
void load_vitals_stop(load_vitals *vitals);

/** Tasks that run and wait now, or LOAD_UNKNOWN. */
void load_vitals_gauges(const load_vitals *vitals, int64_t running[LOAD_LANE_COUNT], int64_t queued[LOAD_LANE_COUNT]);
/** Write what the server counted into the step, whose tasks are concluded.
 *  @param others questions asked elsewhere while the step ran. @param warmup_tasks tasks of the warm-up. */
void load_vitals_conclude(const load_vitals *vitals, uint64_t others, uint64_t warmup_tasks);

#endif
