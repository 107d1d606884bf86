/* SPDX-License-Identifier: MIT */
/* DESIGN: the only file of the client that knows llhttp. The usual reply takes a short cut (lean.c) and never meets it.
 * A reply is parsed as it comes and, unless its owner asked to
 * keep the body, nothing of it is stored but the few fields that the client needs; so a reply of any size costs the
 * same memory. Interim (1xx) replies are skipped, but their heads count toward the same limit. A 204 or 304 with a
 * Content-Length has no body, which llhttp leaves to us. llhttp accepts HTTP/0.9 and 2.0 status lines; we do not. */
#include "load/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <llhttp.h>

#include "load/lean.h"

struct load_wire {
    llhttp_t parser;
    load_reply reply;
    bool fresh; /* the parser is not set up yet: no byte came, or the short cut was enough */
    bool started, head, head_complete, complete;
    load_wire_result failure; /* what a callback found wrong, else LOAD_WIRE_MORE */
    const char *reason;
    size_t head_bytes;
    char name[24], value[64]; /* the field being read; longer ones are none of ours */
    size_t name_size, value_size;
    char *body;
    size_t body_size, body_capacity, body_limit;
};

static int refuse(load_wire *wire, load_wire_result failure, const char *reason)
{
    wire->failure = failure;
    wire->reason = reason;
    return HPE_USER;
}

static int count_head(load_wire *wire, size_t size)
{
    wire->head_bytes += size;
    return wire->head_bytes > LOAD_HEAD_LIMIT ? refuse(wire, LOAD_WIRE_HEAD_LIMIT, "the head is too long") : 0;
}

/* Append to a small buffer; what does not fit makes the size exceed it, and the field is then not compared. */
static void keep(char *buffer, size_t capacity, size_t *used, const char *data, size_t size)
{
    if (*used + size < capacity)
        memcpy(buffer + *used, data, size);
    *used += size;
}

static int on_message_begin(llhttp_t *parser)
{
    load_wire *wire = parser->data;
    wire->reply = (load_reply){.retry_after_s = -1};
    wire->head_complete = false;
    wire->name_size = wire->value_size = 0;
    return 0;
}

static int on_status(llhttp_t *parser, const char *data, size_t size)
{
    (void) data;
    return count_head(parser->data, size);
}

static int on_field(llhttp_t *parser, const char *data, size_t size)
{
    load_wire *wire = parser->data;
    keep(wire->name, sizeof wire->name, &wire->name_size, data, size);
    return count_head(wire, size);
}

static int on_value(llhttp_t *parser, const char *data, size_t size)
{
    load_wire *wire = parser->data;
    keep(wire->value, sizeof wire->value, &wire->value_size, data, size);
    return count_head(wire, size);
}

static bool named(const load_wire *wire, const char *name)
{
    return wire->name_size == strlen(name) && !strncasecmp(wire->name, name, wire->name_size);
}

static int on_value_complete(llhttp_t *parser)
{
    load_wire *wire = parser->data;
    size_t size = wire->value_size < sizeof wire->value ? wire->value_size : 0;
    if (!wire->head_complete && wire->name_size < sizeof wire->name) {
        if (named(wire, "tandem-tasks"))
            load_reply_promise(&wire->reply, wire->value, size);
        else if (named(wire, "retry-after"))
            load_reply_retry(&wire->reply, wire->value, size);
    }
    wire->name_size = wire->value_size = 0;
    return count_head(wire, 4);
}

static int on_headers_complete(llhttp_t *parser)
{
    load_wire *wire = parser->data;
    unsigned status = parser->status_code;
    wire->head_complete = true;
    wire->reply.status = status;
    if (parser->http_major != 1)
        return refuse(wire, LOAD_WIRE_BAD, "not HTTP/1"), -1;
    if (status < 100 || status > 999)
        return refuse(wire, LOAD_WIRE_BAD, "no such status"), -1;
    if (status == 101 || parser->upgrade)
        return refuse(wire, LOAD_WIRE_BAD, "an upgrade that was not asked for"), -1;
    return wire->head || status < 200 || status == 204 || status == 304; /* 1: no body follows */
}

static int keep_body(load_wire *wire, const char *data, size_t size)
{
    if (size > wire->body_limit - wire->body_size)
        return refuse(wire, LOAD_WIRE_BODY_LIMIT, "the body is too long");
    if (wire->body_size + size + 1 > wire->body_capacity) {
        size_t capacity = wire->body_capacity ? wire->body_capacity : 4096;
        while (capacity < wire->body_size + size + 1)
            capacity *= 2;
        char *grown = realloc(wire->body, capacity);
        if (!grown)
            return refuse(wire, LOAD_WIRE_NO_MEMORY, "no memory");
        wire->body = grown;
        wire->body_capacity = capacity;
    }
    memcpy(wire->body + wire->body_size, data, size);
    wire->body_size += size;
    wire->body[wire->body_size] = '\0';
    return 0;
}

static int on_body(llhttp_t *parser, const char *data, size_t size)
{
    load_wire *wire = parser->data;
    wire->reply.body_bytes += size;
    return wire->body_limit ? keep_body(wire, data, size) : 0;
}

static int on_message_complete(llhttp_t *parser)
{
    load_wire *wire = parser->data;
    if (parser->status_code < 200)
        return 0; /* interim: the real one follows */
    wire->reply.keep_alive = llhttp_should_keep_alive(parser);
    wire->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static llhttp_settings_t table;
    if (!table.on_message_begin) {
        llhttp_settings_init(&table);
        table.on_message_begin = on_message_begin;
        table.on_status = on_status;
        table.on_header_field = on_field;
        table.on_header_value = on_value;
        table.on_header_value_complete = on_value_complete;
        table.on_headers_complete = on_headers_complete;
        table.on_body = on_body;
        table.on_message_complete = on_message_complete;
    }
    return &table;
}

int load_wire_create(load_wire **out, size_t body_limit)
{
    load_wire *wire = calloc(1, sizeof *wire);
    if (!wire)
        return -ENOMEM;
    wire->body_limit = body_limit;
    load_wire_begin(wire, false);
    *out = wire;
    return 0;
}

void load_wire_destroy(load_wire **wire)
{
    if (!*wire)
        return;
    free((*wire)->body);
    free(*wire);
    *wire = NULL;
}

void load_wire_begin(load_wire *wire, bool head)
{
    wire->head = head;
    wire->fresh = true;
    wire->started = wire->complete = false;
    wire->body_size = 0;
}

static void set_up(load_wire *wire)
{
    llhttp_init(&wire->parser, HTTP_RESPONSE, settings());
    wire->parser.data = wire;
    wire->reply = (load_reply){.retry_after_s = -1};
    wire->fresh = wire->head_complete = false;
    wire->failure = LOAD_WIRE_MORE;
    wire->reason = "";
    wire->head_bytes = wire->name_size = wire->value_size = 0;
}

load_wire_result load_wire_feed(load_wire *wire, const char *data, size_t size, size_t *used)
{
    if (wire->fresh) {
        *used = wire->head || wire->body_limit ? 0 : load_lean_read(&wire->reply, data, size);
        if (*used) {
            wire->started = wire->complete = true;
            return LOAD_WIRE_COMPLETE;
        }
        set_up(wire);
    }
    wire->started = wire->started || size > 0;
    llhttp_errno_t err = llhttp_execute(&wire->parser, data, size);
    if (wire->failure != LOAD_WIRE_MORE)
        return wire->failure;
    if (wire->complete) {
        *used = (size_t) (llhttp_get_error_pos(&wire->parser) - data);
        return LOAD_WIRE_COMPLETE;
    }
    if (err == HPE_OK)
        return LOAD_WIRE_MORE;
    wire->reason = llhttp_get_error_reason(&wire->parser);
    return LOAD_WIRE_BAD;
}

load_wire_result load_wire_eof(load_wire *wire)
{
    if (wire->fresh)
        set_up(wire);
    llhttp_errno_t err = llhttp_finish(&wire->parser);
    if (wire->failure != LOAD_WIRE_MORE)
        return wire->failure;
    if (wire->complete)
        return LOAD_WIRE_COMPLETE;
    if (err != HPE_OK && err != HPE_INVALID_EOF_STATE) {
        wire->reason = llhttp_get_error_reason(&wire->parser);
        return LOAD_WIRE_BAD;
    }
    return wire->head_complete && wire->reply.status >= 200 ? LOAD_WIRE_SHORT : LOAD_WIRE_CLOSED;
}

bool load_wire_started(const load_wire *wire)
{
    return wire->started;
}

const load_reply *load_wire_reply(const load_wire *wire)
{
    return &wire->reply;
}

const char *load_wire_body(const load_wire *wire, size_t *size)
{
    *size = wire->body_size;
    return wire->body_size ? wire->body : "";
}

const char *load_wire_reason(const load_wire *wire)
{
    return wire->reason ? wire->reason : "";
}
