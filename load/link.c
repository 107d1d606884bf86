/* SPDX-License-Identifier: MIT */
/* DESIGN: a connection as a small machine: closed, connecting, idle, busy. The read event stays armed while the
 * connection is open, so that one request costs one send and one recv, and a server that closes an idle connection is
 * noticed. Bytes are received into a buffer that all links share, for they are parsed at once. Deadlines are plain
 * numbers that the owner's one timer compares. A failed send is not reported: the read event that follows tells more
 * (the server may have answered before it closed). */
#include "load/link.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <tandem/clock.h>

enum { READS_PER_EVENT = 16 }; /* so that one endless body cannot hold the loop */

struct load_link {
    const load_link_shared *shared;
    const load_link_calls *calls;
    void *arg;
    load_wire *wire;
    int fd;
    load_link_state state;
    struct event readable, writable;
    int64_t deadline_ns;
    const char *request;
    size_t request_size, request_sent;
    uint64_t replies; /* since it was opened */
};

int load_link_create(load_link **out, const load_link_shared *shared, size_t body_limit, const load_link_calls *calls,
                     void *arg)
{
    load_link *link = calloc(1, sizeof *link);
    if (!link)
        return -ENOMEM;
    if (load_wire_create(&link->wire, body_limit) < 0) {
        free(link);
        return -ENOMEM;
    }
    link->shared = shared;
    link->calls = calls;
    link->arg = arg;
    link->fd = -1;
    *out = link;
    return 0;
}

void load_link_destroy(load_link **link)
{
    if (!*link)
        return;
    load_link_close(*link);
    load_wire_destroy(&(*link)->wire);
    free(*link);
    *link = NULL;
}

void load_link_close(load_link *link)
{
    if (link->fd < 0)
        return;
    event_del(&link->readable);
    event_del(&link->writable);
    close(link->fd);
    link->fd = -1;
    link->state = LOAD_LINK_CLOSED;
}

static void fail(load_link *link, load_error error, bool stale, const char *detail)
{
    load_failure failure = {.error = error, .stale = stale};
    snprintf(failure.detail, sizeof failure.detail, "%s", detail);
    load_link_close(link);
    link->calls->failed(link->arg, &failure);
}

/* ---- receiving ---- */

static bool is_stale(const load_link *link)
{
    return link->replies > 0 && !load_wire_started(link->wire);
}

static void reply_complete(load_link *link, bool open)
{
    const load_reply *reply = load_wire_reply(link->wire);
    link->replies++;
    if (open && reply->keep_alive)
        link->state = LOAD_LINK_IDLE;
    else
        load_link_close(link);
    link->calls->replied(link->arg, reply, tdm_clock_ns());
}

static void reply_failed(load_link *link, load_wire_result result)
{
    static const load_error errors[] = {
        [LOAD_WIRE_BAD] = LOAD_ERROR_PARSE,
        [LOAD_WIRE_HEAD_LIMIT] = LOAD_ERROR_HEAD_LIMIT,
        [LOAD_WIRE_BODY_LIMIT] = LOAD_ERROR_BODY_LIMIT,
        [LOAD_WIRE_SHORT] = LOAD_ERROR_SHORT_BODY,
        [LOAD_WIRE_CLOSED] = LOAD_ERROR_CLOSED,
        [LOAD_WIRE_NO_MEMORY] = LOAD_ERROR_BODY_LIMIT,
    };
    const char *detail = result == LOAD_WIRE_BAD || result == LOAD_WIRE_NO_MEMORY ? load_wire_reason(link->wire) : "";
    fail(link, errors[result], false, detail);
}

/* Returns whether the reply goes on; if not, the link may already be on its next request or connection. */
static bool received(load_link *link, const char *data, size_t size)
{
    size_t used = 0;
    if (link->state != LOAD_LINK_BUSY) { /* bytes that nothing asked for: what follows could not be told apart */
        load_link_close(link);
        return false;
    }
    load_wire_result result = load_wire_feed(link->wire, data, size, &used);
    if (result == LOAD_WIRE_MORE)
        return true;
    if (result != LOAD_WIRE_COMPLETE)
        reply_failed(link, result);
    else if (used < size)
        fail(link, LOAD_ERROR_EXCESS, false, "");
    else
        reply_complete(link, true);
    return false;
}

static void peer_ended(load_link *link, int err)
{
    if (link->state != LOAD_LINK_BUSY) {
        load_link_close(link);
        return;
    }
    if (err || !load_wire_started(link->wire)) {
        fail(link, err ? LOAD_ERROR_RESET : LOAD_ERROR_CLOSED, is_stale(link), err ? strerror(err) : "");
        return;
    }
    load_wire_result result = load_wire_eof(link->wire);
    if (result == LOAD_WIRE_COMPLETE)
        reply_complete(link, false);
    else
        reply_failed(link, result);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    load_link *link = arg;
    const load_link_shared *shared = link->shared;
    (void) what;
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = recv(fd, shared->buffer, shared->buffer_size, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            peer_ended(link, n < 0 ? errno : 0);
            return;
        }
        if (!received(link, shared->buffer, (size_t) n) || (size_t) n < shared->buffer_size)
            return;
    }
}

/* ---- opening and sending ---- */

static void send_rest(load_link *link)
{
    ssize_t n =
        send(link->fd, link->request + link->request_sent, link->request_size - link->request_sent, MSG_NOSIGNAL);
    if (n > 0)
        link->request_sent += (size_t) n;
    bool full = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (link->request_sent < link->request_size && (n >= 0 || full))
        event_add(&link->writable, NULL);
}

/* A socket that connects to a free port of its own range on its own host can meet itself. */
static bool met_itself(int fd)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *) &here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *) &there, &there_size) == 0 && here_size == there_size &&
           !memcmp(&here, &there, here_size);
}

static void connected(load_link *link)
{
    int err = 0;
    socklen_t size = sizeof err;
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
        err = errno;
    if (!err && met_itself(link->fd))
        err = ECONNREFUSED;
    if (err) {
        fail(link, LOAD_ERROR_CONNECT, false, strerror(err));
        return;
    }
    link->state = LOAD_LINK_IDLE;
    event_add(&link->readable, NULL);
    link->calls->opened(link->arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    load_link *link = arg;
    (void) fd;
    (void) what;
    if (link->state == LOAD_LINK_CONNECTING)
        connected(link);
    else if (link->state == LOAD_LINK_BUSY)
        send_rest(link);
}

int load_link_open(load_link *link, const load_target *target)
{
    const int yes = 1;
    assert(link->state == LOAD_LINK_CLOSED);
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* one send a request: only a precaution */
    if (connect(fd, (const struct sockaddr *) &target->address, target->address_size) < 0 && errno != EINPROGRESS) {
        int err = -errno;
        close(fd);
        return err;
    }
    link->fd = fd;
    link->state = LOAD_LINK_CONNECTING;
    link->replies = 0;
    link->deadline_ns = tdm_clock_ns() + link->shared->connect_timeout_ns;
    event_assign(&link->readable, link->shared->base, fd, EV_READ | EV_PERSIST, on_readable, link);
    event_assign(&link->writable, link->shared->base, fd, EV_WRITE, on_writable, link);
    event_add(&link->writable, NULL);
    return 0;
}

int64_t load_link_send(load_link *link, const char *request, size_t size, int64_t timeout_ns)
{
    assert(link->state == LOAD_LINK_IDLE);
    link->state = LOAD_LINK_BUSY;
    link->request = request;
    link->request_size = size;
    link->request_sent = 0;
    load_wire_begin(link->wire);
    int64_t now = tdm_clock_ns();
    link->deadline_ns = now + timeout_ns;
    send_rest(link);
    return now;
}

load_link_state load_link_state_of(const load_link *link)
{
    return link->state;
}

const char *load_link_body(const load_link *link, size_t *size)
{
    return load_wire_body(link->wire, size);
}

void load_link_tick(load_link *link, int64_t now_ns)
{
    if (now_ns < link->deadline_ns)
        return;
    if (link->state == LOAD_LINK_CONNECTING)
        fail(link, LOAD_ERROR_CONNECT, false, strerror(ETIMEDOUT));
    else if (link->state == LOAD_LINK_BUSY)
        fail(link, LOAD_ERROR_TIMEOUT, false, "");
}
