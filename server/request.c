/* SPDX-License-Identifier: MIT */
/* DESIGN: where the wire, the route, the handler and the background tasks meet. A request comes up from the transport,
 * finds its route, passes the middleware, gets its parameters and runs its handler; two things must then happen before
 * its tasks start, in either order: the handler returns (`ended`), and the exchange is over (`over`: the kernel has the
 * reply, or the client is gone). `settle` sees when both have.
 * Surprises: a client that leaves does not end the request, only its handler's waits; the tasks that the handler added
 * are accepted all the same. A handler that ends without a reply is answered here, on the loop. */
#include "server/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>
#include <tandem/context.h>
#include <tandem/log.h>

#include "server/events.h"
#include "server/front.h"
#include "server/status.h"
#include "tasks/error_text.h"

#define REQUEST_ROOM 2048 /* of the first block: fields and a small reply fit */
#define REQUEST_SIZE (sizeof(tdm_request) + REQUEST_ROOM)

static void count(_Atomic uint64_t *counter)
{
    /* One writer: no need for a locked instruction. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

void tdm__request_unref(tdm_request *req)
{
    if (atomic_fetch_sub_explicit(&req->refs, 1, memory_order_acq_rel) != 1)
        return;
    assert(req->batch.count == 0);
    if (req->body_size)
        atomic_fetch_sub_explicit(&req->front->app->buffered, req->body_size, memory_order_relaxed);
    tdm__arena_finish(&req->arena);
    tdm__spares_give(&req->front->requests_kept, req);
}

/* ---- arrival ---- */

/* The target and the fields lie in one text: it is copied, and they are found in the copy where they were. */
static int copy_head(tdm_request *req, const tdm__incoming *in)
{
    tdm__field *fields = tdm__arena_alloc(&req->arena, (in->field_count + 1) * sizeof *fields);
    char *text = tdm__arena_copy(&req->arena, in->text, in->text_size);
    if (!fields || !text)
        return -ENOMEM;
    for (unsigned i = 0; i < in->field_count; i++) {
        fields[i].name = text + (in->fields[i].name - in->text);
        fields[i].value = text + (in->fields[i].value - in->text);
    }
    req->method = in->method;
    req->target = text + (in->target - in->text);
    req->fields = fields;
    req->field_count = in->field_count;
    return 0;
}

/* The path and the query of a target: "/a?b", or "http://host/a?b". */
static void split_target(const char *target, const char **path, size_t *path_size, const char **query,
                         size_t *query_size)
{
    const char *from = target;
    if (target[0] != '/') {
        const char *authority = strstr(target, "://");
        from = authority ? authority + 3 + strcspn(authority + 3, "/?") : target;
    }
    const char *mark = strchr(from, '?');
    *query = mark ? mark + 1 : "";
    *query_size = mark ? strlen(mark + 1) : 0;
    *path_size = mark ? (size_t) (mark - from) : strlen(from);
    *path = from;
    if (*path_size == 0) { /* "http://host?b": the path is the root */
        *path = "/";
        *path_size = 1;
    }
}

static tdm_request *new_request(tdm__front *front, tdm__exchange *exchange, const tdm__incoming *in)
{
    tdm_request *req = tdm__spares_take(&front->requests_kept, REQUEST_SIZE);
    if (!req)
        return NULL;
    memset(req, 0, sizeof *req);
    tdm__arena_init(&req->arena, req + 1, REQUEST_ROOM);
    atomic_init(&req->refs, 2);
    req->front = front;
    req->exchange = exchange;
    req->last_extra = &req->extras;
    req->keep_alive = in->keep_alive;
    req->old = in->old;
    req->arrived_ns = tdm__loop_now(front->loop);
    req->id = atomic_fetch_add_explicit(&front->app->next_request, 1, memory_order_relaxed) + 1;
    req->body = tdm__arena_copy(&req->arena, in->body, in->body_size);
    req->body_size = in->body_size;
    if (!req->body || copy_head(req, in)) {
        tdm__arena_finish(&req->arena);
        tdm__spares_give(&front->requests_kept, req);
        return NULL;
    }
    /* Its client may leave, and the handler have it for longer than the connection lives. */
    if (req->body_size)
        atomic_fetch_add_explicit(&front->app->buffered, req->body_size, memory_order_relaxed);
    split_target(req->target, &req->path, &req->path_size, &req->query, &req->query_size);
    return req;
}

/* Answer without a handler. */
static void refuse(tdm_request *req, int status, const char *detail)
{
    if (tdm_reply_error(req, status, detail) == -ENOMEM)
        tdm__request_fail(req, -ENOMEM);
}

/* OPTIONS asks for what Allow says; other methods are not allowed. */
static void refuse_method(tdm_request *req)
{
    if (strcmp(req->method, "OPTIONS") == 0)
        tdm_reply_empty(req, 204);
    else
        refuse(req, 405, tdm__status_phrase(405));
}

/* No endpoint: say why, or what there is. */
static void answer_unrouted(tdm_request *req, int err, const tdm__match *match)
{
    if (err == -ENOENT && strcmp(req->method, "OPTIONS") == 0 && strcmp(req->target, "*") == 0)
        tdm_reply_empty(req, 204);
    else if (err == -ENOENT)
        refuse(req, 404, tdm__status_phrase(404));
    else if (err == -EPERM && tdm_reply_header(req, "Allow", match->allow) == 0)
        refuse_method(req);
    else if (err == -EINVAL)
        refuse(req, 400,
               "The path is not valid: it has a broken escape, a dot segment or a character that no path has");
    else
        tdm__request_fail(req, -EAGAIN);
    if (!req->replied)
        tdm__request_fail(req, -ENOMEM);
}

/* @return false: it was answered. */
static bool pass_in(tdm_request *req)
{
    for (unsigned i = 0; i < req->chain->count; i++) {
        const tdm_middleware *m = req->chain->list[i];
        req->reached = i + 1;
        int err = m->arrive ? m->arrive(req, m->arg) : 0;
        if (err && !req->replied)
            tdm__request_fail(req, err);
        if (req->replied)
            return false;
    }
    return true;
}

/* ---- the handler ---- */

static void settle(tdm_request *req)
{
    if (!req->ended || !req->over)
        return;
    for (unsigned i = req->reached; i > 0; i--) {
        const tdm_middleware *m = req->chain->list[i - 1];
        if (m->done)
            m->done(req, m->arg);
    }
    req->reached = 0;
    if (!req->accepted)
        return;
    req->accepted = false;
    tdm__outcome outcome = {
        .error = req->handler.result < 0 || req->status >= 400,
        .client_gone = req->ending != TDM__HANDED,
    };
    tdm__batch_start(&req->batch, &outcome);
}

/* @return 0: go on; else what the handler's result is. */
static int pass_before(tdm_request *req)
{
    for (unsigned i = 0; i < req->chain->count; i++) {
        const tdm_middleware *m = req->chain->list[i];
        int err = m->before ? m->before(req, m->arg) : 0;
        if (err || req->replied)
            return err;
    }
    return 0;
}

/* The request's id goes along with the handler and its tasks, into what they log. They may outlive the request. */
static int take_trace_along(const tdm_request *req)
{
    static const tdm_context_key key = {.name = "trace", .logged = true};
    char *copy = strdup(req->trace);
    int err = copy ? tdm_context_set(&key, copy, free) : -ENOMEM;
    if (err)
        free(copy);
    return err;
}

static int run_handler(tdm__handler *handler)
{
    tdm_request *req = (tdm_request *) ((char *) handler - offsetof(tdm_request, handler));
    int result = req->trace ? take_trace_along(req) : 0;
    if (!result)
        result = pass_before(req);
    if (!result && !req->replied && req->fresh)
        result = tdm__request_fill_late(req);
    if (!result && !req->replied)
        result = req->endpoint->route.run(req);
    /* It passed on what its reply said: that the client has left is no failure of the handler. */
    return result == -EPIPE && req->replied ? 0 : result;
}

/* What a handler could not do, for the log. That there is no room is not worth a line: under load there would be many. */
static void report(const tdm_request *req, const char *what, int err)
{
    tdm_log_level level = err == -EAGAIN || err == -ESHUTDOWN || req->over ? TDM_LOG_DEBUG : TDM_LOG_WARNING;
    tdm_log(level, "handler of %s %s %s: %s", req->endpoint->route.method, req->handler.name, what,
            tdm__error_text(err));
}

static void handler_ended(tdm__handler *handler)
{
    tdm_request *req = (tdm_request *) ((char *) handler - offsetof(tdm_request, handler));
    TAILQ_REMOVE(&req->front->handling, req, link);
    tdm__timer_disarm(req->front->loop, &req->deadline);
    req->handling = false;
    req->ended = true;
    if (req->late && handler->result == -ECANCELED)
        handler->result = -ETIMEDOUT;
    if (req->replied && handler->result < 0) {
        report(req, "failed after its reply", handler->result);
    } else if (!req->replied) {
        if (handler->result < 0) {
            report(req, "failed", handler->result);
        } else {
            tdm_log_error("handler of %s %s returned without a reply", req->endpoint->route.method, handler->name);
            handler->result = -ENOMSG;
        }
        tdm__request_fail(req, handler->result);
    }
    if (req->stream.begun)
        tdm__stream_settle(req);
    settle(req);
    tdm__request_unref(req);
}

void tdm__request_cancel(tdm_request *req)
{
    if (!req->handling)
        return;
    tdm__handler_cancel(&req->handler);
    tdm__stream_wake(req, -ECANCELED);
}

static void on_deadline(tdm__timer *timer)
{
    tdm_request *req = (tdm_request *) ((char *) timer - offsetof(tdm_request, deadline));
    req->late = true;
    tdm__request_cancel(req);
}

static void start_handler(tdm_request *req)
{
    const tdm_route *route = &req->endpoint->route;
    tdm_lane lane = route->choose_lane ? route->choose_lane(req->params) : route->lane;
    req->handler.run = run_handler;
    req->handler.ended = handler_ended;
    req->handler.name = route->name ? route->name : route->path;
    req->handling = true;
    TAILQ_INSERT_TAIL(&req->front->handling, req, link);
    req->deadline.run = on_deadline;
    int err = 0;
    if (route->deadline > 0)
        err = tdm__timer_arm(req->front->loop, &req->deadline, req->arrived_ns + tdm_ns_from_s(route->deadline));
    if (!err)
        err = tdm__handler_start(req->front->loop, lane, &req->handler);
    if (!err)
        return;
    tdm__timer_disarm(req->front->loop, &req->deadline);
    TAILQ_REMOVE(&req->front->handling, req, link);
    req->handling = false;
    req->ended = true;
    req->handler.result = err;
    tdm__request_fail(req, -EAGAIN);
    settle(req);
    tdm__request_unref(req);
}

/* ---- up-calls ---- */

/* @return is there a handler to run? If not, it was answered. */
static bool take_in(tdm_request *req)
{
    const tdm__routers *routers = &req->front->app->routers;
    tdm__match match;
    int err = tdm__router_find(&routers->tree, &req->arena, req->method, req->path, req->path_size, &match);
    req->endpoint = match.endpoint;
    req->path_values = match.values;
    req->chain = match.endpoint ? &match.endpoint->router->chain : &routers->root->chain;
    if (!pass_in(req))
        return false;
    if (err) {
        answer_unrouted(req, err, &match);
        return false;
    }
    return tdm__request_fill(req);
}

static void arrived(void *context, tdm__loop *loop, tdm__exchange *exchange, const tdm__incoming *in)
{
    struct tdm_app *app = context;
    tdm__front *front = &app->fronts[tdm__loop_index(loop)];
    tdm_request *req = new_request(front, exchange, in);
    if (!req) {
        static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        tdm__exchange_send(exchange, busy, sizeof busy - 1, true);
        return;
    }
    count(&front->requests);
    tdm__exchange_own(exchange, req);
    if (take_in(req)) {
        start_handler(req);
        return;
    }
    req->ended = true;
    settle(req);
    tdm__request_unref(req);
}

/* A body's limit is its route's. Whatever else is wrong is answered when the request is whole. */
static int head(void *context, const tdm__incoming *in, size_t *limit)
{
    const struct tdm_app *app = context;
    char room[1024];
    tdm__arena arena;
    tdm__arena_init(&arena, room, sizeof room);
    const char *path, *query;
    size_t path_size, query_size;
    split_target(in->target, &path, &path_size, &query, &query_size);
    tdm__match match;
    if (tdm__router_find(&app->routers.tree, &arena, in->method, path, path_size, &match) == 0 &&
        match.endpoint->route.max_body)
        *limit = match.endpoint->route.max_body;
    tdm__arena_finish(&arena);
    return 0;
}

static void drained(void *owner)
{
    tdm__stream_drained(owner);
}

static bool half_closed(void *owner)
{
    tdm_request *req = owner;
    atomic_store_explicit(&req->half_closed, true, memory_order_relaxed);
    return req->handling && req->endpoint->route.end_is_leaving;
}

static void over(void *owner, tdm__ending ending)
{
    tdm_request *req = owner;
    tdm__front *front = req->front;
    count(ending == TDM__HANDED ? &front->replies : ending == TDM__CUT ? &front->cut : &front->left);
    req->exchange = NULL;
    req->over = true;
    req->ending = ending;
    if (ending != TDM__HANDED) {
        atomic_store_explicit(&req->gone, true, memory_order_relaxed);
        if (req->handling)
            tdm__handler_cancel(&req->handler);
    }
    tdm__events_stop(req);
    tdm__stream_wake(req, -EPIPE);
    settle(req);
    tdm__request_unref(req);
}

void tdm__request_deliver(tdm_request *req)
{
    if (req->exchange)
        tdm__exchange_send(req->exchange, req->wire, req->wire_size, req->wire_close);
}

const tdm__hooks tdm__request_hooks = {
    .arrived = arrived,
    .head = head,
    .drained = drained,
    .half_closed = half_closed,
    .over = over,
    .quiet = tdm__app_quiet,
};
