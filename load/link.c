/* SPDX-License-Identifier: MIT */
/* DESIGN: a connection as a small machine: closed, connecting, open. It is registered with the poll once, so that one
 * request costs one send and one recv, and a server that closes an idle connection is noticed. Bytes are received into
 * a buffer that all links of a thread share, for they are parsed at once. Deadlines are plain numbers that the owner's
 * tick compares. A failed send is not reported: the event that follows tells more (the server may have answered before
 * it closed). A call of the owner may close the link and open it again; `life` then differs, and what was still to be
 * told of the old connection is dropped. */
#include "load/link.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <tandem/clock.h>

enum { READS_PER_EVENT = 16 }; /* so that one endless body cannot hold the thread */

struct load_link {
    load_source source; /* first: the poll hands it back */
    load_link_state state;
    int fd;
    unsigned life;    /* counts openings and closings */
    unsigned awaited; /* replies */
    uint64_t heads;   /* bit 0: the next reply answers a HEAD request */
    int64_t deadline_ns;
    load_wire *wire;
    const load_link_calls *calls;
    void *arg;
    const load_link_shared *shared;
    const char *out; /* what is still to be sent: the owner's bytes, or `kept` */
    size_t out_size;
    uint64_t replies; /* since it was opened */
    uint64_t received, sent;
    char *kept;
    size_t kept_capacity;
};

static void on_ready(load_source *source, uint32_t events);

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
    link->source.ready = on_ready;
    link->shared = shared;
    link->calls = calls;
    link->arg = arg;
    link->fd = -1;
    *out = link;
    return 0;
}

void load_link_set_arg(load_link *link, void *arg)
{
    link->arg = arg;
}

void load_link_destroy(load_link **link)
{
    if (!*link)
        return;
    load_link_close(*link);
    load_wire_destroy(&(*link)->wire);
    free((*link)->kept);
    free(*link);
    *link = NULL;
}

void load_link_close(load_link *link)
{
    if (link->fd < 0)
        return;
    load_poller_forget(link->shared->poll, &link->source);
    close(link->fd);
    link->fd = -1;
    link->state = LOAD_LINK_CLOSED;
    link->life++;
    link->awaited = 0;
    link->heads = 0;
    link->out_size = 0;
    link->deadline_ns = 0;
}

static void fail(load_link *link, load_error error, const char *detail)
{
    load_failure failure = {.error = error,
                            .untouched = !load_wire_started(link->wire) && link->state == LOAD_LINK_OPEN,
                            .had_replies = link->replies > 0};
    snprintf(failure.detail, sizeof failure.detail, "%s", detail);
    load_link_close(link);
    link->calls->failed(link->arg, &failure);
}

/* ---- receiving ---- */

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
    fail(link, errors[result], detail);
}

/* The reply is complete; `lasts`: the connection may carry more. */
static void reply_complete(load_link *link, bool lasts)
{
    const load_reply *reply = load_wire_reply(link->wire);
    link->replies++;
    link->awaited--;
    link->heads >>= 1;
    if (!lasts || !reply->keep_alive || (link->out_size && !link->awaited)) /* answered before it was sent in full */
        load_link_close(link);
    link->calls->replied(link->arg, reply);
}

static void settled(load_link *link, unsigned life)
{
    if (link->calls->settled && (link->life == life || link->state == LOAD_LINK_CLOSED))
        link->calls->settled(link->arg);
}

/* Tell the replies that are complete. @return may there be more to read? */
static bool received(load_link *link, const char *data, size_t size)
{
    unsigned life = link->life;
    bool told = false;
    while (size) {
        size_t used = 0;
        if (!link->awaited) { /* bytes that nothing asked for: what follows could not be told apart */
            load_link_close(link);
            break;
        }
        load_wire_result result = load_wire_feed(link->wire, data, size, &used);
        if (result == LOAD_WIRE_MORE)
            break;
        if (result != LOAD_WIRE_COMPLETE || (link->awaited == 1 && used < size)) {
            if (result != LOAD_WIRE_COMPLETE)
                reply_failed(link, result);
            else
                fail(link, LOAD_ERROR_EXCESS, "");
            return false;
        }
        data += used;
        size -= used;
        told = true;
        reply_complete(link, true);
        if (link->life != life)
            break;
        if (link->awaited && size)
            load_wire_begin(link->wire, link->heads & 1);
    }
    if (told && link->life == life && link->awaited && !size)
        load_wire_begin(link->wire, link->heads & 1);
    if (told)
        settled(link, life);
    return link->life == life;
}

static void peer_ended(load_link *link, int err)
{
    unsigned life = link->life;
    if (!link->awaited) {
        load_link_close(link);
        return;
    }
    if (err || !load_wire_started(link->wire)) {
        fail(link, err ? LOAD_ERROR_RESET : LOAD_ERROR_CLOSED, err ? strerror(err) : "");
        return;
    }
    load_wire_result result = load_wire_eof(link->wire);
    if (result != LOAD_WIRE_COMPLETE) {
        reply_failed(link, result);
        return;
    }
    reply_complete(link, false);
    settled(link, life);
}

static void receive(load_link *link, bool ending)
{
    const load_link_shared *shared = link->shared;
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = recv(link->fd, shared->buffer, shared->buffer_size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            peer_ended(link, n < 0 ? errno : 0);
            return;
        }
        link->received += (uint64_t) n;
        if (!received(link, shared->buffer, (size_t) n) || ((size_t) n < shared->buffer_size && !ending))
            return;
    }
    if (load_poller_again(shared->poll, link->fd, &link->source) < 0)
        fail(link, LOAD_ERROR_RESET, strerror(errno));
}

/* ---- opening and sending ---- */

static void sendable(load_link *link)
{
    ssize_t n = send(link->fd, link->out, link->out_size, MSG_NOSIGNAL);
    if (n <= 0)
        return;
    link->out += n;
    link->out_size -= (size_t) n;
    link->sent += (uint64_t) n;
    if (!link->out_size)
        settled(link, link->life);
}

/* A socket that connects to a free port of its own range on its own host can meet itself. */
static bool met_itself(int fd)
{
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *) &here, &here_size) == 0 && here.ss_family != AF_UNIX &&
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
        fail(link, LOAD_ERROR_CONNECT, strerror(err));
        return;
    }
    link->state = LOAD_LINK_OPEN;
    link->deadline_ns = 0;
    link->calls->opened(link->arg);
}

static void on_ready(load_source *source, uint32_t events)
{
    load_link *link = (load_link *) source;
    unsigned life = link->life;
    bool ending = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    if (link->state == LOAD_LINK_CONNECTING && (ending || (events & EPOLLOUT)))
        connected(link);
    else if (link->out_size && (events & EPOLLOUT))
        sendable(link);
    if (link->life == life && link->state == LOAD_LINK_OPEN && (ending || (events & EPOLLIN)))
        receive(link, ending);
}

/* Best effort. A request that fits into the first window never meets congestion control, but where the system's default
 * is one that paces (BBR), its timers cost CPU with every send and could hold one back. */
static void tune(int fd, const load_target *target)
{
    static const char plain[] = "reno"; /* always there */
    const int yes = 1;
    if (target->address.ss_family == AF_UNIX)
        return;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* one send a request: only a precaution */
    if (target->light)
        (void) setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, plain, sizeof plain - 1);
}

int load_link_open(load_link *link, const load_target *target)
{
    assert(link->state == LOAD_LINK_CLOSED);
    int fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    tune(fd, target);
    int err = connect(fd, (const struct sockaddr *) &target->address, target->address_size) < 0 ? -errno : 0;
    if (!err || err == -EINPROGRESS)
        err = load_poller_add(link->shared->poll, fd, &link->source);
    if (err) {
        close(fd);
        return err;
    }
    link->fd = fd;
    link->state = LOAD_LINK_CONNECTING;
    link->life++;
    link->replies = 0;
    link->deadline_ns = tdm_clock_ns() + link->shared->connect_timeout_ns;
    load_wire_begin(link->wire, false);
    return 0;
}

/* The bytes from `from` on could not be sent yet. */
static bool keep(load_link *link, const load_bytes *bytes, size_t from)
{
    size_t size = bytes->size - from;
    if (size > link->kept_capacity) {
        char *grown = realloc(link->kept, size);
        if (!grown)
            return false;
        link->kept = grown;
        link->kept_capacity = size;
    }
    memcpy(link->kept, bytes->data + from, size);
    link->out = link->kept;
    link->out_size = size;
    return true;
}

void load_link_send(load_link *link, const load_bytes *bytes)
{
    assert(link->state == LOAD_LINK_OPEN && !link->out_size && link->awaited + bytes->requests <= LOAD_PIPELINE_MAX);
    if (!link->awaited)
        load_wire_begin(link->wire, bytes->heads & 1);
    link->heads |= bytes->heads << link->awaited;
    link->awaited += bytes->requests;
    ssize_t n = send(link->fd, bytes->data, bytes->size, MSG_NOSIGNAL);
    size_t sent = n > 0 ? (size_t) n : 0;
    link->sent += sent;
    if (sent == bytes->size)
        return;
    if (bytes->lasting) {
        link->out = bytes->data + sent;
        link->out_size = bytes->size - sent;
    } else if (!keep(link, bytes, sent)) {
        shutdown(link->fd, SHUT_RDWR); /* without memory the request cannot go on; the end that follows is told */
    }
}

void load_link_set_deadline(load_link *link, int64_t deadline_ns)
{
    link->deadline_ns = deadline_ns;
}

load_link_state load_link_state_of(const load_link *link)
{
    return link->state;
}

bool load_link_sending(const load_link *link)
{
    return link->out_size > 0;
}

unsigned load_link_awaited(const load_link *link)
{
    return link->awaited;
}

void load_link_take_bytes(load_link *link, uint64_t *received_bytes, uint64_t *sent_bytes)
{
    *received_bytes = link->received;
    *sent_bytes = link->sent;
    link->received = link->sent = 0;
}

const char *load_link_body(const load_link *link, size_t *size)
{
    return load_wire_body(link->wire, size);
}

void load_link_tick(load_link *link, int64_t now_ns)
{
    if (!link->deadline_ns || now_ns < link->deadline_ns)
        return;
    if (link->state == LOAD_LINK_CONNECTING)
        fail(link, LOAD_ERROR_CONNECT, strerror(ETIMEDOUT));
    else if (link->awaited)
        fail(link, LOAD_ERROR_TIMEOUT, "");
}
