/* SPDX-License-Identifier: MIT */
/* DESIGN: where the wire, the route, the handler and the background tasks meet. A request comes up from the transport,
 * finds its route, gets its parameters and runs its handler; two things must then happen before its tasks start, in
 * either order: the handler returns (`ended`), and the exchange is over (`over`: the kernel has the reply, or the
 * client is gone). `settle` sees when both have.
 * Surprises: a client that leaves does not end the request, only its handler's waits; the tasks that the handler added
 * are accepted all the same. A handler that ends without a reply is answered here, on the loop. */
#include "server/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tandem/log.h>

#include "server/front.h"
#include "server/params.h"
#include "server/status.h"

#define REQUEST_ROOM 2048 /* of the first block: fields and a small reply fit */

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
    tdm__arena_finish(&req->arena);
    free(req);
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

static tdm_request *new_request(tdm__front *front, tdm__exchange *exchange, const tdm__incoming *in)
{
    tdm_request *req = malloc(sizeof *req + REQUEST_ROOM);
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
    req->id = atomic_fetch_add_explicit(&front->app->next_request, 1, memory_order_relaxed) + 1;
    req->body = tdm__arena_copy(&req->arena, in->body, in->body_size);
    req->body_size = in->body_size;
    if (!req->body || copy_head(req, in)) {
        tdm__arena_finish(&req->arena);
        free(req);
        return NULL;
    }
    return req;
}

/* The path and the query of a target: "/a?b", or "http://host/a?b". */
static const char *split_target(const char *target, size_t *path_size, const char **query)
{
    const char *path = target;
    if (target[0] != '/') {
        const char *authority = strstr(target, "://");
        path = authority ? authority + 3 + strcspn(authority + 3, "/?") : target;
        if (authority && *path != '/') { /* "http://host?b": the path is the root */
            *query = *path == '?' ? path + 1 : "";
            *path_size = 1;
            return "/";
        }
    }
    *path_size = strcspn(path, "?");
    *query = path[*path_size] == '?' ? path + *path_size + 1 : "";
    return path;
}

/* Answer without a handler. */
static void refuse(tdm_request *req, int status, const char *detail)
{
    if (tdm_reply_error(req, status, detail) == -ENOMEM)
        tdm__request_fail(req, -ENOMEM);
}

static int find_route(tdm_request *req, const char *path, size_t path_size, tdm__match *match)
{
    int err = tdm__router_find(&req->front->app->router, &req->arena, req->method, path, path_size, match);
    if (err == -ENOENT)
        refuse(req, 404, tdm__status_phrase(404));
    else if (err == -EPERM && tdm_reply_header(req, "Allow", match->allow) == 0)
        refuse(req, 405, tdm__status_phrase(405));
    else if (err == -EINVAL)
        refuse(req, 400, "The path is not valid percent-encoding");
    else if (err)
        tdm__request_fail(req, -EAGAIN);
    return err;
}

static int fill_params(tdm_request *req, const char *query, const tdm__match *match)
{
    const tdm_route *route = req->route;
    if (!route->params)
        return 0;
    tdm__pairs pairs;
    int err = tdm__query_parse(&req->arena, query, &pairs);
    if (err == -EINVAL || err == -E2BIG) {
        refuse(req, 400, err == -EINVAL ? "The query is not valid percent-encoding" : "The query has too many parts");
        return err;
    }
    req->params = err ? NULL : tdm__arena_alloc(&req->arena, route->params_size);
    if (!req->params) {
        tdm__request_fail(req, -EAGAIN);
        return -ENOMEM;
    }
    memset(req->params, 0, route->params_size);
    tdm_json_writer problems;
    tdm_json_init(&problems);
    err = tdm__params_fill(route->params, req->params, &match->values, &pairs, &problems);
    if (err && (err != -EBADMSG || tdm_reply_json(req, 422, &problems)))
        tdm__request_fail(req, -EAGAIN);
    tdm_json_finish(&problems);
    return err;
}

/* ---- the handler ---- */

static void settle(tdm_request *req)
{
    if (!req->ended || !req->over || !req->accepted)
        return;
    req->accepted = false;
    tdm__outcome outcome = {
        .error = req->handler.result < 0 || req->status >= 400,
        .client_gone = req->ending != TDM__HANDED,
    };
    tdm__batch_start(&req->batch, &outcome);
}

static int run_handler(tdm__handler *handler)
{
    tdm_request *req = (tdm_request *) ((char *) handler - offsetof(tdm_request, handler));
    int result = req->route->run(req);
    /* It passed on what its reply said: that the client has left is no failure of the handler. */
    return result == -EPIPE && req->replied ? 0 : result;
}

/* What a handler could not do, for the log. That there is no room is not worth a line: under load there would be many. */
static void report(const tdm_request *req, const char *what, int err)
{
    tdm_log_level level = err == -EAGAIN || err == -ESHUTDOWN || req->over ? TDM_LOG_DEBUG : TDM_LOG_WARNING;
    tdm_log(level, "handler of %s %s %s: %s", req->route->method, req->handler.name, what, strerror(-err));
}

static void handler_ended(tdm__handler *handler)
{
    tdm_request *req = (tdm_request *) ((char *) handler - offsetof(tdm_request, handler));
    TAILQ_REMOVE(&req->front->handling, req, link);
    req->handling = false;
    req->ended = true;
    if (req->replied && handler->result < 0) {
        report(req, "failed after its reply", handler->result);
    } else if (!req->replied) {
        if (handler->result < 0) {
            report(req, "failed", handler->result);
        } else {
            tdm_log_error("handler of %s %s returned without a reply", req->route->method, handler->name);
            handler->result = -ENOMSG;
        }
        tdm__request_fail(req, handler->result);
    }
    settle(req);
    tdm__request_unref(req);
}

static void start_handler(tdm_request *req)
{
    const tdm_route *route = req->route;
    tdm_lane lane = route->choose_lane ? route->choose_lane(req->params) : route->lane;
    req->handler.run = run_handler;
    req->handler.ended = handler_ended;
    req->handler.name = route->name ? route->name : route->path;
    req->handling = true;
    TAILQ_INSERT_TAIL(&req->front->handling, req, link);
    int err = tdm__handler_start(req->front->loop, lane, &req->handler);
    if (!err)
        return;
    TAILQ_REMOVE(&req->front->handling, req, link);
    req->handling = false;
    req->ended = true;
    req->handler.result = err;
    tdm__request_fail(req, -EAGAIN);
    tdm__request_unref(req);
}

/* ---- up-calls ---- */

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
    size_t path_size;
    const char *query, *path = split_target(req->target, &path_size, &query);
    tdm__match match;
    if (find_route(req, path, path_size, &match) == 0) {
        req->route = match.route;
        if (fill_params(req, query, &match) == 0) {
            start_handler(req);
            return;
        }
    }
    req->ended = true;
    tdm__request_unref(req);
}

static void over(void *owner, tdm__ending ending)
{
    tdm_request *req = owner;
    tdm__front *front = req->front;
    if (ending != TDM__CUT)
        count(ending == TDM__HANDED ? &front->replies : &front->left);
    req->exchange = NULL;
    req->over = true;
    req->ending = ending;
    if (ending != TDM__HANDED) {
        atomic_store_explicit(&req->gone, true, memory_order_relaxed);
        if (req->handling)
            tdm__handler_cancel(&req->handler);
    }
    settle(req);
    tdm__request_unref(req);
}

void tdm__request_deliver(tdm_request *req)
{
    if (req->exchange)
        tdm__exchange_send(req->exchange, req->wire, req->wire_size, req->wire_close);
}

const tdm__hooks tdm__request_hooks = {.arrived = arrived, .over = over, .quiet = tdm__app_quiet};

/* ---- what a handler may ask ---- */

uint64_t tdm_request_id(const tdm_request *req)
{
    return req->id;
}

const char *tdm_request_method(const tdm_request *req)
{
    return req->method;
}

const char *tdm_request_target(const tdm_request *req)
{
    return req->target;
}

void *tdm_request_params(const tdm_request *req)
{
    return req->params;
}

tdm_app *tdm_request_app(const tdm_request *req)
{
    return req->front->app;
}

tdm_executor *tdm_request_executor(const tdm_request *req)
{
    return req->front->app->executor;
}

const char *tdm_request_header(const tdm_request *req, const char *name)
{
    for (unsigned i = 0; i < req->field_count; i++) {
        if (strcasecmp(req->fields[i].name, name) == 0)
            return req->fields[i].value;
    }
    return NULL;
}

const void *tdm_request_body(const tdm_request *req, size_t *size)
{
    if (size)
        *size = req->body_size;
    return req->body;
}

bool tdm_request_gone(const tdm_request *req)
{
    return atomic_load_explicit(&req->gone, memory_order_relaxed);
}

int tdm_background(tdm_request *req, const tdm_task_spec *spec)
{
    if (req->replied)
        return -EALREADY;
    return tdm__batch_add(&req->batch, req->front->app->executor, spec);
}
