/* SPDX-License-Identifier: MIT */
/* Places: how many tasks there are, of how many there may be. */
#ifndef TANDEM_TASKS_PLACES_H
#define TANDEM_TASKS_PLACES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <tandem/executor.h>
#include <tandem/task.h>

struct tdm_pool;

/* How many tasks of a lane exist: created - gone, reservations and refusals in progress included, and the places that
 * loops keep for the rest of their turn. On lines of their own: they are often written by different threads. */
typedef struct tdm__tally {
    _Alignas(64) _Atomic uint64_t created;
    _Alignas(64) _Atomic uint64_t gone;
} tdm__tally;

/* How many places a loop takes at a time. 0: one by one. */
unsigned tdm__places_lot(unsigned max_loop_tasks, unsigned loops);

/* How many places there are for loop tasks. @param fiber: those that need a stack. */
unsigned tdm__places_limit(const tdm_executor *executor, bool fiber);
/* Take a place for a task. Any thread. @param pool where it will be queued, or NULL; `fiber`: it will need a stack.
 * @return 0; -EAGAIN: all are taken; -ESHUTDOWN: the executor is closed. */
int tdm__place_take(tdm_executor *executor, tdm_lane lane, struct tdm_pool *pool, bool fiber);
/* A task exists no more: give its place back, and let the drain know when it was the last. Any thread. */
void tdm__place_give(tdm_executor *executor, tdm_lane lane);
/* A turn of the loop is over: it keeps no place. On its thread. */
void tdm__places_end_turn(tdm_executor *executor, unsigned *kept);

#endif
