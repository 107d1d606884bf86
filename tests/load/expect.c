/* SPDX-License-Identifier: MIT */
#include "tests/load/expect.h"

#include <check.h>

enum { PATH = 256 };

void expect_step(const load_session *session, const expectation *expected)
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

void expect_run(fake_serve *serve, const char *connections, const char *requests, const expectation *expected)
{
    fake_server *server = fake_server_start(serve, NULL);
    load_run run;
    LOAD_RUN(&run, "-c", connections, "-n", requests, "--timeout", "0.3", fake_server_url(server, "/"));
    expect_step(&run.session, expected);
    load_run_finish(&run);
    fake_server_stop(&server);
}

void fake_serve_each(int fd, const char *reply)
{
    char path[PATH];
    while (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

void fake_serve_once(int fd, const char *reply)
{
    char path[PATH];
    if (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

void fake_serve_ok(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    fake_serve_each(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"");
}
