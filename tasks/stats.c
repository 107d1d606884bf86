/* SPDX-License-Identifier: MIT */
/* DESIGN: a snapshot is the sum of what each shard says on its own thread or under its own lock, so nothing is counted
 * twice and nothing needs a global lock. Each shard obeys the law of conservation at the moment it is asked, hence so
 * does their sum. */
#include <errno.h>

#include "tasks/executor.h"
#include "tasks/handler.h"
#include <tandem/clock.h>

typedef struct gathering {
    tdm_stats *out;
    tdm__lane_sum lanes[TDM_LANES];
    tdm_histogram *handler_times;
    int err;
} gathering;

static void gather_loop(tdm__loop *loop, void *arg)
{
    gathering *g = arg;
    tdm__lane_sum_add(&g->lanes[TDM_LOOP], tdm__loop_shard(loop));
    tdm__loop_stats(loop, &g->out->loops[tdm__loop_index(loop)]);
    int err = tdm_histogram_merge(g->handler_times, tdm__loop_handler_times(loop));
    if (err)
        g->err = err;
}

static void gather_pools(tdm_executor *executor, gathering *g)
{
    g->out->pool_count = tdm__executor_pool_count(executor);
    for (unsigned i = 0; i < g->out->pool_count; i++) {
        tdm__pool *pool = executor->pools[i];
        tdm__pool_lock(pool);
        tdm__pool_stats(pool, &g->out->pools[i]);
        if (i >= TDM__BACKGROUND)
            tdm__lane_sum_add(&g->lanes[TDM_POOL], tdm__pool_shard(pool));
        tdm__pool_unlock(pool);
    }
}

static void fill_lane(tdm_executor *executor, tdm_lane lane, const tdm__lane_sum *sum, tdm_lane_stats *out)
{
    uint64_t before = atomic_load(&executor->rejected_before_window[lane]); /* first: it never overtakes the next */
    uint64_t rejected = atomic_load(&executor->rejected[lane]);
    out->window = sum->window;
    out->lifetime = sum->lifetime;
    out->lifetime.rejected = rejected;
    out->window.rejected = rejected - before;
    out->peak = atomic_load(&executor->gauges[lane].peak);
    out->mean = sum->window_s > 0 ? sum->ran_ns / 1e9 / sum->window_s : 0;
    tdm__summarize(sum->queue_wait, &out->queue_wait);
    tdm__summarize(sum->run_time, &out->run_time);
}

static void fill_handlers(tdm_executor *executor, const tdm_histogram *times, tdm_handler_stats *out)
{
    tdm__handler_counts *counts = &executor->handlers;
    uint64_t ended = atomic_load(&counts->ended); /* before `started`, or more could have ended than started */
    *out = (tdm_handler_stats){
        .started = atomic_load(&counts->started),
        .ended = ended,
        .failed = atomic_load(&counts->failed),
        .rejected = atomic_load(&counts->rejected),
        .queued = atomic_load(&counts->queued),
        .running = atomic_load(&counts->running.now),
        .peak = atomic_load(&counts->running.peak),
    };
    tdm__summarize(times, &out->run_time);
}

static void fill(tdm_executor *executor, gathering *g)
{
    tdm_stats *out = g->out;
    *out = (tdm_stats){
        .draining = atomic_load(&executor->closing),
        .max_loop_tasks = executor->settings.max_loop_tasks,
        .loop_count = executor->settings.loops,
    };
    for (unsigned i = 0; i < executor->settings.loops; i++)
        tdm__loop_call(executor->loops[i], gather_loop, g);
    gather_pools(executor, g);
    for (unsigned i = 0; i < TDM_LANES; i++)
        fill_lane(executor, (tdm_lane) i, &g->lanes[i], &out->lanes[i]);
    fill_handlers(executor, g->handler_times, &out->handlers);
    out->window = g->lanes[TDM_POOL].window_s;
    out->uptime = tdm_s_from_ns(tdm_clock_ns() - executor->start_ns); /* last: no window is longer */
}

int tdm_stats_get(tdm_executor *executor, tdm_stats *out)
{
    if (!tdm__executor_can_ask(executor))
        return -EDEADLK;
    gathering g = {.out = out};
    int err = tdm__durations_create(&g.handler_times);
    for (unsigned i = 0; i < TDM_LANES && !err; i++)
        err = tdm__lane_sum_init(&g.lanes[i]);
    if (!err) {
        fill(executor, &g);
        err = g.err;
    }
    for (unsigned i = 0; i < TDM_LANES; i++)
        tdm__lane_sum_finish(&g.lanes[i]);
    tdm_histogram_destroy(&g.handler_times);
    return err;
}

/* ---- a new window ---- */

static void reset_loop(tdm__loop *loop, void *arg)
{
    tdm_executor *executor = arg;
    tdm__shard_reset(tdm__loop_shard(loop));
    tdm_histogram_reset(tdm__loop_handler_times(loop));
    tdm__gauge_reset(&executor->gauges[TDM_LOOP]); /* here: with a single loop it is the loop's alone */
}

int tdm_stats_reset(tdm_executor *executor)
{
    if (!tdm__executor_can_ask(executor))
        return -EDEADLK;
    for (unsigned i = 0; i < executor->settings.loops; i++)
        tdm__loop_call(executor->loops[i], reset_loop, executor);
    for (unsigned i = 0; i < tdm__executor_pool_count(executor); i++) {
        tdm__pool_lock(executor->pools[i]);
        tdm__pool_reset(executor->pools[i]);
        if (i >= TDM__BACKGROUND)
            tdm__gauge_reset(&executor->gauges[TDM_POOL]);
        tdm__pool_unlock(executor->pools[i]);
    }
    for (unsigned i = 0; i < TDM_LANES; i++)
        atomic_store(&executor->rejected_before_window[i], atomic_load(&executor->rejected[i]));
    tdm__gauge_reset(&executor->handlers.running);
    return 0;
}
