/* SPDX-License-Identifier: MIT */
/* What the rooms of the executor share. */
#ifndef TANDEM_TASKS_EXECUTOR_H
#define TANDEM_TASKS_EXECUTOR_H

#include <pthread.h>
#include <stdatomic.h>

#include "tasks/loop.h"
#include "tasks/places.h"
#include "tasks/pool.h"
#include "tasks/round.h"
#include "tasks/shard.h"
#include "tasks/watch.h"
#include "tasks/watchdog.h"
#include <tandem/executor.h>

typedef enum tdm__pool_index { TDM__HANDLERS, TDM__BACKGROUND } tdm__pool_index; /* others follow */

/* Counts of handlers, written by any thread. */
typedef struct tdm__handler_counts {
    _Atomic uint64_t started, ended, failed, rejected, queued;
    tdm__gauge running;
} tdm__handler_counts;

struct tdm_executor {
    tdm__tally tallies[TDM_LANES];
    tdm_executor_options settings; /* constant after creation */
    int64_t start_ns;
    uint64_t epoch;                  /* tells this executor's cursors from others'; constant */
    tdm__loop *loops[TDM_MAX_LOOPS]; /* constant after creation */
    tdm__pool *pools[TDM_MAX_POOLS];
    _Atomic unsigned pool_count; /* the pools below are constant; raised under the lock */
    uint64_t stack_limit;        /* fibers that can have a guarded stack; constant */
    unsigned lot;                /* of places, that a loop takes at a time; constant */
    tdm__watch watch;            /* who waits for a task to end */
    _Atomic bool closing;  /* no new tasks. A task is counted (tallies) first: whoever closes sees all that got in */
    _Atomic bool dropping; /* what has not started never will */

    /* What is written often, each on a line of its own. */
    tdm__gauge gauges[TDM_LANES];
    _Alignas(64) _Atomic uint64_t next_id; /* the id that the next accepted task gets */
    _Atomic uint64_t rejected[TDM_LANES], rejected_before_window[TDM_LANES];
    _Atomic unsigned next_loop; /* for tasks spawned outside any loop */
    tdm__handler_counts handlers;

    /* The drain. */
    bool drained;       /* by the drain's thread */
    uint64_t abandoned; /* by the drain's thread: who may still use this memory */
    tdm__watchdog *watchdog;
    tdm__round round;     /* how the drain asks the loops */
    pthread_mutex_t lock; /* guards hurry, the wait for the last task, and the making of pools */
    tdm__cond quiet;
    bool hurry;
};

/* After a drain: tasks that have ended may still be on their way out of memory, and handlers on their way home. Wait for
 * them, if nothing was abandoned.
 * @return false: the memory of the executor is still in use. */
bool tdm__executor_settle(tdm_executor *executor);

/* Those who wait for the last task, or for the next end of one, need not wait any more. Any thread. */
void tdm__executor_say_finished(tdm_executor *executor);
/* Tasks that exist, reservations and places that loops keep included. Any thread. */
uint64_t tdm__executor_outstanding(tdm_executor *executor);
unsigned tdm__executor_pool_count(const tdm_executor *executor);
/* A handler has ended: let tdm__executor_settle() know. Any thread. */
void tdm__executor_handler_gone(tdm_executor *executor);
/* Is it closed, and nothing left that could end? Any thread. */
bool tdm__executor_is_finished(tdm_executor *executor);

/* ---- each shard in turn ---- */

/* Call `fn(shard, arg)` on the owner of each shard that holds tasks: the loops, then the
 * pools but `handlers`, whose are no tasks.
 * Waits as tdm__loop_call() does. @return 0; -EDEADLK: on a loop's thread outside a fiber. */
int tdm__executor_each_shard(tdm_executor *executor, void (*fn)(tdm__shard *shard, void *arg), void *arg);
/* May the calling thread ask every loop? Not a loop's thread outside a fiber, unless it is the only one to ask. */
bool tdm__executor_can_ask(const tdm_executor *executor);
unsigned tdm__executor_shard_count(const tdm_executor *executor);
enum { TDM__MAX_SHARDS = TDM_MAX_LOOPS + TDM_MAX_POOLS - 1 };

#endif
