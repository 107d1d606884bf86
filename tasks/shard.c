/* SPDX-License-Identifier: MIT */
/* DESIGN: the only code that changes a task's state, and thus the only code that counts. What is counted are events:
 * accepted, started, ended. Each count has one writer and only goes up, so a transition is a load and a store, and any
 * thread may look. What is queued or running is a difference of counts, so the law holds by construction; that the
 * ledger says the same is asserted where the counts are read, not at every transition. A window is the difference of
 * two readings. The integral of multiplicity is the sum of the times of the window at which tasks ended, less the sum of
 * those at which they started, with every task that still runs ending now: exact, and one addition a transition. */
#include "tasks/shard.h"

#include <assert.h>
#include <errno.h>
#include <math.h>

#include <tandem/clock.h>

static void raise_peak(tdm__gauge *gauge, uint64_t now)
{
    uint64_t peak = atomic_load_explicit(&gauge->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&gauge->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        ;
}

static inline void rise(tdm__gauge *gauge)
{
    if (!gauge->exclusive) {
        raise_peak(gauge, atomic_fetch_add_explicit(&gauge->now, 1, memory_order_relaxed) + 1);
        return;
    }
    uint64_t now = atomic_load_explicit(&gauge->now, memory_order_relaxed) + 1;
    atomic_store_explicit(&gauge->now, now, memory_order_relaxed);
    if (now > atomic_load_explicit(&gauge->peak, memory_order_relaxed))
        atomic_store_explicit(&gauge->peak, now, memory_order_relaxed);
}

static inline void fall(tdm__gauge *gauge)
{
    if (gauge->exclusive)
        atomic_store_explicit(&gauge->now, atomic_load_explicit(&gauge->now, memory_order_relaxed) - 1,
                              memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&gauge->now, 1, memory_order_relaxed);
}

void tdm__gauge_up(tdm__gauge *gauge)
{
    rise(gauge);
}

void tdm__gauge_down(tdm__gauge *gauge)
{
    fall(gauge);
}

void tdm__gauge_reset(tdm__gauge *gauge)
{
    atomic_store(&gauge->peak, 0);
    raise_peak(gauge, atomic_load(&gauge->now)); /* after the store: what rose meanwhile counts */
}

int tdm__durations_create(tdm_histogram **out)
{
    return tdm_histogram_create(out, 3600 * TDM_NS_PER_S, 2);
}

int tdm__shard_init(tdm__shard *shard, tdm_lane lane, tdm__gauge *gauge, size_t ledger_limit)
{
    int64_t now = tdm_clock_ns();
    *shard = (tdm__shard){.lane = lane, .gauge = gauge, .window_ns = now};
    int err = tdm__ledger_init(&shard->ledger, ledger_limit);
    if (!err)
        err = tdm__durations_create(&shard->queue_wait);
    if (!err)
        err = tdm__durations_create(&shard->run_time);
    if (err)
        tdm__shard_finish(shard);
    return err;
}

void tdm__shard_finish(tdm__shard *shard)
{
    tdm__ledger_finish(&shard->ledger);
    tdm_histogram_destroy(&shard->queue_wait);
    tdm_histogram_destroy(&shard->run_time);
}

/* ---- counting ---- */

static void count(_Atomic uint64_t *count)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* A time of the window. Stamps may be a little older than the window: a loop reads its clock once a turn. */
static uint64_t time_of_window(const tdm__shard *shard, int64_t now_ns)
{
    return now_ns > shard->window_ns ? (uint64_t) (now_ns - shard->window_ns) : 0;
}

static void count_start(tdm__shard *shard, int64_t now_ns)
{
    shard->ran_high -= __builtin_sub_overflow(shard->ran_low, time_of_window(shard, now_ns), &shard->ran_low);
}

static void count_end(tdm__shard *shard, int64_t now_ns)
{
    shard->ran_high += __builtin_add_overflow(shard->ran_low, time_of_window(shard, now_ns), &shard->ran_low);
}

static uint32_t running_thread(tdm__shard *shard)
{
    if (shard->lane != TDM_LOOP)
        return tdm_thread_id();
    if (!shard->thread)
        shard->thread = tdm_thread_id();
    return shard->thread;
}

void tdm__shard_accept(tdm__shard *shard, tdm__row *row)
{
    row->state = TDM_QUEUED;
    count(&shard->counts.accepted);
    tdm__ledger_add(&shard->ledger, row);
}

void tdm__shard_start(tdm__shard *shard, tdm__row *row, int64_t now_ns)
{
    assert(row->state == TDM_QUEUED && row->ready_ns);
    if (now_ns < row->ready_ns)
        now_ns = row->ready_ns; /* the lane's clock was read before another thread made the task ready */
    count(&shard->counts.started);
    count_start(shard, now_ns);
    rise(shard->gauge);
    tdm_histogram_record(shard->queue_wait, now_ns - row->ready_ns);
    row->state = TDM_RUNNING;
    row->thread = running_thread(shard);
    row->started_ns = now_ns;
}

void tdm__shard_end(tdm__shard *shard, tdm__row *row, tdm_state state, int64_t now_ns)
{
    count(&shard->counts.ended[state]);
    if (row->state == TDM_RUNNING) {
        if (now_ns < row->started_ns)
            now_ns = row->started_ns; /* which another thread's clock may have moved */
        count_end(shard, now_ns);
        fall(shard->gauge);
        tdm_histogram_record(shard->run_time, now_ns - row->started_ns);
    } else {
        count(&shard->counts.unstarted);
    }
    if (now_ns < shard->last_end_ns)
        now_ns = shard->last_end_ns; /* a late stamp of another worker: ends are told in order of time */
    shard->last_end_ns = now_ns;
    tdm__ledger_end(&shard->ledger, row, state, now_ns);
}

/* ---- reading ---- */

/* @return how many have ended. */
static uint64_t read_counts(const tdm__shard *shard, tdm_totals *out)
{
    uint64_t accepted = atomic_load(&shard->counts.accepted), started = atomic_load(&shard->counts.started);
    uint64_t unstarted = atomic_load(&shard->counts.unstarted), ended = 0;
    *out = (tdm_totals){.accepted = accepted};
    for (unsigned i = 0; i < TDM_STATES; i++)
        ended += out->state[i] = atomic_load(&shard->counts.ended[i]);
    out->state[TDM_QUEUED] = accepted - started - unstarted;
    out->state[TDM_RUNNING] = started + unstarted - ended;
    return ended;
}

void tdm__shard_lifetime(const tdm__shard *shard, tdm_totals *out)
{
    uint64_t ended = read_counts(shard, out);
    assert(ended == shard->ledger.ring.ended);
    assert(out->state[TDM_QUEUED] + out->state[TDM_RUNNING] == shard->ledger.live_count);
    assert(out->state[TDM_QUEUED] <= shard->ledger.live_count);
}

void tdm__shard_window(const tdm__shard *shard, tdm_totals *out)
{
    const tdm_totals *before = &shard->before_window;
    tdm__shard_lifetime(shard, out);
    out->carried = before->state[TDM_QUEUED] + before->state[TDM_RUNNING];
    out->accepted -= before->accepted;
    for (unsigned i = TDM_RUNNING + 1; i < TDM_STATES; i++)
        out->state[i] -= before->state[i];
}

double tdm__shard_ran_ns(const tdm__shard *shard, int64_t now_ns)
{
    tdm_totals t;
    read_counts(shard, &t);
    long double ran = ldexpl((long double) (int64_t) shard->ran_high, 64) + (long double) shard->ran_low;
    ran += (long double) t.state[TDM_RUNNING] * (long double) time_of_window(shard, now_ns);
    return ran > 0 ? (double) ran : 0; /* a task that began in this turn began after a `now_ns` of the turn before */
}

void tdm__shard_peek(const tdm__shard *shard, tdm_totals *out)
{
    read_counts(shard, out);
    uint64_t arriving = atomic_load(&shard->arriving);
    out->accepted += arriving;
    out->state[TDM_QUEUED] += arriving;
}

uint64_t tdm__shard_unfinished(const tdm__shard *shard)
{
    return shard->ledger.live_count;
}

void tdm__shard_reset(tdm__shard *shard)
{
    tdm__shard_lifetime(shard, &shard->before_window);
    shard->window_ns = tdm_clock_ns();
    shard->ran_low = shard->ran_high = 0; /* what runs began with the window */
    tdm_histogram_reset(shard->queue_wait);
    tdm_histogram_reset(shard->run_time);
}

int tdm__lane_sum_init(tdm__lane_sum *sum)
{
    *sum = (tdm__lane_sum){0};
    int err = tdm__durations_create(&sum->queue_wait);
    if (!err)
        err = tdm__durations_create(&sum->run_time);
    if (err)
        tdm__lane_sum_finish(sum);
    return err;
}

void tdm__lane_sum_finish(tdm__lane_sum *sum)
{
    tdm_histogram_destroy(&sum->queue_wait);
    tdm_histogram_destroy(&sum->run_time);
}

static void add_totals(tdm_totals *into, const tdm_totals *from)
{
    into->carried += from->carried;
    into->accepted += from->accepted;
    for (unsigned i = 0; i < TDM_STATES; i++)
        into->state[i] += from->state[i];
}

void tdm__lane_sum_add(tdm__lane_sum *sum, const tdm__shard *shard)
{
    tdm_totals window, lifetime;
    tdm__shard_window(shard, &window);
    tdm__shard_lifetime(shard, &lifetime);
    add_totals(&sum->window, &window);
    add_totals(&sum->lifetime, &lifetime);
    int64_t now = tdm_clock_ns();
    double window_s = tdm_s_from_ns(now - shard->window_ns);
    /* Each shard's mean is over its own window: they began within one message of each other. */
    sum->ran_ns += tdm__shard_ran_ns(shard, now);
    if (window_s > sum->window_s)
        sum->window_s = window_s;
    int err = tdm_histogram_merge(sum->queue_wait, shard->queue_wait);
    assert(err == 0);
    err = tdm_histogram_merge(sum->run_time, shard->run_time);
    assert(err == 0);
}

void tdm__summarize(const tdm_histogram *h, tdm_summary *out)
{
    *out = (tdm_summary){.count = tdm_histogram_count(h)};
    if (!out->count)
        return;
    out->min = tdm_histogram_min(h);
    out->p50 = tdm_histogram_percentile(h, 50);
    out->p90 = tdm_histogram_percentile(h, 90);
    out->p99 = tdm_histogram_percentile(h, 99);
    out->p999 = tdm_histogram_percentile(h, 99.9);
    out->max = tdm_histogram_max(h);
    out->mean = tdm_histogram_mean(h);
}
