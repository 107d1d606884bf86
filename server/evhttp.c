/* SPDX-License-Identifier: MIT */
/* DESIGN: the transport on libevent's evhttp, and the only file that knows it, behind a guard. evhttp accepts, and moves
 * bytes and requests; what it is given was judged before.
 *
 * - The guard is a callback on the connection's input buffer, which runs before evhttp's own: it takes out what came
 *   and feeds it to the message rules. When a message is whole, evhttp gets the shortest request there is in its place,
 *   and the message itself waits here until evhttp hands that request up. So evhttp never sees a byte from outside.
 * - What came after that message waits in `in` until the reply has gone.
 * - evhttp shows a connection only with its first request. So each is found at birth: evhttp asks for a bufferevent,
 *   and one turn of the event queue later evhttp's connection is read back from its callback argument.
 * - Replies are sent past evhttp, which is only told that the request has ended; what the socket does not take goes
 *   through evhttp's chunk calls: bytes put into its bufferevent would end a later request.
 * - An `evhttp_request` is borrowed from its callback to the end of its reply, or of its connection. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/listener.h>

#include "server/bytes.h"
#include "server/connection.h"
#include "server/fdmap.h"

#define REQUEST_MAX 256 /* bytes of what evhttp is given in place of a message, and then some */
#define ACCEPT_BATCH 64 /* connections taken before the loop gets its turn */

typedef struct connection {
    tdm__exchange base; /* first: the two are cast to each other */
    TAILQ_ENTRY(connection) soon_link;
    struct bufferevent *bev;
    struct evhttp_connection *evcon;
    struct evhttp_request *request; /* BUSY, STREAMING, WRITING */
    struct evbuffer_cb_entry *on_input;
    tdm__bytes in; /* came after the message that is being answered */
    bool guarding; /* on_input() is at work, or what is added is ours */
    bool offered;  /* a message is whole, and evhttp has not handed up what stands for it */
    bool soon;     /* in gate->soon_list */
    bool last;     /* WRITING: the connection ends after this reply */
} connection;

typedef struct gate {
    tdm__gate base; /* first, likewise */
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    struct event *soon; /* looks after the fresh, and those in its list */
    TAILQ_HEAD(, connection) soon_list;
    tdm__fdmap by_fd;
    unsigned batch;
    struct gate *next_here;
} gate;

/* The gates of this thread's loop: evhttp's listener knows only its evhttp. */
static _Thread_local gate *gates_here;

static gate *gate_of(const connection *c)
{
    return (gate *) c->base.gate;
}

/* Look after it in a moment, outside whatever calls now. */
static void soon(connection *c)
{
    if (!c->soon)
        TAILQ_INSERT_TAIL(&gate_of(c)->soon_list, c, soon_link);
    c->soon = true;
    event_active(gate_of(c)->soon, EV_TIMEOUT, 0);
}

static void not_soon(connection *c)
{
    if (c->soon)
        TAILQ_REMOVE(&gate_of(c)->soon_list, c, soon_link);
    c->soon = false;
}

/* ---- ways: what connection.c asks for ---- */

static void close_connection(tdm__exchange *x)
{
    evhttp_connection_free(((connection *) x)->evcon); /* which calls on_close() */
}

static void still_connection(tdm__exchange *x)
{
    connection *c = (connection *) x;
    tdm__bytes_clear(&c->in, 0);
    bufferevent_disable(c->bev, EV_READ | EV_WRITE);
}

static void free_connection(tdm__exchange *x)
{
    tdm__bytes_clear(&((connection *) x)->in, 0);
    free(x);
}

static void listen_or_not(tdm__gate *base, bool on)
{
    struct evconnlistener *listener = evhttp_bound_socket_get_listener(((gate *) base)->bound);
    if (on)
        evconnlistener_enable(listener);
    else
        evconnlistener_disable(listener);
}

static void close_listener(tdm__gate *base)
{
    gate *g = (gate *) base;
    evhttp_del_accept_socket(g->http, g->bound);
    g->bound = NULL;
}

/* ---- the guard ---- */

/* Give evhttp a request in place of the message that is whole. It never says that the connection ends: evhttp would close
 * it at once, and what is still unread would turn that into a reset (see tdm__exchange_end_last()). */
static void ready(tdm__exchange *x)
{
    static const char request[] = "GET / HTTP/1.1\r\n\r\n";
    connection *c = (connection *) x;
    struct evbuffer *input = bufferevent_get_input(c->bev);
    bool reading = c->guarding; /* libevent is, and has made it ready to be added to */
    c->guarding = true;
    if (!reading)
        evbuffer_unfreeze(input, 0);
    int err = evbuffer_add(input, request, sizeof request - 1);
    if (!reading)
        evbuffer_freeze(input, 0);
    c->guarding = reading;
    c->offered = !err;
    if (err)
        tdm__exchange_refuse(x, 503);
    else if (!reading)
        bufferevent_trigger(c->bev, EV_READ, 0);
}

/* @return bytes taken; the rest belongs to later requests, or to none. */
static size_t consume(connection *c, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && tdm__exchange_reads(&c->base) && !c->offered && !c->last)
        at += tdm__exchange_take(&c->base, bytes + at, size - at);
    return at;
}

/* The buffer outlives the connection that may end in here: libevent holds its bufferevent while it reads. */
static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    connection *c = arg;
    if (info->n_added == 0 || c->guarding)
        return;
    c->base.refs++;
    c->guarding = true;
    size_t size = evbuffer_get_length(buffer);
    const char *bytes = (const char *) evbuffer_pullup(buffer, -1);
    size_t used = bytes ? consume(c, bytes, size) : 0;
    bool goes_on = c->base.phase != TDM__LINGER && c->base.phase != TDM__DEAD;
    if (!bytes || (used < size && goes_on && !tdm__bytes_add(&c->in, bytes + used, size - used)))
        tdm__exchange_cut(&c->base);
    evbuffer_drain(buffer, size); /* what is left is what ready() added */
    c->guarding = false;
    tdm__exchange_unref(&c->base);
}

/* What came before the last reply had gone. */
static void consume_pending(connection *c)
{
    c->base.refs++;
    while (c->in.size && tdm__exchange_reads(&c->base) && !c->offered) {
        size_t used = tdm__exchange_take(&c->base, c->in.at, c->in.size);
        if (c->in.size)
            tdm__bytes_take(&c->in, used);
    }
    if (c->in.size == 0)
        tdm__bytes_clear(&c->in, 0);
    tdm__exchange_unref(&c->base);
}

/* ---- a connection's birth and end ---- */

static struct bufferevent *make_bufferevent(struct event_base *base, void *arg)
{
    gate *g = arg;
    connection *c = calloc(1, sizeof *c);
    struct bufferevent *bev = c ? bufferevent_socket_new(base, -1, 0) : NULL;
    if (!bev) { /* evhttp makes one by itself; the connection is closed at its first request */
        free(c);
        return NULL;
    }
    bufferevent_incref(bev); /* until it is adopted */
    c->bev = bev;
    tdm__exchange_accept(&g->base, &c->base);
    event_active(g->soon, EV_TIMEOUT, 0);
    if (++g->batch == ACCEPT_BATCH && !g->base.closing)
        listen_or_not(&g->base, false); /* `soon` listens again */
    return bev;
}

static void on_accept_error(struct evconnlistener *listener, void *http)
{
    int err = errno;
    (void) listener;
    gate *g = gates_here;
    while (g && g->http != http)
        g = g->next_here;
    if (g)
        tdm__gate_starve(&g->base, err);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void) evcon;
    connection *c = arg;
    not_soon(c);
    if (c->on_input)
        evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->on_input);
    tdm__fdmap_set(&gate_of(c)->by_fd, c->base.fd, NULL);
    tdm__bytes_clear(&c->in, 0);
    /* When writing fails, evhttp takes a request whose reply has not ended off the connection: nobody else frees it. */
    if (c->request && !evhttp_request_get_connection(c->request))
        evhttp_request_free(c->request);
    c->evcon = NULL;
    c->bev = NULL;
    c->request = NULL;
    tdm__exchange_closed(&c->base);
}

/* Find evhttp's connection behind a bufferevent that make_bufferevent() gave it. */
static void adopt(connection *c)
{
    bufferevent_data_cb on_read, on_write;
    bufferevent_event_cb on_event;
    void *evcon = NULL;
    struct bufferevent *bev = c->bev;
    bufferevent_getcb(bev, &on_read, &on_write, &on_event, &evcon);
    c->base.fd = bufferevent_getfd(bev);
    c->on_input = evbuffer_add_cb(bufferevent_get_input(bev), on_input, c);
    if (evcon && c->base.fd >= 0 && c->on_input && tdm__fdmap_set(&gate_of(c)->by_fd, c->base.fd, c)) {
        c->evcon = evcon;
        evhttp_connection_set_closecb(c->evcon, on_close, c);
        tdm__exchange_enter(&c->base, TDM__IDLE);
    } else { /* evhttp had no memory, or we have none */
        if (c->on_input)
            evbuffer_remove_cb_entry(bufferevent_get_input(bev), c->on_input);
        if (evcon)
            evhttp_connection_free(evcon);
        tdm__exchange_closed(&c->base);
    }
    bufferevent_decref(bev);
}

static void settle_fresh(tdm__gate *base)
{
    while (!TAILQ_EMPTY(&base->at[TDM__FRESH]))
        adopt((connection *) TAILQ_FIRST(&base->at[TDM__FRESH]));
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    (void) fd, (void) what;
    gate *g = arg;
    settle_fresh(&g->base);
    while (!TAILQ_EMPTY(&g->soon_list)) {
        connection *c = TAILQ_FIRST(&g->soon_list);
        not_soon(c);
        if (c->last)
            tdm__exchange_end_last(&c->base, c->in.size);
        else
            consume_pending(c);
    }
    if (g->batch >= ACCEPT_BATCH)
        tdm__gate_listen(&g->base);
    g->batch = 0;
}

/* ---- a request ---- */

static void on_request(struct evhttp_request *request, void *arg)
{
    gate *g = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    connection *c = tdm__fdmap_get(&g->by_fd, bufferevent_getfd(evhttp_connection_get_bufferevent(evcon)));
    if (!c || !c->offered) { /* one that was not adopted for want of memory */
        evhttp_connection_free(evcon);
        return;
    }
    c->request = request;
    c->offered = false;
    tdm__exchange_hand_up(&c->base);
}

/* ---- a reply ---- */

/* The connection is evhttp's again, which waits for the next request. */
static void give_back(connection *c)
{
    c->request = NULL;
    tdm__exchange_enter(&c->base, TDM__IDLE);
    if (c->in.size || c->last)
        soon(c);
}

static void on_rest_written(struct evhttp_request *request, void *arg)
{
    (void) request;
    connection *c = arg;
    tdm__exchange_over(&c->base, TDM__HANDED);
    give_back(c);
}

static void on_drained(struct evhttp_connection *evcon, void *arg)
{
    (void) evcon;
    tdm__exchange_drained(&((connection *) arg)->base);
}

static bool keep(tdm__exchange *x, const struct iovec *pieces, size_t count)
{
    connection *c = (connection *) x;
    struct evbuffer *rest = evbuffer_new();
    bool kept = rest != NULL;
    for (size_t i = 0; i < count && kept; i++)
        kept = evbuffer_add(rest, pieces[i].iov_base, pieces[i].iov_len) == 0;
    if (kept) {
        evhttp_send_reply_chunk_with_cb(c->request, rest, on_drained, c);
        bufferevent_disable(c->bev, EV_READ); /* what the client sends meanwhile stays in the kernel */
    }
    if (rest)
        evbuffer_free(rest);
    return kept;
}

static size_t unsent(const tdm__exchange *x)
{
    const connection *c = (const connection *) x;
    return c->bev ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;
}

/* evhttp is not told of the end of the last reply before the client has had its time to read it. */
static void finish(tdm__exchange *x, bool close)
{
    connection *c = (connection *) x;
    struct evhttp_request *request = c->request;
    c->last = close;
    if (unsent(x)) {
        evhttp_request_set_on_complete_cb(request, on_rest_written, c);
        evhttp_send_reply_end(request);
        return;
    }
    x->refs++;
    tdm__exchange_over(x, TDM__HANDED); /* whatever closes the connection now */
    if (c->last) {
        tdm__exchange_end_last(x, c->in.size);
    } else {
        give_back(c);
        evhttp_send_reply_end(request);
    }
    tdm__exchange_unref(x);
}

/* ---- a gate ---- */

static void free_gate(gate *g)
{
    tdm__gate_finish(&g->base);
    if (g->http)
        evhttp_free(g->http);
    if (g->soon)
        event_free(g->soon);
    tdm__fdmap_finish(&g->by_fd);
    free(g);
}

static void destroy_gate(tdm__gate *base)
{
    gate **link = &gates_here;
    while (*link != (gate *) base)
        link = &(*link)->next_here;
    tdm__gate_cut(base);
    *link = (*link)->next_here;
    free_gate((gate *) base);
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

static int set_up(gate *g, tdm__slot *slot, int fd)
{
    struct event_base *base = tdm__loop_base(slot->loop);
    TAILQ_INIT(&g->soon_list);
    int err = tdm__gate_init(&g->base, slot, &ways, fd, true);
    if (err)
        return err;
    g->soon = event_new(base, -1, 0, on_soon, g);
    g->http = evhttp_new(base);
    if (!g->soon || !g->http)
        return -ENOMEM;
    evhttp_set_default_content_type(g->http, NULL);
    evhttp_set_max_headers_size(g->http, REQUEST_MAX); /* a connection that has no guard for want of memory */
    evhttp_set_max_body_size(g->http, 0);
    evhttp_set_bevcb(g->http, make_bufferevent, g);
    evhttp_set_gencb(g->http, on_request, g);
    struct evconnlistener *listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    g->bound = listener ? evhttp_bind_listener(g->http, listener) : NULL;
    if (g->bound)
        evconnlistener_set_error_cb(listener, on_accept_error);
    else if (listener)
        evconnlistener_free(listener);
    return g->bound ? 0 : -ENOMEM;
}

int tdm__evhttp_gate_create(tdm__gate **out, tdm__slot *slot, int fd)
{
    gate *g = calloc(1, sizeof *g);
    if (!g)
        return -ENOMEM;
    int err = set_up(g, slot, fd);
    if (err) {
        free_gate(g);
        return err;
    }
    g->next_here = gates_here;
    gates_here = g;
    *out = &g->base;
    return 0;
}
