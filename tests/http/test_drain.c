/* SPDX-License-Identifier: MIT */
/* The orderly stop, seen by the clients. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/http.h"

static atomic_int started, released, ended;

static int get_hold(tdm_request *req)
{
    started++;
    while (!released) {
        int err = tdm_sleep(0.001);
        if (err)
            return err;
    }
    return tdm_reply_text(req, 200, "released");
}

static int run_task(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    started++;
    int err = 0;
    while (!released && !err)
        err = tdm_sleep(0.001);
    ended++;
    return err;
}

static int get_task(tdm_request *req)
{
    int err = tdm_background(req, &(tdm_task_spec){.name = "task", .run = run_task});
    return err ? err : tdm_reply_text(req, 200, "ok");
}

/* Ends in the middle of its reply. */
static int get_half(tdm_request *req)
{
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    return err ? err : -EIO;
}

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/half", get_half), 0);
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_get(app, "/hold", get_hold), 0);
    ck_assert_int_eq(
        tdm_app_route(app, &(tdm_route){.method = "GET", .path = "/hold/pool", .run = get_hold, .lane = TDM_POOL}), 0);
    ck_assert_int_eq(tdm_app_get(app, "/task", get_task), 0);
}

static tdm_app *app;
static tdm_manifest manifest;
static pthread_t stopper;

static void begin(double timeout, double announce, double grace)
{
    app = http_app(&(tdm_app_options){.drain_timeout = &timeout, .drain_announce = &announce, .drain_grace = &grace},
                   add_routes);
}

static void *run_stop(void *arg)
{
    (void) arg;
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    return NULL;
}

static void stop_begin(void)
{
    ck_assert_int_eq(pthread_create(&stopper, NULL, run_stop, NULL), 0);
    while (!tdm_app_draining(app))
        usleep(200);
}

static void stop_end(void)
{
    ck_assert_int_eq(pthread_join(stopper, NULL), 0);
}

static void read_closing(http_connection *c, int status, const char *body)
{
    http_reply reply = http_read(c, false);
    ck_assert_int_eq(reply.status, status);
    if (body)
        ck_assert_str_eq(reply.body, body);
    ck_assert_str_eq(http_field(&reply, "Connection"), "close");
    http_reply_finish(&reply);
    http_expect_fin(c);
    http_disconnect(c);
}

/* An idle app stops at once, and says so. */
START_TEST(a_stop_without_work_takes_no_time)
{
    begin(30, 0, 2);
    http_connection idle;
    http_connect(&idle, tdm_app_url(app));
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    http_expect_fin(&idle);
    ck_assert_int_eq(manifest.exit_status, 0);
    ck_assert_double_lt(manifest.seconds, 5);
    ck_assert_int_eq(tdm_app_stop(app, &manifest), -EALREADY);
    http_connection late;
    ck_assert_int_eq(http_try_connect(&late, tdm_app_url(app)), -ECONNREFUSED);
    http_disconnect(&idle);
    http_app_end(app);
}
END_TEST

START_TEST(requests_under_way_are_answered_and_their_connections_close)
{
    begin(30, 0, 2);
    http_connection c[4];
    for (int i = 0; i < 4; i++) {
        http_connect(&c[i], tdm_app_url(app));
        http_ask(&c[i], "GET", i % 2 ? "/hold/pool" : "/hold", NULL);
    }
    http_wait_for(&started, 4);
    stop_begin();
    released = 1;
    for (int i = 0; i < 4; i++)
        read_closing(&c[i], 200, "released");
    stop_end();
    ck_assert_uint_eq(manifest.requests, 4);
    ck_assert_uint_eq(manifest.replies, 4);
    ck_assert_uint_eq(manifest.unanswered, 0);
    ck_assert_int_eq(manifest.exit_status, 0);
    http_app_end(app);
}
END_TEST

START_TEST(the_next_request_of_a_busy_connection_is_answered_and_closes_it)
{
    begin(30, 0, 2);
    http_connection hold, busy;
    http_connect(&hold, tdm_app_url(app));
    http_ask(&hold, "GET", "/hold", NULL); /* keeps the drain from ending */
    http_wait_for(&started, 1);
    http_connect(&busy, tdm_app_url(app));
    http_ask(&busy, "GET", "/", NULL);
    http_reply reply = http_read(&busy, false);
    ck_assert_ptr_null(http_field(&reply, "Connection"));
    http_reply_finish(&reply);
    stop_begin();
    http_ask(&busy, "GET", "/", NULL);
    read_closing(&busy, 200, "hello");
    released = 1;
    read_closing(&hold, 200, "released");
    stop_end();
    http_app_end(app);
}
END_TEST

START_TEST(new_tasks_are_refused_and_accepted_ones_end)
{
    begin(30, 0, 2);
    http_connection hold, c;
    http_connect(&hold, tdm_app_url(app));
    http_ask(&hold, "GET", "/hold", NULL);
    http_wait_for(&started, 1);
    http_expect(tdm_app_url(app), "GET", "/task", 200, "ok");
    http_wait_for(&started, 2);
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "GET", "/", NULL);
    http_reply reply = http_read(&c, false);
    http_reply_finish(&reply);
    stop_begin();
    tdm_task_spec spec = {.run = run_task};
    while (tdm_spawn(tdm_app_executor(app), &spec, NULL) == 0) /* until the executor is closed */
        usleep(200);
    http_ask(&c, "GET", "/task", NULL);
    read_closing(&c, 503, "{\"detail\":\"Service Unavailable\"}");
    released = 1;
    read_closing(&hold, 200, "released");
    stop_end();
    ck_assert_int_eq(manifest.exit_status, 0);
    ck_assert_uint_eq(manifest.lanes[TDM_LOOP].state[TDM_DONE], manifest.lanes[TDM_LOOP].accepted);
    http_app_end(app);
}
END_TEST

START_TEST(while_it_is_announced_new_connections_are_served)
{
    begin(30, 0.4, 2);
    stop_begin();
    for (int i = 0; i < 3; i++) {
        http_connection c;
        http_connect(&c, tdm_app_url(app));
        http_ask(&c, "GET", i ? "/" : "/task", NULL);
        read_closing(&c, 200, i ? "hello" : "ok");
    }
    released = 1;
    stop_end();
    ck_assert_double_ge(manifest.seconds, 0.4);
    ck_assert_uint_eq(manifest.lanes[TDM_LOOP].state[TDM_DONE], 1);
    ck_assert_int_eq(manifest.exit_status, 0);
    http_app_end(app);
}
END_TEST

START_TEST(when_time_is_over_tasks_are_cancelled_and_the_exit_says_so)
{
    begin(0.1, 0, 5);
    http_expect(tdm_app_url(app), "GET", "/task", 200, "ok");
    http_wait_for(&started, 1);
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    ck_assert_int_eq(ended, 1);
    ck_assert_uint_eq(manifest.lanes[TDM_LOOP].state[TDM_CANCELLED], 1);
    ck_assert_int_eq(manifest.exit_status, 3);
    http_app_end(app);
}
END_TEST

START_TEST(when_time_is_over_waiting_handlers_answer_503)
{
    begin(0.1, 0, 5);
    http_connection c[2];
    for (int i = 0; i < 2; i++) {
        http_connect(&c[i], tdm_app_url(app));
        http_ask(&c[i], "GET", i ? "/hold/pool" : "/hold", NULL);
    }
    http_wait_for(&started, 2);
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    for (int i = 0; i < 2; i++)
        read_closing(&c[i], 503, "{\"detail\":\"Service Unavailable\"}");
    ck_assert_uint_eq(manifest.unanswered, 0);
    http_app_end(app);
}
END_TEST

START_TEST(what_was_cut_before_the_stop_is_told_and_is_not_its_fault)
{
    begin(5, 0, 2);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "GET", "/half", NULL);
    char byte;
    ck_assert_int_eq(recv(c.fd, &byte, 1, 0), 1);
    while (recv(c.fd, &byte, 1, 0) > 0)
        ;
    http_expect(tdm_app_url(app), "GET", "/", 200, NULL); /* the loop is over with what ended the other */
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    ck_assert_uint_eq(manifest.unanswered, 1);
    ck_assert_int_eq(manifest.exit_status, 0);
    http_disconnect(&c);
    http_app_end(app);
}
END_TEST

START_TEST(a_hurry_ends_every_wait)
{
    begin(60, 60, 60);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "GET", "/hold", NULL);
    http_expect(tdm_app_url(app), "GET", "/task", 200, "ok");
    http_wait_for(&started, 2);
    stop_begin();
    tdm_app_hurry(app);
    stop_end();
    ck_assert_double_lt(manifest.seconds, 10);
    ck_assert_int_eq(manifest.exit_status, 3);
    ck_assert_uint_eq(manifest.requests, 2);
    ck_assert_uint_eq(manifest.replies + manifest.unanswered, 2);
    http_disconnect(&c);
    tdm_app_destroy(&app); /* the task may have been abandoned */
}
END_TEST

START_TEST(a_request_that_stops_in_the_middle_does_not_hold_the_drain)
{
    begin(30, 0, 2);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_say(&c, "GET / HTTP/1.1\r\nHos");
    http_expect(tdm_app_url(app), "GET", "/", 200, "hello");
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    ck_assert_double_lt(manifest.seconds, 10);
    http_expect_end(&c);
    http_disconnect(&c);
    http_app_end(app);
}
END_TEST

struct load {
    pthread_t thread;
    unsigned answered, lost;
};

/* A client that keeps its connection busy, and comes back when it is closed after a reply. */
static void *run_load(void *arg)
{
    struct load *load = arg;
    http_connection c;
    while (http_try_connect(&c, tdm_app_url(app)) == 0) {
        for (unsigned here = 0;; here++) {
            static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            http_reply reply;
            if (send(c.fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0 || !http_try_read(&c, &reply)) {
                /* The kernel may have taken a last connection while the listener closed; one that was in use, never. */
                load->lost += here > 0;
                break;
            }
            ck_assert_str_eq(reply.body, "hello");
            load->answered++;
            bool closing = http_field(&reply, "Connection");
            http_reply_finish(&reply);
            if (closing)
                break;
        }
        http_disconnect(&c);
    }
    return NULL;
}

START_TEST(under_load_no_reply_is_lost_and_the_manifest_adds_up)
{
    begin(30, 0.05, 2);
    struct load loads[8] = {0};
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&loads[i].thread, NULL, run_load, &loads[i]), 0);
    usleep(100000);
    stop_begin();
    unsigned answered = 0;
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(loads[i].thread, NULL), 0);
        answered += loads[i].answered;
        ck_assert_uint_eq(loads[i].lost, 0);
        ck_assert_uint_gt(loads[i].answered, 0);
    }
    stop_end();
    ck_assert_uint_eq(manifest.requests, answered);
    ck_assert_uint_eq(manifest.replies, answered);
    ck_assert_uint_eq(manifest.unanswered, 0);
    ck_assert_int_eq(manifest.exit_status, 0);
    http_app_end(app);
}
END_TEST

static atomic_int *spinning; /* shared with the process that spins */

static int spin(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    *spinning = 1;
    for (;;)
        usleep(100000); /* holds its loop: it never waits in the library's way */
    return 0;
}

static int get_spin(tdm_request *req)
{
    int err = tdm_background(req, &(tdm_task_spec){.name = "spin", .run = spin});
    return err ? err : tdm_reply_text(req, 200, "ok");
}

/* As a program would: with one route, whose task holds the loop. */
static int run_stuck_program(int out_fd, double timeout)
{
    dup2(out_fd, STDOUT_FILENO);
    tdm_app *stuck;
    tdm_app_options options = {.port = "0", .drain_timeout = &timeout, .drain_grace = &timeout};
    if (tdm_app_create(&stuck, &options) || tdm_app_get(stuck, "/", get_spin))
        return 1;
    return tdm_app_main(stuck);
}

struct stuck {
    pid_t pid;
    FILE *out;
};

/* A process that was told to stop while a task holds its loop. */
static struct stuck start_stuck(double timeout, int second_signal)
{
    char line[256], url[128];
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    struct stuck stuck = {.pid = fork(), .out = fdopen(fds[0], "r")};
    ck_assert_int_ge(stuck.pid, 0);
    if (stuck.pid == 0)
        _exit(run_stuck_program(fds[1], timeout));
    close(fds[1]);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, stuck.out));
    ck_assert_int_eq(sscanf(line, "tandem %*s listening on %127s", url), 1);
    http_expect(url, "GET", "/", 200, "ok");
    http_wait_for(spinning, 1);
    *spinning = 0;
    ck_assert_int_eq(kill(stuck.pid, SIGTERM), 0);
    if (second_signal)
        ck_assert_int_eq(kill(stuck.pid, second_signal), 0);
    return stuck;
}

START_TEST(a_loop_that_never_comes_round_does_not_hold_the_stop)
{
    spinning = mmap(NULL, sizeof *spinning, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(spinning, MAP_FAILED);
    struct stuck both[] = {start_stuck(0.1, 0), start_stuck(600, SIGINT)};
    for (int i = 0; i < 2; i++) {
        char line[4096];
        int status;
        ck_assert_ptr_nonnull(fgets(line, sizeof line, both[i].out));
        ck_assert_ptr_nonnull(strstr(line, "\"abandoned\":1"));
        ck_assert_ptr_nonnull(strstr(line, "\"exit_status\":3"));
        fclose(both[i].out);
        ck_assert_int_eq(waitpid(both[i].pid, &status, 0), both[i].pid);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 3);
    }
}
END_TEST

int main(void)
{
    return http_main("drain", (const TTest *const[]){
                                  a_stop_without_work_takes_no_time,
                                  requests_under_way_are_answered_and_their_connections_close,
                                  the_next_request_of_a_busy_connection_is_answered_and_closes_it,
                                  new_tasks_are_refused_and_accepted_ones_end,
                                  while_it_is_announced_new_connections_are_served,
                                  when_time_is_over_tasks_are_cancelled_and_the_exit_says_so,
                                  when_time_is_over_waiting_handlers_answer_503,
                                  what_was_cut_before_the_stop_is_told_and_is_not_its_fault,
                                  a_hurry_ends_every_wait,
                                  a_request_that_stops_in_the_middle_does_not_hold_the_drain,
                                  under_load_no_reply_is_lost_and_the_manifest_adds_up,
                                  a_loop_that_never_comes_round_does_not_hold_the_stop,
                                  NULL,
                              });
}
