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
    _Alignas(64) _Atomic uint64_t now; /* written by other threads than what lies beside it */
    _Atomic uint64_t peak;
    bool exclusive; /* one thread at a time changes it, as where a lane has one shard: no need of atomic additions */
} tdm__gauge;

/* These three: any thread; of an exclusive one, the owner of the shard. */
void tdm__gauge_up(tdm__gauge *gauge);
void tdm__gauge_down(tdm__gauge *gauge);
/* A new window: the peak is what is now. */
void tdm__gauge_reset(tdm__gauge *gauge);

/* What has happened since the start. How many are queued or running follows from these, so each transition is one
 * store. Written by the owner; read by any thread: a loop that a task holds does not answer. */
typedef struct tdm__counts {
    _Atomic uint64_t accepted, started;
    _Atomic uint64_t unstarted; /* ended without having started */
    _Atomic uint64_t ended[TDM_STATES];
} tdm__counts;

typedef struct tdm__shard {
    tdm_lane lane;
    uint32_t thread;   /* of a loop's shard, once it has started a task: the loop's */
    tdm__gauge *gauge; /* of the lane */
    tdm__counts counts;
    tdm_totals before_window;             /* the lifetime totals when the window began */
    int64_t window_ns;                    /* when that was */
    int64_t last_end_ns;                  /* of the last that ended: they are told in this order */
    uint64_t ran_low, ran_high;           /* the ends less the starts of the window, as times in it; 128 bits, signed */
    tdm_histogram *queue_wait, *run_time; /* of the window */
    tdm__ledger ledger;
    _Atomic uint64_t arriving; /* accepted by other threads, and not yet taken in by the owner; any thread writes it */
} tdm__shard;

int tdm__shard_init(tdm__shard *shard, tdm_lane lane, tdm__gauge *gauge, size_t ledger_limit);
void tdm__shard_finish(tdm__shard *shard);

/* ---- transitions; the row's state, thread and times of start and end are set here ---- */

void tdm__shard_accept(tdm__shard *shard, tdm__row *row);
void tdm__shard_start(tdm__shard *shard, tdm__row *row, int64_t now_ns);
/* From queued or running to any end. */
void tdm__shard_end(tdm__shard *shard, tdm__row *row, tdm_state state, int64_t now_ns);

/* ---- reading ---- */

/* Both obey the law; `rejected` is 0. `carried` of the lifetime is 0. */
void tdm__shard_lifetime(const tdm__shard *shard, tdm_totals *out);
void tdm__shard_window(const tdm__shard *shard, tdm_totals *out);
/* How long the tasks ran in the window until `now_ns`, added up: the integral of multiplicity, in nanoseconds. */
double tdm__shard_ran_ns(const tdm__shard *shard, int64_t now_ns);
/* The lifetime totals, with what is arriving as queued: exact while the owner stands still. Any thread. */
void tdm__shard_peek(const tdm__shard *shard, tdm_totals *out);
uint64_t tdm__shard_unfinished(const tdm__shard *shard);
void tdm__shard_reset(tdm__shard *shard); /* a new window */

/* The sum of the shards of one lane. */
typedef struct tdm__lane_sum {
    tdm_totals window, lifetime;
    double ran_ns, window_s;
    tdm_histogram *queue_wait, *run_time;
} tdm__lane_sum;

int tdm__lane_sum_init(tdm__lane_sum *sum);
void tdm__lane_sum_finish(tdm__lane_sum *sum);
void tdm__lane_sum_add(tdm__lane_sum *sum, const tdm__shard *shard);
void tdm__summarize(const tdm_histogram *histogram, tdm_summary *out);

/* The histogram that all durations of the executor are kept in: to one hour, two digits. @return 0; -ENOMEM. */
int tdm__durations_create(tdm_histogram **out);

#endif
