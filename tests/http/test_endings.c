/* SPDX-License-Identifier: MIT */
/* How replies and connections end where something stands in the way: bytes that nobody reads, a client that is slow to
 * take what came before, middleware that makes another reply of one, a place where nothing may wait. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/http.h"

enum { LARGE = 8 << 20, PIECE = 65536, CHUNK = 100000 };

static char large[LARGE];
static http_connection c;
static tdm_app *app;
static _Atomic int results[4], ended;

static int get_large(tdm_request *req)
{
    return tdm_reply(req, 200, "text/plain", large, sizeof large);
}

static int get_stream(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    for (size_t at = 0; at < sizeof large && !err; at += PIECE)
        err = tdm_stream_write(req, large + at, PIECE);
    return err;
}

static void add_large(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_get(to, "/large", get_large), 0);
    ck_assert_int_eq(tdm_app_get(to, "/stream", get_stream), 0);
    http_add_routes(to);
}

static void begin(const tdm_app_options *options, void (*add)(tdm_app *))
{
    memset(large, 'x', sizeof large);
    app = http_app(options, add);
    http_connect(&c, tdm_app_url(app));
    ck_assert_int_eq(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &(int){PIECE}, sizeof(int)), 0);
}

static void end(void)
{
    http_disconnect(&c);
    http_app_end(app);
}

/* ---- the client sent more than anybody reads ---- */

static void expect_large_whole(const char *request)
{
    begin(NULL, add_large);
    http_say(&c, "%s", request);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_uint_eq(reply.body_size, sizeof large);
    ck_assert_int_eq(memcmp(reply.body, large, sizeof large), 0);
    http_reply_finish(&reply);
    http_expect_fin(&c);
    end();
}

START_TEST(a_last_reply_comes_whole_whatever_was_sent_behind_its_request)
{
    static const char *const requests[] = {"/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                                           "/large HTTP/1.0\r\n\r\n",
                                           "/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"};
    static const char *const behind[] = {"", "\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 9; i++) {
        char text[256];
        snprintf(text, sizeof text, "GET %s%s", requests[i / 3], behind[i % 3]);
        expect_large_whole(text);
    }
}
END_TEST

/* The bytes come once the reply is under way, when nobody reads. */
START_TEST(a_last_reply_comes_whole_whatever_is_sent_while_it_goes_out)
{
    begin(NULL, add_large);
    http_say(&c, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    char byte;
    ck_assert_int_eq(recv(c.fd, &byte, 1, MSG_PEEK), 1);
    http_say(&c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    http_reply reply = http_read(&c, false);
    ck_assert_uint_eq(reply.body_size, sizeof large);
    http_reply_finish(&reply);
    http_expect_fin(&c);
    end();
}
END_TEST

/* ---- no room for a short word behind a long reply ---- */

START_TEST(a_client_whose_continue_finds_no_room_is_answered_all_the_same)
{
    begin(NULL, add_large);
    http_say(&c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    http_say(&c, "POST /size HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    http_reply reply = http_read(&c, false);
    ck_assert_uint_eq(reply.body_size, sizeof large);
    http_reply_finish(&reply);
    http_say(&c, "hello"); /* it has waited long enough */
    reply = http_read(&c, false);
    if (reply.status == 100) { /* there was room for it */
        http_reply_finish(&reply);
        reply = http_read(&c, false);
    }
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "5");
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(a_refusal_does_not_take_the_reply_before_it_along)
{
    for (int i = 0; i < 2; i++) {
        begin(NULL, add_large);
        http_say(&c, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/9.9\r\n\r\nmore that nobody reads",
                 i ? "stream" : "large");
        http_reply reply = http_read(&c, false);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_uint_eq(reply.body_size, sizeof large);
        http_reply_finish(&reply);
        if (http_try_read(&c, &reply)) { /* there was room for it */
            ck_assert_int_eq(reply.status, 505);
            http_reply_finish(&reply);
            http_expect_fin(&c);
        }
        end();
    }
}
END_TEST

/* ---- middleware that makes another reply of one ---- */

static int after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    (void) arg;
    const char *status = tdm_request_query(req, "status");
    int err = status ? tdm_reply_header(req, "X-Once", "1") : 0;
    if (err)
        return err;
    if (status)
        reply->status = (int) strtol(status, NULL, 10);
    return 0;
}

static void add_changed(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_use(to, (tdm_middleware){.name = "change", .after = after}), 0);
    add_large(to);
}

START_TEST(middleware_can_make_a_reply_one_without_a_body)
{
    static const struct {
        const char *target;
        int status;
    } cases[] = {{"/?status=204", 204},       {"/?status=304", 304},      {"/?status=203", 203},
                 {"/?status=100", 500},       {"/?status=600", 500},      {"/stream?status=304", 304},
                 {"/stream?status=204", 204}, {"/stream?status=199", 500}};
    begin(NULL, add_changed);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_ask(&c, "GET", cases[i].target, NULL);
        http_reply reply = http_read(&c, false);
        ck_assert_msg(reply.status == cases[i].status, "%s: %d", cases[i].target, reply.status);
        bool bodiless = reply.status == 204 || reply.status == 304;
        ck_assert_msg(!bodiless || !http_field(&reply, "Transfer-Encoding"), "%s", reply.head);
        const char *once = strstr(reply.head, "X-Once");
        ck_assert_msg(reply.status == 500 ? !once : once && !strstr(once + 1, "X-Once"), "%s", reply.head);
        http_reply_finish(&reply);
        http_expect_hello(&c); /* nothing of it is left over */
    }
    end();
}
END_TEST

/* ---- where nothing may wait ---- */

static int arrive(tdm_request *req, void *arg)
{
    (void) arg;
    const char *what = tdm_request_query(req, "what");
    if (!what)
        return 0;
    int err = strcmp(what, "events") == 0 ? tdm_events_begin(req, NULL)
                                          : tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    results[0] = err;
    return strcmp(what, "events") == 0 ? tdm_reply_text(req, 500, "no events") : err;
}

static void add_early(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_use(to, (tdm_middleware){.name = "early", .arrive = arrive}), 0);
    http_add_routes(to);
}

START_TEST(a_stream_cannot_begin_where_nothing_may_wait)
{
    begin(NULL, add_early);
    static const char *const targets[] = {"/?what=stream", "/?what=events"};
    for (size_t i = 0; i < 2; i++) {
        http_ask(&c, "GET", targets[i], NULL);
        http_reply reply = http_read(&c, false);
        ck_assert_int_eq(reply.status, 500);
        ck_assert_int_eq(results[0], -EDEADLK);
        ck_assert_msg(!http_field(&reply, "X-Accel-Buffering"), "%s", reply.head);
        http_reply_finish(&reply);
        http_expect_hello(&c);
    }
    end();
}
END_TEST

/* ---- a refused body gives its memory back ---- */

START_TEST(a_refused_body_is_counted_no_more_while_its_client_has_time_to_read)
{
    static const tdm_app_options options = {.max_body = CHUNK, .max_buffered = CHUNK + CHUNK / 2};
    http_connection other;
    begin(&options, http_add_routes);
    http_say(&c, "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", CHUNK);
    http_send(&c, large, CHUNK);
    http_say(&c, "\r\n1\r\nx\r\n");
    http_expect_status(&c, 413); /* and it stays, within its second */
    http_connect(&other, tdm_app_url(app));
    http_say(&other, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", CHUNK);
    http_send(&other, large, CHUNK);
    http_expect_status(&other, 200);
    http_disconnect(&other);
    end();
}
END_TEST

/* ---- a deadline that comes while a worker's order is on its way ---- */

static _Atomic int held, writing, go;

/* Keeps the loop to itself. */
static int get_hold(tdm_request *req)
{
    held = 1;
    while (!writing)
        ;
    const struct timespec rest = {.tv_nsec = 600 * 1000 * 1000};
    nanosleep(&rest, NULL); /* the loop stands: the order comes in, and the deadline of the other request passes */
    return tdm_reply_text(req, 200, "held");
}

static int get_slow(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    go = 1;
    while (!held)
        ;
    writing = 1;
    results[1] = err ? err : tdm_stream_write(req, large, sizeof large);
    ended = 1;
    return results[1];
}

static void add_slow(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_get(to, "/hold", get_hold), 0);
    ck_assert_int_eq(
        tdm_app_route(
            to, &(tdm_route){.method = "GET", .path = "/slow", .run = get_slow, .lane = TDM_POOL, .deadline = 0.3}),
        0);
}

START_TEST(a_worker_learns_of_a_deadline_that_passed_while_it_asked_the_loop)
{
    http_connection other;
    begin(NULL, add_slow);
    http_ask(&c, "GET", "/slow", NULL); /* and it reads nothing */
    http_wait_for(&go, 1);
    http_connect(&other, tdm_app_url(app));
    http_ask(&other, "GET", "/hold", NULL);
    http_expect_status(&other, 200);
    http_disconnect(&other);
    http_wait_for(&ended, 1);
    ck_assert_int_eq(results[1], -ECANCELED);
    end();
}
END_TEST

int main(void)
{
    return http_main("endings", (const TTest *const[]){
                                    a_last_reply_comes_whole_whatever_was_sent_behind_its_request,
                                    a_last_reply_comes_whole_whatever_is_sent_while_it_goes_out,
                                    a_client_whose_continue_finds_no_room_is_answered_all_the_same,
                                    a_refusal_does_not_take_the_reply_before_it_along,
                                    middleware_can_make_a_reply_one_without_a_body,
                                    a_stream_cannot_begin_where_nothing_may_wait,
                                    a_refused_body_is_counted_no_more_while_its_client_has_time_to_read,
                                    a_worker_learns_of_a_deadline_that_passed_while_it_asked_the_loop,
                                    NULL,
                                });
}
