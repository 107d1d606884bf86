/* SPDX-License-Identifier: MIT */
/* A request from arrival to the start of its tasks.
 *
 * Lifetime: two references at first, the exchange's (dropped in `over`) and the handler's (dropped in `ended`); a reply
 * on its way from a worker to the loop holds a third.
 * Threads: fields under "handler" belong to whoever runs the handler: the loop's thread, or one worker; they pass to
 * the loop with the posted reply or with `ended`. Fields under "loop" belong to the loop's thread. */
#ifndef TANDEM_SERVER_REQUEST_H
#define TANDEM_SERVER_REQUEST_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <tandem/middleware.h>
#include <tandem/request.h>
#include <tandem/route.h>

#include "server/arena.h"
#include "server/route/group.h"
#include "server/schema/params.h"
#include "server/transport.h"
#include "server/wire.h"
#include "tasks/batch.h"
#include "tasks/handler.h"

struct tdm__front;

/* Something kept under a key. */
typedef struct tdm__kept {
    struct tdm__kept *next;
    const void *key;
    void *value;
} tdm__kept;

/* A reply in pieces. */
typedef struct tdm__streaming {
    bool begun, ended; /* handler: tdm_stream_begin() and tdm_stream_end() were called */
    bool mute;         /* the answer to a HEAD: pieces go nowhere */
    bool sized;        /* its length was told: `left` bytes are still to come */
    bool chunked;
    uint64_t left;
    size_t in_a_row;            /* bytes written since the writer's loop last had its turn */
    struct tdm__events *told;   /* handler: its pieces are server-sent events; NULL: they are not */
    struct tdm__events *events; /* loop: the same, once it has begun */
    tdm__exec *writer;          /* loop: waits for the client */
} tdm__streaming;

struct tdm_request {
    atomic_uint refs;
    atomic_bool gone, half_closed; /* set by the loop, read by the handler */

    /* never change after arrival */
    struct tdm__front *front;
    tdm__endpoint *endpoint; /* NULL: none was found */
    const tdm__chain *chain; /* middleware around it */
    uint64_t id;
    const char *method, *target, *path, *query;
    size_t path_size, query_size;
    const tdm__field *fields;
    unsigned field_count;
    bool keep_alive, old;
    const void *body;
    size_t body_size;
    tdm__pairs path_values;
    int64_t arrived_ns;
    void *params, *model;

    /* handler */
    tdm__arena arena;
    tdm__kept *kept;
    const char *client;     /* its address, once somebody has asked */
    const char *trace;      /* the id that middleware gave it */
    tdm__pairs query_pairs; /* made when first asked for */
    tdm__batch batch;
    uint64_t first_task, last_task; /* of the tasks that were accepted */
    unsigned task_count;
    bool query_parsed;
    bool fresh; /* the body is still to be checked, by the handler's lane */
    bool wire_close;
    tdm__extra *extras, **last_extra;
    const tdm_outgoing *instead_of; /* the 200, without its body, that its conditions kept back; NULL: none is known */
    int status;
    bool replied;
    bool accepted; /* the batch was accepted and must be started */
    char *wire;
    size_t wire_size;
    tdm__streaming stream;

    /* loop */
    tdm__exchange *exchange; /* NULL once it is over */
    tdm__handler handler;
    tdm__message message; /* the reply of a handler on a worker */
    tdm__timer deadline;
    unsigned reached; /* how many pieces of middleware have seen it come: these see it go */
    bool handling;    /* the handler was started and has not ended */
    bool late;        /* its deadline passed */
    bool ended, over;
    tdm__ending ending;
    TAILQ_ENTRY(tdm_request) link; /* in front->handling */
};

/* Up-calls of the transport; the context is the app. */
extern const tdm__hooks tdm__request_hooks;

/* The reply's one way out. `type` is legal as a field's value. @return as tdm_reply(). */
int tdm__request_reply(tdm_request *req, int status, const char *type, const void *body, size_t size);
/* Make a reply ready, after all middleware: *wire says what to write, and req->wire is where. Tasks are accepted. The type
 * is legal as a field's value. @return as tdm_reply(). */
int tdm__request_prepare(tdm_request *req, tdm_outgoing *reply, tdm__wire *wire);
/* Loop's thread: hand a formatted reply to the exchange. */
void tdm__request_deliver(tdm_request *req);
/* Loop's thread. */
void tdm__request_unref(tdm_request *req);
/* Ask the handler to stop: its waits, and its writes, say so. Loop's thread. */
void tdm__request_cancel(tdm_request *req);

/* Forget what was said for a reply that will not be sent: its fields, and the reply it was to stand for. */
static inline void tdm__request_forget_fields(tdm_request *req)
{
    req->extras = NULL;
    req->last_extra = &req->extras;
    req->instead_of = NULL;
}

/* ---- failures (failure.c) ---- */

/* Answer a handler that failed: the one place where an errno becomes a status. */
void tdm__request_fail(tdm_request *req, int err);

/* ---- what came (values.c) ---- */

/* Parameters and body against the endpoint's plans. Loop's thread. @return false: the request was answered. */
bool tdm__request_fill(tdm_request *req);
/* The body, in the handler's lane, if that is still to do. @return 0: go on, unless it was answered; a negative errno:
 * it could not be, and that is the handler's result. */
int tdm__request_fill_late(tdm_request *req);
/* The query's pairs. @return 0; -EINVAL, -E2BIG, -ENOMEM. */
int tdm__request_query(tdm_request *req);

/* Who HTTP Basic let in, for logs; unlike tdm_request_user() never a token or a key. @return NULL: nobody. */
const char *tdm__request_user_name(const tdm_request *req);

/* ---- streams (stream.c) ---- */

/* Loop's thread: what the client could not take was written. */
void tdm__stream_drained(tdm_request *req);
/* Loop's thread: end the writer's wait. */
void tdm__stream_wake(tdm_request *req, int result);
/* Loop's thread: the handler has returned. End what it began. */
void tdm__stream_settle(tdm_request *req);

/* ---- background tasks (background.c) ---- */

/* Accept the request's tasks, if it has any and they were not accepted: they have ids from then on. */
void tdm__background_accept(tdm_request *req);

#endif
