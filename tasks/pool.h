/* SPDX-License-Identifier: MIT */
/* A pool: a named, bounded set of worker threads with one queue. A worker takes one execution at a time. */
#ifndef TANDEM_TASKS_POOL_H
#define TANDEM_TASKS_POOL_H

#include "tasks/exec.h"
#include "tasks/shard.h"
#include <tandem/pool.h>

typedef struct tdm_pool tdm__pool;

typedef struct tdm__pool_settings {
    const char *name;
    unsigned min, max; /* workers */
    unsigned limit;    /* of the queue */
    unsigned ledger;
    int64_t idle_ns, stuck_ns;
    tdm__gauge *gauge;
} tdm__pool_settings;

/* Start the first workers; threads are called tdm-NAME-N. @return 0; -ENOMEM; -EAGAIN. */
int tdm__pool_create(tdm__pool **out, tdm_executor *executor, const tdm__pool_settings *settings);
/* Stop the workers. Nothing may be queued or running. */
void tdm__pool_stop(tdm__pool *pool);
/* Free a pool that was stopped, and to which no worker of another can bring work any more. NULL is accepted. */
void tdm__pool_destroy(tdm__pool **pool);

/* Take a place for one more that is accepted and not yet started. Any thread. @return false: the pool is full. */
bool tdm__pool_reserve(tdm__pool *pool);
/* Give it back unused. Any thread. */
void tdm__pool_unreserve(tdm__pool *pool);

/* Hand over what is to happen under the pool's lock: message->run is called there, soon, in the order of the posts, and
 * before anyone else who takes the lock looks. Never blocks on a worker, never fails. Any thread. */
void tdm__pool_post(tdm__pool *pool, tdm__message *message);
/* Call a worker if what was posted needs one. Any thread, without the lock. */
void tdm__pool_call_worker(tdm__pool *pool);

/* The pool's lock guards its queue, its workers' state and its shard. Taking it takes in what was posted. Lock order:
 * docs/threads.md. Any thread. */
void tdm__pool_lock(tdm__pool *pool);
void tdm__pool_unlock(tdm__pool *pool); /* wakes a worker, or starts one, if there is something for it to do */

/* With the lock held: */
void tdm__pool_push(tdm__pool *pool, tdm__exec *exec);   /* to the end of the queue */
void tdm__pool_remove(tdm__pool *pool, tdm__exec *exec); /* from anywhere in the queue */
void tdm__pool_started(tdm__pool *pool);                 /* the place of one that begins is given back */
void tdm__pool_detached(tdm__pool *pool, int more);      /* workers whose result nobody waits for any more: + or - */
tdm__shard *tdm__pool_shard(tdm__pool *pool);
void tdm__pool_stats(tdm__pool *pool, tdm_pool_stats *out);
void tdm__pool_reset(tdm__pool *pool); /* a new window, its shard's included */
/* Do all the workers that there can be run something of which `what` says yes? */
bool tdm__pool_all_run(tdm__pool *pool, bool (*what)(tdm__exec *exec, void *arg), void *arg);

/* How many executions on its workers join something, or lie beneath what they run. Guarded by the lock of join.c. */
unsigned *tdm__pool_joining(tdm__pool *pool);
unsigned tdm__pool_workers(const tdm__pool *pool); /* at most; any thread */

/* What that worker runs; NULL: nothing, or there is no such worker. Without the lock, for who makes sure that it stays. */
tdm__exec *tdm__pool_running(tdm__pool *pool, unsigned worker);

/* On a worker: run another execution of this pool, taken out of the queue, inside the one that runs. */
void tdm__pool_run_inside(tdm__pool *pool, tdm__exec *exec);
/* The pool whose worker is calling, or NULL. */
tdm__pool *tdm__pool_current(void);

tdm_executor *tdm__pool_executor(const tdm__pool *pool); /* any thread */
unsigned tdm__pool_limit(const tdm__pool *pool);         /* of its queue; any thread */
int64_t tdm__pool_stuck_ns(const tdm__pool *pool);       /* what holds a worker longer is reported; any thread */

/* ---- for the watchdog; any thread ---- */

typedef struct tdm__stuck {
    unsigned worker;
    uint32_t thread;
    const char *name;
    uint64_t id; /* 0: a handler */
    double seconds;
} tdm__stuck;

/* The next worker from `*from` on that has run the same thing for longer than the pool's limit and was not reported for
 * it. @return false: no more. */
bool tdm__pool_next_stuck(tdm__pool *pool, unsigned *from, tdm__stuck *out);

#endif
