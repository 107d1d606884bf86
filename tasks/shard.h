/* SPDX-License-Identifier: MIT */
/* A shard: the tasks that live on one loop or in one pool, their rows and their counts.
 *
 * Each change of a task's state goes through here, so that the ledger, the counts and the law of conservation cannot
 * drift apart. Not thread-safe: a loop's shard belongs to its thread, a pool's to its lock. */
#ifndef TANDEM_TASKS_SHARD_H
#define TANDEM_TASKS_SHARD_H

#include <stdatomic.h>

#include "tasks/ledger.h"
#include <tandem/histogram.h>
#include <tandem/stats.h>

/* How many run at once in a lane, over all its shards; the one figure that shards share. */
typedef struct tdm__gauge {
    _Atomic uint64_t now, peak;
} tdm__gauge;

void tdm__gauge_up(tdm__gauge *gauge);
void tdm__gauge_down(tdm__gauge *gauge);
/* A new window: the peak is what is now. */
void tdm__gauge_reset(tdm__gauge *gauge);

/* The lifetime counts once more, for whoever cannot ask the owner: a loop that a task holds does not answer. */
typedef struct tdm__published {
    _Atomic uint64_t accepted, state[TDM_STATES];
    _Atomic uint64_t arriving; /* accepted by other threads, and not yet taken in by the owner; any thread writes it */
} tdm__published;

typedef struct tdm__shard {
    tdm_lane lane;
    tdm__gauge *gauge; /* of the lane */
    tdm__ledger ledger;
    tdm_totals lifetime, window; /* `window` counts what has come since the window began */
    int64_t window_ns;           /* when it began */
    int64_t changed_ns;          /* when the number of running tasks last changed */
    double running_ns;           /* integral of that number over the window, up to changed_ns */
    tdm_histogram *queue_wait, *run_time;
    tdm__published published; /* written by the owner, read by any thread */
} tdm__shard;

int tdm__shard_init(tdm__shard *shard, tdm_lane lane, tdm__gauge *gauge, size_t ledger_limit);
void tdm__shard_finish(tdm__shard *shard);

/* ---- transitions; info's times and thread are set here ---- */

void tdm__shard_accept(tdm__shard *shard, tdm__row *row);
void tdm__shard_start(tdm__shard *shard, tdm__row *row, int64_t now_ns);
/* From queued or running to any end. */
void tdm__shard_end(tdm__shard *shard, tdm__row *row, tdm_state state, int64_t now_ns);

/* ---- reading ---- */

/* The lifetime totals as published, with what is arriving as queued: exact while the owner stands still. Any thread. */
void tdm__shard_peek(const tdm__shard *shard, tdm_totals *out);
uint64_t tdm__shard_unfinished(const tdm__shard *shard);
void tdm__shard_reset(tdm__shard *shard);

/* The sum of the shards of one lane. */
typedef struct tdm__lane_sum {
    tdm_totals window, lifetime;
    double running_ns, window_s;
    tdm_histogram *queue_wait, *run_time;
} tdm__lane_sum;

int tdm__lane_sum_init(tdm__lane_sum *sum);
void tdm__lane_sum_finish(tdm__lane_sum *sum);
void tdm__lane_sum_add(tdm__lane_sum *sum, const tdm__shard *shard);
void tdm__summarize(const tdm_histogram *histogram, tdm_summary *out);

/* The histogram that all durations of the executor are kept in: to one hour, two digits. @return 0; -ENOMEM. */
int tdm__durations_create(tdm_histogram **out);

#endif
