/* SPDX-License-Identifier: MIT */
/* DESIGN: server-sent events are a stream with a form and a heartbeat. The heart beats on the loop, while the handler
 * waits for something to tell: a comment that clients pass over, but that keeps proxies from closing the connection and
 * shows the server a client that has left. It beats only when nothing waits for the client already. */
#include "server/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>
#include <tandem/stream.h>

#include "server/front.h"

struct tdm__events {
    tdm__timer beat;
    tdm_request *req;
    int64_t every_ns, last_ns;
};

/* ---- the heartbeat ---- */

static void arm(struct tdm__events *events)
{
    /* Without memory for it there is no heartbeat, and nothing else is lost. */
    (void) tdm__timer_arm(events->req->front->loop, &events->beat, events->last_ns + events->every_ns);
}

static void on_beat(tdm__timer *timer)
{
    struct tdm__events *events = (struct tdm__events *) ((char *) timer - offsetof(struct tdm__events, beat));
    tdm_request *req = events->req;
    int64_t now = tdm_clock_ns();
    if (now - events->last_ns >= events->every_ns) {
        events->last_ns = now;
        if (tdm__exchange_unsent(req->exchange) == 0 && tdm__exchange_write(req->exchange, ":\n\n", 3))
            return; /* the client is gone, and with it the exchange and this timer */
    }
    arm(events);
}

void tdm__events_start(tdm_request *req)
{
    struct tdm__events *events = req->stream.events;
    events->last_ns = tdm_clock_ns();
    events->beat.run = on_beat;
    if (events->every_ns)
        arm(events);
}

void tdm__events_note(tdm_request *req)
{
    req->stream.events->last_ns = tdm_clock_ns();
}

void tdm__events_stop(tdm_request *req)
{
    if (req->stream.events)
        tdm__timer_disarm(req->front->loop, &req->stream.events->beat);
}

/* ---- events ---- */

const char *tdm_events_last_id(const tdm_request *req)
{
    return tdm_request_header(req, "Last-Event-ID");
}

int tdm_events_begin(tdm_request *req, const tdm_events_options *options)
{
    static const tdm_events_options defaults;
    options = options ? options : &defaults;
    double beat = options->heartbeat != 0 ? options->heartbeat : 15;
    if (!(beat <= TDM__MAX_SECONDS))
        return -EINVAL;
    if (req->replied)
        return -EALREADY;
    if (!tdm__exec_to_wait())
        return -EDEADLK;
    struct tdm__events *events = tdm__arena_alloc(&req->arena, sizeof *events);
    if (!events)
        return -ENOMEM;
    *events = (struct tdm__events){.req = req, .every_ns = beat > 0 ? tdm_ns_from_s(beat) : 0};
    int err = tdm_reply_header(req, "Cache-Control", "no-store");
    if (!err)
        err = tdm_reply_header(req, "X-Accel-Buffering", "no"); /* nginx passes events on at once */
    if (err)
        return err;
    req->stream.told = events;
    err = tdm_stream_begin(req, 200, "text/event-stream", TDM_LENGTH_UNKNOWN);
    if (!req->stream.begun)
        req->stream.told = NULL;
    if (err || !options->retry_ms)
        return err;
    char retry[32];
    int n = snprintf(retry, sizeof retry, "retry: %u\n\n", options->retry_ms);
    return tdm_stream_write(req, retry, (size_t) n);
}

static char *put(char *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

static char *put_line(char *to, const char *field, const char *text, size_t size)
{
    to = put(to, field, strlen(field));
    to = put(to, ": ", 2);
    to = put(to, text, size);
    *to++ = '\n';
    return to;
}

/* Each line of the data has a line of its own; "\r\n" and "\r" end lines too, for clients see them so. */
static char *put_data(char *to, const char *data)
{
    for (;;) {
        size_t size = strcspn(data, "\r\n");
        to = put_line(to, "data", data, size);
        data += size;
        if (!*data)
            return to;
        data += data[0] == '\r' && data[1] == '\n' ? 2 : 1;
    }
}

static size_t lines_of(const char *data)
{
    size_t lines = 1;
    for (; *data; data++)
        lines += *data == '\n' || *data == '\r';
    return lines;
}

static bool is_line(const char *text)
{
    return !text || !strpbrk(text, "\r\n");
}

int tdm_events_send(tdm_request *req, const tdm_stream_event *event)
{
    if (!req->stream.told || !is_line(event->id) || !is_line(event->name))
        return -EINVAL;
    const char *data = event->data ? event->data : "";
    size_t id = event->id ? strlen(event->id) : 0, name = event->name ? strlen(event->name) : 0;
    size_t room = id + name + strlen(data) + 8 * lines_of(data) + 32;
    char *text = malloc(room);
    if (!text)
        return -ENOMEM;
    char *to = text;
    if (event->id)
        to = put_line(to, "id", event->id, id);
    if (event->name)
        to = put_line(to, "event", event->name, name);
    to = put_data(to, data);
    *to++ = '\n';
    int err = tdm_stream_write(req, text, (size_t) (to - text));
    free(text);
    return err;
}
