/* SPDX-License-Identifier: MIT */
/* The message rules alone: every case of the data, whole, byte by byte and in 1,000 random segmentations, must come to
 * the same end, and to the right one. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/rules.h"
#include "tests/http/cases.h"
#include "tests/http/http.h"

#define SEGMENTATIONS 1000
#define SLICES 8
#define MESSAGES 8
#define BODY_LIMIT ((size_t) 1 << 20)

static const tdm__rules_limits limits = {.target = 8192, .head = 16384, .fields = 100};

/* What became of the bytes. */
typedef struct outcome {
    unsigned messages;
    int refused;                /* 0: not */
    bool expects, closes, half; /* of the first message; after the last one; bytes were left in the middle of one */
    struct {
        char method[16], target[200];
        size_t body_size;
        uint64_t hash; /* of target, fields and body */
    } message[MESSAGES];
} outcome;

static bool same(const outcome *a, const outcome *b)
{
    if (a->messages != b->messages || a->refused != b->refused || a->expects != b->expects || a->closes != b->closes ||
        a->half != b->half)
        return false;
    for (unsigned i = 0; i < MESSAGES; i++)
        if (strcmp(a->message[i].method, b->message[i].method) != 0 ||
            strcmp(a->message[i].target, b->message[i].target) != 0 ||
            a->message[i].body_size != b->message[i].body_size || a->message[i].hash != b->message[i].hash)
            return false;
    return true;
}

static uint64_t state;

static uint64_t next_random(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static uint64_t hash_of(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ p[i]) * 0x100000001b3;
    return hash ^ size;
}

static void note_message(outcome *out, const tdm__rules *rules)
{
    const tdm__incoming *in = tdm__rules_message(rules);
    if (out->messages == MESSAGES)
        ck_abort_msg("more than %d messages", MESSAGES);
    unsigned n = out->messages++;
    snprintf(out->message[n].method, sizeof out->message[n].method, "%s", in->method);
    snprintf(out->message[n].target, sizeof out->message[n].target, "%s", in->target);
    out->message[n].body_size = in->body_size;
    uint64_t hash = hash_of(0xcbf29ce484222325, in->target, strlen(in->target));
    for (unsigned i = 0; i < in->field_count; i++) {
        hash = hash_of(hash, in->fields[i].name, strlen(in->fields[i].name));
        hash = hash_of(hash, in->fields[i].value, strlen(in->fields[i].value));
    }
    out->message[n].hash = hash_of(hash, in->body, in->body_size);
    out->closes = !in->keep_alive;
}

/* Feed one segment. @return is the connection still believed? */
static bool feed(tdm__rules *rules, outcome *out, const char *bytes, size_t size)
{
    /* Of its own, so that reading past its end is seen; large ones would take most of the time. */
    char *copy = size < 4096 ? malloc(size) : NULL;
    if (copy)
        bytes = memcpy(copy, bytes, size);
    size_t at = 0;
    while (at < size && !out->refused && !out->closes) {
        size_t used;
        tdm__rules_state now = tdm__rules_feed(rules, bytes + at, size - at, &used);
        at += used;
        if (now == TDM__MORE &&
            at != size) /* an assertion of Check writes to a file each time, which takes too long here */
            ck_abort_msg("%zu of %zu bytes were taken", at, size);
        if (now == TDM__HEAD) {
            now = tdm__rules_answer(rules, BODY_LIMIT);
            out->expects = out->expects || (out->messages == 0 && now == TDM__MORE && tdm__rules_expects(rules));
        }
        if (now == TDM__DONE) {
            note_message(out, rules);
            tdm__rules_start(rules);
        } else if (now == TDM__REFUSED) {
            out->refused = tdm__rules_status(rules);
        }
    }
    free(copy);
    return !out->refused && !out->closes;
}

/* @param piece 0: random pieces. */
static outcome run(tdm__rules *rules, http_blob bytes, size_t piece)
{
    outcome out;
    memset(&out, 0, sizeof out); /* they are compared as bytes */
    tdm__rules_start(rules);
    size_t longest = (size_t) 1 << next_random(12);
    for (size_t at = 0; at < bytes.size;) {
        size_t n = piece ? piece : 1 + next_random(bytes.size > 100000 ? bytes.size / 10 : longest);
        n = n > bytes.size - at ? bytes.size - at : n;
        if (!feed(rules, &out, bytes.bytes + at, n))
            break;
        at += n;
    }
    out.half = !out.refused && !out.closes && !tdm__rules_idle(rules);
    return out;
}

static http_blob bytes_of(const http_case *c)
{
    http_blob all = c->drip ? c->drip->start : c->request;
    if (!c->segment_count)
        return all;
    static char joined[65536];
    all = (http_blob){joined, 0};
    for (size_t i = 0; i < c->segment_count; i++) {
        ck_assert_uint_le(all.size + c->segments[i].send.size, sizeof joined);
        memcpy(joined + all.size, c->segments[i].send.bytes, c->segments[i].send.size);
        all.size += c->segments[i].send.size;
    }
    return all;
}

static bool may_be(const http_case *c, int status)
{
    for (const int *s = c->expect_status; *s; s++) {
        if (*s == status)
            return true;
    }
    return false;
}

static bool answers_itself(const http_case *c)
{
    return strcmp(c->layer, "framework") != 0; /* what the application answers is not for the rules to say */
}

/* As X-Uri would tell it: the origin form. */
static bool is_uri(const char *uri, const char *target)
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    if (authority) {
        target = authority + 3 + strcspn(authority + 3, "/?");
        uri += *target != '/' && uri[0] == '/';
    }
    return strcmp(uri, target) == 0;
}

static bool targets_are(const char *const *uris, const outcome *out)
{
    unsigned n = 0;
    while (uris[n])
        n++;
    if (n != out->messages)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (!is_uri(uris[i], out->message[i].target))
            return false;
    }
    return true;
}

static void check_targets(const http_case *c, const outcome *out)
{
    bool listed = !c->uris[0] || (out->refused && out->messages == 0);
    for (size_t i = 0; c->uris[i]; i++)
        listed = listed || targets_are(c->uris[i], out);
    ck_assert_msg(listed, "%s: %u messages, the first %s", c->name, out->messages, out->message[0].target);
    for (unsigned i = 0; i < out->messages; i++)
        ck_assert_msg(!c->no_uri || strcmp(c->no_uri, out->message[i].target) != 0, "%s: %s", c->name, c->no_uri);
}

static void check(const http_case *c, const outcome *out)
{
    int first = out->messages ? 200 : out->refused;
    if (!first && out->half)
        ck_assert_msg(c->may_stay_open || c->half_close || c->drip, "%s: nothing came of it: %s", c->name, c->why);
    else if (answers_itself(c))
        ck_assert_msg(may_be(c, first) || c->may_close || (first == 200 && c->drip), "%s: %d: %s", c->name, first,
                      c->why);
    check_targets(c, out);
    if (c->body_len >= 0)
        ck_assert_msg(out->message[0].body_size == (size_t) c->body_len, "%s: a body of %zu", c->name,
                      out->message[0].body_size);
    unsigned answers = out->messages + (out->refused != 0);
    if (c->max_responses)
        ck_assert_msg(answers <= (unsigned) c->max_responses, "%s: %u answers", c->name, answers);
    if (c->n_responses)
        ck_assert_msg(answers == (unsigned) c->n_responses, "%s: %u answers", c->name, answers);
    if (c->must_close && !c->half_close)
        ck_assert_msg(out->refused || out->closes, "%s: goes on", c->name);
    if (c->need_100)
        ck_assert_msg(out->expects, "%s: no 100", c->name);
    if (c->no_100)
        ck_assert_msg(!out->expects, "%s: a 100", c->name);
}

static const char *tell(const outcome *out)
{
    static char text[4][512];
    static unsigned next;
    char *to = text[next++ % 4];
    snprintf(to, 512, "%u messages (%s %s, body %zu), refused %d%s%s", out->messages, out->message[0].method,
             out->message[0].target, out->message[0].body_size, out->refused, out->half ? ", half" : "",
             out->closes ? ", closes" : "");
    return to;
}

/* The cases of one slice; each is a test of its own, for the time it takes. */
START_TEST(every_case_comes_to_the_right_end_in_any_segmentation)
{
    tdm__rules *rules;
    ck_assert_int_eq(tdm__rules_create(&rules, &limits), 0);
    state = 0x9e3779b97f4a7c15 + (uint64_t) _i;
    ck_assert_uint_ge(http_case_count, 300);
    for (size_t i = (size_t) _i; i < http_case_count; i += SLICES) {
        const http_case *c = &http_cases[i];
        http_blob bytes = bytes_of(c);
        outcome whole = run(rules, bytes, bytes.size);
        check(c, &whole);
        for (int s = 0; s <= SEGMENTATIONS; s++) {
            uint64_t seed = state;
            outcome cut = run(rules, bytes, s == SEGMENTATIONS ? 1 : 0);
            if (!same(&cut, &whole))
                ck_abort_msg("%s: whole: %s; cut with seed %llu: %s", c->name, tell(&whole), (unsigned long long) seed,
                             tell(&cut));
        }
    }
    tdm__rules_destroy(&rules);
}
END_TEST

/* Memory right behind what the rules have, so that what grows must move. */
static void fill_gaps(void *blocks[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        blocks[i] = malloc(64 + i % 64 * 64);
}

START_TEST(a_field_without_value_is_read_right_when_what_comes_after_it_moves_the_head)
{
    static char after[12000];
    static void *blocks[1024];
    memset(after, 'x', sizeof after);
    for (size_t size = 1; size < sizeof after; size += 97) {
        tdm__rules *rules;
        size_t used;
        ck_assert_int_eq(tdm__rules_create(&rules, &limits), 0);
        static const char start[] = "GET / HTTP/1.1\r\nHost: x\r\nEmpty: \r\n", name[] = "After: ", end[] = "\r\n\r\n";
        ck_assert_int_eq(tdm__rules_feed(rules, start, sizeof start - 1, &used), TDM__MORE);
        fill_gaps(blocks, 1024);
        ck_assert_int_eq(tdm__rules_feed(rules, name, sizeof name - 1, &used), TDM__MORE);
        ck_assert_int_eq(tdm__rules_feed(rules, after, size, &used), TDM__MORE);
        ck_assert_int_eq(tdm__rules_feed(rules, end, sizeof end - 1, &used), TDM__HEAD);
        const tdm__incoming *in = tdm__rules_message(rules);
        ck_assert_uint_eq(in->field_count, 3);
        ck_assert_str_eq(in->fields[1].name, "Empty");
        ck_assert_str_eq(in->fields[1].value, "");
        ck_assert_str_eq(in->fields[2].name, "After");
        ck_assert_uint_eq(strlen(in->fields[2].value), size);
        for (size_t i = 0; i < 1024; i++)
            free(blocks[i]);
        tdm__rules_destroy(&rules);
    }
}
END_TEST

int main(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 24); /* bodies come and go a thousand times: their pages may stay */
    mallopt(M_TRIM_THRESHOLD, 1 << 26);
    Suite *suite = suite_create("rules");
    TCase *tc = tcase_create("rules");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, every_case_comes_to_the_right_end_in_any_segmentation, 0, SLICES);
    suite_add_tcase(suite, tc);
    tc = tcase_create("memory");
    tcase_add_test(tc, a_field_without_value_is_read_right_when_what_comes_after_it_moves_the_head);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
