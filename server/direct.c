/* SPDX-License-Identifier: MIT */
/* DESIGN: the transport on plain libevent events: one event per connection, added once, edge-triggered for everything,
 * so a request costs one read and one write and no system call besides. An edge is told once: that there is more to read
 * is kept in `readable`, and a read that fills less than its buffer has taken all there was. But a reset may have come in
 * the same edge, and libevent does not say so: a message that is not whole yet is worth one more read, which tells. While a
 * request is busy nothing is read, but every edge is a look at whether the client is still there.
 * Bytes are read into the gate's one buffer. A connection has memory of its own only for what the client sent ahead of
 * a reply, and for what it did not take of one; an idle connection has neither.
 * What is left to do when a reply ends outside an event (a handler on a fiber, a message from a worker) is done by the
 * connection's own event, made active: never on the caller's stack. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "server/bytes.h"
#include "server/connection.h"

#define BUFFER_SIZE ((size_t) 32768)
#define READS_AT_ONCE 16 /* of one connection; then the others have their turn */
#define ACCEPTS_AT_ONCE 64

typedef struct connection {
    tdm__exchange base; /* first: the two are cast to each other */
    struct event event;
    tdm__bytes in;  /* came while a request was busy */
    tdm__bytes out; /* of a reply, from `sent` on */
    size_t sent;
    bool readable;        /* there may be more to read */
    bool half, half_told; /* it sent a FIN, and that was counted */
    bool going;           /* go_on() is at work */
    bool last;            /* WRITING: the connection ends after this reply */
} connection;

typedef struct gate {
    tdm__gate base; /* first, likewise */
    struct event accept;
    char buffer[BUFFER_SIZE];
} gate;

/* ---- ways: what connection.c and exchange.c ask for ---- */

/* Have its event come again, outside whatever calls now. */
static void come_again(connection *c)
{
    event_active(&c->event, EV_READ, 0);
}

static void close_connection(tdm__exchange *x)
{
    connection *c = (connection *) x;
    event_del(&c->event);
    close(x->fd);
    x->fd = -1;
    tdm__exchange_closed(x);
}

static void still_connection(tdm__exchange *x)
{
    connection *c = (connection *) x;
    tdm__bytes_clear(&c->in, 0);
    tdm__bytes_clear(&c->out, 0);
    c->sent = 0;
    come_again(c); /* to forget what is there; then its event tells of more, and of the client's end */
}

static void free_connection(tdm__exchange *x)
{
    connection *c = (connection *) x;
    tdm__bytes_clear(&c->in, 0);
    tdm__bytes_clear(&c->out, 0);
    free(c);
}

static void listen_or_not(tdm__gate *base, bool on)
{
    struct event *accepting = &((gate *) base)->accept;
    if (!on)
        event_del(accepting);
    else if (event_add(accepting, NULL))
        tdm__gate_starve(base, ENOMEM);
}

static void close_listener(tdm__gate *base)
{
    event_del(&((gate *) base)->accept);
}

static void settle_fresh(tdm__gate *base)
{
    (void) base; /* none stays fresh */
}

static size_t unsent(const tdm__exchange *x)
{
    const connection *c = (const connection *) x;
    return c->out.size - c->sent;
}

static bool keep(tdm__exchange *x, const struct iovec *pieces, size_t count)
{
    connection *c = (connection *) x;
    tdm__bytes_take(&c->out, c->sent);
    c->sent = 0;
    for (size_t i = 0; i < count; i++) {
        if (!tdm__bytes_add(&c->out, pieces[i].iov_base, pieces[i].iov_len))
            return false;
    }
    return true;
}

static void end_reply(connection *c, bool close)
{
    tdm__exchange *x = &c->base;
    x->refs++;
    tdm__exchange_over(x, TDM__HANDED); /* whatever closes the connection now */
    if (!close) {
        tdm__exchange_enter(x, TDM__IDLE);
        if (!c->going && (c->in.size || c->readable))
            come_again(c);
    } else {
        tdm__exchange_end_last(x, c->in.size || c->readable);
    }
    tdm__exchange_unref(x);
}

static void finish(tdm__exchange *x, bool close)
{
    connection *c = (connection *) x;
    c->last = close;
    if (unsent(x) == 0)
        end_reply(c, close);
}

/* ---- reading ---- */

/* A request is busy: is its client still there? */
static void look_for_end(connection *c)
{
    struct pollfd poller = {.fd = c->base.fd, .events = POLLRDHUP};
    if (poll(&poller, 1, 0) <= 0)
        return;
    if (poller.revents & (POLLERR | POLLHUP)) {
        close_connection(&c->base);
        return;
    }
    c->half = true;
    bool told = c->half_told;
    c->half_told = true;
    if (!told)
        tdm__exchange_half_closed(&c->base); /* which may close it */
}

/* @return bytes taken; the rest belongs to later requests. */
static size_t consume(connection *c, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && tdm__exchange_reads(&c->base))
        at += tdm__exchange_take(&c->base, bytes + at, size - at);
    return at;
}

static void consume_pending(connection *c)
{
    size_t used = consume(c, c->in.at, c->in.size);
    if (c->in.size == 0)
        return; /* the connection ends, and what came is forgotten */
    tdm__bytes_take(&c->in, used);
    if (c->in.size == 0)
        tdm__bytes_clear(&c->in, 0);
}

static void read_once(connection *c)
{
    tdm__exchange *x = &c->base;
    gate *g = (gate *) x->gate;
    ssize_t n = recv(x->fd, g->buffer, BUFFER_SIZE, 0);
    if (n < 0 && errno == EINTR)
        return;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->readable = false;
        return;
    }
    if (n <= 0) {
        close_connection(x); /* it has left, in the middle of a message or between two */
        return;
    }
    if ((size_t) n < BUFFER_SIZE && !c->half)
        c->readable = false;
    unsigned before = x->requests;
    size_t used = consume(c, g->buffer, (size_t) n);
    if (tdm__exchange_reads(x) && x->requests == before)
        c->readable = true; /* no reply was sent, which would have told of a reset */
    bool goes_on = x->phase == TDM__BUSY || x->phase == TDM__STREAMING || x->phase == TDM__WRITING;
    if (used < (size_t) n && goes_on && !tdm__bytes_add(&c->in, g->buffer + used, (size_t) n - used))
        tdm__exchange_cut(x);
}

/* Read, and answer what comes, while there is something and nobody is to be waited for. */
static void go_on(connection *c)
{
    tdm__exchange *x = &c->base;
    c->going = true;
    x->refs++;
    if (c->in.size && tdm__exchange_reads(x))
        consume_pending(c);
    int reads = 0;
    while (c->readable && tdm__exchange_reads(x) && reads++ < READS_AT_ONCE)
        read_once(c);
    c->going = false;
    if (c->readable && tdm__exchange_reads(x))
        come_again(c);
    else if (x->phase == TDM__BUSY || x->phase == TDM__STREAMING)
        look_for_end(c);
    tdm__exchange_unref(x);
}

/* ---- writing ---- */

static void write_on(connection *c)
{
    tdm__exchange *x = &c->base;
    while (unsent(x)) {
        ssize_t n = send(x->fd, c->out.at + c->sent, c->out.size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0 && errno != EINTR) {
            close_connection(x);
            return;
        }
        c->sent += n > 0 ? (size_t) n : 0;
    }
    tdm__bytes_clear(&c->out, 0);
    c->sent = 0;
    if (x->phase == TDM__WRITING)
        end_reply(c, c->last);
    else
        tdm__exchange_drained(x);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    (void) fd;
    connection *c = arg;
    tdm__exchange *x = &c->base;
    x->refs++;
    c->readable = c->readable || (what & EV_READ);
    c->half = c->half || (what & EV_CLOSED);
    if ((what & EV_WRITE) && unsent(x))
        write_on(c);
    if (x->phase == TDM__LINGER && tdm__exchange_forget_input(x))
        come_again(c); /* an edge is told once */
    else if (tdm__exchange_reads(x))
        go_on(c);
    else if (x->phase != TDM__LINGER && x->phase != TDM__DEAD && (what & (EV_READ | EV_CLOSED)))
        look_for_end(c);
    tdm__exchange_unref(x);
}

/* ---- a connection's birth ---- */

static void begin_connection(gate *g, int fd)
{
    connection *c = calloc(1, sizeof *c);
    struct event_base *base = tdm__loop_base(g->base.loop);
    const short all = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;
    if (!c || event_assign(&c->event, base, fd, all, on_event, c) || event_add(&c->event, NULL)) {
        free(c);
        close(fd);
        return;
    }
    tdm__exchange_accept(&g->base, &c->base);
    c->base.fd = fd;
    tdm__exchange_enter(&c->base, TDM__IDLE);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
    (void) what;
    gate *g = arg;
    for (int i = 0; i < ACCEPTS_AT_ONCE && !g->base.full && !g->base.starved; i++) {
        /* cppcheck-suppress nullPointer ; whose address it is does not matter */
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            begin_connection(g, fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                tdm__gate_starve(&g->base, errno);
            return;
        }
    }
}

/* ---- a gate ---- */

static void free_gate(gate *g)
{
    tdm__gate_finish(&g->base);
    free(g);
}

static void destroy_gate(tdm__gate *base)
{
    tdm__gate_cut(base);
    free_gate((gate *) base);
}

static void ready(tdm__exchange *x)
{
    tdm__exchange_hand_up(x);
}

static const tdm__gate_ways ways = {
    .close = close_connection,
    .still = still_connection,
    .listen = listen_or_not,
    .unlisten = close_listener,
    .settle = settle_fresh,
    .free = free_connection,
    .ready = ready,
    .keep = keep,
    .unsent = unsent,
    .finish = finish,
    .destroy = destroy_gate,
};

int tdm__direct_gate_create(tdm__gate **out, tdm__slot *slot, int fd)
{
    gate *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    int err = tdm__gate_init(&g->base, slot, &ways, fd, false);
    if (!err && (event_assign(&g->accept, tdm__loop_base(slot->loop), fd, EV_READ | EV_PERSIST, on_accept, g) ||
                 event_add(&g->accept, NULL)))
        err = -ENOMEM;
    if (err) {
        free_gate(g);
        return err;
    }
    *out = &g->base;
    return 0;
}
