/* SPDX-License-Identifier: MIT */
/** @file
 *  A mergeable log-linear histogram of durations (or any non-negative integers).
 *
 *  Values are kept to a chosen number of significant decimal digits, so a percentile is off by less than one unit of
 *  its last kept digit. Recording never allocates and never fails. Percentiles of several threads come from merging
 *  their histograms, never from averaging percentiles.
 *  A histogram has one owner: calls on the same one must not overlap. */
#ifndef TANDEM_HISTOGRAM_H
#define TANDEM_HISTOGRAM_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_histogram tdm_histogram;

/** Make an empty histogram for values 0 … `max` (larger ones are counted as `max`, and in tdm_histogram_clipped()).
 *  @param digits significant decimal digits kept: 1, 2 or 3.
 *  @return 0; -EINVAL: digits or max out of range (max must be 1 … INT64_MAX); -ENOMEM. */
TDM_API int tdm_histogram_create(tdm_histogram **out, int64_t max, int digits);

/** Free it. NULL is accepted; *h becomes NULL. */
TDM_API void tdm_histogram_destroy(tdm_histogram **h);

/** Count one value (negative values count as 0). */
TDM_API void tdm_histogram_record(tdm_histogram *h, int64_t value);

/** Forget everything recorded. */
TDM_API void tdm_histogram_reset(tdm_histogram *h);

/** Add what `from` has counted to `into`. @return 0; -EINVAL: the two were not made with the same max and digits. */
TDM_API int tdm_histogram_merge(tdm_histogram *into, const tdm_histogram *from);

/** How many values were recorded, and how many of them were above the maximum. */
TDM_API uint64_t tdm_histogram_count(const tdm_histogram *h);
TDM_API uint64_t tdm_histogram_clipped(const tdm_histogram *h);

/** Smallest and largest recorded value (exact), and the mean (exact); 0 when nothing was recorded. */
TDM_API int64_t tdm_histogram_min(const tdm_histogram *h);
TDM_API int64_t tdm_histogram_max(const tdm_histogram *h);
TDM_API double tdm_histogram_mean(const tdm_histogram *h);

/** The value at `percentile` (0 … 100): the smallest kept value v such that at least that share of all recorded values
 *  is <= v; never above tdm_histogram_max(). 0 when nothing was recorded. */
TDM_API int64_t tdm_histogram_percentile(const tdm_histogram *h, double percentile);

TDM_END

#endif
