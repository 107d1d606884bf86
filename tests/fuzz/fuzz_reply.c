/* SPDX-License-Identifier: MIT */
/* What a server sends to tandem-load: however the bytes are cut into pieces, the same reply or the same complaint; kept
 * or not, the same; and what the short cut takes, the full parser takes alike, byte for byte. The first byte of the
 * input says whether it answers a HEAD request. */
#include <assert.h>
#include <string.h>

#include "load/lean.h"
#include "load/wire.h"
#include "tests/fuzz/fuzz.h"

enum { KEPT = 256 };

typedef struct outcome {
    load_wire_result result;
    load_reply reply;
    size_t used;
} outcome;

static void check_reply(const load_wire *wire, outcome *o, size_t limit)
{
    size_t kept;
    o->reply = *load_wire_reply(wire);
    const char *body = load_wire_body(wire, &kept);
    assert(!limit || kept == o->reply.body_bytes);
    assert((!kept || body) && kept <= limit);
    assert(!o->reply.has_tasks || o->reply.first_task <= o->reply.last_task);
}

/* In pieces of `step` bytes, then the end of the connection. With a limit the short cut is never taken. */
static outcome feed(const uint8_t *data, size_t size, size_t step, size_t limit, bool head)
{
    load_wire *wire;
    outcome o = {.result = LOAD_WIRE_MORE};
    int err = load_wire_create(&wire, limit);
    assert(err == 0);
    load_wire_begin(wire, head);
    while (o.result == LOAD_WIRE_MORE && o.used < size) {
        size_t n = size - o.used < step ? size - o.used : step, used = n;
        o.result = load_wire_feed(wire, (const char *) data + o.used, n, &used);
        assert(used <= n);
        o.used += o.result == LOAD_WIRE_COMPLETE ? used : n;
    }
    if (o.result == LOAD_WIRE_MORE)
        o.result = load_wire_eof(wire);
    assert(o.result != LOAD_WIRE_MORE);
    if (o.result == LOAD_WIRE_COMPLETE)
        check_reply(wire, &o, limit);
    load_wire_destroy(&wire);
    return o;
}

static void same(const outcome *a, const outcome *b)
{
    assert(a->result == b->result);
    if (a->result != LOAD_WIRE_COMPLETE)
        return;
    assert(a->used == b->used && a->reply.status == b->reply.status);
    assert(a->reply.body_bytes == b->reply.body_bytes && a->reply.keep_alive == b->reply.keep_alive);
    assert(a->reply.has_tasks == b->reply.has_tasks && a->reply.bad_tasks == b->reply.bad_tasks);
    assert(a->reply.first_task == b->reply.first_task && a->reply.last_task == b->reply.last_task);
    assert(a->reply.retry_after_s == b->reply.retry_after_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool head = size && data[0] == '!';
    data += head;
    size -= head;
    outcome whole = feed(data, size, size + 1, 0, head), bytewise = feed(data, size, 1, 0, head);
    outcome pieces = feed(data, size, 7, 0, head), kept = feed(data, size, size + 1, KEPT, head);
    same(&whole, &bytewise);
    same(&whole, &pieces);
    if (kept.result != LOAD_WIRE_BODY_LIMIT)
        same(&whole, &kept);
    load_reply reply;
    size_t used = head ? 0 : load_lean_read(&reply, (const char *) data, size);
    assert(!used || (bytewise.result == LOAD_WIRE_COMPLETE && bytewise.used == used));
    return 0;
}
