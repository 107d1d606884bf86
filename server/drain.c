/* SPDX-License-Identifier: MIT */
/* DESIGN: the orderly stop, step by step (docs/drain.md). Connections first, because they bring new work, and accepted
 * tasks go on meanwhile: both share the one time limit. When it is over, handlers that still wait are cancelled and
 * have the grace to answer; what is open after that is cut. Then the executor drains with what is left of the time.
 * Nothing here waits for a loop: a loop that a task holds would hold the stop. A hurry cuts every wait short. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tandem/clock.h>
#include <tandem/log.h>

#include "server/front.h"

void tdm__app_quiet(void *context)
{
    tdm_app *app = context;
    tdm__lock(&app->lock);
    app->quiet = true;
    tdm__cond_broadcast(&app->changed);
    tdm__unlock(&app->lock);
}

void tdm_app_hurry(tdm_app *app)
{
    tdm__lock(&app->lock);
    app->hurried = true;
    tdm__cond_broadcast(&app->changed);
    tdm__unlock(&app->lock);
    if (app->executor)
        tdm_executor_hurry(app->executor);
}

/* Wait for `quiet` (or only for time to pass), until then or a hurry. @return is it quiet? */
static bool wait_until(tdm_app *app, int64_t due_ns, bool for_quiet)
{
    bool in_time = true;
    tdm__lock(&app->lock);
    while (in_time && !app->hurried && !(for_quiet && app->quiet))
        in_time = tdm__cond_wait(&app->changed, &app->lock, due_ns);
    bool quiet = app->quiet;
    tdm__unlock(&app->lock);
    return quiet;
}

static void on_cancel(tdm__message *message)
{
    tdm__front *front = (tdm__front *) ((char *) message - offsetof(tdm__front, cancel));
    tdm_request *req;
    TAILQ_FOREACH(req, &front->handling, link)
    tdm__request_cancel(req);
}

static void cancel_handlers(tdm_app *app)
{
    for (unsigned i = 0; i < app->front_count; i++) {
        tdm__front *front = &app->fronts[i];
        front->cancel.run = on_cancel;
        tdm__loop_post(front->loop, &front->cancel);
    }
}

static void end_connections(tdm_app *app, int64_t deadline_ns)
{
    tdm__server_close(app->server);
    if (wait_until(app, deadline_ns, true))
        return;
    cancel_handlers(app);
    if (wait_until(app, tdm_clock_ns() + tdm_ns_from_s(app->drain_grace), true))
        return;
    tdm__server_cut(app->server);
    wait_until(app, tdm_clock_ns() + TDM_NS_PER_S / 2, true);
}

/* Requests that we ended without a whole reply. */
static uint64_t cut_so_far(const tdm_app *app)
{
    uint64_t cut = 0;
    for (unsigned i = 0; i < app->front_count; i++)
        cut += atomic_load_explicit(&app->fronts[i].cut, memory_order_relaxed);
    return cut;
}

/* @param cut_before requests that were cut before the stop: they are told, and are not its fault. */
static void sum_up(tdm_app *app, int64_t began_ns, uint64_t cut_before, bool lost)
{
    tdm_manifest *manifest = &app->manifest;
    tdm_app_stats stats;
    tdm_app_stats_get(app, &stats);
    uint64_t answered = stats.replies + stats.left;
    manifest->requests = stats.requests;
    manifest->replies = stats.replies;
    manifest->unanswered = stats.requests > answered ? stats.requests - answered : 0;
    manifest->seconds = tdm_s_from_ns(tdm_clock_ns() - began_ns);
    manifest->exit_status = lost || manifest->unanswered > cut_before ? 3 : 0;
}

int tdm_app_stop(tdm_app *app, tdm_manifest *out)
{
    int started = TDM__STARTED;
    if (!atomic_compare_exchange_strong(&app->state, &started, TDM__STOPPING))
        return -EALREADY;
    int64_t began_ns = tdm_clock_ns();
    uint64_t cut_before = cut_so_far(app);
    atomic_store(&app->draining, true);
    wait_until(app, began_ns + tdm_ns_from_s(app->drain_announce), false);
    int64_t deadline_ns = tdm_clock_ns() + tdm_ns_from_s(app->drain_timeout);
    tdm_executor_close(app->executor);
    end_connections(app, deadline_ns);
    tdm_drain_options options = {.timeout = tdm_s_from_ns(deadline_ns - tdm_clock_ns()), .grace = app->drain_grace};
    if (options.timeout < 0)
        options.timeout = 0;
    tdm_drain_report report;
    int lost = tdm_executor_drain(app->executor, &options, &report);
    memcpy(app->manifest.lanes, report.lanes, sizeof report.lanes);
    sum_up(app, began_ns, cut_before, lost || report.cancelled || report.stuck_loops);
    if (out)
        *out = app->manifest;
    atomic_store(&app->state, TDM__STOPPED);
    return 0;
}
