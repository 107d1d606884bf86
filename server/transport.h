/* SPDX-License-Identifier: MIT */
/* The seam between what HTTP means and how its bytes travel.
 *
 * A transport listens, reads requests, and writes replies that were formatted above it. It knows nothing of routes,
 * handlers or tasks; what is above knows nothing of sockets. evhttp.c is one; another can stand beside it.
 *
 * Threads: a server belongs to the thread that made it. An exchange and the up-calls about it belong to one loop's
 * thread; up-calls come outside any fiber, except that `over` may come inside the calls about an exchange. */
#ifndef TANDEM_SERVER_TRANSPORT_H
#define TANDEM_SERVER_TRANSPORT_H

#include <stdatomic.h>

#include <tandem/app.h>

#include "server/listen.h"
#include "tasks/loop.h"

typedef struct tdm__server tdm__server;     /* listeners and connections, on every loop of an executor */
typedef struct tdm__exchange tdm__exchange; /* one request and its reply, from `arrived` to `over` */

typedef struct tdm__field {
    const char *name, *value;
} tdm__field;

/* A complete request. Everything it points to is valid only during the up-call. */
typedef struct tdm__incoming {
    const char *method; /* "GET", …: a static string */
    const char *target; /* as it came */
    const tdm__field *fields;
    unsigned field_count;
    const char *text; /* the target, names and values all lie in this */
    size_t text_size;
    const void *body;
    size_t body_size;
    bool keep_alive; /* the client and the transport can go on after this one */
    bool old;        /* HTTP/1.0: keeping the connection must be said aloud */
} tdm__incoming;

/* How an exchange ended. */
typedef enum tdm__ending {
    TDM__HANDED, /* the kernel has the reply's last byte */
    TDM__LEFT,   /* the client left first */
    TDM__CUT,    /* we closed the connection first */
} tdm__ending;

typedef struct tdm__hooks {
    /* A request is here. Give the exchange its owner before anything else; answer now or later. */
    void (*arrived)(void *context, tdm__loop *loop, tdm__exchange *exchange, const tdm__incoming *incoming);
    /* A head is here whose body is not, and *limit is the most that the server takes: change it, or refuse the request
     * before its client is told to go on. May be NULL. @return 0; or the status of the refusal. */
    int (*head)(void *context, const tdm__incoming *incoming, size_t *limit);
    /* Nothing of a reply in pieces waits for the client any more: after each time that something did. */
    void (*drained)(void *owner);
    /* The client has sent a FIN while its reply is awaited, which may be leaving or only the end of what it sends: at
     * most once. May be NULL. @return true: take it for leaving, and close the connection. */
    bool (*half_closed)(void *owner);
    /* Exactly once for each exchange that has an owner. The exchange is gone when this is called. */
    void (*over)(void *owner, tdm__ending ending);
    /* No listener and no connection is left: once, after tdm__server_close(). On any loop's thread. */
    void (*quiet)(void *context);
} tdm__hooks;

typedef struct tdm__server_options {
    tdm_transport transport;
    tdm__listen_options listen;
    unsigned max_connections; /* open at once, on all loops; accepting pauses beyond it */
    unsigned max_requests;    /* on one connection */
    size_t max_target, max_head, max_body;
    unsigned max_fields;
    size_t max_buffered;     /* of all bodies */
    atomic_size_t *buffered; /* where they are counted: here those that are being read, by the owner of a request those
                                that it keeps */
    int64_t head_ns;         /* a request's head must have come by then */
    int64_t body_ns;         /* and its body, which has more the longer it is */
    int64_t idle_ns;         /* between requests */
    int64_t write_ns;        /* a client must take some of its reply in this time */
    const tdm__hooks *hooks;
    void *context; /* for the hooks */
} tdm__server_options;

/* Listen, and read requests on every loop. Not on a loop's thread. @return 0; or what the kernel said, and one log line
 * says it to a person. */
int tdm__server_create(tdm__server **out, tdm_executor *executor, const tdm__server_options *options);
/* "http://127.0.0.1:8000", "unix:/path" */
const char *tdm__server_url(const tdm__server *server);

/* ---- the end, each step at most once, in this order; none of them waits ---- */

/* Listeners take what the kernel holds and close; connections close when they have been idle for a moment. */
void tdm__server_close(tdm__server *server);
/* Close every connection, with a reply under way or not. */
void tdm__server_cut(tdm__server *server);

/* Free everything, cutting what is left. Not on a loop's thread. NULL is accepted; *server becomes NULL.
 * @return 0; -EBUSY: a loop does not come round; its part was left alone. */
int tdm__server_destroy(tdm__server **server);

/* Connections, half-closes and refusals; the rest of *out is left alone. Any thread. */
void tdm__server_count(const tdm__server *server, tdm_app_stats *out);

/* ---- exchanges ---- */

void tdm__exchange_own(tdm__exchange *exchange, void *owner);
/* Write a whole reply: status line, fields and body, formatted. Once. `bytes` is needed during the call only.
 * `over` follows, now or later. @param close: close the connection after it. */
void tdm__exchange_send(tdm__exchange *exchange, const void *bytes, size_t size, bool close);
/* No reply can be made, or none to its end: close the connection. `over` follows at once. */
void tdm__exchange_cut(tdm__exchange *exchange);

/* ---- a reply in pieces: begin, write …, end ----
 * What the kernel does not take waits in memory without a bound: whoever writes looks at tdm__exchange_unsent() and
 * waits for `drained` before it goes on. `over` may be called inside each of these. */

/* Begin, with the head of the reply, formatted. Once. @param chunked: pieces are framed as chunks; without, they go as
 * they are, and the head has told their length or that the connection closes. @return as tdm__exchange_write(). */
int tdm__exchange_begin(tdm__exchange *exchange, const void *head, size_t size, bool chunked);
/* One piece; `bytes` is needed during the call only. An empty one is nothing.
 * @return 0; -EPIPE: the client is gone, -ENOMEM: the connection was closed; `over` was called. */
int tdm__exchange_write(tdm__exchange *exchange, const void *bytes, size_t size);
/* Bytes that wait for the client. */
size_t tdm__exchange_unsent(const tdm__exchange *exchange);
/* No more pieces. @param close: close the connection after it. `over` follows, now or later. */
void tdm__exchange_end(tdm__exchange *exchange, bool close);

#endif
