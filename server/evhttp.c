/* SPDX-License-Identifier: MIT */
/* DESIGN: the transport on libevent's evhttp; the only file that knows it. evhttp accepts, parses and keeps connections
 * alive. Around it we add what it lacks: a limit on connections and on the time a request may take to come, notice of
 * clients that leave, errors in our form, and a short path for replies.
 *
 * - Replies are formatted above. When nothing waits in the connection's output they are sent at once, straight to the
 *   socket, and evhttp is only told that the request has ended; what the socket does not take goes through evhttp's
 *   chunk calls, because bytes put into its bufferevent behind its back would end a later request.
 * - evhttp shows a connection only with its first request. So each is found at birth: evhttp asks for a bufferevent,
 *   and one turn of the event queue later evhttp's connection is read back from its callback argument.
 * - What evhttp answers by itself (a malformed head, a body too large) appears in the output without a request of ours.
 *   It is taken out before it is written and replaced by a refusal in JSON.
 * - A connection that we close while the client may still be sending is closed in two steps (linger): shut for writing,
 *   then read and forgotten for a moment, because a close with unread bytes resets it and can take the reply with it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
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
#include <tandem/log.h>

#include "server/gate.h"
#include "server/message.h"
#include "server/peer.h"
#include "server/refusal.h"

#define ACCEPT_BATCH 64 /* connections taken before the loop gets its turn */
#define MS (TDM_NS_PER_S / 1000)
#define RETRY_NS (100 * MS)         /* accepting pauses so long when descriptors run out */
#define WARN_NS (10 * TDM_NS_PER_S) /* between two warnings of that */
#define LINGER_NS (1000 * MS)
#define LINGER_BYTES (4u << 20)
#define CLOSE_TICK_NS (50 * MS)
#define CLOSE_IDLE_NS (250 * MS)     /* a connection in use has its next request by then */
#define CLOSE_PARTIAL_NS (1000 * MS) /* a request that stops in the middle */
#define CLOSE_LISTEN_NS (100 * MS)   /* the most that a flood of connections keeps a listener open */

enum state {
    FRESH,   /* accepted; evhttp's connection is not known yet */
    IDLE,    /* between requests */
    READING, /* some of a request is here */
    BUSY,    /* a request is with its handler */
    WRITING, /* the rest of a reply is with evhttp */
    LINGER,  /* ended by us, waiting for the client's end */
    DEAD,
};

TAILQ_HEAD(exchanges, tdm__exchange);

/* A connection, and the one request on it at a time. */
struct tdm__exchange {
    TAILQ_ENTRY(tdm__exchange) link; /* in the list that `state` tells */
    TAILQ_ENTRY(tdm__exchange) suspect_link;
    tdm__gate *gate;
    struct bufferevent *bev;
    struct evhttp_connection *evcon;
    struct evhttp_request *request; /* BUSY, WRITING: borrowed */
    struct evbuffer_cb_entry *on_input, *on_output;
    void *owner;
    int fd;
    enum state state;
    unsigned refs;
    bool suspect, watched, keep_alive, cut;
    int64_t since_ns; /* when this state began */
    int64_t heard_ns; /* when the last byte came */
    size_t heard;     /* bytes since the request began */
};

struct tdm__gate {
    tdm__slot *slot;
    tdm__server *server;
    tdm__loop *loop;
    struct evhttp *http;
    struct evhttp_bound_socket *bound; /* NULL: not listening any more */
    struct event *soon;                /* looks after the fresh and the suspects, before anything is written */
    tdm__peers *peers;
    tdm__timer tick, retry;
    struct exchanges fresh, waiting, busy, lingering; /* each oldest `since_ns` first */
    struct exchanges suspects;
    tdm__exchange **by_fd;
    size_t by_fd_size;
    tdm__field *fields;
    unsigned fields_size, batch;
    bool closing, cutting, full, starved;
    int64_t tick_due_ns, listen_until_ns, warned_ns;
    tdm__gate *next_here;
};

/* The gates of this thread's loop: evhttp's listener knows only its evhttp. */
static _Thread_local tdm__gate *gates_here;

/* ---- states ---- */

static struct exchanges *list_of(tdm__gate *gate, enum state state)
{
    switch (state) {
    case FRESH:
        return &gate->fresh;
    case IDLE:
    case READING:
        return &gate->waiting;
    case BUSY:
    case WRITING:
        return &gate->busy;
    case LINGER:
        return &gate->lingering;
    case DEAD:
        break;
    }
    return NULL;
}

static void wake_by(tdm__gate *gate, int64_t due_ns)
{
    if (gate->tick.place && gate->tick_due_ns <= due_ns)
        return;
    gate->tick_due_ns = due_ns;
    if (tdm__timer_arm(gate->loop, &gate->tick, due_ns))
        tdm_log_warning("no memory for a timer: connections may stay open for longer");
}

static void enter(tdm__exchange *x, enum state state)
{
    tdm__gate *gate = x->gate;
    struct exchanges *from = list_of(gate, x->state), *to = list_of(gate, state);
    x->since_ns = tdm_clock_ns();
    TAILQ_REMOVE(from, x, link);
    x->state = state;
    if (to)
        TAILQ_INSERT_TAIL(to, x, link);
    if (state == IDLE || state == READING)
        wake_by(gate, x->since_ns + (gate->closing ? CLOSE_TICK_NS : gate->server->options.idle_ns));
    else if (state == LINGER)
        wake_by(gate, x->since_ns + LINGER_NS);
}

static void unref(tdm__exchange *x)
{
    if (--x->refs == 0)
        free(x);
}

static void forget_peer(tdm__exchange *x)
{
    if (x->watched)
        tdm__peer_forget(x->gate->peers, x->fd);
    x->watched = false;
}

/* The owner is told exactly once, because it is taken here. */
static void tell_over(tdm__exchange *x, tdm__ending ending)
{
    void *owner = x->owner;
    x->owner = NULL;
    if (owner)
        x->gate->server->options.hooks->over(owner, ending);
}

/* evhttp's connection goes: its close callback does our part. */
static void close_connection(tdm__exchange *x)
{
    evhttp_connection_free(x->evcon);
}

static void unsuspect(tdm__exchange *x)
{
    if (x->suspect)
        TAILQ_REMOVE(&x->gate->suspects, x, suspect_link);
    x->suspect = false;
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void) evcon;
    tdm__exchange *x = arg;
    tdm__gate *gate = x->gate;
    forget_peer(x);
    unsuspect(x);
    enter(x, DEAD);
    evbuffer_remove_cb_entry(bufferevent_get_input(x->bev), x->on_input);
    evbuffer_remove_cb_entry(bufferevent_get_output(x->bev), x->on_output);
    gate->by_fd[x->fd] = NULL;
    x->evcon = NULL;
    x->bev = NULL;
    x->request = NULL;
    tell_over(x, x->cut || gate->cutting ? TDM__CUT : TDM__LEFT);
    tdm__slot_connection_closed(gate->slot);
    unref(x);
}

/* Shut for writing, and wait a moment for the client's end. */
static void linger(tdm__exchange *x)
{
    forget_peer(x);
    shutdown(x->fd, SHUT_WR);
    bufferevent_disable(x->bev, EV_READ | EV_WRITE);
    enter(x, LINGER);
    x->heard = 0;
    if (tdm__peer_watch(x->gate->peers, x->fd, true, x))
        close_connection(x);
    else
        x->watched = true;
}

static void read_and_forget(tdm__exchange *x)
{
    static _Thread_local char nowhere[16384];
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(x->fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        x->heard += n > 0 ? (size_t) n : 0;
        if (n <= 0 || x->heard > LINGER_BYTES) {
            close_connection(x);
            return;
        }
    }
}

static void on_peer(void *what, tdm__peer_event event)
{
    tdm__exchange *x = what;
    if (event == TDM__PEER_GONE)
        close_connection(x);
    else if (event == TDM__PEER_DATA)
        read_and_forget(x);
    else
        atomic_fetch_add_explicit(&x->gate->server->half_closed, 1, memory_order_relaxed);
}

/* Answer in place of a handler, and close. The output must be empty. */
static void refuse(tdm__exchange *x, int status)
{
    char bytes[TDM__REFUSAL_MAX];
    size_t size = tdm__refusal_write(status, bytes);
    atomic_fetch_add_explicit(&x->gate->server->refused, 1, memory_order_relaxed);
    if (send(x->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t) size)
        linger(x);
    else
        close_connection(x);
}

/* ---- a connection's birth ---- */

static void listen_again(tdm__gate *gate)
{
    if (gate->bound && !gate->full && !gate->starved)
        evconnlistener_enable(evhttp_bound_socket_get_listener(gate->bound));
}

static void listen_no_more(tdm__gate *gate)
{
    if (gate->bound)
        evconnlistener_disable(evhttp_bound_socket_get_listener(gate->bound));
}

static struct bufferevent *make_bufferevent(struct event_base *base, void *arg)
{
    tdm__gate *gate = arg;
    tdm__exchange *x = calloc(1, sizeof *x);
    struct bufferevent *bev = x ? bufferevent_socket_new(base, -1, 0) : NULL;
    if (!bev) { /* evhttp makes one by itself; the connection is closed at its first request */
        free(x);
        return NULL;
    }
    bufferevent_incref(bev); /* until it is adopted */
    *x = (tdm__exchange){.gate = gate, .bev = bev, .fd = -1, .refs = 1};
    TAILQ_INSERT_TAIL(&gate->fresh, x, link);
    event_active(gate->soon, EV_TIMEOUT, 0);
    if (tdm__slot_accepted(gate->slot)) {
        gate->full = true;
        listen_no_more(gate);
    } else if (++gate->batch >= ACCEPT_BATCH && !gate->closing) {
        listen_no_more(gate); /* `soon` listens again */
    }
    return bev;
}

/* Out of descriptors: the connection stays in the kernel's queue, and trying again at once would spin. */
static void on_accept_error(struct evconnlistener *listener, void *http)
{
    int err = errno;
    (void) listener;
    tdm__gate *gate = gates_here;
    while (gate && gate->http != http)
        gate = gate->next_here;
    if (!gate)
        return;
    int64_t now = tdm_clock_ns();
    if (!gate->warned_ns || now - gate->warned_ns > WARN_NS) {
        gate->warned_ns = now;
        tdm_log_warning("cannot accept connections: %s; trying again every %d ms", strerror(err),
                        (int) (RETRY_NS / MS));
    }
    if (tdm__timer_arm(gate->loop, &gate->retry, now + RETRY_NS) == 0) {
        gate->starved = true;
        listen_no_more(gate);
    }
}

static void on_retry(tdm__timer *timer)
{
    tdm__gate *gate = (tdm__gate *) ((char *) timer - offsetof(tdm__gate, retry));
    gate->starved = false;
    listen_again(gate);
}

static bool remember_fd(tdm__gate *gate, int fd, tdm__exchange *x)
{
    if ((size_t) fd >= gate->by_fd_size) {
        size_t size = gate->by_fd_size ? gate->by_fd_size : 64;
        while (size <= (size_t) fd)
            size *= 2;
        tdm__exchange **grown = realloc(gate->by_fd, size * sizeof *grown);
        if (!grown)
            return false;
        memset(grown + gate->by_fd_size, 0, (size - gate->by_fd_size) * sizeof *grown);
        gate->by_fd = grown;
        gate->by_fd_size = size;
    }
    gate->by_fd[fd] = x;
    return true;
}

static void on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    (void) buffer;
    tdm__exchange *x = arg;
    if (info->n_added == 0)
        return;
    x->heard += info->n_added;
    if (x->state == IDLE)
        enter(x, READING);
    x->heard_ns = x->state == READING ? tdm_clock_ns() : x->since_ns;
}

static void on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *arg)
{
    (void) buffer;
    tdm__exchange *x = arg;
    if (info->n_added == 0 || (x->state != IDLE && x->state != READING) || x->suspect)
        return;
    x->suspect = true;
    TAILQ_INSERT_TAIL(&x->gate->suspects, x, suspect_link);
    event_active(x->gate->soon, EV_TIMEOUT, 0);
}

/* Find evhttp's connection behind a bufferevent that make_bufferevent() gave it. */
static void adopt(tdm__exchange *x)
{
    tdm__gate *gate = x->gate;
    bufferevent_data_cb on_read, on_write;
    bufferevent_event_cb on_event;
    void *evcon = NULL;
    bufferevent_getcb(x->bev, &on_read, &on_write, &on_event, &evcon);
    x->fd = bufferevent_getfd(x->bev);
    x->on_input = evbuffer_add_cb(bufferevent_get_input(x->bev), on_input, x);
    x->on_output = evbuffer_add_cb(bufferevent_get_output(x->bev), on_output, x);
    bool known = evcon && x->fd >= 0 && x->on_input && x->on_output && remember_fd(gate, x->fd, x);
    struct bufferevent *bev = x->bev;
    if (known) {
        struct timeval idle = {(time_t) (gate->server->options.idle_ns / TDM_NS_PER_S),
                               (suseconds_t) (gate->server->options.idle_ns % TDM_NS_PER_S / 1000)};
        bufferevent_set_timeouts(bev, NULL, &idle);
        x->evcon = evcon;
        evhttp_connection_set_closecb(x->evcon, on_close, x);
        enter(x, IDLE);
    } else {
        if (x->on_input)
            evbuffer_remove_cb_entry(bufferevent_get_input(bev), x->on_input);
        if (x->on_output)
            evbuffer_remove_cb_entry(bufferevent_get_output(bev), x->on_output);
        enter(x, DEAD);
        if (evcon)
            evhttp_connection_free(evcon);
        tdm__slot_connection_closed(gate->slot);
        unref(x);
    }
    bufferevent_decref(bev);
}

/* evhttp answered by itself: a refusal, unless it is a 100. */
static void judge(tdm__exchange *x)
{
    struct evbuffer *output = bufferevent_get_output(x->bev);
    char line[14] = "             "; /* "HTTP/1.1 400 " */
    evbuffer_copyout(output, line, sizeof line - 1);
    int status = (int) strtol(line + 9, NULL, 10);
    if (status == 100 || status == 0)
        return;
    if (status == 400 && x->heard > x->gate->server->options.max_head)
        status = 431;
    evbuffer_unfreeze(output, 1);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_freeze(output, 1);
    refuse(x, status);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
    (void) fd;
    (void) what;
    tdm__gate *gate = arg;
    while (!TAILQ_EMPTY(&gate->fresh))
        adopt(TAILQ_FIRST(&gate->fresh));
    while (!TAILQ_EMPTY(&gate->suspects)) {
        tdm__exchange *x = TAILQ_FIRST(&gate->suspects);
        unsuspect(x);
        judge(x);
    }
    if (gate->batch >= ACCEPT_BATCH)
        listen_again(gate);
    gate->batch = 0;
}

/* ---- a request ---- */

static const char *method_name(enum evhttp_cmd_type type)
{
    static const struct {
        enum evhttp_cmd_type type;
        const char *name;
    } names[] = {
        {EVHTTP_REQ_GET, "GET"},     {EVHTTP_REQ_POST, "POST"},       {EVHTTP_REQ_HEAD, "HEAD"},
        {EVHTTP_REQ_PUT, "PUT"},     {EVHTTP_REQ_DELETE, "DELETE"},   {EVHTTP_REQ_PATCH, "PATCH"},
        {EVHTTP_REQ_TRACE, "TRACE"}, {EVHTTP_REQ_OPTIONS, "OPTIONS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    return "";
}

static bool collect_fields(tdm__gate *gate, struct evhttp_request *request, tdm__incoming *in)
{
    unsigned count = 0;
    for (const struct evkeyval *field = request->input_headers->tqh_first; field; field = field->next.tqe_next) {
        if (count == gate->fields_size) {
            unsigned size = count ? count * 2 : 32;
            tdm__field *grown = realloc(gate->fields, size * sizeof *grown);
            if (!grown)
                return false;
            gate->fields = grown;
            gate->fields_size = size;
        }
        gate->fields[count++] = (tdm__field){field->key, field->value};
    }
    in->fields = gate->fields;
    in->field_count = count;
    return true;
}

/* Where evhttp would close, we say so; where we would, evhttp is told when the reply goes. */
static bool can_go_on(const struct evhttp_request *request, const tdm__incoming *in)
{
    if (tdm__message_connection_has(in, "close") || (request->flags & EVHTTP_PROXY_REQUEST))
        return false;
    if (!in->old)
        return true;
    const char *connection = evhttp_find_header(request->input_headers, "Connection");
    return connection && strncasecmp(connection, "keep-alive", strlen("keep-alive")) == 0;
}

static int read_request(tdm__gate *gate, struct evhttp_request *request, tdm__incoming *in)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    *in = (tdm__incoming){.method = method_name(request->type), .target = request->uri};
    in->old = request->minor == 0;
    in->body_size = evbuffer_get_length(body);
    in->body = in->body_size ? evbuffer_pullup(body, -1) : (const unsigned char *) "";
    if (!in->body || !collect_fields(gate, request, in))
        return 503;
    if (request->major != 1 || request->minor < 0)
        return 505;
    in->keep_alive = can_go_on(request, in);
    return tdm__message_check(in);
}

static void on_request(struct evhttp_request *request, void *arg)
{
    tdm__gate *gate = arg;
    struct evhttp_connection *evcon = evhttp_request_get_connection(request);
    int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evcon));
    tdm__exchange *x = fd >= 0 && (size_t) fd < gate->by_fd_size ? gate->by_fd[fd] : NULL;
    if (!x) {
        evhttp_connection_free(evcon);
        return;
    }
    tdm__incoming in;
    int status = read_request(gate, request, &in);
    if (status) {
        refuse(x, status);
        return;
    }
    x->request = request;
    x->keep_alive = in.keep_alive;
    enter(x, BUSY);
    x->refs++; /* a reply inside the up-call may close the connection */
    gate->server->options.hooks->arrived(gate->server->options.context, gate->loop, x, &in);
    if (x->state == BUSY && !x->watched)
        x->watched = tdm__peer_watch(gate->peers, x->fd, false, x) == 0;
    unref(x);
}

void tdm__exchange_own(tdm__exchange *x, void *owner)
{
    x->owner = owner;
}

void tdm__exchange_cut(tdm__exchange *x)
{
    x->cut = true;
    close_connection(x);
}

/* ---- a reply ---- */

/* The connection is evhttp's again: it reads the next request, or closes. */
static void give_back(tdm__exchange *x)
{
    x->request = NULL;
    x->heard = evbuffer_get_length(bufferevent_get_input(x->bev));
    enter(x, x->heard ? READING : IDLE);
    x->heard_ns = x->since_ns;
}

static void on_rest_written(struct evhttp_request *request, void *arg)
{
    (void) request;
    tdm__exchange *x = arg;
    give_back(x);
    tell_over(x, TDM__HANDED);
}

/* Without memory there is no telling evhttp, so the connection is closed for it. */
static bool say_close(tdm__exchange *x)
{
    return evhttp_add_header(evhttp_request_get_output_headers(x->request), "Connection", "close") == 0;
}

static void send_rest(tdm__exchange *x, const char *bytes, size_t size, bool close)
{
    struct evbuffer *rest = evbuffer_new();
    if (!rest || evbuffer_add(rest, bytes, size) || (close && !say_close(x))) {
        if (rest)
            evbuffer_free(rest);
        tdm__exchange_cut(x);
        return;
    }
    enter(x, WRITING);
    /* The bytes are a whole reply already: evhttp must not frame them, or leave them out as a HEAD's body. */
    x->request->chunked = 0;
    x->request->type = EVHTTP_REQ_GET;
    evhttp_request_set_on_complete_cb(x->request, on_rest_written, x);
    evhttp_send_reply_chunk_with_cb(x->request, rest, NULL, NULL);
    evhttp_send_reply_end(x->request);
    bufferevent_disable(x->bev, EV_READ); /* what the client sends meanwhile stays in the kernel */
    evbuffer_free(rest);
}

void tdm__exchange_send(tdm__exchange *x, const void *bytes, size_t size, bool close)
{
    assert(x->state == BUSY && size > 0);
    forget_peer(x);
    ssize_t sent = 0;
    if (evbuffer_get_length(bufferevent_get_output(x->bev)) == 0)
        sent = send(x->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        close_connection(x);
        return;
    }
    sent = sent < 0 ? 0 : sent;
    if ((size_t) sent < size) {
        send_rest(x, (const char *) bytes + sent, size - (size_t) sent, close);
        return;
    }
    struct evhttp_request *request = x->request;
    void *owner = x->owner;
    x->owner = NULL; /* the connection may be gone before its owner is told */
    const tdm__hooks *hooks = x->gate->server->options.hooks;
    if (close && (x->keep_alive || !say_close(x))) {
        linger(x); /* our wish, not the client's: more may be on its way */
    } else {
        request->chunked = 0; /* else evhttp ends a chunked request with a last chunk of ours */
        give_back(x);
        evhttp_send_reply_end(request);
    }
    if (owner)
        hooks->over(owner, TDM__HANDED);
}

/* ---- time ---- */

/* Has the client sent something that evhttp has not read yet? */
static bool has_unread(const tdm__exchange *x)
{
    int unread = 0;
    return ioctl(x->fd, FIONREAD, &unread) == 0 && unread > 0;
}

static bool is_over_time(const tdm__exchange *x, int64_t now)
{
    return now - x->since_ns >= x->gate->server->options.idle_ns;
}

/* In the drain: is this connection, which has no complete request, done with? */
static bool is_done_with(const tdm__exchange *x, int64_t now)
{
    if (x->state == IDLE)
        return now - x->since_ns >= CLOSE_IDLE_NS && !has_unread(x);
    return now - x->heard_ns >= CLOSE_PARTIAL_NS && !has_unread(x);
}

static void sweep_waiting(tdm__gate *gate, int64_t now)
{
    tdm__exchange *x = TAILQ_FIRST(&gate->waiting), *next;
    for (; x && (gate->closing || is_over_time(x, now)); x = next) {
        next = TAILQ_NEXT(x, link);
        if (is_over_time(x, now) && x->state == READING)
            refuse(x, 408);
        else if (is_over_time(x, now) || is_done_with(x, now))
            close_connection(x);
    }
}

static void stop_listening(tdm__gate *gate)
{
    evhttp_del_accept_socket(gate->http, gate->bound);
    gate->bound = NULL;
    tdm__timer_disarm(gate->loop, &gate->retry);
    tdm__slot_listener_closed(gate->slot);
}

static void on_tick(tdm__timer *timer)
{
    tdm__gate *gate = (tdm__gate *) ((char *) timer - offsetof(tdm__gate, tick));
    int64_t now = tdm_clock_ns();
    sweep_waiting(gate, now);
    while (!TAILQ_EMPTY(&gate->lingering) && now - TAILQ_FIRST(&gate->lingering)->since_ns >= LINGER_NS)
        close_connection(TAILQ_FIRST(&gate->lingering));
    if (gate->closing && gate->bound &&
        (now >= gate->listen_until_ns || gate->starved ||
         !tdm__listen_waiting(evhttp_bound_socket_get_fd(gate->bound))))
        stop_listening(gate);
    if (gate->closing && (gate->bound || !TAILQ_EMPTY(&gate->waiting)))
        wake_by(gate, now + (gate->bound ? MS : CLOSE_TICK_NS));
    else if (!TAILQ_EMPTY(&gate->waiting))
        wake_by(gate, TAILQ_FIRST(&gate->waiting)->since_ns + gate->server->options.idle_ns);
    if (!TAILQ_EMPTY(&gate->lingering))
        wake_by(gate, TAILQ_FIRST(&gate->lingering)->since_ns + LINGER_NS);
}

/* ---- a gate ---- */

void tdm__gate_resume(tdm__gate *gate)
{
    gate->full = false;
    listen_again(gate);
}

void tdm__gate_close(tdm__gate *gate)
{
    gate->closing = true;
    gate->full = gate->starved = false;
    gate->listen_until_ns = tdm_clock_ns() + CLOSE_LISTEN_NS;
    listen_again(gate);
    wake_by(gate, tdm_clock_ns());
}

void tdm__gate_cut(tdm__gate *gate)
{
    gate->cutting = true;
    on_soon(-1, 0, gate); /* what is fresh or suspect becomes a connection like any other */
    struct exchanges *const lists[] = {&gate->waiting, &gate->busy, &gate->lingering};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        while (!TAILQ_EMPTY(lists[i]))
            close_connection(TAILQ_FIRST(lists[i]));
    }
    if (gate->bound)
        stop_listening(gate);
}

void tdm__gate_destroy(tdm__gate *gate)
{
    if (!gate)
        return;
    if (gate->http)
        tdm__gate_cut(gate);
    tdm__timer_disarm(gate->loop, &gate->tick);
    tdm__timer_disarm(gate->loop, &gate->retry);
    for (tdm__gate **link = &gates_here; *link; link = &(*link)->next_here) {
        if (*link == gate) {
            *link = gate->next_here;
            break;
        }
    }
    if (gate->http)
        evhttp_free(gate->http);
    if (gate->soon)
        event_free(gate->soon);
    tdm__peers_destroy(&gate->peers);
    free(gate->by_fd);
    free(gate->fields);
    free(gate);
}

static void set_up_http(tdm__gate *gate)
{
    const tdm__server_options *options = &gate->server->options;
    evhttp_set_allowed_methods(gate->http, (ev_uint16_t) ~EVHTTP_REQ_CONNECT);
    evhttp_set_default_content_type(gate->http, NULL);
    evhttp_set_max_headers_size(gate->http, (ev_ssize_t) options->max_head);
    evhttp_set_max_body_size(gate->http, (ev_ssize_t) options->max_body);
    evhttp_set_bevcb(gate->http, make_bufferevent, gate);
    evhttp_set_gencb(gate->http, on_request, gate);
}

static tdm__gate *new_gate(tdm__slot *slot)
{
    tdm__gate *gate = calloc(1, sizeof *gate);
    if (!gate)
        return NULL;
    gate->slot = slot;
    gate->server = slot->server;
    gate->loop = slot->loop;
    gate->tick.run = on_tick;
    gate->retry.run = on_retry;
    TAILQ_INIT(&gate->fresh);
    TAILQ_INIT(&gate->waiting);
    TAILQ_INIT(&gate->busy);
    TAILQ_INIT(&gate->lingering);
    TAILQ_INIT(&gate->suspects);
    return gate;
}

int tdm__gate_create(tdm__gate **out, tdm__slot *slot, int fd)
{
    struct event_base *base = tdm__loop_base(slot->loop);
    tdm__gate *gate = new_gate(slot);
    if (!gate)
        return -ENOMEM;
    gate->soon = event_new(base, -1, 0, on_soon, gate);
    gate->http = evhttp_new(base);
    int err = gate->soon && gate->http ? tdm__peers_create(&gate->peers, base, on_peer) : -ENOMEM;
    if (!err) {
        set_up_http(gate);
        struct evconnlistener *listener =
            evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
        if (listener)
            gate->bound = evhttp_bind_listener(gate->http, listener);
        if (gate->bound)
            evconnlistener_set_error_cb(listener, on_accept_error);
        err = gate->bound ? 0 : -ENOMEM;
    }
    if (err) {
        tdm__gate_destroy(gate);
        return err;
    }
    gate->next_here = gates_here;
    gates_here = gate;
    *out = gate;
    return 0;
}
