/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "load/wire.h"
#include "tests/unit/unit.h"

/* Feed text in pieces of `piece` bytes; the result when it stopped asking for more, or of the end after it. */
static load_wire_result feed(load_wire *wire, const char *text, size_t piece, size_t *used)
{
    size_t size = strlen(text), at = 0;
    load_wire_begin(wire, false);
    while (at < size) {
        size_t n = size - at < piece ? size - at : piece, took = n;
        load_wire_result result = load_wire_feed(wire, text + at, n, &took);
        if (result != LOAD_WIRE_MORE) {
            *used = at + took;
            return result;
        }
        at += n;
    }
    *used = at;
    return load_wire_eof(wire);
}

/* The result must not depend on how the bytes are cut. */
static void check(load_wire *wire, const char *text, load_wire_result expected, size_t expected_used)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64, 1 << 20};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t used;
        load_wire_result result = feed(wire, text, pieces[i], &used);
        ck_assert_msg(result == expected, "%d, not %d, in pieces of %zu: %s", (int) result, (int) expected, pieces[i],
                      text);
        if (expected == LOAD_WIRE_COMPLETE)
            ck_assert_uint_eq(used, expected_used);
    }
}

static load_wire *make(size_t body_limit)
{
    load_wire *wire = NULL;
    ck_assert_int_eq(load_wire_create(&wire, body_limit), 0);
    return wire;
}

START_TEST(replies_end_where_they_should_however_they_are_cut)
{
    static const char *const complete[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    };
    load_wire *wire = make(0);
    for (size_t i = 0; i < sizeof complete / sizeof complete[0]; i++)
        check(wire, complete[i], LOAD_WIRE_COMPLETE, strlen(complete[i]));
    check(wire, "HTTP/1.1 200 OK\r\n\r\nuntil the end", LOAD_WIRE_COMPLETE, 32);
    check(wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200", LOAD_WIRE_COMPLETE, 40);
    load_wire_destroy(&wire);
    ck_assert_ptr_null(wire);
}
END_TEST

START_TEST(wrong_bytes_are_bad_however_they_are_cut)
{
    static const char *const bad[] = {
        "SSH-2.0-x\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    };
    load_wire *wire = make(0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check(wire, bad[i], LOAD_WIRE_BAD, 0);
    load_wire_destroy(&wire);
}
END_TEST

START_TEST(an_early_end_is_short_in_the_body_and_closed_before_it)
{
    load_wire *wire = make(0);
    check(wire, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok", LOAD_WIRE_SHORT, 0);
    check(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", LOAD_WIRE_SHORT, 0);
    check(wire, "HTTP/1.1 200 OK\r\nContent-Len", LOAD_WIRE_CLOSED, 0);
    check(wire, "HTTP/1.1 100 Continue\r\n\r\n", LOAD_WIRE_CLOSED, 0);
    check(wire, "HTT", LOAD_WIRE_CLOSED, 0);
    load_wire_destroy(&wire);
}
END_TEST

static const load_reply *reply_of(load_wire *wire, const char *fields)
{
    char text[2048];
    size_t used;
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%sContent-Length: 0\r\n\r\n", fields);
    ck_assert_int_eq(feed(wire, text, 5, &used), LOAD_WIRE_COMPLETE);
    return load_wire_reply(wire);
}

START_TEST(promises_are_read_and_doubtful_ones_are_refused)
{
    static const char *const bad[] = {
        "Tandem-Tasks: \r\n",
        "Tandem-Tasks: 5\r\n",
        "Tandem-Tasks: 5-4\r\n",
        "Tandem-Tasks: -5\r\n",
        "Tandem-Tasks: 5-6x\r\n",
        "Tandem-Tasks: 1-99999999999\r\n",
        "Tandem-Tasks: 1 - 2\r\n",
        "Tandem-Tasks: 1-2\r\nTandem-Tasks: 3-4\r\n",
        "Tandem-Tasks: 99999999999999999999999-99999999999999999999999\r\n",
        "Tandem-Tasks: 1-2, 3-4, 5-6, 7-8, 9-10, 11-12, 13-14, 15-16, 17-18, 19-20, 21-22, 23-24\r\n",
    };
    load_wire *wire = make(0);
    const load_reply *reply = reply_of(wire, "tandem-TASKS: 7-9\r\nX-Other: 1-2\r\n");
    ck_assert(reply->has_tasks && !reply->bad_tasks);
    ck_assert_uint_eq(reply->first_task, 7);
    ck_assert_uint_eq(reply->last_task, 9);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        reply = reply_of(wire, bad[i]);
        ck_assert_msg(reply->bad_tasks && !reply->has_tasks, "%s", bad[i]);
    }
    reply = reply_of(wire, "");
    ck_assert(!reply->has_tasks && !reply->bad_tasks);
    load_wire_destroy(&wire);
}
END_TEST

START_TEST(fields_of_interim_replies_and_trailers_do_not_count)
{
    static const char text[] = "HTTP/1.1 103 Early\r\nTandem-Tasks: 1-2\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTandem-Tasks: 3-4\r\n\r\n";
    load_wire *wire = make(0);
    check(wire, text, LOAD_WIRE_COMPLETE, strlen(text));
    ck_assert(!load_wire_reply(wire)->has_tasks && !load_wire_reply(wire)->bad_tasks);
    load_wire_destroy(&wire);
}
END_TEST

START_TEST(retry_after_is_read_in_seconds_and_a_date_is_not)
{
    load_wire *wire = make(0);
    ck_assert_int_eq(reply_of(wire, "Retry-After: 120\r\n")->retry_after_s, 120);
    ck_assert_int_eq(reply_of(wire, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n")->retry_after_s, -1);
    ck_assert_int_eq(reply_of(wire, "Retry-After: -5\r\n")->retry_after_s, -1);
    ck_assert_int_eq(reply_of(wire, "")->retry_after_s, -1);
    load_wire_destroy(&wire);
}
END_TEST

START_TEST(keep_alive_follows_version_and_connection)
{
    load_wire *wire = make(0);
    size_t used;
    ck_assert(reply_of(wire, "")->keep_alive);
    ck_assert(!reply_of(wire, "Connection: close\r\n")->keep_alive);
    feed(wire, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 9, &used);
    ck_assert(!load_wire_reply(wire)->keep_alive);
    feed(wire, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 9, &used);
    ck_assert(load_wire_reply(wire)->keep_alive);
    load_wire_destroy(&wire);
}
END_TEST

START_TEST(a_body_is_kept_up_to_the_limit_and_only_if_asked_for)
{
    load_wire *keeping = make(4), *draining = make(0);
    size_t size;
    check(keeping, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour", LOAD_WIRE_COMPLETE, 42);
    ck_assert_str_eq(load_wire_body(keeping, &size), "four");
    ck_assert_uint_eq(size, 4);
    check(keeping, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfive!", LOAD_WIRE_BODY_LIMIT, 0);
    check(draining, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfive!", LOAD_WIRE_COMPLETE, 43);
    ck_assert_str_eq(load_wire_body(draining, &size), "");
    ck_assert_uint_eq(load_wire_reply(draining)->body_bytes, 5);
    load_wire_destroy(&keeping);
    load_wire_destroy(&draining);
}
END_TEST

START_TEST(a_head_is_bounded_to_the_byte_over_all_its_fields)
{
    load_wire *wire = make(0);
    size_t filler = LOAD_HEAD_LIMIT - 64;
    char *text = calloc(1, LOAD_HEAD_LIMIT + 256);
    int n = snprintf(text, 256, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ");
    memset(text + n, 'x', filler);
    memcpy(text + n + filler, "\r\n\r\n", 5);
    size_t used;
    ck_assert_int_eq(feed(wire, text, 4096, &used), LOAD_WIRE_COMPLETE);
    memset(text + n, 'x', filler + 64);
    memcpy(text + n + filler + 64, "\r\n\r\n", 5);
    ck_assert_int_eq(feed(wire, text, 4096, &used), LOAD_WIRE_HEAD_LIMIT);
    free(text);
    load_wire_destroy(&wire);
}
END_TEST

int main(void)
{
    return unit_main(
        "load_wire",
        (const TTest *const[]){
            replies_end_where_they_should_however_they_are_cut, wrong_bytes_are_bad_however_they_are_cut,
            an_early_end_is_short_in_the_body_and_closed_before_it, promises_are_read_and_doubtful_ones_are_refused,
            fields_of_interim_replies_and_trailers_do_not_count, retry_after_is_read_in_seconds_and_a_date_is_not,
            keep_alive_follows_version_and_connection, a_body_is_kept_up_to_the_limit_and_only_if_asked_for,
            a_head_is_bounded_to_the_byte_over_all_its_fields, NULL});
}
