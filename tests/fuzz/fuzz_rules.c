/* SPDX-License-Identifier: MIT */
/* The message rules on any bytes, whole and cut to pieces: both ways must come to the same end; what is accepted is a
 * message in every part, and written down again it is the same message. The first two bytes say how to cut. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/rules.h"
#include "tests/fuzz/fuzz.h"

/* Small, so that inputs of moderate size meet them. */
static const tdm__rules_limits limits = {.target = 200, .head = 2000, .fields = 20};
static const tdm__rules_limits wide = {.target = 200, .head = 4000, .fields = 24};
enum { BODY_LIMIT = 1000, MESSAGES_MAX = 64 };

typedef struct outcome {
    unsigned messages;
    int refused;
    uint64_t hash; /* of all messages */
    bool idle;
} outcome;

static uint64_t hash_of(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001b3;
    return hash ^ size;
}

static bool is_length(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

/* Of what is the same however the body was framed. */
static uint64_t hash_message(uint64_t hash, const tdm__incoming *in)
{
    hash = hash_of(hash, in->method, strlen(in->method));
    hash = hash_of(hash, in->target, strlen(in->target));
    for (unsigned i = 0; i < in->field_count; i++) {
        if (is_length(in->fields[i].name))
            continue;
        hash = hash_of(hash, in->fields[i].name, strlen(in->fields[i].name));
        hash = hash_of(hash, in->fields[i].value, strlen(in->fields[i].value));
    }
    return hash_of(hash, in->body, in->body_size);
}

static void check_message(const tdm__incoming *in)
{
    assert(in->method[0] && in->target[0] && strlen(in->target) <= limits.target);
    for (const char *p = in->target; *p; p++)
        assert(*p > 0x20 && *p < 0x7f && *p != '#');
    assert(in->field_count <= limits.fields && in->body_size <= BODY_LIMIT && in->text_size <= limits.head);
    assert(in->target >= in->text && in->target < in->text + in->text_size);
    assert(!in->body_size || (strcmp(in->method, "HEAD") != 0 && strcmp(in->method, "TRACE") != 0));
    unsigned hosts = 0;
    for (unsigned i = 0; i < in->field_count; i++) {
        const char *name = in->fields[i].name, *value = in->fields[i].value;
        assert(name >= in->text && value + strlen(value) < in->text + in->text_size);
        assert(name[0] && !strpbrk(name, " \t\r\n:,;\"()<>@[]{}/\\?="));
        assert(!strpbrk(value, "\r\n\x7f\x01\x08\x0b\x1f"));
        assert(!value[0] || (!strchr(" \t", value[0]) && !strchr(" \t", value[strlen(value) - 1])));
        hosts += strcasecmp(name, "Host") == 0;
    }
    assert(hosts == 1 || (hosts == 0 && in->old));
}

/* Write it with a length in place of whatever framed it, and read it again. */
static void check_again(const tdm__incoming *in)
{
    static char text[8192];
    static tdm__rules *rules;
    assert(rules || tdm__rules_create(&rules, &wide) == 0);
    int n = snprintf(text, sizeof text, "%s %s HTTP/1.%d\r\n", in->method, in->target, in->old ? 0 : 1);
    for (unsigned i = 0; i < in->field_count; i++) {
        if (!is_length(in->fields[i].name))
            n += snprintf(text + n, sizeof text - (size_t) n, "%s: %s\r\n", in->fields[i].name, in->fields[i].value);
    }
    if (in->body_size)
        n += snprintf(text + n, sizeof text - (size_t) n, "Content-Length: %zu\r\n", in->body_size);
    n += snprintf(text + n, sizeof text - (size_t) n, "\r\n");
    memcpy(text + n, in->body, in->body_size);
    size_t size = (size_t) n + in->body_size, used, more = 0;
    tdm__rules_start(rules);
    tdm__rules_state state = tdm__rules_feed(rules, text, size, &used);
    assert(state == TDM__HEAD);
    state = tdm__rules_answer(rules, BODY_LIMIT);
    if (state == TDM__MORE)
        state = tdm__rules_feed(rules, text + used, size - used, &more);
    assert(state == TDM__DONE && used + more == size);
    const tdm__incoming *again = tdm__rules_message(rules);
    assert(again->keep_alive == in->keep_alive && again->old == in->old);
    assert(hash_message(1, again) == hash_message(1, in));
}

static outcome run(tdm__rules *rules, const uint8_t *data, size_t size, size_t first, size_t step)
{
    outcome out = {.hash = 0xcbf29ce484222325};
    tdm__rules_start(rules);
    for (size_t begin = 0, n = first; begin < size && !out.refused && out.messages < MESSAGES_MAX; n = step) {
        n = n && n < size - begin ? n : size - begin;
        char *piece = malloc(n); /* of its own, so that reading past its end is seen */
        assert(piece);
        memcpy(piece, data + begin, n);
        size_t at = 0;
        while (at < n && !out.refused && out.messages < MESSAGES_MAX) {
            size_t used;
            tdm__rules_state state = tdm__rules_feed(rules, piece + at, n - at, &used);
            assert(used <= n - at && (state != TDM__MORE || used == n - at));
            at += used;
            if (state == TDM__HEAD)
                state = tdm__rules_answer(rules, BODY_LIMIT);
            if (state == TDM__REFUSED) {
                out.refused = tdm__rules_status(rules);
                assert(out.refused >= 400 && out.refused <= 505 && out.refused != 503);
            }
            if (state != TDM__DONE)
                continue;
            check_message(tdm__rules_message(rules));
            check_again(tdm__rules_message(rules));
            out.hash = hash_message(out.hash, tdm__rules_message(rules));
            out.messages++;
            tdm__rules_start(rules);
        }
        free(piece);
        begin += n;
    }
    out.idle = tdm__rules_idle(rules);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tdm__rules *rules;
    assert(rules || tdm__rules_create(&rules, &limits) == 0);
    if (size < 2)
        return 0;
    size_t first = data[0], step = data[1];
    data += 2;
    size -= 2;
    outcome whole = run(rules, data, size, 0, 0);
    outcome cut = run(rules, data, size, first, step), bytes = run(rules, data, size, 1, 1);
    if (whole.messages == MESSAGES_MAX)
        return 0; /* they may have stopped at different bytes */
    assert(cut.messages == whole.messages && cut.refused == whole.refused && cut.hash == whole.hash);
    assert(bytes.messages == whole.messages && bytes.refused == whole.refused && bytes.hash == whole.hash);
    assert(cut.idle == whole.idle && bytes.idle == whole.idle);
    return 0;
}
