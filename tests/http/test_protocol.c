/* SPDX-License-Identifier: MIT */
/* Bytes in, bytes out: what HTTP/1.1 looks like on the socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/http/http.h"

#define BIG (8u << 20)
#define NOT_FOUND "{\"detail\":\"Not Found\"}"

static char big[BIG];

static int get_big(tdm_request *req)
{
    return tdm_reply(req, 200, NULL, big, sizeof big);
}

static int post_echo(tdm_request *req)
{
    size_t size;
    const void *body = tdm_request_body(req, &size);
    return tdm_reply(req, 200, tdm_request_header(req, "content-TYPE"), body, size);
}

static int get_fields(tdm_request *req)
{
    ck_assert_int_eq(tdm_reply_header(req, "X-One", "1"), 0);
    ck_assert_int_eq(tdm_reply_header(req, "X-Two", "2"), 0);
    ck_assert_int_eq(tdm_reply_header(req, "Content-Length", "7"), -EINVAL);
    ck_assert_int_eq(tdm_reply_header(req, "X-Bad", "a\r\nX-Evil: b"), -EINVAL);
    return tdm_reply_empty(req, 202);
}

static int get_target(tdm_request *req)
{
    char text[256];
    snprintf(text, sizeof text, "%s %s", tdm_request_method(req), tdm_request_target(req));
    return tdm_reply_text(req, 200, text);
}

static int get_nothing(tdm_request *req)
{
    return tdm_reply_empty(req, 204);
}

static void add_routes(tdm_app *app)
{
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char) ('a' + i % 26);
    ck_assert_int_eq(tdm_app_get(app, "/hello", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_get(app, "/big", get_big), 0);
    ck_assert_int_eq(tdm_app_post(app, "/echo", post_echo), 0);
    ck_assert_int_eq(tdm_app_get(app, "/fields", get_fields), 0);
    ck_assert_int_eq(tdm_app_get(app, "/target/{x}", get_target), 0);
    ck_assert_int_eq(tdm_app_get(app, "/nothing", get_nothing), 0);
    ck_assert_int_eq(
        tdm_app_route(app, &(tdm_route){.method = "GET", .path = "/pool", .run = http_get_hello, .lane = TDM_POOL}), 0);
}

static tdm_app *app;
static http_connection c;

static void begin(void)
{
    app = http_app(NULL, add_routes);
    http_connect(&c, tdm_app_url(app));
}

static void end(void)
{
    http_disconnect(&c);
    http_app_end(app);
}

static void read_expecting(int status, const char *body)
{
    http_reply reply = http_read(&c, false);
    ck_assert_msg(reply.status == status, "%s", reply.head);
    if (body)
        ck_assert_str_eq(reply.body, body);
    http_reply_finish(&reply);
}

START_TEST(one_connection_serves_request_after_request)
{
    begin();
    for (int i = 0; i < 50; i++) {
        http_ask(&c, "GET", "/hello", NULL);
        read_expecting(200, "hello");
    }
    end();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    begin();
    char many[16384] = "";
    size_t size = 0;
    for (int i = 0; i < 100; i++)
        size += (size_t) snprintf(many + size, sizeof many - size, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n",
                                  i % 3 == 0   ? "hello"
                                  : i % 3 == 1 ? "pool"
                                               : "nope");
    http_send(&c, many, size);
    for (int i = 0; i < 100; i++)
        read_expecting(i % 3 == 2 ? 404 : 200, i % 3 == 2 ? NOT_FOUND : "hello");
    end();
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
    begin();
    const char *request = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    for (const char *p = request; *p; p++)
        http_send(&c, p, 1);
    read_expecting(200, "hello");
    end();
}
END_TEST

START_TEST(head_has_gets_fields_and_no_body)
{
    begin();
    http_ask(&c, "HEAD", "/hello", NULL);
    http_reply reply = http_read(&c, true);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(http_field(&reply, "Content-Length"), "5");
    ck_assert_str_eq(http_field(&reply, "Content-Type"), "text/plain; charset=utf-8");
    http_reply_finish(&reply);
    http_ask(&c, "HEAD", "/nope", NULL);
    reply = http_read(&c, true);
    ck_assert_int_eq(reply.status, 404);
    http_reply_finish(&reply);
    http_ask(&c, "GET", "/hello", NULL);
    read_expecting(200, "hello");
    end();
}
END_TEST

START_TEST(an_unknown_path_is_404_and_a_wrong_method_405_with_allow)
{
    begin();
    http_ask(&c, "GET", "/nope?x=1", NULL);
    read_expecting(404, NOT_FOUND);
    http_ask(&c, "POST", "/hello", NULL);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 405);
    ck_assert_str_eq(reply.body, "{\"detail\":\"Method Not Allowed\"}");
    ck_assert_str_eq(http_field(&reply, "Allow"), "GET, HEAD, OPTIONS");
    http_reply_finish(&reply);
    http_ask(&c, "GET", "/echo", NULL);
    reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 405);
    ck_assert_str_eq(http_field(&reply, "Allow"), "POST, OPTIONS");
    http_reply_finish(&reply);
    static const char *const others[] = {"PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < 3; i++) {
        http_ask(&c, others[i], "/hello", NULL);
        read_expecting(405, NULL);
    }
    http_ask(&c, "OPTIONS", "/hello", NULL);
    reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 204);
    ck_assert_str_eq(http_field(&reply, "Allow"), "GET, HEAD, OPTIONS");
    http_reply_finish(&reply);
    http_ask(&c, "OPTIONS", "/nope", NULL);
    read_expecting(404, NOT_FOUND);
    end();
}
END_TEST

START_TEST(targets_come_as_they_were_sent)
{
    begin();
    http_ask(&c, "GET", "/target/a%20b?c=%zz", NULL);
    read_expecting(200, "GET /target/a%20b?c=%zz");
    http_ask(&c, "GET", "/target/%zz", NULL);
    read_expecting(400, "{\"detail\":\"The path is not valid: it has a broken escape, a dot segment or a character "
                        "that no path has\"}");
    http_ask(&c, "GET", "http://test/target/x?y", NULL);
    read_expecting(200, "GET http://test/target/x?y");
    http_ask(&c, "GET", "/hello", NULL);
    read_expecting(200, "hello");
    end();
}
END_TEST

START_TEST(a_handlers_fields_are_in_the_reply_and_others_refused)
{
    begin();
    http_ask(&c, "GET", "/fields", NULL);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 202);
    ck_assert_str_eq(http_field(&reply, "X-One"), "1");
    ck_assert_str_eq(http_field(&reply, "X-Two"), "2");
    ck_assert_str_eq(http_field(&reply, "Content-Length"), "0");
    ck_assert_ptr_nonnull(http_field(&reply, "Date"));
    ck_assert_ptr_null(http_field(&reply, "X-Evil"));
    ck_assert_ptr_null(http_field(&reply, "Connection"));
    http_reply_finish(&reply);
    http_ask(&c, "GET", "/nothing", NULL);
    reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 204);
    ck_assert_ptr_null(http_field(&reply, "Content-Length"));
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(connection_close_is_said_and_done)
{
    static const char *const fields[] = {"Connection: close\r\n", "Connection: CLOSE\r\n", "Connection: te, close\r\n"};
    begin();
    for (size_t i = 0; i < 3; i++) {
        http_connection one;
        http_connect(&one, tdm_app_url(app));
        http_ask(&one, "GET", "/hello", fields[i]);
        http_reply reply = http_read(&one, false);
        ck_assert_str_eq(http_field(&reply, "Connection"), "close");
        ck_assert_str_eq(reply.body, "hello");
        http_reply_finish(&reply);
        http_expect_fin(&one);
        http_disconnect(&one);
    }
    end();
}
END_TEST

START_TEST(http_1_0_closes_unless_asked_to_keep_alive)
{
    begin();
    http_say(&c, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    http_reply reply = http_read(&c, false);
    ck_assert_str_eq(http_field(&reply, "Connection"), "keep-alive");
    http_reply_finish(&reply);
    http_say(&c, "GET /hello HTTP/1.0\r\n\r\n");
    reply = http_read(&c, false);
    ck_assert_str_eq(http_field(&reply, "Connection"), "close");
    ck_assert_str_eq(reply.body, "hello");
    http_reply_finish(&reply);
    http_expect_fin(&c);
    end();
}
END_TEST

START_TEST(a_large_reply_reaches_a_slow_reader_whole)
{
    begin();
    /* Three at once: more than any socket buffer takes, on each of the ways a reply goes. */
    http_ask(&c, "GET", "/big", NULL);
    http_ask(&c, "HEAD", "/big", NULL);
    http_ask(&c, "GET", "/big", NULL);
    http_ask(&c, "GET", "/hello", NULL);
    for (int i = 0; i < 3; i++) {
        http_reply reply = http_read(&c, i == 1);
        ck_assert_int_eq(reply.status, 200);
        if (i == 1)
            ck_assert_uint_eq(strtoul(http_field(&reply, "Content-Length"), NULL, 10), BIG);
        else
            ck_assert_uint_eq(reply.body_size, BIG);
        ck_assert(i == 1 || memcmp(reply.body, big, BIG) == 0);
        http_reply_finish(&reply);
    }
    read_expecting(200, "hello");
    end();
}
END_TEST

START_TEST(a_large_reply_before_a_close_is_whole)
{
    begin();
    http_ask(&c, "GET", "/big", "Connection: close\r\n");
    http_reply reply = http_read(&c, false);
    ck_assert_uint_eq(reply.body_size, BIG);
    ck_assert(memcmp(reply.body, big, BIG) == 0);
    http_reply_finish(&reply);
    http_expect_fin(&c);
    end();
}
END_TEST

START_TEST(chunked_bodies_are_read_and_the_connection_goes_on)
{
    begin();
    for (int i = 0; i < 3; i++) {
        http_say(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
        read_expecting(200, "hello world");
        http_ask(&c, "GET", "/hello", NULL);
        read_expecting(200, "hello");
    }
    end();
}
END_TEST

START_TEST(expect_100_continue_is_answered_before_the_body)
{
    begin();
    http_say(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    read_expecting(100, "");
    http_say(&c, "hello");
    read_expecting(200, "hello");
    http_ask(&c, "GET", "/hello", NULL);
    read_expecting(200, "hello");
    end();
}
END_TEST

/* A refusal is JSON, says close, and closes with a FIN, though more of the request may still come. */
static void expect_refusal(const char *request, size_t size, int status, const char *body)
{
    http_connection one;
    http_connect(&one, tdm_app_url(app));
    http_send(&one, request, size);
    bool head = strncmp(request, "HEAD ", 5) == 0;
    http_reply reply = http_read(&one, head);
    ck_assert_msg(reply.status == status, "%d, not %d, for: %.100s", reply.status, status, request);
    ck_assert_str_eq(http_field(&reply, "Connection"), "close");
    ck_assert_str_eq(http_field(&reply, "Content-Type"), "application/json");
    ck_assert_str_eq(reply.body, head ? "" : body);
    http_reply_finish(&reply);
    http_expect_fin(&one);
    http_disconnect(&one);
}

START_TEST(malformed_messages_are_refused_in_json_and_the_connection_closes)
{
    static const struct {
        const char *request, *body;
        int status;
    } cases[] = {
        {"rubbish\r\n\r\n", "{\"detail\":\"Bad Request\"}", 400},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", "{\"detail\":\"Bad Request\"}", 400},
        {"GET /hello HTTP/1.1\r\n\r\n", "{\"detail\":\"Bad Request\"}", 400},
        {"GET /hello HTTP/-1.1\r\nHost: x\r\n\r\n", "{\"detail\":\"Bad Request\"}", 400},
        {"GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", "{\"detail\":\"HTTP Version Not Supported\"}", 505},
        {"FETCH /hello HTTP/1.1\r\nHost: x\r\n\r\n", "{\"detail\":\"Not Implemented\"}", 501},
        {"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", "{\"detail\":\"Not Implemented\"}", 501},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n",
         "{\"detail\":\"Expectation Failed\"}", 417},
        /* What a second reader could take for two requests. */
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
         "{\"detail\":\"Bad Request\"}", 400},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "{\"detail\":\"Bad Request\"}", 400},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
         "{\"detail\":\"Bad Request\"}", 400},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
         "{\"detail\":\"Bad Request\"}", 400},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "{\"detail\":\"Not Implemented\"}", 501},
        {"HEAD /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "{\"detail\":\"Bad Request\"}", 400},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refusal(cases[i].request, strlen(cases[i].request), cases[i].status, cases[i].body);
    tdm_app_stats stats;
    tdm_app_stats_get(app, &stats);
    ck_assert_uint_eq(stats.refused, sizeof cases / sizeof cases[0]);
    ck_assert_uint_eq(stats.requests, 0);
    http_ask(&c, "GET", "/hello", NULL);
    read_expecting(200, "hello");
    end();
}
END_TEST

START_TEST(a_head_beyond_the_limit_is_431)
{
    begin();
    enum { SIZE = 100000 };
    char *request = malloc(SIZE + 1);
    int start = snprintf(request, SIZE, "GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
    memset(request + start, 'x', (size_t) (SIZE - start));
    expect_refusal(request, SIZE, 431, "{\"detail\":\"Request Header Fields Too Large\"}");
    free(request);
    end();
}
END_TEST

START_TEST(a_body_beyond_the_limit_is_413_and_not_read)
{
    begin();
    const char *announced = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\nhello";
    expect_refusal(announced, strlen(announced), 413, "{\"detail\":\"Content Too Large\"}");
    const char *expecting =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n";
    expect_refusal(expecting, strlen(expecting), 413, "{\"detail\":\"Content Too Large\"}");
    const char *chunked = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1000001\r\nhello";
    expect_refusal(chunked, strlen(chunked), 413, "{\"detail\":\"Content Too Large\"}");
    end();
}
END_TEST

START_TEST(a_body_of_the_largest_size_is_read)
{
    begin();
    const size_t size = 1 << 20;
    http_say(&c, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: x/y\r\nContent-Length: %zu\r\n\r\n", size);
    http_send(&c, big, size);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_uint_eq(reply.body_size, size);
    ck_assert(memcmp(reply.body, big, size) == 0);
    ck_assert_str_eq(http_field(&reply, "Content-Type"), "x/y");
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(a_half_closed_connection_still_gets_its_reply)
{
    begin();
    http_ask(&c, "GET", "/hello", NULL);
    http_ask(&c, "GET", "/pool", NULL);
    ck_assert_int_eq(shutdown(c.fd, SHUT_WR), 0);
    read_expecting(200, "hello");
    read_expecting(200, "hello");
    http_expect_fin(&c);
    end();
}
END_TEST

START_TEST(several_loops_serve_one_port)
{
    app = http_app(&(tdm_app_options){.executor = {.loops = 4}}, add_routes);
    http_connection many[40];
    for (int i = 0; i < 40; i++)
        http_connect(&many[i], tdm_app_url(app));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 40; i++)
            http_ask(&many[i], "GET", i % 2 ? "/pool" : "/hello", NULL);
        for (int i = 0; i < 40; i++) {
            http_reply reply = http_read(&many[i], false);
            ck_assert_str_eq(reply.body, "hello");
            http_reply_finish(&reply);
        }
    }
    for (int i = 0; i < 40; i++)
        http_disconnect(&many[i]);
    http_app_end(app);
}
END_TEST

int main(void)
{
    return http_main("protocol", (const TTest *const[]){
                                     one_connection_serves_request_after_request,
                                     pipelined_requests_are_answered_in_order,
                                     a_request_may_come_byte_by_byte,
                                     head_has_gets_fields_and_no_body,
                                     an_unknown_path_is_404_and_a_wrong_method_405_with_allow,
                                     targets_come_as_they_were_sent,
                                     a_handlers_fields_are_in_the_reply_and_others_refused,
                                     connection_close_is_said_and_done,
                                     http_1_0_closes_unless_asked_to_keep_alive,
                                     a_large_reply_reaches_a_slow_reader_whole,
                                     a_large_reply_before_a_close_is_whole,
                                     chunked_bodies_are_read_and_the_connection_goes_on,
                                     expect_100_continue_is_answered_before_the_body,
                                     malformed_messages_are_refused_in_json_and_the_connection_closes,
                                     a_head_beyond_the_limit_is_431,
                                     a_body_beyond_the_limit_is_413_and_not_read,
                                     a_body_of_the_largest_size_is_read,
                                     a_half_closed_connection_still_gets_its_reply,
                                     several_loops_serve_one_port,
                                     NULL,
                                 });
}
