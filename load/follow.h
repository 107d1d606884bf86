/* SPDX-License-Identifier: MIT */
/** @file
 *  Follow a step's background tasks to their end, by the server's list of ended tasks, on a connection of its own.
 *  One thread, that of its poll; no locks. */
#ifndef LOAD_FOLLOW_H
#define LOAD_FOLLOW_H

#include "load/link.h"
#include "load/result.h"

typedef struct load_follow load_follow;

/** For one step; `shared` and `step` must outlive it. @return 0; -ENOMEM. */
int load_follow_create(load_follow **out, const load_link_shared *shared, load_step *step);
/** NULL is accepted; *follow becomes NULL. */
void load_follow_destroy(load_follow **follow);

/** Ask for the place in the list from which on this step's tasks will end. Begins; when it is over either the list is
 *  read from now on, or the target has none. */
void load_follow_begin(load_follow *follow);
/** All replies of the step are in: go on until every promised task is accounted for, or the timeout. Begins. */
void load_follow_finish(load_follow *follow, int64_t timeout_ns);
/** After load_follow_begin(): does the target have a list of tasks? */
bool load_follow_has_list(const load_follow *follow);
/** Is what was begun not over yet? */
bool load_follow_busy(const load_follow *follow);
/** Compare deadlines, ask again when it is time. Call it every 20 ms or so. */
void load_follow_tick(load_follow *follow, int64_t now_ns);
/** Stop where it is. */
void load_follow_stop(load_follow *follow);

/** Tasks seen to end so far (after load_follow_finish() was called: of those that were promised). */
uint64_t load_follow_ended(const load_follow *follow);
/** Questions that were asked of the server so far. */
uint64_t load_follow_asked(const load_follow *follow);
/** When it is over: write what was found into the step, and compute its figures. @return 0; -ENOMEM. */
int load_follow_conclude(load_follow *follow);

#endif
