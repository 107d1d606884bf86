/* SPDX-License-Identifier: MIT */
/* DESIGN: a reply in pieces, from a fiber of the connection's loop or from a worker. What touches the exchange is done
 * on the loop: a fiber does it in place, a worker posts an order from its own stack and waits for the answer. Either
 * way the writer goes on only when little enough waits for the client. Its wait is shielded, because an order on a stack
 * cannot be called back; so whoever cancels the request also ends the writer's wait (tdm__stream_wake()). */
#include <tandem/stream.h>

#include <errno.h>
#include <string.h>

#include <tandem/clock.h>
#include <tandem/wait.h>

#include "server/events.h"
#include "server/front.h"

typedef enum stream_step { BEGIN, WRITE, END } stream_step;

typedef struct order {
    tdm__message message;
    tdm_request *req;
    tdm__exec *exec;
    stream_step step;
    const void *bytes;
    size_t size;
} order;

/* ---- on the loop ---- */

static int begin_here(tdm_request *req, tdm__exchange *exchange)
{
    req->stream.events = req->stream.told;
    if (req->stream.mute) {
        tdm__exchange_send(exchange, req->wire, req->wire_size, req->wire_close);
        return 0;
    }
    int err = tdm__exchange_begin(exchange, req->wire, req->wire_size, req->stream.chunked);
    if (!err && req->stream.events && !req->over)
        tdm__events_start(req);
    return err;
}

static int do_step(tdm_request *req, stream_step step, const void *bytes, size_t size)
{
    if (!req->exchange)
        return -EPIPE;
    switch (step) {
    case BEGIN:
        return begin_here(req, req->exchange);
    case WRITE:
        if (req->stream.events)
            tdm__events_note(req);
        return tdm__exchange_write(req->exchange, bytes, size);
    case END:
        tdm__events_stop(req);
        if (req->stream.sized && req->stream.left)
            tdm__exchange_cut(req->exchange);
        else
            tdm__exchange_end(req->exchange, req->wire_close);
        return 0;
    }
    return -EINVAL;
}

static bool must_wait(const tdm_request *req, stream_step step)
{
    return step != END && req->exchange && tdm__exchange_unsent(req->exchange) > TDM_STREAM_WINDOW;
}

static void on_order(tdm__message *message)
{
    order *o = (order *) ((char *) message - offsetof(order, message));
    tdm_request *req = o->req;
    int err = do_step(req, o->step, o->bytes, o->size);
    if (err || !must_wait(req, o->step))
        tdm__wake(o->exec, err);
    else if (atomic_load(&o->exec->cancel)) /* while the order was on its way: nobody will say so again */
        tdm__wake(o->exec, -ECANCELED);
    else
        req->stream.writer = o->exec;
}

void tdm__stream_wake(tdm_request *req, int result)
{
    tdm__exec *writer = req->stream.writer;
    req->stream.writer = NULL;
    if (writer)
        tdm__wake(writer, result);
}

void tdm__stream_drained(tdm_request *req)
{
    tdm__stream_wake(req, 0);
}

void tdm__stream_settle(tdm_request *req)
{
    if (!req->exchange || req->stream.ended || req->stream.mute)
        return;
    req->stream.ended = true;
    tdm__events_stop(req);
    if (req->handler.result < 0 || (req->stream.sized && req->stream.left))
        tdm__exchange_cut(req->exchange);
    else
        tdm__exchange_end(req->exchange, req->wire_close);
}

/* ---- in the handler ---- */

/* Of a client that is as fast as its handler nobody would have to wait, and the loop would have no turn. */
static void take_turns(tdm_request *req, size_t size)
{
    req->stream.in_a_row += size;
    if (req->stream.in_a_row < TDM_STREAM_TURN)
        return;
    req->stream.in_a_row = 0;
    tdm_yield(); /* if the handler is to stop, its next write says so */
}

/* Take one step on the loop, and wait until the client keeps up. */
static int take_step(tdm_request *req, stream_step step, const void *bytes, size_t size)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    if (tdm__loop_current() == req->front->loop) {
        int err = do_step(req, step, bytes, size);
        if (!err && !must_wait(req, step))
            take_turns(req, size);
        if (err || !must_wait(req, step))
            return err;
        req->stream.in_a_row = 0;
        tdm__wait_begin(exec, true);
        req->stream.writer = exec;
        return tdm__wait_until(exec, INT64_MAX);
    }
    order o = {.req = req, .exec = exec, .step = step, .bytes = bytes, .size = size};
    o.message.run = on_order;
    tdm__wait_begin(exec, true);
    tdm__loop_post(req->front->loop, &o.message);
    return tdm__wait_until(exec, INT64_MAX);
}

/* Has somebody asked the handler to stop? */
static bool is_cancelled(void)
{
    const tdm__exec *exec = tdm__exec_current();
    return exec && atomic_load(&exec->cancel);
}

int tdm_stream_begin(tdm_request *req, int status, const char *type, uint64_t length)
{
    if (req->replied)
        return -EALREADY;
    if (!tdm__exec_to_wait())
        return -EDEADLK; /* before anything was done: another reply can still be made */
    if (tdm__wire_bodiless(status) || (length != TDM_LENGTH_UNKNOWN && length > SIZE_MAX) ||
        (type && !tdm__wire_value_ok(type)))
        return -EINVAL;
    bool sized = length != TDM_LENGTH_UNKNOWN;
    tdm_outgoing reply = {.status = status, .type = type, .size = sized ? (size_t) length : 0, .streamed = true};
    tdm__wire wire;
    int err = tdm__request_prepare(req, &reply, &wire);
    if (err == -EIO) {
        tdm__request_forget_fields(req);
        tdm_fail(req, 500, "Internal Server Error");
    }
    if (err)
        return err;
    bool empty = tdm__wire_bodiless(reply.status); /* middleware has made it one: what is written goes nowhere */
    req->stream.begun = true;
    req->stream.mute = empty || strcmp(req->method, "HEAD") == 0;
    req->stream.sized = sized;
    req->stream.left = sized ? length : 0;
    req->stream.chunked = !sized && !req->old && !empty;
    wire.unsized = !sized && !empty;
    wire.chunked = req->stream.chunked;
    if (wire.unsized && req->old) { /* HTTP/1.0 knows no chunks: the end of the connection ends the reply */
        wire.close = true;
        wire.keep_alive = false;
    }
    req->wire_close = wire.close;
    req->wire_size = tdm__wire_write(&wire, req->wire);
    return take_step(req, BEGIN, NULL, 0);
}

int tdm_stream_write(tdm_request *req, const void *bytes, size_t size)
{
    tdm__streaming *stream = &req->stream;
    if (!stream->begun || stream->ended)
        return -EINVAL;
    if (stream->sized && size > stream->left)
        return -EMSGSIZE;
    if (tdm_request_gone(req))
        return -EPIPE;
    if (is_cancelled())
        return -ECANCELED;
    stream->left -= stream->sized ? size : 0;
    return stream->mute || size == 0 ? 0 : take_step(req, WRITE, bytes, size);
}

int tdm_stream_end(tdm_request *req)
{
    tdm__streaming *stream = &req->stream;
    if (!stream->begun || stream->ended)
        return -EINVAL;
    stream->ended = true;
    if (stream->mute)
        return 0;
    bool whole = !stream->sized || stream->left == 0;
    int err = take_step(req, END, NULL, 0);
    return err || whole ? err : -EMSGSIZE;
}
