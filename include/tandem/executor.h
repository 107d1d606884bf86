/* SPDX-License-Identifier: MIT */
/** @file
 *  The executor: event-loop threads, the worker pools `handlers` and `background`, admission, and the drain.
 *  A process may have several; each is independent. A service that uses tdm_app gets one with it. */
#ifndef TANDEM_EXECUTOR_H
#define TANDEM_EXECUTOR_H

#include <tandem/base.h>
#include <tandem/stats.h>
#include <tandem/task.h>

TDM_BEGIN

typedef struct tdm_executor_options {
    unsigned loops;          /**< event-loop threads; 0: 1 */
    unsigned workers;        /**< threads of each of the two pools at most; 0: min(32, cores + 4) */
    unsigned queue;          /**< tasks accepted and not yet started, per pool; 0: 10,000 */
    unsigned max_loop_tasks; /**< unfinished loop tasks in all; 0: 100,000. Before Linux 6.13 only about half of
                                  vm.max_map_count (31,741 by default) of them can be fibers. A loop may keep a few
                                  places until its turn ends, which others miss: at most one in 32 (decision 0018) */
    unsigned ledger;         /**< ended tasks remembered by each loop and each pool; 0: 100,000 */
    unsigned turn_limit;     /**< fibers, messages and timers, each, that a loop takes in a turn; 0: 256 */
    unsigned min_workers;    /**< threads of each pool that are started at once and never retire; 0: 1 */
    double hold_limit;  /**< seconds after which whatever holds a loop is named in the log; 0: 0.1; below 0: never */
    double stuck_after; /**< seconds after which a task that holds a worker is named in the log; 0: 60 */
    bool debug;         /**< at the end, tell of handles that were never given up (tandem/join.h) */
} tdm_executor_options;

#define TDM_MAX_LOOPS 64
#define TDM_MAX_WORKERS 1024

/** Start the threads. @param options NULL: all defaults.
 *  @return 0; -EINVAL: loops or workers past TDM_MAX_…, or more `min_workers` than `workers`; -ENOMEM; -EAGAIN: a thread
 *          could not be started; or what the kernel said. On an error nothing is left running. */
TDM_API int tdm_executor_create(tdm_executor **out, const tdm_executor_options *options);

/** What the options came to, defaults resolved. Any thread. */
TDM_API const tdm_executor_options *tdm_executor_settings(const tdm_executor *executor);

typedef struct tdm_drain_options {
    double timeout; /**< seconds that accepted tasks may go on */
    double grace;   /**< seconds for cancelled tasks to end, after that */
} tdm_drain_options;

/** Refuse new tasks from now on: admission answers -ESHUTDOWN. Any thread. Idempotent. */
TDM_API void tdm_executor_close(tdm_executor *executor);

/** What a drain came to. */
typedef struct tdm_drain_report {
    tdm_totals lanes[TDM_LANES]; /**< lifetime totals: nothing is queued or running any more */
    uint64_t cancelled;          /**< of the cancelled ones, those that the drain stopped */
    unsigned stuck_loops;        /**< loops that did not answer, because a task or handler holds them: what was theirs
                                      counts as dropped or abandoned */
} tdm_drain_report;

/** The orderly stop: close, wait until every accepted task has ended or `timeout` is over; then drop what has not
 *  started, ask what runs to stop, and wait `grace`; what still runs then is abandoned. Call once, from a thread that is
 *  neither a loop nor a worker; tdm_executor_hurry() ends its waits early. It returns even if a task holds a loop.
 *  @param options NULL: all zero, nothing is waited for. @param out may be NULL.
 *  @return how many tasks were dropped or abandoned (0: all ended). */
TDM_API int tdm_executor_drain(tdm_executor *executor, const tdm_drain_options *options, tdm_drain_report *out);

/** Make a drain under way skip its waiting: drop and abandon at once. Any thread. */
TDM_API void tdm_executor_hurry(tdm_executor *executor);

/** End the threads and free everything. Drains without waiting first, if that was not done. NULL is accepted;
 *  *executor becomes NULL. Not to be called from a loop or a worker, nor while another thread is still in a call that
 *  was given this executor, such as tdm_spawn(), or that stops a task or cancels a group of it, nor while a task that
 *  one of its loops spawned in another executor has an `on_end` to come. Who wakes a task of it, by a semaphore say, may
 *  be still at it.
 *  If tasks were abandoned their threads still run, so what they use is not freed and the process should exit.
 *  @return 0; -EBUSY: abandoned tasks still run, and the memory was left to them. */
TDM_API int tdm_executor_destroy(tdm_executor **executor);

TDM_END

#endif
