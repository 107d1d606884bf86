/* SPDX-License-Identifier: MIT */
/* DESIGN: each test is a server that does one thing wrong (or right in an unusual way), and the count that the client
 * must make of it. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/load/load_run.h"
#include "tests/unit/unit.h"

enum { PATH = 256 };

/* Run `options` against a server, and hold the only step against what was expected of it. */
typedef struct expectation {
    uint64_t succeeded, rejected, retried, reopened;
    load_error error;
    uint64_t errors;
    int status;
} expectation;

static void check_step(const load_session *session, const expectation *expected)
{
    ck_assert_uint_eq(session->step_count, 1);
    const load_step *step = &session->steps[0];
    ck_assert_uint_eq(step->succeeded, expected->succeeded);
    ck_assert_uint_eq(step->rejected, expected->rejected);
    ck_assert_uint_eq(step->retried, expected->retried);
    ck_assert_uint_eq(step->reopened, expected->reopened);
    ck_assert_uint_eq(load_step_errors(step), expected->errors);
    if (expected->errors)
        ck_assert_uint_eq(step->errors[expected->error], expected->errors);
    ck_assert_uint_eq(step->made, step->succeeded + step->rejected + load_step_errors(step) + step->unfinished);
    ck_assert_uint_eq(tdm_histogram_count(step->latency), step->succeeded);
    ck_assert_int_eq(load_session_status(session), expected->status);
}

static void check_run(fake_serve *serve, const char *connections, const char *requests, const expectation *expected)
{
    fake_server *server = fake_server_start(serve, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", connections, "-n", requests, "--timeout", "0.3", fake_server_url(server, "/"));
    check_step(&run.session, expected);
    load_run_finish(&run);
    fake_server_stop(&server);
}

/* The first connection only asks whether the target is there; it never carries a request. */
static void serve_each(int fd, const char *reply)
{
    char path[PATH];
    while (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

static void serve_once(int fd, const char *reply)
{
    char path[PATH];
    if (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

/* ---- friendly ---- */

static void serve_ok(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_each(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"");
}

START_TEST(every_reply_of_a_volley_is_counted)
{
    check_run(serve_ok, "50", "50", &(expectation){.succeeded = 50});
}
END_TEST

START_TEST(one_connection_carries_all_its_requests)
{
    check_run(serve_ok, "1", "20", &(expectation){.succeeded = 20});
}
END_TEST

static void serve_interim(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_each(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nTandem-Tasks: 1-9\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(interim_replies_are_skipped)
{
    check_run(serve_interim, "2", "10", &(expectation){.succeeded = 10});
}
END_TEST

static void serve_chunked(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    while (fake_read_request(fd, path, sizeof path)) {
        static const char *const pieces[] = {"HTTP/1.1 200 OK\r\nTransfer-Enc", "oding: chunked\r\n\r\n4\r\n\"o",
                                             "k\"\r\n0\r\nTrailer: x\r\n", "\r\n"};
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
            fake_send(fd, pieces[i]);
    }
}

START_TEST(chunked_replies_are_read_to_their_end)
{
    check_run(serve_chunked, "2", "10", &(expectation){.succeeded = 10});
}
END_TEST

static void serve_until_close(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\n\r\nthis body lasts until the connection ends");
}

START_TEST(a_body_that_lasts_until_the_close_is_complete_and_the_connection_is_reopened)
{
    check_run(serve_until_close, "1", "5", &(expectation){.succeeded = 5, .reopened = 4});
}
END_TEST

static void serve_http10(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(http_1_0_replies_are_read_and_the_connection_is_reopened)
{
    check_run(serve_http10, "2", "6", &(expectation){.succeeded = 6, .reopened = 4});
}
END_TEST

static void serve_close_each(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(connection_close_is_obeyed_and_is_no_retry)
{
    check_run(serve_close_each, "2", "8", &(expectation){.succeeded = 8, .reopened = 6});
}
END_TEST

static void serve_no_content(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_each(fd, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"); /* a length without a body */
}

START_TEST(status_204_has_no_body_whatever_its_length_says)
{
    check_run(serve_no_content, "1", "4", &(expectation){.succeeded = 4});
}
END_TEST

static void serve_big(int fd, unsigned number, void *arg)
{
    char path[PATH];
    static const char block[65536];
    (void) number;
    (void) arg;
    while (fake_read_request(fd, path, sizeof path)) {
        fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n");
        for (int i = 0; i < 1024; i++)
            fake_send_n(fd, block, sizeof block);
    }
}

START_TEST(a_body_of_any_size_is_drained_without_being_kept)
{
    struct rusage before, after;
    fake_server *server = fake_server_start(serve_big, NULL);
    load_run run;
    getrusage(RUSAGE_SELF, &before);
    LOAD_RUN(&run, "-c", "1", "-n", "2", fake_server_url(server, "/"));
    getrusage(RUSAGE_SELF, &after);
    check_step(&run.session, &(expectation){.succeeded = 2});
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 32 * 1024);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* ---- connections that end ---- */

static void serve_close_after_second_request(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void) fake_read_request(fd, path, sizeof path); /* … and no answer to this one */
}

START_TEST(a_request_that_met_a_kept_alive_connections_end_is_retried_and_counted_apart)
{
    check_run(serve_close_after_second_request, "1", "5", &(expectation){.succeeded = 5, .retried = 4});
}
END_TEST

static void serve_reset_after_second_request(int fd, unsigned number, void *arg)
{
    serve_close_after_second_request(fd, number, arg);
    fake_reset(fd);
}

START_TEST(a_reset_of_a_kept_alive_connection_without_a_byte_of_reply_is_retried)
{
    check_run(serve_reset_after_second_request, "1", "3", &(expectation){.succeeded = 3, .retried = 2});
}
END_TEST

static void serve_retry_fails(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) arg;
    if (number == 2)
        serve_close_after_second_request(fd, number, arg);
    else
        (void) fake_read_request(fd, path, sizeof path);
}

START_TEST(a_request_is_retried_once_only)
{
    check_run(serve_retry_fails, "1", "2",
              &(expectation){.succeeded = 1, .retried = 1, .error = LOAD_ERROR_CLOSED, .errors = 1, .status = 1});
}
END_TEST

static void serve_close(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    (void) fake_read_request(fd, path, sizeof path);
}

START_TEST(a_new_connection_closed_without_a_reply_is_an_error)
{
    check_run(serve_close, "1", "1", &(expectation){.error = LOAD_ERROR_CLOSED, .errors = 1, .status = 3});
}
END_TEST

static void serve_close_in_head(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Le");
}

START_TEST(a_connection_closed_within_the_head_is_an_error)
{
    check_run(serve_close_in_head, "1", "1", &(expectation){.error = LOAD_ERROR_CLOSED, .errors = 1, .status = 3});
}
END_TEST

static void serve_reset(int fd, unsigned number, void *arg)
{
    serve_close(fd, number, arg);
    fake_reset(fd);
}

START_TEST(a_reset_is_counted_as_reset)
{
    check_run(serve_reset, "1", "1", &(expectation){.error = LOAD_ERROR_RESET, .errors = 1, .status = 3});
}
END_TEST

static void serve_reset_in_body(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    /* a client that has read it says so by nothing; wait until it has left or sent more, with a bound of the kernel's */
    struct timeval soon = {.tv_usec = 50 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    (void) fake_read_request(fd, path, sizeof path);
    fake_reset(fd);
}

START_TEST(a_reset_within_the_body_is_no_retry)
{
    check_run(serve_reset_in_body, "1", "1", &(expectation){.error = LOAD_ERROR_RESET, .errors = 1, .status = 3});
}
END_TEST

static void serve_short(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
}

START_TEST(a_body_shorter_than_announced_is_an_error)
{
    check_run(serve_short, "2", "4",
              &(expectation){.reopened = 2, .error = LOAD_ERROR_SHORT_BODY, .errors = 4, .status = 3});
}
END_TEST

static void serve_short_chunks(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n");
}

START_TEST(chunks_without_the_last_one_are_a_short_body)
{
    check_run(serve_short_chunks, "1", "1", &(expectation){.error = LOAD_ERROR_SHORT_BODY, .errors = 1, .status = 3});
}
END_TEST

static void serve_close_idle(int fd, unsigned number, void *arg)
{
    if (number % 2 == 1) /* the one that only asks, and then every other one */
        serve_ok(fd, number, arg);
}

START_TEST(a_connection_closed_before_it_was_used_is_reopened_or_counted_never_lost_count_of)
{
    fake_server *server = fake_server_start(serve_close_idle, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "8", "-n", "40", "--timeout", "1", fake_server_url(server, "/"));
    const load_step *step = &run.session.steps[0];
    ck_assert_uint_eq(step->made, 40);
    ck_assert_uint_eq(step->succeeded + load_step_errors(step), 40);
    ck_assert_uint_ge(step->succeeded, 20);
    ck_assert_uint_ge(step->reopened, 1);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* ---- wrong bytes ---- */

static void serve_garbage(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "SSH-2.0-OpenSSH_9.2p1\r\n");
}

START_TEST(a_status_line_of_another_protocol_is_a_parse_error)
{
    check_run(serve_garbage, "1", "2",
              &(expectation){.reopened = 1, .error = LOAD_ERROR_PARSE, .errors = 2, .status = 3});
}
END_TEST

static void serve_http2(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(another_major_version_is_a_parse_error)
{
    check_run(serve_http2, "1", "1", &(expectation){.error = LOAD_ERROR_PARSE, .errors = 1, .status = 3});
}
END_TEST

static void serve_upgrade(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nwhatever");
}

START_TEST(an_upgrade_that_was_not_asked_for_is_a_parse_error)
{
    check_run(serve_upgrade, "1", "1", &(expectation){.error = LOAD_ERROR_PARSE, .errors = 1, .status = 3});
}
END_TEST

static void serve_excess(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was announced");
}

START_TEST(more_bytes_than_announced_are_an_error)
{
    check_run(serve_excess, "1", "2",
              &(expectation){.reopened = 1, .error = LOAD_ERROR_EXCESS, .errors = 2, .status = 3});
}
END_TEST

static void serve_endless_head(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    if (!fake_read_request(fd, path, sizeof path))
        return;
    fake_send(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100000; i++)
        fake_send(fd, "X-Field: and another one\r\n");
}

START_TEST(a_head_without_end_is_cut_off)
{
    check_run(serve_endless_head, "1", "1", &(expectation){.error = LOAD_ERROR_HEAD_LIMIT, .errors = 1, .status = 3});
}
END_TEST

static void serve_endless_interim(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    if (fake_read_request(fd, path, sizeof path))
        for (int i = 0; i < 100000; i++)
            fake_send(fd, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
}

START_TEST(interim_replies_without_end_are_cut_off)
{
    check_run(serve_endless_interim, "1", "1",
              &(expectation){.error = LOAD_ERROR_HEAD_LIMIT, .errors = 1, .status = 3});
}
END_TEST

/* ---- time ---- */

static void serve_stall(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    (void) fake_read_request(fd, path, sizeof path); /* until the client leaves */
}

START_TEST(a_reply_that_stalls_is_a_timeout)
{
    check_run(serve_stall, "2", "2", &(expectation){.error = LOAD_ERROR_TIMEOUT, .errors = 2, .status = 3});
}
END_TEST

START_TEST(a_step_by_time_ends_in_time)
{
    fake_server *server = fake_server_start(serve_ok, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "3", "-d", "0.2", fake_server_url(server, "/"));
    const load_step *step = &run.session.steps[0];
    ck_assert_uint_gt(step->succeeded, 3);
    ck_assert_uint_eq(load_step_errors(step), 0);
    ck_assert_int_ge(step->last_reply_ns - step->first_sent_ns, 150 * 1000 * 1000);
    ck_assert_int_lt(step->last_reply_ns - step->first_sent_ns, INT64_C(5) * 1000 * 1000 * 1000);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* ---- statuses ---- */

static void serve_statuses(int fd, unsigned number, void *arg)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Full\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"};
    char path[PATH];
    (void) number;
    (void) arg;
    for (unsigned i = 0; fake_read_request(fd, path, sizeof path); i++)
        fake_send(fd, replies[i % 5]);
}

START_TEST(statuses_are_counted_by_class_and_503_apart)
{
    fake_server *server = fake_server_start(serve_statuses, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "1", "-n", "10", fake_server_url(server, "/"));
    const load_step *step = &run.session.steps[0];
    ck_assert_uint_eq(step->succeeded, 4);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_STATUS_4XX], 2);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_STATUS_5XX], 2);
    ck_assert_str_eq(step->error_detail[LOAD_ERROR_STATUS_4XX], "404");
    ck_assert_uint_eq(step->rejected, 2);
    ck_assert_int_eq(step->retry_after_s, 7);
    ck_assert_uint_eq(load_step_answered(step), 10);
    ck_assert_uint_eq(load_step_unanswered(step), 0);
    ck_assert_int_eq(load_session_status(&run.session), 1);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

static void serve_rejecting_half(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    for (unsigned i = 0; fake_read_request(fd, path, sizeof path); i++)
        fake_reply(fd, i % 2 ? "503 Full" : "200 OK", "", "");
}

START_TEST(a_rejection_alone_is_no_failure)
{
    check_run(serve_rejecting_half, "1", "6", &(expectation){.succeeded = 3, .rejected = 3});
}
END_TEST

static void serve_rejecting(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    serve_each(fd, "HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(nothing_but_rejections_is_a_failure)
{
    check_run(serve_rejecting, "1", "3", &(expectation){.rejected = 3, .status = 1});
}
END_TEST

/* ---- targets that go ---- */

START_TEST(a_target_that_is_not_there_is_one_clear_line)
{
    fake_server *server = fake_server_start(serve_ok, NULL);
    char url[64];
    snprintf(url, sizeof url, "%s", fake_server_url(server, "/"));
    fake_server_stop(&server);
    load_run run;
    LOAD_RUN(&run, "-c", "4", url);
    ck_assert_int_eq(load_session_status(&run.session), 3);
    ck_assert_uint_eq(run.session.step_count, 0);
    ck_assert_ptr_nonnull(strstr(run.session.why, "Connection refused"));
    load_run_finish(&run);
}
END_TEST

typedef struct leaving {
    _Atomic(fake_server *) server;
    atomic_uint replies;
} leaving;

static void serve_then_leave(int fd, unsigned number, void *arg)
{
    leaving *l = arg;
    char path[PATH];
    (void) number;
    while (fake_read_request(fd, path, sizeof path)) {
        if (atomic_fetch_add(&l->replies, 1) == 9)
            fake_server_refuse(atomic_load(&l->server));
        fake_reply(fd, "200 OK", atomic_load(&l->replies) >= 10 ? "Connection: close\r\n" : "", "");
        if (atomic_load(&l->replies) >= 10)
            return;
    }
}

START_TEST(a_target_that_goes_away_ends_the_step_and_the_replies_until_then_count)
{
    leaving l = {NULL, 0};
    fake_server *server = fake_server_start(serve_then_leave, &l);
    atomic_store(&l.server, server);
    load_run run;
    LOAD_RUN(&run, "-c", "1", "-d", "60", fake_server_url(server, "/"));
    const load_step *step = &run.session.steps[0];
    ck_assert_uint_eq(step->succeeded, 10);
    ck_assert_uint_gt(step->errors[LOAD_ERROR_CONNECT], 0);
    ck_assert_uint_eq(load_step_unanswered(step), 0);
    ck_assert(step->target_gone);
    ck_assert_int_eq(load_session_status(&run.session), 1);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_reply_of_a_volley_is_counted,
        one_connection_carries_all_its_requests,
        interim_replies_are_skipped,
        chunked_replies_are_read_to_their_end,
        a_body_that_lasts_until_the_close_is_complete_and_the_connection_is_reopened,
        http_1_0_replies_are_read_and_the_connection_is_reopened,
        connection_close_is_obeyed_and_is_no_retry,
        status_204_has_no_body_whatever_its_length_says,
        a_body_of_any_size_is_drained_without_being_kept,
        a_request_that_met_a_kept_alive_connections_end_is_retried_and_counted_apart,
        a_reset_of_a_kept_alive_connection_without_a_byte_of_reply_is_retried,
        a_request_is_retried_once_only,
        a_new_connection_closed_without_a_reply_is_an_error,
        a_connection_closed_within_the_head_is_an_error,
        a_reset_is_counted_as_reset,
        a_reset_within_the_body_is_no_retry,
        a_body_shorter_than_announced_is_an_error,
        chunks_without_the_last_one_are_a_short_body,
        a_connection_closed_before_it_was_used_is_reopened_or_counted_never_lost_count_of,
        a_status_line_of_another_protocol_is_a_parse_error,
        another_major_version_is_a_parse_error,
        an_upgrade_that_was_not_asked_for_is_a_parse_error,
        more_bytes_than_announced_are_an_error,
        a_head_without_end_is_cut_off,
        interim_replies_without_end_are_cut_off,
        a_reply_that_stalls_is_a_timeout,
        a_step_by_time_ends_in_time,
        statuses_are_counted_by_class_and_503_apart,
        a_rejection_alone_is_no_failure,
        nothing_but_rejections_is_a_failure,
        a_target_that_is_not_there_is_one_clear_line,
        a_target_that_goes_away_ends_the_step_and_the_replies_until_then_count,
        NULL,
    };
    return unit_main("load_hostile", tests);
}
