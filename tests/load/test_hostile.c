/* SPDX-License-Identifier: MIT */
/* DESIGN: each test is a server that does one thing wrong, and the count that the client must make of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "tests/load/load_expect.h"
#include "tests/unit/unit.h"

enum { PATH = LOAD_PATH_SIZE };

/* ---- connections that end ---- */

static void serve_close_after_second_request(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void) fake_read_request(fd, path, sizeof path); /* … and no answer to this one */
}

START_TEST(a_request_that_met_a_kept_alive_connections_end_is_retried_and_counted_apart)
{
    load_expect_run(serve_close_after_second_request, "1", "5", &(load_expectation){.succeeded = 5, .retried = 4});
}
END_TEST

static void serve_reset_after_second_request(int fd, unsigned number, void *arg)
{
    serve_close_after_second_request(fd, number, arg);
    fake_reset(fd);
}

START_TEST(a_reset_of_a_kept_alive_connection_without_a_byte_of_reply_is_retried)
{
    load_expect_run(serve_reset_after_second_request, "1", "3", &(load_expectation){.succeeded = 3, .retried = 2});
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
    load_expect_run(
        serve_retry_fails, "1", "2",
        &(load_expectation){.succeeded = 1, .retried = 1, .error = LOAD_ERROR_CLOSED, .errors = 1, .status = 1});
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
    load_expect_run(serve_close, "1", "1", &(load_expectation){.error = LOAD_ERROR_CLOSED, .errors = 1, .status = 3});
}
END_TEST

static void serve_close_in_head(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Le");
}

START_TEST(a_connection_closed_within_the_head_is_an_error)
{
    load_expect_run(serve_close_in_head, "1", "1",
                    &(load_expectation){.error = LOAD_ERROR_CLOSED, .errors = 1, .status = 3});
}
END_TEST

static void serve_reset(int fd, unsigned number, void *arg)
{
    serve_close(fd, number, arg);
    fake_reset(fd);
}

START_TEST(a_reset_is_counted_as_reset)
{
    load_expect_run(serve_reset, "1", "1", &(load_expectation){.error = LOAD_ERROR_RESET, .errors = 1, .status = 3});
}
END_TEST

static void serve_reset_in_body(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    /* Nothing tells that the client has read it; give it a moment. If it has not, the reset is the same to it. */
    struct timeval soon = {.tv_usec = 50 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    (void) fake_read_request(fd, path, sizeof path);
    fake_reset(fd);
}

START_TEST(a_reset_within_the_body_is_no_retry)
{
    load_expect_run(serve_reset_in_body, "1", "1",
                    &(load_expectation){.error = LOAD_ERROR_RESET, .errors = 1, .status = 3});
}
END_TEST

static void serve_short(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
}

START_TEST(a_body_shorter_than_announced_is_an_error)
{
    load_expect_run(serve_short, "2", "4",
                    &(load_expectation){.reopened = 2, .error = LOAD_ERROR_SHORT_BODY, .errors = 4, .status = 3});
}
END_TEST

static void serve_short_chunks(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n");
}

START_TEST(chunks_without_the_last_one_are_a_short_body)
{
    load_expect_run(serve_short_chunks, "1", "1",
                    &(load_expectation){.error = LOAD_ERROR_SHORT_BODY, .errors = 1, .status = 3});
}
END_TEST

static void serve_close_idle(int fd, unsigned number, void *arg)
{
    if (number % 2 == 1) /* the one that only asks, and then every other one */
        load_serve_ok(fd, number, arg);
}

START_TEST(a_connection_closed_before_it_was_used_is_reopened_or_counted_never_lost_count_of)
{
    fake_server *server = fake_server_start(serve_close_idle, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "8", "-n", "40", "--timeout", "20", fake_server_url(server, "/"));
    const load_step *step = &run.sweep.steps[0];
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
    load_serve_once(fd, "SSH-2.0-OpenSSH_9.2p1\r\n");
}

START_TEST(a_status_line_of_another_protocol_is_a_parse_error)
{
    load_expect_run(serve_garbage, "1", "2",
                    &(load_expectation){.reopened = 1, .error = LOAD_ERROR_PARSE, .errors = 2, .status = 3});
}
END_TEST

static void serve_http2(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(another_major_version_is_a_parse_error)
{
    load_expect_run(serve_http2, "1", "1", &(load_expectation){.error = LOAD_ERROR_PARSE, .errors = 1, .status = 3});
}
END_TEST

static void serve_upgrade(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nwhatever");
}

START_TEST(an_upgrade_that_was_not_asked_for_is_a_parse_error)
{
    load_expect_run(serve_upgrade, "1", "1", &(load_expectation){.error = LOAD_ERROR_PARSE, .errors = 1, .status = 3});
}
END_TEST

static void serve_excess(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more than was announced");
}

START_TEST(more_bytes_than_announced_are_an_error)
{
    load_expect_run(serve_excess, "1", "2",
                    &(load_expectation){.reopened = 1, .error = LOAD_ERROR_EXCESS, .errors = 2, .status = 3});
}
END_TEST

static void serve_million_fields(int fd, unsigned number, void *arg)
{
    char path[PATH], block[1000 * 10 + 1];
    (void) number;
    (void) arg;
    if (!fake_read_request(fd, path, sizeof path))
        return;
    for (int i = 0; i < 1000; i++)
        memcpy(block + i * 10, "X-F: abc\r\n", 11);
    fake_send(fd, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1000; i++)
        fake_send_n(fd, block, sizeof block - 1);
    fake_send(fd, "Content-Length: 0\r\n\r\n");
}

START_TEST(a_million_fields_are_cut_off)
{
    load_expect_run(serve_million_fields, "1", "2",
                    &(load_expectation){.reopened = 1, .error = LOAD_ERROR_HEAD_LIMIT, .errors = 2, .status = 3});
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
    load_expect_run(serve_endless_interim, "1", "1",
                    &(load_expectation){.error = LOAD_ERROR_HEAD_LIMIT, .errors = 1, .status = 3});
}
END_TEST

/* ---- size ---- */

static void serve_10_gib(int fd, unsigned number, void *arg)
{
    static const char block[1 << 20];
    char path[PATH];
    (void) number;
    (void) arg;
    if (!fake_read_request(fd, path, sizeof path))
        return;
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n");
    for (int i = 0; i < 10240 && fake_is_open(fd); i++)
        fake_send_n(fd, block, sizeof block);
}

START_TEST(ten_gib_are_drained_as_long_as_the_timeout_lets_them_and_memory_stays)
{
    struct rusage before, after;
    fake_server *server = fake_server_start(serve_10_gib, NULL);
    load_run run;
    getrusage(RUSAGE_SELF, &before);
    LOAD_RUN(&run, "-c", "2", "-n", "2", "--timeout", "0.5", fake_server_url(server, "/"));
    getrusage(RUSAGE_SELF, &after);
    load_expect_step(&run.sweep, &(load_expectation){.error = LOAD_ERROR_TIMEOUT, .errors = 2, .status = 3});
    ck_assert_uint_gt(run.sweep.steps[0].bytes_received, 4u << 20);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 32 * 1024);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* ---- noise ---- */

static void serve_noise(int fd, unsigned number, void *arg)
{
    char path[PATH], noise[600];
    uint64_t state = number;
    (void) arg;
    if (!fake_read_request(fd, path, sizeof path))
        return;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char) unit_random(&state);
    if (number % 2) /* a beginning that looks right */
        fake_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    fake_send_n(fd, noise, 1 + unit_random(&state) % sizeof noise);
}

START_TEST(noise_is_an_error_of_some_kind_each_time)
{
    fake_server *server = fake_server_start(serve_noise, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "8", "-n", "400", "--timeout", "5", fake_server_url(server, "/"));
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_eq(step->made, 400);
    ck_assert_uint_eq(load_step_errors(step), 400);
    ck_assert_uint_gt(step->errors[LOAD_ERROR_PARSE], 200);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_TIMEOUT], 0);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

static void serve_good_then_noise(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    for (int i = 0; i < 4; i++)
        if (!fake_read_request(fd, path, sizeof path))
            return;
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 20x\r\n\r\n");
    (void) fake_read_request(fd, path, sizeof path);
}

START_TEST(noise_in_a_pipeline_fails_what_stands_behind_it)
{
    fake_server *server = fake_server_start(serve_good_then_noise, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "1", "-n", "4", "--pipeline", "4", "--timeout", "5", fake_server_url(server, "/"));
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 1);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_PARSE], 3);
    ck_assert_uint_eq(load_step_errors(step), 3);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* ---- time ---- */

static void serve_stall(int fd, unsigned number, void *arg)
{
    char path[PATH];
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    (void) fake_read_request(fd, path, sizeof path); /* until the client leaves */
}

START_TEST(a_reply_that_stalls_is_a_timeout)
{
    load_expect_run(serve_stall, "2", "2", &(load_expectation){.error = LOAD_ERROR_TIMEOUT, .errors = 2, .status = 3});
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
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
        a_million_fields_are_cut_off,
        interim_replies_without_end_are_cut_off,
        ten_gib_are_drained_as_long_as_the_timeout_lets_them_and_memory_stays,
        noise_is_an_error_of_some_kind_each_time,
        noise_in_a_pipeline_fails_what_stands_behind_it,
        a_reply_that_stalls_is_a_timeout,
        NULL,
    };
    return unit_main("load_hostile", tests);
}
