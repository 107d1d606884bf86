/* SPDX-License-Identifier: MIT */
/** @file
 *  One client connection: open it, send a request, get a reply, again and again. Runs on one event loop; no locks. */
#ifndef LOAD_LINK_H
#define LOAD_LINK_H

#include <event2/event.h>

#include "load/errors.h"
#include "load/target.h"
#include "load/wire.h"

typedef struct load_link load_link;

/** What many links share. It must outlive them. */
typedef struct load_link_shared {
    struct event_base *base;
    char *buffer; /**< what is received goes here and is parsed at once */
    size_t buffer_size;
    int64_t connect_timeout_ns;
} load_link_shared;

typedef enum load_link_state { LOAD_LINK_CLOSED, LOAD_LINK_CONNECTING, LOAD_LINK_IDLE, LOAD_LINK_BUSY } load_link_state;

/** How a request, or an opening, failed. The link is closed. */
typedef struct load_failure {
    load_error error;
    /** The connection had carried a reply before, and not a byte came for this request: the server closed it while the
     *  request was on its way, so that the request may be sent again. */
    bool stale;
    char detail[96];
} load_failure;

/** Called from the event loop, or from load_link_tick(); a call may open or send on the same link, not destroy it. */
typedef struct load_link_calls {
    void (*opened)(void *arg);
    void (*replied)(void *arg, const load_reply *reply, int64_t now_ns);
    void (*failed)(void *arg, const load_failure *failure);
} load_link_calls;

/** @param body_limit bytes of a reply's body to keep; 0: none. @return 0; -ENOMEM. */
int load_link_create(load_link **out, const load_link_shared *shared, size_t body_limit, const load_link_calls *calls,
                     void *arg);
/** Close and free. NULL is accepted; *link becomes NULL. */
void load_link_destroy(load_link **link);

/** Open a closed link to a target. @return 0, and `opened` or `failed` follows; -errno: it failed at once. */
int load_link_open(load_link *link, const load_target *target);
/** Send a request (it must live until the reply) on an idle link; `replied` or `failed` follows. @return the time just
 *  before the first byte was handed to the kernel. */
int64_t load_link_send(load_link *link, const char *request, size_t size, int64_t timeout_ns);
/** Close it without a call. */
void load_link_close(load_link *link);

load_link_state load_link_state_of(const load_link *link);
/** The kept body of the last reply, NUL-terminated. */
const char *load_link_body(const load_link *link, size_t *size);
/** Give up what has passed its deadline. Call it every so often for every link. */
void load_link_tick(load_link *link, int64_t now_ns);

#endif
