/* SPDX-License-Identifier: MIT */
/** @file
 *  Pools: named, bounded sets of worker threads with a bounded queue.
 *
 *  Every executor has two, `handlers` and `background`, which never share threads: a burst of background work cannot make
 *  a handler wait. A service adds its own to keep kinds of work apart, as bulkheads:
 *
 *      tdm_pool *mail;
 *      tdm_pool_create(&mail, executor, &(tdm_pool_options){.name = "mail", .max_workers = 4, .queue = 1000});
 *      tdm_spawn(executor, &(tdm_task_spec){.name = "send", .run = send, .lane = TDM_POOL, .pool = mail}, NULL); */
#ifndef TANDEM_POOL_H
#define TANDEM_POOL_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

typedef struct tdm_pool tdm_pool;

typedef struct tdm_pool_options {
    const char *name; /**< required; must outlive the executor (a literal); its first five letters name the threads */
    unsigned max_workers; /**< threads at most; 0: min(32, cores + 4) */
    unsigned min_workers; /**< threads that are started at once and never retire; 0: 1. Others start when a task would
                               wait although the limit is not reached */
    double idle_timeout;  /**< seconds after which an idle thread above the minimum retires; 0: 10 */
    unsigned queue;       /**< tasks accepted and not yet started; 0: 10,000 */
    double stuck_after;   /**< seconds after which a running task is reported as holding its thread; 0: 60 */
} tdm_pool_options;

/** Pools of one executor at most, `handlers` and `background` included. */
#define TDM_MAX_POOLS 16

/** Make a pool of this executor and start its first threads. It lives as long as the executor. Any thread, before the
 *  executor is closed.
 *  @return 0; -EINVAL: no name, more than TDM_MAX_WORKERS, or more threads at least than at most; -EEXIST: there is one
 *          of this name; -ENOSPC: TDM_MAX_POOLS; -ESHUTDOWN; -EAGAIN: a thread could not be started; -ENOMEM. */
TDM_API int tdm_pool_create(tdm_pool **out, tdm_executor *executor, const tdm_pool_options *options);

/** The pool of that name; NULL: there is none. Any thread. */
TDM_API tdm_pool *tdm_pool_find(tdm_executor *executor, const char *name);
TDM_API const char *tdm_pool_name(const tdm_pool *pool);

TDM_END

#endif
