/* SPDX-License-Identifier: MIT */
/* The grammar that llhttp does not look after: request lines, hosts, lists, lengths, what the fields say together, and
 * the line before a chunk. */
#include <string.h>

#include "tests/unit/unit.h"

#include "server/chunk.h"
#include "server/head.h"

static int line(const char *text, tdm__request_line *out)
{
    return tdm__message_line(text, strlen(text), true, 20, out);
}

START_TEST(a_request_line_is_taken_apart)
{
    tdm__request_line got = {0};
    ck_assert_int_eq(line("GET /a?b HTTP/1.1\r\n", &got), 0);
    ck_assert_str_eq(got.method, "GET");
    ck_assert_uint_eq(got.target_at, 4);
    ck_assert_uint_eq(got.target_size, 4);
    ck_assert(!got.old && !got.patched);
    ck_assert_int_eq(line("OPTIONS * HTTP/1.0\r\n", &got), 0);
    ck_assert(got.old);
    ck_assert_int_eq(line("PATCH /a HTTP/1.7\r\n", &got), 0);
    ck_assert(got.patched && !got.old);
}
END_TEST

START_TEST(a_request_line_that_is_wrong_is_refused_for_what_comes_first)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        {"GET /12345678901234567890 HTTP/1.1\r\n", 414},
        {"GET /1234567890123456789 HTTP/1.1\r\n", 0},
        {"GET /1234567890123456789 HTTP/2.0\r\n", 505},
        {"FETCH /1234567890123456789 HTTP/1.1\r\n", 501},
        {"FETCH /\x01 HTTP/1.1\r\n", 400},
        {"CONNECT a:80 HTTP/1.1\r\n", 501},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\n", 501},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG(", 501},
        {"G(T / HTTP/1.1\r\n", 400},
        {"get / HTTP/1.1\r\n", 501},
        {" GET / HTTP/1.1\r\n", 400},
        {"GET  / HTTP/1.1\r\n", 400},
        {"GET /  HTTP/1.1\r\n", 400},
        {"GET / HTTP/1.1 \r\n", 400},
        {"GET / HTTP/1.1\n", 400},
        {"GET / HTTP/1.\r\n", 400},
        {"GET / HTTP/11.1\r\n", 400},
        {"GET / http/1.1\r\n", 400},
        {"GET /\r\n", 400},
        {"GET\r\n", 400},
        {"\r\n", 400},
        {"GET /a#b HTTP/1.1\r\n", 400},
        {"GET /\xc3\xa9 HTTP/1.1\r\n", 400},
        {"GET * HTTP/1.1\r\n", 400},
        {"OPTIONS *a HTTP/1.1\r\n", 400},
        {"GET a HTTP/1.1\r\n", 400},
        {"GET HTTP://a/b HTTP/1.1\r\n", 0},
        {"GET https://[::1]:8?b HTTP/1.1\r\n", 0},
        {"GET http:///b HTTP/1.1\r\n", 400},
        {"GET http://u@a/b HTTP/1.1\r\n", 400},
        {"GET ftp://a/b HTTP/1.1\r\n", 400},
        {"GET http:/a HTTP/1.1\r\n", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tdm__request_line got = {0};
        int status = line(cases[i].line, &got);
        ck_assert_msg(status == cases[i].status, "%d, not %d: %s", status, cases[i].status, cases[i].line);
        /* Its beginnings say nothing, or the same, or what will be known at the end. */
        for (size_t n = 0; n < strlen(cases[i].line); n++) {
            int early = tdm__message_line(cases[i].line, n, false, 20, &got);
            ck_assert_msg(early == 0 || early == status, "%d, then %d: %.*s", early, status, (int) n, cases[i].line);
        }
    }
}
END_TEST

START_TEST(lines_that_end_or_begin_in_doubt_do_not_reach_the_parser)
{
    static const char *const good[] = {"A: b\r\n", "\r\n", "a:\r\n"};
    static const char *const bad[] = {"A: b\n",  "A: b\rc\r\n", "A: b\r\r\n", " A: b\r\n",
                                      "\tb\r\n", ": b\r\n",     "\n",         "\r\r\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(tdm__message_field_line(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!tdm__message_field_line(bad[i], strlen(bad[i])), "case %zu", i);
}
END_TEST

START_TEST(hosts_are_names_or_addresses_with_a_port)
{
    static const char *const good[] = {"a",          "a.b-c_d",  "a:80",      "a:",      "127.0.0.1:8000",
                                       "[::1]",      "[::1]:80", "%41",       "a%2Fb",   "[fe80::1.2]",
                                       "xn--e1aybc", "a:65535",  "localhost", "a!$&'()", "a*+;=.b~:1"};
    static const char *const bad[] = {"",         "a, b", "u@a",   "a/b",      "a b",     ":80", "a:b",
                                      "a:123456", "[::1", "[]",    "[a]",      "[::1]a",  "::1", "a:1:2",
                                      "a%4",      "a%zz", "a\x7f", "\xc3\xa9", "[::1]:b", "a#b", "a?b",
                                      "\"a\"",    "[1]",  "a[1]",  "%"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(tdm__message_host_ok(good[i], strlen(good[i])), "'%s'", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!tdm__message_host_ok(bad[i], strlen(bad[i])), "'%s'", bad[i]);
}
END_TEST

START_TEST(lists_are_searched_for_whole_options)
{
    ck_assert(tdm__message_lists("close", "close"));
    ck_assert(tdm__message_lists("Keep-Alive, te , CLOSE", "close"));
    ck_assert(tdm__message_lists(" ,x , Close\t,", "close"));
    ck_assert(!tdm__message_lists("closed, not close, \"close\"", "close"));
    ck_assert(!tdm__message_lists("", "close"));
    ck_assert(!tdm__message_lists("clos", "close"));
}
END_TEST

START_TEST(lengths_are_digits)
{
    unsigned long long n = 7;
    ck_assert(tdm__message_length("0005", &n) && n == 5);
    ck_assert(tdm__message_length("0", &n) && n == 0);
    ck_assert(tdm__message_length("999999999999999999", &n) && n == 999999999999999999);
    static const char *const bad[] = {"", "+5", "-5", "5 5", "5,5", "0x5", "5e0", " 5", "5 ", "1000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!tdm__message_length(bad[i], &n), "'%s'", bad[i]);
}
END_TEST

typedef struct field {
    const char *name, *value;
} field;

static int judge(const char *method, bool old, const field *fields)
{
    tdm__head head = {0};
    for (; fields->name; fields++)
        tdm__head_see(&head, fields->name, strlen(fields->name), fields->value, strlen(fields->value));
    return tdm__head_judge(&head, &(tdm__request_line){.method = method, .old = old});
}

#define HOST                                                                                                           \
    {                                                                                                                  \
        "Host", "x"                                                                                                    \
    }

START_TEST(messages_with_two_meanings_are_refused)
{
    static const struct {
        const char *method;
        bool old;
        int status;
        field fields[5];
    } cases[] = {
        {"GET", false, 0, {HOST}},
        {"GET", true, 0, {{NULL, NULL}}},
        {"GET", false, 400, {{NULL, NULL}}},
        {"GET", false, 400, {HOST, {"host", "x"}}},
        {"GET", true, 400, {HOST, {"host", "x"}}},
        {"GET", false, 400, {{"Host", ""}}},
        {"POST", false, 0, {HOST, {"Content-Length", "5"}}},
        {"POST", false, 400, {HOST, {"Content-Length", "5"}, {"content-length", "5"}}},
        {"POST", false, 400, {HOST, {"Content-Length", "+5"}}},
        {"POST", false, 400, {HOST, {"Content-Length", "5, 5"}}},
        {"POST", false, 400, {HOST, {"Content-Length", ""}}},
        {"POST", false, 400, {HOST, {"Content-Length", "9999999999999999999"}}},
        {"POST", false, 0, {HOST, {"Transfer-Encoding", "Chunked"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "gzip"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", ""}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "identity"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "xchunked"}}},
        {"POST", false, 501, {HOST, {"Transfer-Encoding", "gzip, chunked"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "chunked, gzip"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}},
        {"POST", false, 400, {HOST, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}},
        {"POST", true, 400, {HOST, {"Transfer-Encoding", "chunked"}}},
        {"HEAD", false, 400, {HOST, {"Content-Length", "5"}}},
        {"HEAD", false, 0, {HOST, {"Content-Length", "0"}}},
        {"TRACE", false, 400, {HOST, {"Transfer-Encoding", "chunked"}}},
        {"POST", false, 0, {HOST, {"Expect", "100-Continue"}}},
        {"POST", false, 417, {HOST, {"Expect", "magic"}}},
        {"POST", false, 417, {HOST, {"Expect", "100-continue, magic"}}},
        {"POST", false, 417, {HOST, {"Expect", "100-continue"}, {"Expect", "100-continue"}}},
        {"POST", true, 0, {HOST, {"Expect", "magic"}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(judge(cases[i].method, cases[i].old, cases[i].fields) == cases[i].status, "case %zu", i);
}
END_TEST

/* What is left of a chunk's line, or NULL if it is wrong; *extra counts the bytes of extensions. */
static const char *chunk(const char *text, int *extra)
{
    static char size[32];
    tdm__chunk_line now = {.count = 0};
    *extra = 0;
    for (; *text; text++) {
        tdm__chunk_step step = tdm__chunk_line_take(&now, *text);
        *extra += step == TDM__CHUNK_EXTRA;
        if (step == TDM__CHUNK_WRONG)
            return NULL;
        if (step == TDM__CHUNK_READY) {
            memcpy(size, now.digits, now.count + 2u);
            size[now.count + 2] = '\0';
            return text[1] ? "it went on" : size;
        }
    }
    return "it did not end";
}

START_TEST(chunk_extensions_are_judged_and_left_out)
{
    static const char *const good[] = {"1f\r\n",
                                       "1f;a\r\n",
                                       "1f;a=b\r\n",
                                       "1f;a=\"b\"\r\n",
                                       "1f;a=\"b;c\\\"d\"\r\n",
                                       "1f ; a = b\r\n",
                                       "1f;a;b;c=d\r\n",
                                       "1f;a=\"\"\r\n",
                                       "1f\t;a\t;\tb=\t\"\xc3\xa9\"\r\n"};
    static const char *const bad[] = {"\r\n",
                                      ";a\r\n",
                                      "+1\r\n",
                                      "-1\r\n",
                                      " 1\r\n",
                                      "0x1\r\n",
                                      "1 \r\n",
                                      "1;\r\n",
                                      "1;a=\r\n",
                                      "1;a=\"b\r\n",
                                      "1;=b\r\n",
                                      "1;a b\r\n",
                                      "1;a=b c\r\n",
                                      "1;a\rb\r\n",
                                      "1\n",
                                      "1;a=b\n",
                                      "1;a=\"\x01\"\r\n",
                                      "1;a=\"\n\"\r\n",
                                      "1;a=\"b\"c\r\n",
                                      "1;a \r\n",
                                      "1\r\r\n",
                                      "g\r\n",
                                      "00000000000000001\r\n",
                                      "1;a=\x7f\r\n",
                                      "1;\xc3\xa9\r\n",
                                      "1;a=\"\\\x01\"\r\n"};
    int extra;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *left = chunk(good[i], &extra);
        ck_assert_msg(left && strcmp(left, "1f\r\n") == 0, "%s: %s", good[i], left ? left : "refused");
        ck_assert_int_eq(extra, (int) strlen(good[i]) - 4);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!chunk(bad[i], &extra), "%zu: %s", i, bad[i]);
}
END_TEST

int main(void)
{
    return unit_main("message", (const TTest *const[]){a_request_line_is_taken_apart,
                                                       a_request_line_that_is_wrong_is_refused_for_what_comes_first,
                                                       lines_that_end_or_begin_in_doubt_do_not_reach_the_parser,
                                                       hosts_are_names_or_addresses_with_a_port,
                                                       lists_are_searched_for_whole_options, lengths_are_digits,
                                                       messages_with_two_meanings_are_refused,
                                                       chunk_extensions_are_judged_and_left_out, NULL});
}
