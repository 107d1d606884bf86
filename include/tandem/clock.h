/* SPDX-License-Identifier: MIT */
/** @file
 *  Time, from one seam. Every time stamp of the library is taken here. */
#ifndef TANDEM_CLOCK_H
#define TANDEM_CLOCK_H

#include <tandem/base.h>

TDM_BEGIN

#define TDM_NS_PER_S INT64_C(1000000000)

/** Monotonic time in nanoseconds since an arbitrary start (CLOCK_MONOTONIC). Any thread. */
TDM_API int64_t tdm_clock_ns(void);

/** Wall-clock time in nanoseconds since 1970-01-01 UTC (CLOCK_REALTIME). Any thread. */
TDM_API int64_t tdm_clock_wall_ns(void);

/** Seconds as nanoseconds: rounded to the nearest, and clamped to what int64_t holds. NaN and negative values give 0. */
TDM_API int64_t tdm_ns_from_s(double seconds);

/** Nanoseconds as seconds. */
TDM_API double tdm_s_from_ns(int64_t ns);

/** The kernel's id of the calling thread (gettid), cached. Any thread. */
TDM_API uint32_t tdm_thread_id(void);

TDM_END

#endif
