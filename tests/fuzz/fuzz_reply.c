/* SPDX-License-Identifier: MIT */
/* What a server sends to tandem-load: however the bytes are cut into pieces, the same reply or the same complaint. */
#include <assert.h>
#include <string.h>

#include "load/wire.h"
#include "tests/fuzz/fuzz.h"

typedef struct outcome {
    load_wire_result result;
    load_reply reply;
    size_t used;
} outcome;

/* In pieces of `step` bytes, then the end of the connection. */
static outcome feed(const uint8_t *data, size_t size, size_t step)
{
    load_wire *wire;
    outcome o = {.result = LOAD_WIRE_MORE};
    int err = load_wire_create(&wire, 256);
    assert(err == 0);
    load_wire_begin(wire, false);
    while (o.result == LOAD_WIRE_MORE && o.used < size) {
        size_t n = size - o.used < step ? size - o.used : step, used = n;
        o.result = load_wire_feed(wire, (const char *) data + o.used, n, &used);
        assert(used <= n);
        o.used += o.result == LOAD_WIRE_COMPLETE ? used : n;
    }
    if (o.result == LOAD_WIRE_MORE)
        o.result = load_wire_eof(wire);
    assert(o.result != LOAD_WIRE_MORE);
    if (o.result == LOAD_WIRE_COMPLETE) {
        size_t kept;
        o.reply = *load_wire_reply(wire);
        const char *body = load_wire_body(wire, &kept);
        assert(kept == o.reply.body_bytes && (!kept || body) && kept <= 256);
        assert(!o.reply.has_tasks || o.reply.first_task <= o.reply.last_task);
    }
    load_wire_destroy(&wire);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    outcome whole = feed(data, size, size + 1), bytewise = feed(data, size, 1), pieces = feed(data, size, 7);
    assert(whole.result == bytewise.result && whole.result == pieces.result);
    if (whole.result != LOAD_WIRE_COMPLETE)
        return 0;
    assert(whole.used == bytewise.used && whole.used == pieces.used);
    assert(whole.reply.status == bytewise.reply.status && whole.reply.body_bytes == bytewise.reply.body_bytes);
    assert(whole.reply.keep_alive == bytewise.reply.keep_alive && whole.reply.has_tasks == bytewise.reply.has_tasks);
    assert(whole.reply.first_task == pieces.reply.first_task && whole.reply.last_task == pieces.reply.last_task);
    return 0;
}
