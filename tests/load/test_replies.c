/* SPDX-License-Identifier: MIT */
/* DESIGN: servers that are right, if in unusual ways, that refuse, or that go away; and the counts that must come. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/load/load_expect.h"
#include "tests/unit/unit.h"

enum { PATH = LOAD_PATH_SIZE };

/* ---- friendly ---- */

START_TEST(every_reply_of_a_volley_is_counted)
{
    load_expect_run(load_serve_ok, "50", "50", &(load_expectation){.succeeded = 50});
}
END_TEST

START_TEST(one_connection_carries_all_its_requests)
{
    load_expect_run(load_serve_ok, "1", "20", &(load_expectation){.succeeded = 20});
}
END_TEST

static void serve_interim(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_each(fd,
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nTandem-Tasks: 1-9\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(interim_replies_are_skipped)
{
    load_expect_run(serve_interim, "2", "10", &(load_expectation){.succeeded = 10});
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
    load_expect_run(serve_chunked, "2", "10", &(load_expectation){.succeeded = 10});
}
END_TEST

static void serve_until_close(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\n\r\nthis body lasts until the connection ends");
}

START_TEST(a_body_that_lasts_until_the_close_is_complete_and_the_connection_is_reopened)
{
    load_expect_run(serve_until_close, "1", "5", &(load_expectation){.succeeded = 5, .reopened = 4});
}
END_TEST

static void serve_http10(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(http_1_0_replies_are_read_and_the_connection_is_reopened)
{
    load_expect_run(serve_http10, "2", "6", &(load_expectation){.succeeded = 6, .reopened = 4});
}
END_TEST

static void serve_close_each(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
}

START_TEST(connection_close_is_obeyed_and_is_no_retry)
{
    load_expect_run(serve_close_each, "2", "8", &(load_expectation){.succeeded = 8, .reopened = 6});
}
END_TEST

static void serve_no_content(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_each(fd, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"); /* a length without a body */
}

START_TEST(status_204_has_no_body_whatever_its_length_says)
{
    load_expect_run(serve_no_content, "1", "4", &(load_expectation){.succeeded = 4});
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
    load_expect_step(&run.sweep, &(load_expectation){.succeeded = 2});
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 32 * 1024);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

START_TEST(a_step_by_time_ends_in_time)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", "3", "-d", "0.2", fake_server_url(server, "/"));
    const load_step *step = &run.sweep.steps[0];
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
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 4);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_STATUS_4XX], 2);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_STATUS_5XX], 2);
    ck_assert_str_eq(step->error_detail[LOAD_ERROR_STATUS_4XX], "404");
    ck_assert_uint_eq(step->rejected, 2);
    ck_assert_int_eq(step->retry_after_s, 7);
    ck_assert_uint_eq(load_step_answered(step), 10);
    ck_assert_uint_eq(load_step_unanswered(step), 0);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 1);
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
    load_expect_run(serve_rejecting_half, "1", "6", &(load_expectation){.succeeded = 3, .rejected = 3});
}
END_TEST

static void serve_rejecting(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_each(fd, "HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(nothing_but_rejections_is_a_failure)
{
    load_expect_run(serve_rejecting, "1", "3", &(load_expectation){.rejected = 3, .status = 1});
}
END_TEST

/* ---- targets that go ---- */

START_TEST(a_target_that_is_not_there_is_one_clear_line)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    char url[64];
    snprintf(url, sizeof url, "%s", fake_server_url(server, "/"));
    fake_server_stop(&server);
    load_run run;
    LOAD_RUN(&run, "-c", "4", url);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 3);
    ck_assert_uint_eq(run.sweep.step_count, 0);
    ck_assert_ptr_nonnull(strstr(run.sweep.why, "Connection refused"));
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
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 10);
    ck_assert_uint_gt(step->errors[LOAD_ERROR_CONNECT], 0);
    ck_assert_uint_eq(load_step_unanswered(step), 0);
    ck_assert(step->target_gone);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 1);
    load_run_finish(&run);
    fake_server_stop(&server);
}
END_TEST

/* Answers one request, and is gone when the second has come: nobody is let in any more. */
static void serve_and_crash(int fd, unsigned number, void *arg)
{
    leaving *l = arg;
    char path[PATH];
    (void) number;
    for (; fake_read_request(fd, path, sizeof path); fake_reply(fd, "200 OK", "", ""))
        if (atomic_fetch_add(&l->replies, 1) == 1) {
            fake_server_refuse(atomic_load(&l->server));
            return;
        }
}

START_TEST(a_request_that_was_lost_in_a_crash_is_not_one_that_was_never_sent)
{
    leaving l = {NULL, 0};
    fake_server *server = fake_server_start(serve_and_crash, &l);
    atomic_store(&l.server, server);
    load_run run;
    LOAD_RUN(&run, "-c", "1", "-n", "3", fake_server_url(server, "/"));
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 1);
    ck_assert_uint_eq(step->retried, 1);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_CLOSED], 1);
    ck_assert_str_eq(step->error_detail[LOAD_ERROR_CLOSED], "second try: Connection refused");
    ck_assert_uint_eq(step->errors[LOAD_ERROR_CONNECT], 1); /* the third */
    ck_assert_uint_eq(load_step_unanswered(step), 1);
    ck_assert_uint_eq(tdm_histogram_count(step->failed_latency), 1);
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
        a_step_by_time_ends_in_time,
        statuses_are_counted_by_class_and_503_apart,
        a_rejection_alone_is_no_failure,
        nothing_but_rejections_is_a_failure,
        a_target_that_is_not_there_is_one_clear_line,
        a_target_that_goes_away_ends_the_step_and_the_replies_until_then_count,
        a_request_that_was_lost_in_a_crash_is_not_one_that_was_never_sent,
        NULL,
    };
    return unit_main("load_replies", tests);
}
