/* SPDX-License-Identifier: MIT */
/* A pool: a named, bounded set of worker threads with one queue. A worker takes one execution at a time. */
#ifndef TANDEM_TASKS_POOL_H
#define TANDEM_TASKS_POOL_H

#include "tasks/exec.h"
#include "tasks/shard.h"

typedef struct tdm__pool tdm__pool;

/* Start all workers. @param name a literal; threads are called tdm-NAME-N. @return 0; -ENOMEM; -EAGAIN. */
int tdm__pool_create(tdm__pool **out, const char *name, unsigned workers, unsigned limit, unsigned ledger,
                     tdm__gauge *gauge);
/* Stop the workers and free the pool. Nothing may be queued or running. NULL is accepted. */
void tdm__pool_destroy(tdm__pool **pool);

/* Take a place for one more that is accepted and not yet started. Any thread. @return false: the pool is full. */
bool tdm__pool_reserve(tdm__pool *pool);
void tdm__pool_unreserve(tdm__pool *pool);

/* The pool's lock guards its queue, its workers' state and its shard. Lock order: docs/threads.md. Any thread. */
void tdm__pool_lock(tdm__pool *pool);
void tdm__pool_unlock(tdm__pool *pool);

/* With the lock held: */
void tdm__pool_push(tdm__pool *pool, tdm__exec *exec);   /* to the end of the queue; wakes a worker if one is idle */
void tdm__pool_remove(tdm__pool *pool, tdm__exec *exec); /* from anywhere in the queue */
tdm__shard *tdm__pool_shard(tdm__pool *pool);
void tdm__pool_stats(tdm__pool *pool, tdm_pool_stats *out);
void tdm__pool_reset(tdm__pool *pool); /* a new window, its shard's included */

#endif
