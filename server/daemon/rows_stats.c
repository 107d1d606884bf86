/* SPDX-License-Identifier: MIT */
/* DESIGN: the stats as JSON. Counts are integers, times are seconds. A lane's counts stand flat in it for the current
 * window and once more under `lifetime`; `total` is the sum of both lanes. `http` counts since the start. */
#include <tandem/clock.h>

#include "server/daemon/rows.h"

static void write_count(tdm_json_writer *w, const char *key, uint64_t value)
{
    tdm_json_key(w, key);
    tdm_json_uint(w, value);
}

static void write_totals(tdm_json_writer *w, const tdm_totals *totals)
{
    write_count(w, "carried", totals->carried);
    write_count(w, "accepted", totals->accepted);
    for (int state = 0; state < TDM_STATES; state++)
        write_count(w, tdm_state_name((tdm_state) state), totals->state[state]);
    write_count(w, "rejected", totals->rejected);
}

static void write_seconds(tdm_json_writer *w, const char *key, int64_t ns)
{
    tdm_json_key(w, key);
    tdm_json_seconds(w, ns);
}

static void write_summary(tdm_json_writer *w, const char *key, const tdm_summary *summary)
{
    tdm_json_key(w, key);
    tdm_json_object_begin(w);
    write_count(w, "count", summary->count);
    write_seconds(w, "min", summary->min);
    write_seconds(w, "p50", summary->p50);
    write_seconds(w, "p90", summary->p90);
    write_seconds(w, "p99", summary->p99);
    write_seconds(w, "p999", summary->p999);
    write_seconds(w, "max", summary->max);
    tdm_json_key(w, "mean");
    tdm_json_double(w, summary->mean / (double) TDM_NS_PER_S);
    tdm_json_object_end(w);
}

static void write_lane(tdm_json_writer *w, const tdm_stats *stats, tdm_lane lane)
{
    const tdm_lane_stats *of = &stats->lanes[lane];
    tdm_json_key(w, tdm_lane_name(lane));
    tdm_json_object_begin(w);
    write_totals(w, &of->window);
    write_count(w, "peak", of->peak);
    tdm_json_key(w, "mean");
    tdm_json_double(w, of->mean);
    if (lane == TDM_LOOP)
        write_count(w, "limit", stats->max_loop_tasks);
    write_summary(w, "queue_wait", &of->queue_wait);
    write_summary(w, "run_time", &of->run_time);
    tdm_json_key(w, "lifetime");
    tdm_json_object_begin(w);
    write_totals(w, &of->lifetime);
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}

static void add_totals(tdm_totals *sum, const tdm_totals *more)
{
    sum->carried += more->carried;
    sum->accepted += more->accepted;
    sum->rejected += more->rejected;
    for (int state = 0; state < TDM_STATES; state++)
        sum->state[state] += more->state[state];
}

static void write_lanes(tdm_json_writer *w, const tdm_stats *stats)
{
    tdm_totals window = {0}, lifetime = {0};
    tdm_json_key(w, "lanes");
    tdm_json_object_begin(w);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        write_lane(w, stats, (tdm_lane) lane);
        add_totals(&window, &stats->lanes[lane].window);
        add_totals(&lifetime, &stats->lanes[lane].lifetime);
    }
    tdm_json_object_end(w);
    tdm_json_key(w, "total");
    tdm_json_object_begin(w);
    write_totals(w, &window);
    tdm_json_key(w, "lifetime");
    tdm_json_object_begin(w);
    write_totals(w, &lifetime);
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}

static void write_pools(tdm_json_writer *w, const tdm_stats *stats)
{
    tdm_json_key(w, "pools");
    tdm_json_object_begin(w);
    for (unsigned i = 0; i < stats->pool_count; i++) {
        const tdm_pool_stats *pool = &stats->pools[i];
        tdm_json_key(w, pool->name);
        tdm_json_object_begin(w);
        write_count(w, "workers", pool->workers);
        write_count(w, "threads", pool->threads);
        write_count(w, "busy", pool->busy);
        write_count(w, "busy_detached", pool->busy_detached);
        write_count(w, "idle", pool->idle);
        write_count(w, "queue", pool->queue);
        write_count(w, "queue_limit", pool->queue_limit);
        write_count(w, "queue_peak", pool->queue_peak);
        write_count(w, "reserved", pool->reserved);
        write_count(w, "stuck", pool->stuck);
        write_summary(w, "queue_wait", &pool->queue_wait);
        write_summary(w, "run_time", &pool->run_time);
        tdm_json_object_end(w);
    }
    tdm_json_object_end(w);
}

static void write_loops(tdm_json_writer *w, const tdm_stats *stats)
{
    tdm_json_key(w, "loops");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < stats->loop_count; i++) {
        const tdm_loop_stats *loop = &stats->loops[i];
        tdm_json_object_begin(w);
        write_count(w, "thread", loop->thread);
        write_count(w, "turns", loop->turns);
        write_count(w, "fibers", loop->fibers);
        write_count(w, "stacks", loop->stacks);
        write_count(w, "timers", loop->timers);
        write_count(w, "tasks", loop->tasks);
        write_count(w, "holds", loop->holds);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

static void write_handlers(tdm_json_writer *w, const tdm_handler_stats *handlers)
{
    tdm_json_key(w, "handlers");
    tdm_json_object_begin(w);
    write_count(w, "started", handlers->started);
    write_count(w, "ended", handlers->ended);
    write_count(w, "failed", handlers->failed);
    write_count(w, "rejected", handlers->rejected);
    write_count(w, "queued", handlers->queued);
    write_count(w, "running", handlers->running);
    write_count(w, "peak", handlers->peak);
    write_summary(w, "run_time", &handlers->run_time);
    tdm_json_object_end(w);
}

static void write_http(tdm_json_writer *w, const tdm_app_stats *app)
{
    tdm_json_key(w, "http");
    tdm_json_object_begin(w);
    write_count(w, "connections", app->connections);
    write_count(w, "accepted", app->accepted);
    write_count(w, "requests", app->requests);
    write_count(w, "replies", app->replies);
    write_count(w, "left", app->left);
    write_count(w, "refused", app->refused);
    write_count(w, "half_closed", app->half_closed);
    tdm_json_object_end(w);
}

void write_stats(tdm_json_writer *w, const tdm_stats *stats, const tdm_app_stats *app)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "uptime");
    tdm_json_double(w, stats->uptime);
    tdm_json_key(w, "window");
    tdm_json_double(w, stats->window);
    tdm_json_key(w, "draining");
    tdm_json_bool(w, stats->draining);
    write_lanes(w, stats);
    write_pools(w, stats);
    write_loops(w, stats);
    write_handlers(w, &stats->handlers);
    write_http(w, app);
    tdm_json_object_end(w);
}
