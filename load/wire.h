/* SPDX-License-Identifier: MIT */
/** @file
 *  The response side of HTTP/1: bytes in, one reply out. No I/O; one owner; no locks. */
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of status lines and fields that one reply may have, interim replies included. */
#define LOAD_HEAD_LIMIT (64 * 1024)

typedef struct load_wire load_wire;

typedef enum load_wire_result {
    LOAD_WIRE_MORE,       /**< the reply is not complete yet */
    LOAD_WIRE_COMPLETE,   /**< it is */
    LOAD_WIRE_BAD,        /**< not HTTP/1; load_wire_reason() says why */
    LOAD_WIRE_HEAD_LIMIT, /**< its head is longer than LOAD_HEAD_LIMIT */
    LOAD_WIRE_BODY_LIMIT, /**< its body is longer than what may be kept */
    LOAD_WIRE_SHORT,      /**< the connection ended in the middle of the body */
    LOAD_WIRE_CLOSED,     /**< the connection ended before the head was complete */
    LOAD_WIRE_NO_MEMORY,
} load_wire_result;

typedef struct load_reply {
    unsigned status;
    bool keep_alive; /**< the connection may carry another request */
    bool has_tasks;  /**< a well-formed Tandem-Tasks field came: ids first_task … last_task */
    bool bad_tasks;  /**< a Tandem-Tasks field came that is not well formed */
    uint64_t first_task, last_task;
    int64_t retry_after_s; /**< Retry-After in seconds; -1: none, or a date */
    uint64_t body_bytes;
} load_reply;

/** @param body_limit bytes of body to keep; 0: none is kept, whatever its size. @return 0; -ENOMEM. */
int load_wire_create(load_wire **out, size_t body_limit);
/** NULL is accepted; *wire becomes NULL. */
void load_wire_destroy(load_wire **wire);

/** Expect the next reply. @param head it answers a HEAD request: it has no body, whatever it announces. */
void load_wire_begin(load_wire *wire, bool head);
/** Feed what came. @param used where the count of bytes that belong to the reply goes, on LOAD_WIRE_COMPLETE: what
 *  follows belongs to the next one. */
load_wire_result load_wire_feed(load_wire *wire, const char *data, size_t size, size_t *used);
/** The connection ended: complete (a body that lasts until the close), or cut short. */
load_wire_result load_wire_eof(load_wire *wire);

/** Did any byte of the reply come since load_wire_begin()? */
bool load_wire_started(const load_wire *wire);
/** Valid after LOAD_WIRE_COMPLETE until the next begin. */
const load_reply *load_wire_reply(const load_wire *wire);
/** The kept body, NUL-terminated. Owned by the wire. */
const char *load_wire_body(const load_wire *wire, size_t *size);
/** Why it is bad; a static string. */
const char *load_wire_reason(const load_wire *wire);

#endif
