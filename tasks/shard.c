/* SPDX-License-Identifier: MIT */
/* DESIGN: the only code that changes a task's state, and thus the only code that counts. Lifetime totals never go
 * back; the window's are counted beside them. Multiplicity is integrated whenever the number of running tasks
 * changes, so its mean is exact and costs two additions. */
#include "tasks/shard.h"

#include <assert.h>
#include <errno.h>

#include <tandem/clock.h>

static void raise_peak(tdm__gauge *gauge, uint64_t now)
{
    uint64_t peak = atomic_load_explicit(&gauge->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&gauge->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        ;
}

void tdm__gauge_up(tdm__gauge *gauge)
{
    raise_peak(gauge, atomic_fetch_add_explicit(&gauge->now, 1, memory_order_relaxed) + 1);
}

void tdm__gauge_down(tdm__gauge *gauge)
{
    atomic_fetch_sub_explicit(&gauge->now, 1, memory_order_relaxed);
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
    *shard = (tdm__shard){.lane = lane, .gauge = gauge, .window_ns = now, .changed_ns = now};
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
    if (shard->ledger.buckets)
        tdm__ledger_finish(&shard->ledger);
    tdm_histogram_destroy(&shard->queue_wait);
    tdm_histogram_destroy(&shard->run_time);
}

/* ---- counting ---- */

static void publish(tdm__shard *shard, tdm_state state)
{
    atomic_store_explicit(&shard->published.state[state], shard->lifetime.state[state], memory_order_relaxed);
}

static void count(tdm__shard *shard, tdm_state state)
{
    shard->lifetime.state[state]++;
    shard->window.state[state]++;
    publish(shard, state);
}

static void uncount(tdm__shard *shard, tdm_state state)
{
    assert(shard->lifetime.state[state] && shard->window.state[state]);
    shard->lifetime.state[state]--;
    shard->window.state[state]--;
    publish(shard, state);
}

static bool totals_add_up(const tdm_totals *t)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < TDM_STATES; i++)
        sum += t->state[i];
    return t->carried + t->accepted == sum;
}

static void check_law(const tdm__shard *shard)
{
    assert(totals_add_up(&shard->window) && totals_add_up(&shard->lifetime));
}

static void integrate(tdm__shard *shard, int64_t now_ns)
{
    if (now_ns <= shard->changed_ns)
        return; /* time stamps of several workers may come a little out of order */
    shard->running_ns += (double) shard->window.state[TDM_RUNNING] * (double) (now_ns - shard->changed_ns);
    shard->changed_ns = now_ns;
}

void tdm__shard_accept(tdm__shard *shard, tdm__row *row)
{
    row->info.state = TDM_QUEUED;
    shard->lifetime.accepted++;
    shard->window.accepted++;
    atomic_store_explicit(&shard->published.accepted, shard->lifetime.accepted, memory_order_relaxed);
    count(shard, TDM_QUEUED);
    tdm__ledger_add(&shard->ledger, row);
}

void tdm__shard_start(tdm__shard *shard, tdm__row *row, int64_t now_ns)
{
    assert(row->info.state == TDM_QUEUED && row->info.ready_ns);
    if (now_ns < row->info.ready_ns)
        now_ns = row->info.ready_ns; /* the lane's clock was read before another thread made the task ready */
    integrate(shard, now_ns);
    uncount(shard, TDM_QUEUED);
    count(shard, TDM_RUNNING);
    row->info.state = TDM_RUNNING;
    row->info.thread = tdm_thread_id();
    row->info.started_ns = now_ns;
    tdm_histogram_record(shard->queue_wait, now_ns - row->info.ready_ns);
    tdm__gauge_up(shard->gauge);
}

void tdm__shard_end(tdm__shard *shard, tdm__row *row, tdm_state state, int64_t now_ns)
{
    assert(row->info.state <= TDM_RUNNING && state > TDM_RUNNING);
    integrate(shard, now_ns);
    uncount(shard, row->info.state);
    count(shard, state);
    if (row->info.state == TDM_RUNNING) {
        tdm__gauge_down(shard->gauge);
        tdm_histogram_record(shard->run_time, now_ns - row->info.started_ns);
    }
    row->info.state = state;
    row->info.ended_ns = now_ns;
    tdm__ledger_end(&shard->ledger, row);
    check_law(shard);
}

/* ---- reading ---- */

void tdm__shard_peek(const tdm__shard *shard, tdm_totals *out)
{
    *out = (tdm_totals){.accepted = atomic_load(&shard->published.accepted)};
    for (unsigned i = 0; i < TDM_STATES; i++)
        out->state[i] = atomic_load(&shard->published.state[i]);
    uint64_t arriving = atomic_load(&shard->published.arriving);
    out->accepted += arriving;
    out->state[TDM_QUEUED] += arriving;
}

uint64_t tdm__shard_unfinished(const tdm__shard *shard)
{
    return shard->lifetime.state[TDM_QUEUED] + shard->lifetime.state[TDM_RUNNING];
}

void tdm__shard_reset(tdm__shard *shard)
{
    tdm_totals *w = &shard->window;
    *w = (tdm_totals){.state = {[TDM_QUEUED] = w->state[TDM_QUEUED], [TDM_RUNNING] = w->state[TDM_RUNNING]}};
    w->carried = tdm__shard_unfinished(shard);
    shard->window_ns = shard->changed_ns = tdm_clock_ns();
    shard->running_ns = 0;
    tdm_histogram_reset(shard->queue_wait);
    tdm_histogram_reset(shard->run_time);
    check_law(shard);
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
    int64_t now = tdm_clock_ns();
    add_totals(&sum->window, &shard->window);
    add_totals(&sum->lifetime, &shard->lifetime);
    double since = now > shard->changed_ns ? (double) (now - shard->changed_ns) : 0;
    double window_s = tdm_s_from_ns(now - shard->window_ns);
    /* Each shard's mean is over its own window: they began within one message of each other. */
    sum->running_ns += shard->running_ns + since * (double) shard->window.state[TDM_RUNNING];
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
