/* SPDX-License-Identifier: MIT */
/* DESIGN: the open loop, against a daemon that is stopped in mid-run and servers that are too slow; and the knee. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/clock.h>
#include <unistd.h>

#include "tests/load/daemon.h"
#include "tests/load/load_expect.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)

/* Lags of a busy test machine are not what these tests are about. */
#define PATIENT "--max-lag", "60"

START_TEST(requests_are_made_at_the_rate_whatever_the_server_does)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "500", "-d", "1", "-c", "8", PATIENT, fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_int_eq(step->loop, LOAD_LOOP_OPEN);
    ck_assert_double_eq(step->rate, 500);
    ck_assert_uint_eq(step->made + step->unsent, 500);
    ck_assert_uint_eq(step->made, step->succeeded);
    ck_assert_uint_eq(tdm_histogram_count(step->latency), step->succeeded);
    ck_assert_uint_eq(tdm_histogram_count(step->uncorrected), step->succeeded);
    ck_assert_int_ge(tdm_histogram_max(step->latency), tdm_histogram_max(step->uncorrected));
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

START_TEST(poisson_arrivals_on_several_threads_are_as_many)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "1000", "-d", "1", "-c", "8", "-t", "3", "--arrivals", "poisson", "--seed", "5", PATIENT,
             fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_ge(step->made + step->unsent, 1000 - 5 * 32);
    ck_assert_uint_le(step->made + step->unsent, 1000 + 5 * 32);
    ck_assert_uint_eq(step->made, step->succeeded);
    ck_assert_uint_eq(step->thread_count, 3);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

START_TEST(a_count_ends_an_open_loop_too)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "2000", "-n", "301", "-t", "2", PATIENT, fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(step->made, 301);
    ck_assert_uint_eq(step->succeeded, 301);
    ck_assert_uint_eq(step->connections, 64);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* ---- a server that stops for a while ---- */

typedef struct stall {
    pid_t pid;
    int64_t stopped_ns;
    bool over;
} stall;

static void stop_and_go_on(void *arg, const load_live *live)
{
    stall *s = arg;
    if (s->over)
        return;
    if (!s->stopped_ns && live->succeeded >= 800) {
        kill(s->pid, SIGSTOP);
        s->stopped_ns = tdm_clock_ns();
    } else if (s->stopped_ns && tdm_clock_ns() - s->stopped_ns >= 2 * S) {
        kill(s->pid, SIGCONT);
        s->over = true;
    }
}

START_TEST(a_stopped_server_shows_in_the_corrected_latency_and_hides_in_the_uncorrected)
{
    daemon_process d = daemon_start((const char *const[]){NULL});
    char url[96];
    stall s = {.pid = d.pid};
    const load_sweep_calls calls = {.tick = stop_and_go_on};
    load_run r;
    load_run_start_with(&r, &calls, &s,
                        (const char *const[]){"-R", "800", "-d", "6", "-c", "2", PATIENT,
                                              daemon_url(&d, "/health", url, sizeof url), NULL});
    const load_step *step = &r.sweep.steps[0];
    int64_t corrected = tdm_histogram_percentile(step->latency, 99.9);
    int64_t uncorrected = tdm_histogram_percentile(step->uncorrected, 99.9);
    ck_assert(s.over);
    ck_assert_uint_eq(step->succeeded, 4800);
    ck_assert_int_ge(corrected, 19 * S / 10);
    ck_assert_int_le(corrected, 4 * S);
    ck_assert_int_lt(uncorrected, S);
    ck_assert_int_ge(tdm_histogram_max(step->uncorrected), 19 * S / 10); /* one each on two connections */
    ck_assert_uint_ge(step->held_up, 1000);
    ck_assert_int_lt(tdm_histogram_percentile(step->send_lag, 99), S); /* the stall was no fault of ours */
    load_run_finish(&r);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

/* ---- servers that are too slow ---- */

static void serve_slowly(int fd, unsigned number, void *arg)
{
    char path[LOAD_PATH_SIZE];
    (void) number;
    (void) arg;
    while (fake_read_request(fd, path, sizeof path)) {
        usleep(20 * 1000);
        fake_reply(fd, "200 OK", "", "");
    }
}

START_TEST(what_was_due_and_not_sent_is_counted_and_waiting_is_in_the_latency)
{
    fake_server *server = fake_server_start(serve_slowly, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "400", "-d", "1", "-c", "2", PATIENT, fake_server_url(server, "/")); /* it can do 100 */
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(step->made + step->unsent, 400);
    ck_assert_uint_ge(step->unsent, 200);
    ck_assert_uint_ge(step->held_up, step->made / 2);
    ck_assert_int_ge(tdm_histogram_max(step->latency), 400 * 1000 * 1000);
    ck_assert(load_step_kept_up(step) < 0.5);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

START_TEST(a_sweep_of_rates_ends_at_the_knee_if_asked_to)
{
    fake_server *server = fake_server_start(serve_slowly, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "10,20,400,800", "-d", "0.7", "-c", "2", "--until-knee", "--knee-factor", "1000", PATIENT,
             fake_server_url(server, "/"));
    ck_assert_uint_eq(r.sweep.step_count, 3);
    ck_assert_uint_eq(r.sweep.knee_count, 1);
    ck_assert_int_eq(r.sweep.knees[0].rule, LOAD_KNEE_RATE);
    ck_assert_uint_eq(r.sweep.knees[0].step, 2);
    ck_assert_ptr_nonnull(strstr(r.sweep.knees[0].words, "400 requests/s"));
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* ---- invalid ---- */

START_TEST(sends_later_than_the_limit_make_the_run_invalid_with_its_own_status)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run r;
    LOAD_RUN(&r, "-R", "1000", "-n", "500", "--max-lag", "0.000001", fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_int_gt(tdm_histogram_percentile(step->send_lag, 99), 1000);
    ck_assert(step->invalid);
    ck_assert_ptr_nonnull(strstr(step->why_invalid, "after they were due"));
    ck_assert_int_eq(load_sweep_status(&r.sweep), 4);
    load_run_finish(&r);
    LOAD_RUN(&r, "-R", "1000", "-n", "500", PATIENT, fake_server_url(server, "/"));
    ck_assert(!r.sweep.steps[0].invalid);
    ck_assert_int_eq(load_sweep_status(&r.sweep), 0);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

START_TEST(a_busy_generator_makes_a_closed_loop_invalid)
{
    fake_server *server = fake_server_start(load_serve_ok, NULL);
    load_run r;
    LOAD_RUN(&r, "-c", "4", "-d", "1.1", "--max-cpu", "1", fake_server_url(server, "/"));
    ck_assert(r.sweep.steps[0].cpu_share > 0.01);
    ck_assert(r.sweep.steps[0].invalid);
    ck_assert_int_eq(load_sweep_status(&r.sweep), 4);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* ---- a server that goes away ---- */

static void refuse_after_some(void *arg, const load_live *live)
{
    if (live->succeeded >= 50)
        fake_server_refuse(arg);
}

static void serve_one_each(int fd, unsigned number, void *arg)
{
    (void) number;
    (void) arg;
    load_serve_once(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(an_open_loop_against_a_server_that_left_ends_and_every_request_is_accounted_for)
{
    fake_server *server = fake_server_start(serve_one_each, NULL);
    const load_sweep_calls calls = {.tick = refuse_after_some};
    load_run r;
    load_run_start_with(
        &r, &calls, server,
        (const char *const[]){"-R", "200", "-d", "30", "-c", "4", PATIENT, fake_server_url(server, "/"), NULL});
    const load_step *step = &r.sweep.steps[0];
    ck_assert(step->target_gone);
    ck_assert_uint_eq(step->made, step->succeeded + load_step_errors(step));
    ck_assert_uint_gt(step->errors[LOAD_ERROR_CONNECT], 0);
    ck_assert_int_eq(load_sweep_status(&r.sweep), 1);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_are_made_at_the_rate_whatever_the_server_does,
        poisson_arrivals_on_several_threads_are_as_many,
        a_count_ends_an_open_loop_too,
        a_stopped_server_shows_in_the_corrected_latency_and_hides_in_the_uncorrected,
        what_was_due_and_not_sent_is_counted_and_waiting_is_in_the_latency,
        a_sweep_of_rates_ends_at_the_knee_if_asked_to,
        sends_later_than_the_limit_make_the_run_invalid_with_its_own_status,
        a_busy_generator_makes_a_closed_loop_invalid,
        an_open_loop_against_a_server_that_left_ends_and_every_request_is_accounted_for,
        NULL,
    };
    return unit_main("load_open", tests);
}
