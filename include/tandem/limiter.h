/* SPDX-License-Identifier: MIT */
/** @file
 *  A limiter: at most so many at once, at most so many starts a second, or both. First in, first out, for tasks of
 *  both lanes and any thread. A waiter that is cancelled, or whose time is over, gives its turn to the next.
 *
 *  Starts are spaced evenly: after one, the next comes 1 / per_second later, or later still. So never more than
 *  `per_second` start in any second, and a limiter that was idle does not make up for it, unless a burst is named: with
 *  `burst` b, that many start at once after a pause, and at most per_second + b - 1 in any second. A start is the moment at
 *  which the acquiring call lets its caller go.
 *
 *  All calls: any thread, either lane. A loop's thread outside any fiber may start where nothing stands in its way. */
#ifndef TANDEM_LIMITER_H
#define TANDEM_LIMITER_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_limiter tdm_limiter;

/** The shortest and the longest time between two starts: per_second from one in about 31 years to 10^9. */
#define TDM_LIMITER_MAX_INTERVAL 1e9
#define TDM_LIMITER_MIN_INTERVAL 1e-9

/** The most starts that a burst may have. */
#define TDM_LIMITER_MAX_BURST 1000000

typedef struct tdm_limiter_options {
    double per_second; /**< most starts a second; 0: no limit */
    unsigned at_once;  /**< most that may be between acquire and release; 0: no limit */
    unsigned burst;    /**< starts that may come at once after a pause; 0: 1. Wants per_second */
} tdm_limiter_options;

/** @return 0; -EINVAL: neither limit, a rate that is negative, NaN or outside the intervals above, a burst without a rate
 *  or past TDM_LIMITER_MAX_BURST; -ENOMEM. */
TDM_API int tdm_limiter_create(tdm_limiter **out, const tdm_limiter_options *options);

/** Nobody may wait for it. NULL is accepted; *limiter becomes NULL. */
TDM_API void tdm_limiter_destroy(tdm_limiter **limiter);

/** Wait for leave to start. @return 0: go, and call tdm_limiter_release() afterwards. Else as in tandem/wait.h, and
 *  nothing was taken. */
TDM_API int tdm_limiter_acquire(tdm_limiter *limiter);

/** The same, waiting no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_limiter_acquire_for(tdm_limiter *limiter, double seconds);

/** Start if nothing stands in the way, those who wait included. Never waits. @return 0; -EAGAIN. */
TDM_API int tdm_limiter_try_acquire(tdm_limiter *limiter);

/** What was started has ended. From anywhere; never waits. Without `at_once` it does nothing and may be left out.
 *  @return 0; -EOVERFLOW: nothing was running. */
TDM_API int tdm_limiter_release(tdm_limiter *limiter);

/** tdm_limiter_acquire(), `run(arg)`, tdm_limiter_release(). @return what `run` returned, or why it did not run. */
TDM_API int tdm_limiter_run(tdm_limiter *limiter, int (*run)(void *arg), void *arg);

/** For figures and tests, true for a moment: how many run (0 without `at_once`), how many callers wait. */
TDM_API unsigned tdm_limiter_running(tdm_limiter *limiter);
TDM_API unsigned tdm_limiter_waiting(tdm_limiter *limiter);

TDM_END

#endif
