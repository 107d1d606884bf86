/* SPDX-License-Identifier: MIT */
/** @file
 *  What the executor did: counts, multiplicity, and waiting and running times, in the current window and since the
 *  start.
 *
 *  At any moment, in every window and in every lane:
 *  carried + accepted = queued + running + done + failed + cancelled + timed_out + skipped + dropped + abandoned.
 *  A window begins at the start or with tdm_stats_reset(); `carried` is what was queued or running then. */
#ifndef TANDEM_STATS_H
#define TANDEM_STATS_H

#include <tandem/base.h>
#include <tandem/histogram.h>
#include <tandem/task.h>

TDM_BEGIN

/** Counts of tasks. `state[TDM_QUEUED]` and `state[TDM_RUNNING]` are what is so now; the others count ends. */
typedef struct tdm_totals {
    uint64_t carried, accepted, rejected;
    uint64_t state[TDM_STATES];
} tdm_totals;

/** Percentiles and extremes of a duration, in nanoseconds. All 0 when count is 0. */
typedef struct tdm_summary {
    uint64_t count;
    int64_t min, p50, p90, p99, p999, max;
    double mean;
} tdm_summary;

typedef struct tdm_lane_stats {
    tdm_totals window, lifetime;
    uint64_t peak;          /**< the most tasks that ran at once, in the window */
    double mean;            /**< time-weighted mean of how many ran at once, in the window */
    tdm_summary queue_wait; /**< from ready to started, of tasks started in the window */
    tdm_summary run_time;   /**< from started to ended, of tasks ended in the window */
} tdm_lane_stats;

typedef struct tdm_pool_stats {
    const char *name;
    unsigned workers; /**< threads at most */
    unsigned threads; /**< threads there are now: they come on demand and retire when idle */
    unsigned busy, idle;
    unsigned busy_detached; /**< of the busy ones, those whose caller did not wait for the end (tandem/offload.h) */
    uint64_t queue;         /**< waiting for a worker now */
    uint64_t reserved; /**< admitted and not yet started, followers in a sequence included: what queue_limit is about */
    uint64_t queue_limit;
    uint64_t queue_peak;    /**< the most that waited at once, in the window */
    uint64_t stuck;         /**< tasks that were reported for holding a thread, since the start */
    tdm_summary queue_wait; /**< of tasks (not handlers) started in the window */
    tdm_summary run_time;   /**< of tasks (not handlers) ended in the window */
} tdm_pool_stats;

typedef struct tdm_loop_stats {
    uint32_t thread; /**< the kernel's thread id */
    uint64_t turns;  /**< since the start; at the end of each it polls, or, if it has work left, of some */
    uint64_t fibers; /**< fibers alive now (handlers and tasks) */
    uint64_t stacks; /**< stacks made so far: the most fibers that were alive at once */
    uint64_t timers; /**< timers armed now */
    uint64_t tasks;  /**< unfinished tasks of this loop */
    uint64_t holds;  /**< times that something held the loop for longer than the limit, since the start */
} tdm_loop_stats;

/** Handlers of requests. They are not tasks and are counted apart. */
typedef struct tdm_handler_stats {
    uint64_t started, ended, failed,
        rejected; /**< since the start; failed: returned a negative errno; rejected: the pool's queue was full */
    uint64_t queued, running; /**< now */
    uint64_t peak;            /**< the most that ran at once, in the window */
    tdm_summary run_time;     /**< in the window */
} tdm_handler_stats;

typedef struct tdm_stats {
    double uptime, window; /**< seconds since the start; seconds since the window began */
    bool draining;
    tdm_lane_stats lanes[TDM_LANES];
    uint64_t max_loop_tasks; /**< the limit on unfinished loop tasks */
    tdm_handler_stats handlers;
    unsigned pool_count;
    tdm_pool_stats pools[16]; /**< handlers, background, and those of the service */
    unsigned loop_count;
    tdm_loop_stats loops[64];
} tdm_stats;

/** Fill *out with a snapshot. On a fiber it may yield, on another thread it may block, for as long as it takes each
 *  loop to come round. Each lane's numbers are exact and obey the law above.
 *  @return 0; -EDEADLK: on a loop's thread outside a fiber, unless that loop is the executor's only one; -ENOMEM. */
TDM_API int tdm_stats_get(tdm_executor *executor, tdm_stats *out);

/** Begin a new window. Waits like tdm_stats_get(). @return 0; -EDEADLK. */
TDM_API int tdm_stats_reset(tdm_executor *executor);

TDM_END

#endif
