/* SPDX-License-Identifier: MIT */
/* The short cut: what it takes, and that it leaves the rest alone. The fuzzer `reply` holds it against the parser. */
#include <stdio.h>
#include <string.h>

#include "load/lean.h"
#include "tests/unit/unit.h"

static size_t read_text(load_reply *reply, const char *text)
{
    memset(reply, 0, sizeof *reply);
    return load_lean_read(reply, text, strlen(text));
}

START_TEST(a_usual_reply_is_read_in_full)
{
    load_reply reply;
    static const char text[] = "HTTP/1.1 202 Accepted\r\nDate: Wed, 25 Nov 2026 10:00:00 GMT\r\nRetry-After: 7\r\n"
                               "connection: Keep-Alive\r\nTandem-Tasks: 10-12\r\nCONTENT-LENGTH: 4\r\n\r\n\"ok\"";
    ck_assert_uint_eq(read_text(&reply, text), sizeof text - 1);
    ck_assert_uint_eq(reply.status, 202);
    ck_assert(reply.keep_alive && reply.has_tasks && !reply.bad_tasks);
    ck_assert(reply.first_task == 10 && reply.last_task == 12);
    ck_assert_int_eq(reply.retry_after_s, 7);
    ck_assert_uint_eq(reply.body_bytes, 4);
}
END_TEST

START_TEST(what_follows_belongs_to_the_next_reply)
{
    load_reply reply;
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n";
    ck_assert_uint_eq(read_text(&reply, text), strlen("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
}
END_TEST

START_TEST(whatever_is_unusual_is_left_to_the_parser)
{
    static const char *const unusual[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok", /* not all there */
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", /* until the close */
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\n\"ok\"",
        "HTTP/1.1 200 OK\r\nContent-Length: 4 \r\n\r\n\"ok\"",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\r\n b\r\n\r\n", /* folded */
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\tb\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\x7f-and-more\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: caf\xc3\xa9-and-more\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nno colon\r\n\r\n",
    };
    load_reply reply;
    for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++)
        ck_assert_msg(read_text(&reply, unusual[i]) == 0, "%s", unusual[i]);
}
END_TEST

START_TEST(an_odd_byte_is_seen_wherever_it_stands)
{
    load_reply reply;
    for (size_t at = 0; at < 40; at++) {
        char text[160];
        static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Y: ";
        size_t size = sizeof head - 1;
        memcpy(text, head, size);
        memset(text + size, 'a', 40);
        memcpy(text + size + 40, "\r\n\r\n", 5);
        ck_assert_uint_gt(read_text(&reply, text), 0);
        static const char odd[] = {1, 0x1f, 0x7f, (char) 0x80, (char) 0xff, '\t', '\n', '\r'};
        for (size_t i = 0; i < sizeof odd; i++) {
            text[size + at] = odd[i];
            ck_assert_msg(read_text(&reply, text) == 0, "byte %d at %zu", odd[i], at);
        }
    }
}
END_TEST

START_TEST(a_bad_promise_is_noted_and_a_second_one_spoils_the_first)
{
    load_reply reply;
    static const char *const bad[] = {"3-1", "1-", "-1", "x", "1-2 ", "1-99999999", "1-2\r\nTandem-Tasks: 3-4"};
    char text[200];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nTandem-Tasks: %s\r\nContent-Length: 0\r\n\r\n", bad[i]);
        size_t used = read_text(&reply, text);
        ck_assert_msg(!used || (reply.bad_tasks && !reply.has_tasks), "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    return unit_main("load_lean", (const TTest *const[]){
                                      a_usual_reply_is_read_in_full, what_follows_belongs_to_the_next_reply,
                                      whatever_is_unusual_is_left_to_the_parser, an_odd_byte_is_seen_wherever_it_stands,
                                      a_bad_promise_is_noted_and_a_second_one_spoils_the_first, NULL});
}
