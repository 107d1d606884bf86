/* SPDX-License-Identifier: MIT */
/* DESIGN: the transport on libevent's evhttp; the only file that knows it. evhttp accepts, parses and keeps connections
 * alive; connection.c adds what it lacks; here the two meet.
 *
 * - Replies are formatted above, and sent past evhttp, which is only told that the request has ended; what the socket
 *   does not take goes through evhttp's chunk calls: bytes put into its bufferevent would end a later request.
 * - evhttp shows a connection only with its first request. So each is found at birth: evhttp asks for a bufferevent,
 *   and one turn of the event queue later evhttp's connection is read back from its callback argument.
 * - What evhttp answers by itself (a malformed head, a body too large) appears in the output without a request of ours.
 *   It is taken out before it is written and replaced by a refusal in JSON.
 * - An `evhttp_request` is borrowed from its callback to the end of its reply, or of its connection. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include <tandem/clock.h>

#include "server/connection.h"
#include "server/fdmap.h"
#include "server/message.h"

#define ACCEPT_BATCH 64 /* connections taken before the loop gets its turn */

typedef struct connection {
    tdm__exchange base; /* first: the two are cast to each other */
    TAILQ_ENTRY(connection) suspect_link;
    struct bufferevent *bev;
    struct evhttp_connection *evcon;
    struct evhttp_request *request; /* BUSY, WRITING */
    struct evbuffer_cb_entry *on_input, *on_output;
    bool suspect;
} connection;

typedef struct gate {
    tdm__gate base; /* first, likewise */
    struct evhttp *http;
    struct evhttp_bound_socket *bound;
    struct event *soon; /* looks after the fresh and the suspects, before anything is written */
    TAILQ_HEAD(, connection) suspects;
    tdm__fdmap by_fd;
    tdm__field *fields;
    unsigned fields_size, batch;
    struct gate *next_here;
} gate;

/* The gates of this thread's loop: evhttp's listener knows only its evhttp. */
static _Thread_local gate *gates_here;

#define gate_of(c) ((gate *) (c)->base.gate)

/* ---- ways: what connection.c asks for ---- */

static void close_connection(tdm__exchange *x)
{
    evhttp_connection_free(((connection *) x)->evcon); /* which calls on_close() */
}

static void still_connection(tdm__exchange *x)
{
    bufferevent_disable(((connection *) x)->bev, EV_READ | EV_WRITE);
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

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    (void) buffer;
    connection *c = arg;
    if (info->n_added)
        tdm__exchange_hear(&c->base, info->n_added);
}

static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    (void) buffer;
    connection *c = arg;
    bool ours = c->base.phase != TDM__IDLE && c->base.phase != TDM__READING;
    if (info->n_added == 0 || ours || c->suspect)
        return;
    c->suspect = true;
    TAILQ_INSERT_TAIL(&gate_of(c)->suspects, c, suspect_link);
    event_active(gate_of(c)->soon, EV_TIMEOUT, 0);
}

static void unsuspect(connection *c)
{
    if (c->suspect)
        TAILQ_REMOVE(&gate_of(c)->suspects, c, suspect_link);
    c->suspect = false;
}

static void forget_buffers(connection *c)
{
    if (c->on_input)
        evbuffer_remove_cb_entry(bufferevent_get_input(c->bev), c->on_input);
    if (c->on_output)
        evbuffer_remove_cb_entry(bufferevent_get_output(c->bev), c->on_output);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void) evcon;
    connection *c = arg;
    unsuspect(c);
    forget_buffers(c);
    tdm__fdmap_set(&gate_of(c)->by_fd, c->base.fd, NULL);
    c->evcon = NULL;
    c->bev = NULL;
    c->request = NULL;
    tdm__exchange_closed(&c->base);
}

static void set_write_timeout(connection *c)
{
    int64_t ns = c->base.gate->server->options.idle_ns;
    struct timeval idle = {(time_t) (ns / TDM_NS_PER_S), (suseconds_t) (ns % TDM_NS_PER_S / 1000)};
    bufferevent_set_timeouts(c->bev, NULL, &idle); /* reading has its time from connection.c */
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
    c->on_output = evbuffer_add_cb(bufferevent_get_output(bev), on_output, c);
    if (evcon && c->base.fd >= 0 && c->on_input && c->on_output && tdm__fdmap_set(&gate_of(c)->by_fd, c->base.fd, c)) {
        set_write_timeout(c);
        c->evcon = evcon;
        evhttp_connection_set_closecb(c->evcon, on_close, c);
        tdm__exchange_enter(&c->base, TDM__IDLE);
    } else { /* evhttp had no memory, or we have none */
        forget_buffers(c);
        if (evcon)
            evhttp_connection_free(evcon);
        tdm__exchange_closed(&c->base);
    }
    bufferevent_decref(bev);
}

static void settle_fresh(tdm__gate *base)
{
    while (!TAILQ_EMPTY(&base->fresh))
        adopt((connection *) TAILQ_FIRST(&base->fresh));
}

/* evhttp answered by itself: a refusal, unless it is a 100. */
static void judge(connection *c)
{
    struct evbuffer *output = bufferevent_get_output(c->bev);
    char line[] = "HTTP/1.1 000 ";
    evbuffer_copyout(output, line, sizeof line - 1);
    int status = (int) strtol(line + sizeof "HTTP/1.1", NULL, 10);
    if (status < 200)
        return;
    if (status == 400 && c->base.heard > c->base.gate->server->options.max_head)
        status = 431;
    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_freeze(output, 1);
    tdm__exchange_refuse(&c->base, status);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    (void) fd, (void) what;
    gate *g = arg;
    settle_fresh(&g->base);
    while (!TAILQ_EMPTY(&g->suspects)) {
        connection *c = TAILQ_FIRST(&g->suspects);
        unsuspect(c);
        judge(c);
    }
    if (g->batch >= ACCEPT_BATCH)
        tdm__gate_listen(&g->base);
    g->batch = 0;
}

/* ---- a request ---- */

static const char *method_name(enum evhttp_cmd_type type)
{
    static const char *const by_bit[] = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "", "PATCH"};
    _Static_assert(EVHTTP_REQ_GET == 1 && EVHTTP_REQ_OPTIONS == 1 << 5 && EVHTTP_REQ_PATCH == 1 << 8, "in order");
    unsigned bit = (unsigned) __builtin_ctz(type);
    return bit < sizeof by_bit / sizeof by_bit[0] ? by_bit[bit] : "";
}

static bool collect_fields(gate *g, struct evhttp_request *request, tdm__incoming *in)
{
    unsigned count = 0;
    for (const struct evkeyval *field = request->input_headers->tqh_first; field; field = field->next.tqe_next) {
        if (count == g->fields_size) {
            unsigned size = count ? count * 2 : 32;
            tdm__field *grown = realloc(g->fields, size * sizeof *grown);
            if (!grown)
                return false;
            g->fields = grown;
            g->fields_size = size;
        }
        g->fields[count++] = (tdm__field){field->key, field->value};
    }
    in->fields = g->fields;
    in->field_count = count;
    return true;
}

/* Where evhttp would close, we say so; where we would, evhttp is told when the reply goes. */
static bool can_go_on(const struct evhttp_request *request, const tdm__incoming *in)
{
    bool last = tdm__message_connection_has(in, "close") || (request->flags & EVHTTP_PROXY_REQUEST);
    if (last || !in->old)
        return !last;
    const char *option = evhttp_find_header(request->input_headers, "Connection");
    return option && strncasecmp(option, "keep-alive", strlen("keep-alive")) == 0;
}

/* @return 0; or the status to refuse it with. */
static int read_request(gate *g, struct evhttp_request *request, tdm__incoming *in)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    *in = (tdm__incoming){.method = method_name(request->type), .target = request->uri};
    in->old = request->minor == 0;
    in->body_size = evbuffer_get_length(body);
    in->body = in->body_size ? evbuffer_pullup(body, -1) : (const unsigned char *) "";
    if (!in->body || !collect_fields(g, request, in))
        return 503;
    if (request->major != 1 || request->minor < 0)
        return 505;
    in->keep_alive = can_go_on(request, in);
    return tdm__message_check(in);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    gate *g = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    connection *c = tdm__fdmap_get(&g->by_fd, bufferevent_getfd(evhttp_connection_get_bufferevent(evcon)));
    if (!c) {
        evhttp_connection_free(evcon);
        return;
    }
    tdm__incoming in;
    int status = read_request(g, request, &in);
    if (status) {
        tdm__exchange_refuse(&c->base, status);
        return;
    }
    const tdm__server_options *options = &g->base.server->options;
    c->request = request;
    c->base.keep_alive = in.keep_alive;
    tdm__exchange_enter(&c->base, TDM__BUSY);
    c->base.refs++; /* a reply inside the up-call may close the connection */
    options->hooks->arrived(options->context, g->base.loop, &c->base, &in);
    if (c->base.phase == TDM__BUSY)
        tdm__exchange_watch(&c->base);
    tdm__exchange_unref(&c->base);
}

/* ---- a reply ---- */

/* The connection is evhttp's again: it reads the next request, or closes. */
static void give_back(connection *c)
{
    c->request = NULL;
    c->base.heard = evbuffer_get_length(bufferevent_get_input(c->bev));
    tdm__exchange_enter(&c->base, c->base.heard ? TDM__READING : TDM__IDLE);
    c->base.heard_ns = c->base.since_ns;
}

static void on_rest_written(struct evhttp_request *request, void *arg)
{
    (void) request;
    connection *c = arg;
    give_back(c);
    tdm__exchange_over(&c->base, TDM__HANDED);
}

static bool say_close(connection *c)
{
    return evhttp_add_header(evhttp_request_get_output_headers(c->request), "Connection", "close") == 0;
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
        /* These are bytes of a reply already: evhttp must not frame them, or leave them out as a HEAD's body. */
        c->request->chunked = 0;
        c->request->type = EVHTTP_REQ_GET;
        evhttp_send_reply_chunk_with_cb(c->request, rest, on_drained, c);
        bufferevent_disable(c->bev, EV_READ); /* what the client sends meanwhile stays in the kernel */
    }
    if (rest)
        evbuffer_free(rest);
    return kept;
}

static size_t unsent(const tdm__exchange *x)
{
    return evbuffer_get_length(bufferevent_get_output(((const connection *) x)->bev));
}

/* evhttp ends the request when the last byte has been written. */
static void finish_later(connection *c, bool close)
{
    if (close && !say_close(c)) {
        tdm__exchange_cut(&c->base);
        return;
    }
    evhttp_request_set_on_complete_cb(c->request, on_rest_written, c);
    evhttp_send_reply_end(c->request);
}

/* The kernel has it all. The connection may be gone when this returns. */
static void finish_now(connection *c, bool close)
{
    struct evhttp_request *request = c->request;
    c->base.refs++;
    tdm__exchange_over(&c->base, TDM__HANDED); /* whatever closes the connection now */
    if (close && (c->base.keep_alive || !say_close(c))) {
        tdm__exchange_linger(&c->base); /* our wish, not the client's: more may be on its way */
    } else {
        request->chunked = 0; /* else evhttp ends a reply to a chunked request with a last chunk */
        give_back(c);
        evhttp_send_reply_end(request);
    }
    tdm__exchange_unref(&c->base);
}

static void finish(tdm__exchange *x, bool close)
{
    if (unsent(x))
        finish_later((connection *) x, close);
    else
        finish_now((connection *) x, close);
}

/* ---- a gate ---- */

static void free_connection(tdm__exchange *x)
{
    free(x);
}

static const tdm__gate_ways ways = {
    .close = close_connection,
    .still = still_connection,
    .listen = listen_or_not,
    .unlisten = close_listener,
    .settle = settle_fresh,
    .free = free_connection,
    .keep = keep,
    .unsent = unsent,
    .finish = finish,
};

static void free_gate(gate *g)
{
    tdm__gate_finish(&g->base);
    if (g->http)
        evhttp_free(g->http);
    if (g->soon)
        event_free(g->soon);
    tdm__fdmap_finish(&g->by_fd);
    free(g->fields);
    free(g);
}

void tdm__gate_destroy(tdm__gate *base)
{
    if (!base)
        return;
    gate **link = &gates_here;
    while (*link != (gate *) base)
        link = &(*link)->next_here;
    tdm__gate_cut(base);
    *link = (*link)->next_here;
    free_gate((gate *) base);
}

static void set_up_http(gate *g)
{
    const tdm__server_options *options = &g->base.server->options;
    evhttp_set_allowed_methods(g->http, (ev_uint16_t) ~EVHTTP_REQ_CONNECT);
    evhttp_set_default_content_type(g->http, NULL);
    evhttp_set_max_headers_size(g->http, (ev_ssize_t) options->max_head);
    evhttp_set_max_body_size(g->http, (ev_ssize_t) options->max_body);
    evhttp_set_bevcb(g->http, make_bufferevent, g);
    evhttp_set_gencb(g->http, on_request, g);
}

static int set_up(gate *g, tdm__slot *slot, int fd)
{
    struct event_base *base = tdm__loop_base(slot->loop);
    TAILQ_INIT(&g->suspects);
    int err = tdm__gate_init(&g->base, slot, &ways, fd);
    if (err)
        return err;
    g->soon = event_new(base, -1, 0, on_soon, g);
    g->http = evhttp_new(base);
    if (!g->soon || !g->http)
        return -ENOMEM;
    set_up_http(g);
    struct evconnlistener *listener = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    g->bound = listener ? evhttp_bind_listener(g->http, listener) : NULL;
    if (g->bound)
        evconnlistener_set_error_cb(listener, on_accept_error);
    else if (listener)
        evconnlistener_free(listener);
    return g->bound ? 0 : -ENOMEM;
}

int tdm__gate_create(tdm__gate **out, tdm__slot *slot, int fd)
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
