/* SPDX-License-Identifier: MIT */
/** @file
 *  Offloading: run a function that blocks, or computes for long, on a pool and wait for it: Python's `to_thread`.
 *
 *      int status;
 *      int err = tdm_offload(hash_password, &job, NULL, &status);    // the loop goes on meanwhile
 *
 *  The function is an ordinary task of the pool (tandem/pool.h), with a row in the ledger and the caller's context, and
 *  may wait as any task does. A thread cannot be stopped from outside: when the caller is asked to stop, or its time is
 *  over, the function is asked to stop too, and the caller is told when its thread is truly free. Who cannot wait that
 *  long abandons it: then the caller is told at once, and the thread counts as `busy_detached` until the function
 *  returns. A worker that offloads to its own pool runs the function itself if no other thread is quicker. */
#ifndef TANDEM_OFFLOAD_H
#define TANDEM_OFFLOAD_H

#include <tandem/base.h>
#include <tandem/pool.h>

TDM_BEGIN

typedef struct tdm_offload_options {
    tdm_executor *executor;  /**< NULL: that of the caller */
    tdm_pool *pool;          /**< NULL: `background` */
    const char *name;        /**< a literal; NULL: "offload" */
    bool abandon;            /**< do not wait for the end once the caller's wait is over */
    void (*drop)(void *arg); /**< called exactly once when the function has returned or never will, also after it was
                                 abandoned; not if it was refused: after -EAGAIN, -EINVAL and -ENOMEM `arg` is still the
                                 caller's. -ESHUTDOWN and -EDEADLK come before and after it was accepted, and only
                                 `drop` tells. NULL: nothing to free; with `abandon` the argument must then outlive
                                 the function */
} tdm_offload_options;

/** Run `run(task, arg)` on a thread of the pool, and wait until it has returned. On a fiber it yields, elsewhere it blocks.
 *  @param options NULL: all defaults. @param result what `run` returned; may be NULL.
 *  @return 0: it has run; -EAGAIN: the pool's queue is full; -ESHUTDOWN; -ENOMEM; -EINVAL: as tdm_spawn(); -EDEADLK: as
 *          tdm_join(). -ECANCELED, -ETIMEDOUT: the caller's wait was ended: `run` was taken out of the queue and never ran,
 *          or it was asked to stop and has returned (or, with `abandon`, goes on). -ECANCELED also: somebody cancelled the
 *          task before it began. */
TDM_API int tdm_offload(tdm_task_fn *run, void *arg, const tdm_offload_options *options, int *result);

TDM_END

#endif
