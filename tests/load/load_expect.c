/* SPDX-License-Identifier: MIT */
/* DESIGN: what the tests of replies and of hostile servers share: one step, held against what was expected of it. */
#include "tests/load/load_expect.h"

#include <check.h>

void load_expect_step(const load_sweep *sweep, const load_expectation *expected)
{
    ck_assert_uint_eq(sweep->step_count, 1);
    const load_step *step = &sweep->steps[0];
    ck_assert_uint_eq(step->succeeded, expected->succeeded);
    ck_assert_uint_eq(step->rejected, expected->rejected);
    ck_assert_uint_eq(step->retried, expected->retried);
    ck_assert_uint_eq(step->reopened, expected->reopened);
    ck_assert_uint_eq(load_step_errors(step), expected->errors);
    if (expected->errors)
        ck_assert_uint_eq(step->errors[expected->error], expected->errors);
    ck_assert_uint_eq(step->made, step->succeeded + step->rejected + load_step_errors(step) + step->unfinished);
    ck_assert_uint_eq(tdm_histogram_count(step->latency), step->succeeded);
    ck_assert_int_eq(load_sweep_status(sweep), expected->status);
}

void load_expect_run(fake_serve *serve, const char *connections, const char *requests, const load_expectation *expected)
{
    fake_server *server = fake_server_start(serve, NULL);
    load_run run;
    const char *timeout =
        expected->error == LOAD_ERROR_TIMEOUT ? "0.3" : "20"; /* 0.3 s to answer is short for a sanitizer */
    LOAD_RUN(&run, "-c", connections, "-n", requests, "--timeout", timeout, fake_server_url(server, "/"));
    load_expect_step(&run.sweep, expected);
    load_run_finish(&run);
    fake_server_stop(&server);
}

void load_serve_each(int fd, const char *reply)
{
    char path[LOAD_PATH_SIZE];
    while (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

void load_serve_once(int fd, const char *reply)
{
    char path[LOAD_PATH_SIZE];
    if (fake_read_request(fd, path, sizeof path))
        fake_send(fd, reply);
}

void load_serve_ok(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_each(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"ok\"");
}
