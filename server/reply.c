/* SPDX-License-Identifier: MIT */
/* DESIGN: a reply is made where its handler runs, on the loop or on a worker: the background tasks are accepted, the
 * bytes are formatted, and only then do they go to the loop that owns the connection. Memory is taken before the tasks
 * are accepted, because accepting cannot be undone. From a worker the request itself is the message to the loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/front.h"
#include "server/problem.h"
#include "server/request.h"
#include "server/status.h"

static void deliver_message(tdm__message *message)
{
    tdm_request *req = (tdm_request *) ((char *) message - offsetof(tdm_request, message));
    tdm__request_deliver(req);
    tdm__request_unref(req);
}

static void send_off(tdm_request *req)
{
    tdm__loop *loop = req->front->loop;
    if (tdm__loop_current() == loop) {
        tdm__request_deliver(req);
        return;
    }
    atomic_fetch_add_explicit(&req->refs, 1, memory_order_relaxed);
    req->message.run = deliver_message;
    tdm__loop_post(loop, &req->message);
}

int tdm__request_reply(tdm_request *req, int status, const char *type, const void *body, size_t size)
{
    if (req->replied)
        return -EALREADY;
    if (status < 200 || status > 599 || (size && tdm__wire_bodiless(status)) || (type && !tdm__wire_value_ok(type)))
        return -EINVAL;
    struct tdm_app *app = req->front->app;
    tdm__wire wire = {.status = status, .type = type, .body = body, .body_size = size, .extras = req->extras};
    wire.head_only = strcmp(req->method, "HEAD") == 0;
    wire.close = !req->keep_alive || tdm_app_draining(app);
    wire.keep_alive = req->old;
    char *bytes = tdm__arena_alloc(&req->arena, tdm__wire_bound(&wire));
    if (!bytes)
        return -ENOMEM;
    wire.tasks = req->batch.count;
    if (wire.tasks) {
        tdm__batch_accept(&req->batch, app->executor, req->front->loop, req->id, &wire.first_id, &wire.last_id);
        req->accepted = true;
    }
    req->replied = true;
    req->status = status;
    req->wire = bytes;
    req->wire_size = tdm__wire_write(&wire, bytes);
    req->wire_close = wire.close;
    if (tdm_request_gone(req))
        return -EPIPE;
    send_off(req);
    return 0;
}

static const struct {
    int err, status;
} failures[] = {
    {-EAGAIN, 503}, {-ESHUTDOWN, 503}, {-ETIMEDOUT, 504}, {0, 500}, /* the last is for all others */
};

void tdm__request_fail(tdm_request *req, int err)
{
    if (err == -ECANCELED && tdm_app_draining(req->front->app))
        err = -ESHUTDOWN;
    size_t i = 0;
    while (failures[i].err && failures[i].err != err)
        i++;
    int status = failures[i].status;
    req->extras = NULL; /* what the handler meant for its own reply */
    req->last_extra = &req->extras;
    if (status == 503)
        tdm_reply_header(req, "Retry-After", "1");
    if (tdm_reply_error(req, status, tdm__status_phrase(status)) != -ENOMEM)
        return;
    /* No memory for a reply: the connection goes, and with it the client's hope for one. */
    req->replied = true;
    req->status = status;
    tdm__batch_release(&req->batch);
    if (req->exchange)
        tdm__exchange_cut(req->exchange);
}

int tdm_reply_header(tdm_request *req, const char *name, const char *value)
{
    if (req->replied)
        return -EALREADY;
    if (!name || !value || !tdm__wire_name_ok(name) || !tdm__wire_value_ok(value) || tdm__wire_reserved(name))
        return -EINVAL;
    tdm__extra *extra = tdm__arena_alloc(&req->arena, sizeof *extra);
    if (!extra)
        return -ENOMEM;
    *extra = (tdm__extra){.name_size = strlen(name), .value_size = strlen(value)};
    extra->name = tdm__arena_copy(&req->arena, name, extra->name_size);
    extra->value = tdm__arena_copy(&req->arena, value, extra->value_size);
    if (!extra->name || !extra->value)
        return -ENOMEM;
    *req->last_extra = extra;
    req->last_extra = &extra->next;
    return 0;
}

int tdm_reply(tdm_request *req, int status, const char *type, const void *body, size_t size)
{
    return tdm__request_reply(req, status, type, body, size);
}

int tdm_reply_empty(tdm_request *req, int status)
{
    return tdm__request_reply(req, status, NULL, NULL, 0);
}

int tdm_reply_text(tdm_request *req, int status, const char *text)
{
    return tdm__request_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

int tdm_reply_json_text(tdm_request *req, int status, const char *json)
{
    return tdm__request_reply(req, status, "application/json", json, strlen(json));
}

int tdm_reply_json(tdm_request *req, int status, const tdm_json_writer *json)
{
    size_t size;
    const char *text = tdm_json_text(json, &size);
    if (!text)
        return tdm_json_error(json);
    return tdm__request_reply(req, status, "application/json", text, size);
}

int tdm_reply_error(tdm_request *req, int status, const char *detail)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "detail");
    tdm_json_string(&w, detail);
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, status, &w);
    tdm_json_finish(&w);
    return err;
}

int tdm_reply_invalid(tdm_request *req, tdm_param_in in, const char *name, const char *input, const char *why)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm__problem_value(&w, in == TDM_PATH ? "path" : "query", name, input, why);
    int err = tdm_reply_json(req, 422, &w);
    tdm_json_finish(&w);
    return err;
}
