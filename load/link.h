/* SPDX-License-Identifier: MIT */
/** @file
 *  One client connection: open it, send requests, get replies, again and again. One thread, that of its poll; no
 *  locks. */
#ifndef LOAD_LINK_H
#define LOAD_LINK_H

#include <stddef.h>

#include "load/errors.h"
#include "load/poller.h"
#include "load/target.h"
#include "load/wire.h"

typedef struct load_link load_link;

/** What the links of a thread share. It must outlive them. */
typedef struct load_link_shared {
    load_poller *poll;
    char *buffer; /**< what is received goes here and is parsed at once */
    size_t buffer_size;
    int64_t connect_timeout_ns;
} load_link_shared;

typedef enum load_link_state { LOAD_LINK_CLOSED, LOAD_LINK_CONNECTING, LOAD_LINK_OPEN } load_link_state;

/** Replies that may be awaited at once. */
enum { LOAD_PIPELINE_MAX = 64 };

/** How the requests that were awaited, or an opening, failed. The link is closed. */
typedef struct load_failure {
    load_error error;
    /** Not a byte came for the request that was next: the server closed the connection while it was on its way. */
    bool untouched;
    bool had_replies; /**< the connection had carried a reply before */
    char detail[96];
} load_failure;

/** Called while the poll tells, or from load_link_tick(); a call may open, send or close the same link, not destroy
 *  it. */
typedef struct load_link_calls {
    void (*opened)(void *arg);
    /** The oldest request that was awaited has its reply. If the connection does not last, the link is closed. */
    void (*replied)(void *arg, const load_reply *reply);
    /** After the last of the replies that came together, and when what could not be sent at once has been; or NULL. */
    void (*settled)(void *arg);
    void (*failed)(void *arg, const load_failure *failure);
} load_link_calls;

/** @param body_limit bytes of a reply's body to keep; 0: none. @return 0; -ENOMEM. */
int load_link_create(load_link **out, const load_link_shared *shared, size_t body_limit, const load_link_calls *calls,
                     void *arg);
/** What its calls are made with, if that has moved. */
void load_link_set_arg(load_link *link, void *arg);
/** Close and free. NULL is accepted; *link becomes NULL. */
void load_link_destroy(load_link **link);

/** Open a closed link to a target. @return 0, and `opened` or `failed` follows; -errno: it failed at once. */
int load_link_open(load_link *link, const load_target *target);

/** Bytes that hold one or more requests. */
typedef struct load_bytes {
    const char *data;
    size_t size;
    unsigned requests;
    uint64_t heads; /**< bit i: the i-th of them is a HEAD request */
    bool lasting;   /**< the bytes stay where they are until the replies are there; else what cannot be sent at once is
                         copied */
} load_bytes;

/** Send on an open link that is not still sending; `replied` or `failed` follows. At most LOAD_PIPELINE_MAX may be
 *  awaited. */
void load_link_send(load_link *link, const load_bytes *bytes);
/** When to give up what is awaited; 0: never. */
void load_link_set_deadline(load_link *link, int64_t deadline_ns);
/** Close it without a call. */
void load_link_close(load_link *link);

load_link_state load_link_state_of(const load_link *link);
/** Is a part of what was to be sent still here? */
bool load_link_sending(const load_link *link);
/** Replies awaited. */
unsigned load_link_awaited(const load_link *link);
/** Bytes received and sent since the last call. */
void load_link_take_bytes(load_link *link, uint64_t *received, uint64_t *sent);
/** The kept body of the last reply, NUL-terminated. */
const char *load_link_body(const load_link *link, size_t *size);
/** Give up what has passed its deadline. Call it every so often for every link. */
void load_link_tick(load_link *link, int64_t now_ns);

#endif
