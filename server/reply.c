/* SPDX-License-Identifier: MIT */
/* DESIGN: a reply is made where its handler runs, on the loop or on a worker: middleware sees it, the background tasks
 * are accepted, the bytes are formatted, and only then do they go to the loop that owns the connection. Memory is taken
 * before the tasks are accepted, because accepting cannot be undone. From a worker the request itself is the message to
 * the loop. */
#include <errno.h>
#include <string.h>

#include <tandem/log.h>

#include "server/front.h"
#include "server/request.h"

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

static bool is_status(int status)
{
    return status >= 200 && status <= 599;
}

/* Middleware on the way out, the innermost that was reached first. */
static void pass_out(tdm_request *req, tdm_outgoing *reply)
{
    for (unsigned i = req->reached; i > 0; i--) {
        const tdm_middleware *m = req->chain->list[i - 1];
        int err = m->after ? m->after(req, reply, m->arg) : 0;
        if (!err && is_status(reply->status))
            continue;
        static const char body[] = "{\"detail\":\"Internal Server Error\"}";
        tdm_log_error("middleware %s failed on a reply: %s", m->name, err ? strerror(-err) : "it is no final status");
        tdm__request_forget_fields(req);
        *reply = (tdm_outgoing){500, "application/json", body, sizeof body - 1, false};
        return;
    }
}

int tdm__request_prepare(tdm_request *req, tdm_outgoing *reply, tdm__wire *wire)
{
    if (req->replied)
        return -EALREADY;
    int status = reply->status;
    if (!is_status(status) || (reply->size && tdm__wire_bodiless(status)))
        return -EINVAL;
    bool streamed = reply->streamed;
    pass_out(req, reply);
    if (streamed != reply->streamed)
        return -EIO; /* the 500 is made by whoever began to stream */
    if (tdm__wire_bodiless(reply->status))
        reply->size = 0; /* middleware has made it one */
    *wire = (tdm__wire){.status = reply->status, .type = reply->type, .body = reply->body, .body_size = reply->size};
    wire->extras = req->extras;
    wire->head_only = streamed || strcmp(req->method, "HEAD") == 0;
    wire->close = !req->keep_alive || tdm_app_draining(req->front->app);
    wire->keep_alive = req->old;
    req->wire = tdm__arena_alloc(&req->arena, tdm__wire_bound(wire));
    if (!req->wire)
        return -ENOMEM;
    tdm__background_accept(req);
    wire->tasks = req->task_count;
    wire->first_id = req->first_task;
    wire->last_id = req->last_task;
    req->replied = true;
    req->status = reply->status;
    return 0;
}

int tdm__request_reply(tdm_request *req, int status, const char *type, const void *body, size_t size)
{
    tdm_outgoing reply = {status, type, body, size, false};
    tdm__wire wire;
    int err = tdm__request_prepare(req, &reply, &wire);
    if (err)
        return err;
    req->wire_size = tdm__wire_write(&wire, req->wire);
    req->wire_close = wire.close;
    if (tdm_request_gone(req))
        return -EPIPE;
    send_off(req);
    return 0;
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

/* ---- the common kinds ---- */

int tdm_reply(tdm_request *req, int status, const char *type, const void *body, size_t size)
{
    if (!req->replied && type && !tdm__wire_value_ok(type))
        return -EINVAL;
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

int tdm_reply_html(tdm_request *req, int status, const char *html)
{
    return tdm__request_reply(req, status, "text/html; charset=utf-8", html, strlen(html));
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

int tdm_reply_struct(tdm_request *req, int status, const tdm_schema *schema, const void *from)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_struct(&w, schema, from);
    int err = tdm_reply_json(req, status, &w);
    tdm_json_finish(&w);
    return err;
}
