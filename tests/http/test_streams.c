/* SPDX-License-Identifier: MIT */
/* Replies in pieces: streams, events, and clients that are slow or leave. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/http/http.h"

enum { PIECE = 16384, PIECES = 2000 }; /* 32 MiB: more than any socket buffers */

static _Atomic int written, ended, turns, results[8];
static http_connection c;
static tdm_app *app;

static int lane_stream(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    ck_assert_int_eq(tdm_reply_text(req, 200, "again"), -EALREADY);
    for (int i = 0; i < 5 && !err; i++) {
        char line[32];
        int n = snprintf(line, sizeof line, "line %d\n", i);
        err = tdm_stream_write(req, line, (size_t) n);
    }
    if (!err)
        err = tdm_stream_write(req, "", 0);
    return err ? err : tdm_stream_end(req);
}

static int unended(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    return err ? err : tdm_stream_write(req, "whole", 5);
}

static int broken(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    if (!err)
        err = tdm_stream_write(req, "half", 4);
    return err ? err : -EIO;
}

static int sized(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", 10);
    if (!err)
        err = tdm_stream_write(req, "01234", 5);
    ck_assert_int_eq(tdm_stream_write(req, "567890", 6), -EMSGSIZE);
    if (!err && strcmp(tdm_request_query(req, "whole"), "1") == 0)
        err = tdm_stream_write(req, "56789", 5);
    results[0] = err ? err : tdm_stream_end(req);
    ck_assert_int_eq(tdm_stream_end(req), -EINVAL);
    ended++;
    return 0;
}

static int endless(tdm_request *req)
{
    static char piece[PIECE];
    memset(piece, 'x', sizeof piece);
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    for (int i = 0; i < PIECES && !err; i++) {
        err = tdm_stream_write(req, piece, sizeof piece);
        written += !err;
    }
    results[0] = err;
    ended++;
    return err;
}

static int count_turns(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    while (ended == 0)
        if (tdm_yield() < 0)
            break;
        else
            turns++;
    return 0;
}

static int in_turns(tdm_request *req)
{
    static char piece[PIECE];
    int in_a_row = 0, seen = turns, err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    for (int i = 0; i < PIECES && !err; i++) {
        err = tdm_stream_write(req, piece, sizeof piece);
        in_a_row = turns == seen ? in_a_row + PIECE : 0;
        seen = turns;
        results[1] = in_a_row > results[1] ? in_a_row : results[1];
    }
    ended++;
    return err;
}

static int not_begun(tdm_request *req)
{
    ck_assert_int_eq(tdm_stream_write(req, "x", 1), -EINVAL);
    ck_assert_int_eq(tdm_stream_end(req), -EINVAL);
    ck_assert_int_eq(tdm_stream_begin(req, 204, NULL, TDM_LENGTH_UNKNOWN), -EINVAL);
    ck_assert_int_eq(tdm_events_send(req, &(tdm_stream_event){.data = "x"}), -EINVAL);
    return tdm_reply_text(req, 200, "ok");
}

static int note(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    ended += 100;
    return 0;
}

static int with_task(tdm_request *req)
{
    int err = tdm_background(req, &(tdm_task_spec){.name = "note", .run = note});
    if (!err)
        err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    if (!err)
        err = tdm_stream_write(req, "x", 1);
    ck_assert_int_lt(ended, 100); /* it starts after the reply */
    return err;
}

static int events(tdm_request *req)
{
    const char *last = tdm_events_last_id(req);
    int err = tdm_events_begin(req, &(tdm_events_options){.heartbeat = 0.05, .retry_ms = 700});
    ck_assert_int_eq(tdm_events_send(req, &(tdm_stream_event){.name = "a\nb"}), -EINVAL);
    if (!err)
        err = tdm_events_send(req, &(tdm_stream_event){.id = "8", .name = "tick", .data = "one\ntwo\r\n"});
    if (!err)
        err = tdm_events_send(req, &(tdm_stream_event){.data = last ? last : "none"});
    if (!err)
        err = tdm_sleep(60); /* the heart beats meanwhile */
    results[0] = err;
    ended++;
    return err;
}

static void add_both(const char *path, const char *pool_path, tdm_handler_fn *run)
{
    ck_assert_int_eq(tdm_app_get(app, path, run), 0);
    ck_assert_int_eq(tdm_app_route(app, &(tdm_route){.method = "GET", .path = pool_path, .run = run, .lane = TDM_POOL}),
                     0);
}

static void begin(void)
{
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.port = "0", .transport = http_transport()}), 0);
    add_both("/loop/stream", "/pool/stream", lane_stream);
    add_both("/loop/unended", "/pool/unended", unended);
    add_both("/loop/broken", "/pool/broken", broken);
    add_both("/loop/sized", "/pool/sized", sized);
    add_both("/loop/turns", "/pool/turns", in_turns);
    add_both("/loop/endless", "/pool/endless", endless);
    add_both("/loop/not-begun", "/pool/not-begun", not_begun);
    add_both("/loop/task", "/pool/task", with_task);
    add_both("/loop/events", "/pool/events", events);
    ck_assert_int_eq(
        tdm_app_route(app, &(tdm_route){.method = "GET", .path = "/late", .run = endless, .deadline = 0.2}), 0);
    ck_assert_int_eq(tdm_app_start(app), 0);
    written = ended = 0;
    http_connect(&c, tdm_app_url(app));
}

static void end(void)
{
    http_disconnect(&c);
    http_app_end(app);
}

static const char *const lanes[] = {"/loop", "/pool"};

static http_reply ask(const char *lane, const char *method, const char *path)
{
    char target[64];
    snprintf(target, sizeof target, "%s%s", lane, path);
    http_ask(&c, method, target, NULL);
    return http_read(&c, strcmp(method, "HEAD") == 0);
}

START_TEST(a_stream_goes_out_in_chunks_and_the_connection_goes_on)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        http_reply reply = ask(lanes[i], "GET", "/stream");
        ck_assert_int_eq(reply.status, 200);
        ck_assert_str_eq(http_field(&reply, "Transfer-Encoding"), "chunked");
        ck_assert_str_eq(reply.body, "line 0\nline 1\nline 2\nline 3\nline 4\n");
        http_reply_finish(&reply);
        reply = ask(lanes[i], "HEAD", "/stream");
        ck_assert_int_eq(reply.status, 200);
        http_reply_finish(&reply);
        reply = ask(lanes[i], "GET", "/unended");
        ck_assert_str_eq(reply.body, "whole");
        http_reply_finish(&reply);
        reply = ask(lanes[i], "GET", "/not-begun");
        ck_assert_str_eq(reply.body, "ok");
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

START_TEST(a_stream_to_http_1_0_ends_with_its_connection)
{
    begin();
    http_say(&c, "GET /loop/stream HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
    http_reply reply = http_read(&c, false);
    ck_assert_ptr_null(http_field(&reply, "Transfer-Encoding"));
    ck_assert_str_eq(http_field(&reply, "Connection"), "close");
    ck_assert_str_eq(reply.body, "line 0\nline 1\nline 2\nline 3\nline 4\n");
    http_reply_finish(&reply);
    http_expect_end(&c);
    end();
}
END_TEST

START_TEST(a_stream_of_known_length_keeps_it)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        http_reply reply = ask(lanes[i], "GET", "/sized?whole=1");
        ck_assert_str_eq(http_field(&reply, "Content-Length"), "10");
        ck_assert_str_eq(reply.body, "0123456789");
        http_reply_finish(&reply);
        http_wait_for(&ended, (int) i * 2 + 1);
        ck_assert_int_eq(results[0], 0);
        /* Too short: the client must not take it for the whole. */
        http_connection other;
        http_connect(&other, tdm_app_url(app));
        http_say(&other, "GET %s/sized?whole=0 HTTP/1.1\r\nHost: x\r\n\r\n", lanes[i]);
        char bytes[1024];
        size_t size = 0;
        for (ssize_t n = 1; n > 0; size += n > 0 ? (size_t) n : 0)
            n = recv(other.fd, bytes + size, sizeof bytes - 1 - size, 0);
        bytes[size] = '\0';
        ck_assert_ptr_nonnull(strstr(bytes, "Content-Length: 10\r\n"));
        ck_assert_str_eq(strstr(bytes, "\r\n\r\n") + 4, "01234");
        http_disconnect(&other);
        http_wait_for(&ended, (int) i * 2 + 2);
        ck_assert_int_eq(results[0], -EMSGSIZE);
    }
    end();
}
END_TEST

START_TEST(a_handler_that_fails_in_the_middle_ends_the_connection)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        http_connection other;
        http_connect(&other, tdm_app_url(app));
        http_say(&other, "GET %s/broken HTTP/1.1\r\nHost: x\r\n\r\n", lanes[i]);
        char bytes[1024];
        size_t size = 0;
        for (ssize_t n = 1; n > 0; size += n > 0 ? (size_t) n : 0)
            n = recv(other.fd, bytes + size, sizeof bytes - 1 - size, 0);
        bytes[size] = '\0';
        ck_assert_ptr_nonnull(strstr(bytes, "4\r\nhalf\r\n"));
        ck_assert_ptr_null(strstr(bytes, "0\r\n\r\n"));
        http_disconnect(&other);
    }
    end();
}
END_TEST

/* Wait until the writer makes no more progress. */
static int settled(void)
{
    int before = -1, now = written;
    for (int same = 0; same < 10; now = written) {
        same = now == before && now > 0 ? same + 1 : 0;
        before = now;
        ck_assert_int_eq(tdm_sleep(0.02), 0);
    }
    return now;
}

START_TEST(a_slow_client_holds_its_writer_and_costs_little)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        written = ended = 0;
        http_connection slow;
        http_connect(&slow, tdm_app_url(app));
        http_say(&slow, "GET %s/endless HTTP/1.1\r\nHost: x\r\n\r\n", lanes[i]);
        int before = settled();
        ck_assert_int_lt(before, PIECES); /* it waits */
        ck_assert_int_eq(ended, 0);
        /* Others are answered meanwhile. */
        http_reply reply = ask(lanes[i], "GET", "/stream");
        ck_assert_int_eq(reply.status, 200);
        http_reply_finish(&reply);
        /* It goes on when the client does. */
        reply = http_read(&slow, false);
        ck_assert_uint_eq(reply.body_size, (size_t) PIECE * PIECES);
        http_reply_finish(&reply);
        http_wait_for(&ended, 1);
        ck_assert_int_eq(results[0], 0);
        http_disconnect(&slow);
    }
    end();
}
END_TEST

START_TEST(a_fast_client_leaves_the_loop_its_turns)
{
    begin();
    tdm_task_spec spec = {.name = "turns", .run = count_turns};
    ck_assert_int_eq(tdm_spawn(tdm_app_executor(app), &spec, NULL), 0);
    http_reply reply = http_once(tdm_app_url(app), "GET", "/loop/turns", 200);
    ck_assert_uint_eq(reply.body_size, (size_t) PIECE * PIECES);
    http_reply_finish(&reply);
    ck_assert_int_lt(results[1], (int) TDM_STREAM_TURN);
    end();
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_writers_wait)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        written = ended = 0;
        http_connection slow;
        http_connect(&slow, tdm_app_url(app));
        http_say(&slow, "GET %s/endless HTTP/1.1\r\nHost: x\r\n\r\n", lanes[i]);
        settled();
        http_reset(&slow);
        http_wait_for(&ended, 1);
        ck_assert_int_eq(results[0], -EPIPE);
    }
    end();
}
END_TEST

START_TEST(a_deadline_ends_the_writers_wait)
{
    begin();
    http_connection slow;
    http_connect(&slow, tdm_app_url(app));
    http_say(&slow, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    http_wait_for(&ended, 1);
    ck_assert_int_eq(results[0], -ECANCELED);
    http_disconnect(&slow);
    end();
}
END_TEST

START_TEST(tasks_start_after_the_stream_is_over)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        ended = 0;
        http_reply reply = ask(lanes[i], "GET", "/task");
        ck_assert_str_eq(reply.body, "x");
        ck_assert_ptr_nonnull(http_field(&reply, "Tandem-Tasks"));
        http_reply_finish(&reply);
        http_wait_for(&ended, 100);
    }
    end();
}
END_TEST

/* Read until `text` has come. */
static void read_until(http_connection *from, char *bytes, size_t room, const char *text)
{
    size_t size = 0;
    bytes[0] = '\0';
    while (!strstr(bytes, text)) {
        ssize_t n = recv(from->fd, bytes + size, room - 1 - size, 0);
        ck_assert_int_gt(n, 0);
        size += (size_t) n;
        bytes[size] = '\0';
    }
}

START_TEST(events_have_their_form_and_a_heart_that_beats)
{
    begin();
    for (size_t i = 0; i < 2; i++) {
        ended = 0;
        http_connection other;
        char bytes[4096];
        http_connect(&other, tdm_app_url(app));
        http_say(&other, "GET %s/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 7\r\n\r\n", lanes[i]);
        read_until(&other, bytes, sizeof bytes, "\r\n3\r\n:\n\n\r\n3\r\n:\n\n\r\n"); /* two heartbeats */
        ck_assert_ptr_nonnull(strstr(bytes, "Content-Type: text/event-stream\r\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "retry: 700\n\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "id: 8\nevent: tick\ndata: one\ndata: two\ndata: \n\n"));
        ck_assert_ptr_nonnull(strstr(bytes, "data: 7\n\n"));
        http_reset(&other);
        http_wait_for(&ended, 1);
        ck_assert_int_eq(results[0], -ECANCELED);
    }
    end();
}
END_TEST

START_TEST(a_stop_ends_streams_and_events)
{
    begin();
    http_connection other;
    char bytes[4096];
    http_connect(&other, tdm_app_url(app));
    http_say(&other, "GET /loop/events HTTP/1.1\r\nHost: x\r\n\r\n");
    read_until(&other, bytes, sizeof bytes, "data: none\n\n");
    end(); /* without waiting for anything */
    http_disconnect(&other);
}
END_TEST

int main(void)
{
    return http_main(
        "streams",
        (const TTest *const[]){a_stream_goes_out_in_chunks_and_the_connection_goes_on,
                               a_stream_to_http_1_0_ends_with_its_connection, a_stream_of_known_length_keeps_it,
                               a_handler_that_fails_in_the_middle_ends_the_connection,
                               a_slow_client_holds_its_writer_and_costs_little, a_fast_client_leaves_the_loop_its_turns,
                               a_client_that_leaves_ends_the_writers_wait, a_deadline_ends_the_writers_wait,
                               tasks_start_after_the_stream_is_over, events_have_their_form_and_a_heart_that_beats,
                               a_stop_ends_streams_and_events, NULL});
}
