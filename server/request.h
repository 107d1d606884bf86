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

#include <tandem/request.h>
#include <tandem/route.h>

#include "server/arena.h"
#include "server/transport.h"
#include "server/wire.h"
#include "tasks/batch.h"
#include "tasks/handler.h"

struct tdm__front;

struct tdm_request {
    atomic_uint refs;
    atomic_bool gone; /* set by the loop, read by the handler */

    /* never change after arrival */
    struct tdm__front *front;
    const tdm_route *route; /* NULL: none was found */
    uint64_t id;
    const char *method, *target;
    const tdm__field *fields;
    unsigned field_count;
    const void *body;
    size_t body_size;
    void *params;
    bool keep_alive, old;

    /* handler */
    tdm__arena arena;
    tdm__batch batch;
    tdm__extra *extras, **last_extra;
    bool replied;
    bool accepted; /* the batch was accepted and must be started */
    int status;
    char *wire;
    size_t wire_size;
    bool wire_close;

    /* loop */
    tdm__exchange *exchange; /* NULL once it is over */
    tdm__handler handler;
    tdm__message message; /* the reply of a handler on a worker */
    bool handling;        /* the handler was started and has not ended */
    bool ended, over;
    tdm__ending ending;
    TAILQ_ENTRY(tdm_request) link; /* in front->handling */
};

/* Up-calls of the transport; the context is the app. */
extern const tdm__hooks tdm__request_hooks;

/* The reply's one way out. @return as tdm_reply(). */
int tdm__request_reply(tdm_request *req, int status, const char *type, const void *body, size_t size);
/* Answer a handler that failed: 503, 504 or 500. */
void tdm__request_fail(tdm_request *req, int err);
/* Loop's thread: hand a formatted reply to the exchange. */
void tdm__request_deliver(tdm_request *req);
void tdm__request_unref(tdm_request *req);

#endif
