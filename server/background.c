/* SPDX-License-Identifier: MIT */
/* DESIGN: how a handler leaves work behind. Admission itself is the executor's (tasks/batch.h); here stands what a route
 * wants when there is no room. Waiting for room is a row of short sleeps: who would tell of room would have to do so on
 * every start of every task, and a handler that waits has milliseconds to spare. It is bounded twice, in time and in
 * how many wait, because every waiter holds its request, its fiber and its client. Of those that hold places already
 * only one waits: two could wait for each other, and no task that was reserved starts before its reply. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tandem/clock.h>

#include "server/front.h"

#define FIRST_NAP_S 0.001
#define LONGEST_NAP_S 0.05
#define DEFAULT_WAIT_S 5
#define DEFAULT_WAITERS 100

/* @return what the last try said; or what ended the wait. */
static int wait_for_room(tdm_request *req, const tdm_task_spec *spec)
{
    const tdm_route *route = &req->endpoint->route;
    double wait = route->wait_for_room > 0 ? route->wait_for_room : DEFAULT_WAIT_S;
    int64_t until_ns = tdm_clock_ns() + tdm_ns_from_s(wait);
    int err = -EAGAIN;
    for (double nap = FIRST_NAP_S; err == -EAGAIN && tdm_clock_ns() < until_ns; nap *= 2) {
        err = tdm_sleep(nap < LONGEST_NAP_S ? nap : LONGEST_NAP_S);
        if (!err)
            err = tdm__batch_try(&req->batch, req->front->app->executor, spec);
    }
    return err;
}

static void leave_queue(tdm_request *req, bool holds)
{
    atomic_fetch_sub_explicit(&req->endpoint->waiters, 1, memory_order_relaxed);
    if (holds)
        atomic_store(&req->front->app->holder_waits, false);
}

/* May one more wait? @param holds it has places already. */
static bool enter_queue(tdm_request *req, const tdm_task_spec *spec, bool holds)
{
    const tdm_route *route = &req->endpoint->route;
    tdm_app *app = req->front->app;
    if (holds &&
        (!tdm__batch_could_grow(&req->batch, app->executor, spec) || atomic_exchange(&app->holder_waits, true)))
        return false;
    unsigned limit = route->max_waiters ? route->max_waiters : DEFAULT_WAITERS;
    if (atomic_fetch_add_explicit(&req->endpoint->waiters, 1, memory_order_relaxed) < limit)
        return true;
    leave_queue(req, holds);
    return false;
}

int tdm_background(tdm_request *req, const tdm_task_spec *spec)
{
    tdm_executor *executor = req->front->app->executor;
    if (req->replied || req->accepted)
        return -EALREADY;
    if (req->batch.refused)
        return req->batch.refused; /* it is to have none: there is nothing to wait for */
    if (!req->endpoint || req->endpoint->route.full != TDM_WAIT)
        return tdm__batch_add(&req->batch, executor, spec);
    int err = tdm__batch_try(&req->batch, executor, spec);
    bool holds = req->batch.count > 0;
    if (err == -EAGAIN && enter_queue(req, spec, holds)) {
        err = wait_for_room(req, spec);
        leave_queue(req, holds);
    }
    if (!err || err == -EINVAL || err == -ECANCELED)
        return err;
    /* Once more, and this time a refusal counts and gives back what was reserved. */
    return tdm__batch_add(&req->batch, executor, spec);
}

/* ---- 202 ---- */

void tdm__background_accept(tdm_request *req)
{
    if (req->accepted || !req->batch.count)
        return;
    req->task_count = req->batch.count;
    tdm__batch_accept(&req->batch, req->front->app->executor, req->front->loop, req->id, &req->first_task,
                      &req->last_task);
    req->accepted = true;
}

static void write_accepted(const tdm_request *req, const char *url, tdm_json_writer *w)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "task");
    tdm_json_uint(w, req->first_task);
    tdm_json_key(w, "tasks");
    tdm_json_array_begin(w);
    for (uint64_t id = req->first_task; id <= req->last_task; id++)
        tdm_json_uint(w, id);
    tdm_json_array_end(w);
    tdm_json_key(w, "status");
    tdm_json_string(w, url);
    tdm_json_object_end(w);
}

int tdm_reply_accepted(tdm_request *req, const char *prefix)
{
    if (req->replied)
        return -EALREADY;
    size_t room = prefix ? strlen(prefix) + 24 : 0;
    char *url = req->batch.count && prefix && tdm__wire_value_ok(prefix) ? tdm__arena_alloc(&req->arena, room) : NULL;
    if (!url)
        return req->batch.count && prefix && tdm__wire_value_ok(prefix) ? -ENOMEM : -EINVAL;
    tdm__background_accept(req); /* for their ids */
    snprintf(url, room, "%s%llu", prefix, (unsigned long long) req->first_task);
    tdm_json_writer w;
    tdm_json_init(&w);
    write_accepted(req, url, &w);
    int err = tdm_reply_header(req, "Location", url);
    if (!err)
        err = tdm_reply_json(req, 202, &w);
    tdm_json_finish(&w);
    return err;
}
