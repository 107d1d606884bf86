/* SPDX-License-Identifier: MIT */
/* An app before it serves: what its calls refuse. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tandem/stream.h>

#include "tests/http/http.h"

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
}

START_TEST(routes_are_checked_and_closed_by_the_start)
{
    tdm_app *app = http_app(NULL, add_routes);
    ck_assert_int_eq(tdm_app_get(app, "/new", http_get_hello), -EBUSY);
    ck_assert_int_eq(tdm_app_start(app), -EALREADY);
    tdm_app *other;
    ck_assert_int_eq(tdm_app_create(&other, NULL), 0);
    ck_assert_ptr_null(tdm_app_url(other));
    static const tdm_param broken[] = {{.name = "x", .type = TDM_INT, .fallback = "x"}, {0}};
    tdm_route route = {.method = "GET", .path = "/x", .run = http_get_hello, .params = broken, .params_size = 8};
    ck_assert_int_eq(tdm_app_route(other, &route), -EINVAL);
    route.params = NULL;
    ck_assert_int_eq(tdm_app_route(other, &route), 0);
    ck_assert_int_eq(tdm_app_route(other, &route), -EEXIST);
    ck_assert_int_eq(tdm_app_destroy(&other), 0);
    static const double wrong = -1;
    ck_assert_int_eq(tdm_app_create(&other, &(tdm_app_options){.drain_timeout = &wrong}), -EINVAL);
    http_app_end(app);
    ck_assert_int_eq(tdm_app_destroy(&(tdm_app *){NULL}), 0);
}
END_TEST

START_TEST(a_port_in_use_is_an_error_for_one_loop_and_for_many)
{
    for (unsigned loops = 1; loops <= 3; loops += 2) {
        tdm_app *app = http_app(&(tdm_app_options){.executor = {.loops = loops}}, add_routes);
        const char *port = strrchr(tdm_app_url(app), ':') + 1;
        for (unsigned others = 1; others <= 3; others += 2) {
            tdm_app *other;
            tdm_app_options options = {.port = port, .executor = {.loops = others}};
            ck_assert_int_eq(tdm_app_create(&other, &options), 0);
            ck_assert_int_eq(tdm_app_start(other), -EADDRINUSE);
            ck_assert_int_eq(tdm_app_destroy(&other), 0);
        }
        http_app_end(app);
    }
    tdm_app *other;
    ck_assert_int_eq(tdm_app_create(&other, &(tdm_app_options){.host = "203.0.113.1", .port = "0"}), 0);
    ck_assert_int_eq(tdm_app_start(other), -EADDRNOTAVAIL);
    ck_assert_int_eq(tdm_app_destroy(&other), 0);
}
END_TEST

START_TEST(a_port_is_a_number_that_a_port_can_be)
{
    static const char *const wrong[] = {"", "70000", "65536", "-1", "+5", " 0", "0x50", "http", "1e3", "000080"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tdm_app *app = NULL;
        ck_assert_msg(tdm_app_create(&app, &(tdm_app_options){.port = wrong[i]}) == -EINVAL, "port '%s'", wrong[i]);
    }
    tdm_app *app;
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.port = "65535"}), 0);
    ck_assert_int_eq(tdm_app_destroy(&app), 0);
}
END_TEST

/* What a handler sees of its app. */
static int get_url(tdm_request *req)
{
    tdm_app_stats stats;
    const tdm_app *app = tdm_request_app(req);
    if (!tdm_app_url(app))
        return tdm_reply_text(req, 500, "no URL");
    tdm_app_stats_get(app, &stats);
    return tdm_reply_text(req, stats.accepted ? 200 : 500, tdm_app_url(app));
}

enum { EARLY = 32 };

/* Connect as soon as anybody listens, several times, and ask. */
static void *ask_early(void *url)
{
    http_connection c[EARLY];
    while (http_try_connect(&c[0], url))
        ;
    http_ask(&c[0], "GET", "/", NULL);
    for (int i = 1; i < EARLY; i++) {
        http_connect(&c[i], url);
        http_ask(&c[i], "GET", "/", NULL);
    }
    for (int i = 0; i < EARLY; i++) {
        http_reply reply = http_read(&c[i], false);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_str_eq(reply.body, url);
        http_reply_finish(&reply);
        http_disconnect(&c[i]);
    }
    return NULL;
}

START_TEST(a_request_that_comes_while_the_listeners_are_made_finds_the_app_whole)
{
    for (int i = 0; i < 20; i++) {
        tdm_app *app = http_app(NULL, add_routes);
        char url[64];
        ck_assert_int_lt(snprintf(url, sizeof url, "%s", tdm_app_url(app)), (int) sizeof url);
        http_app_end(app); /* its port is free now */
        pthread_t thread;
        tdm_app_options options = {.port = strrchr(url, ':') + 1, .executor = {.loops = TDM_MAX_LOOPS, .workers = 1}};
        ck_assert_int_eq(tdm_app_create(&app, &options), 0);
        ck_assert_int_eq(tdm_app_get(app, "/", get_url), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, ask_early, url), 0);
        ck_assert_int_eq(tdm_app_start(app), 0);
        pthread_join(thread, NULL);
        http_app_end(app);
    }
}
END_TEST

/* ---- in testing mode ---- */

static int remind(tdm_task *task, void *arg)
{
    (void) task;
    int err = tdm_sleep(3600);
    if (!err)
        ++*(int *) arg;
    return err;
}

static int reminders;

static int get_reminder(tdm_request *req)
{
    int err = tdm_sleep(5); /* a slow service */
    tdm_task_spec spec = {.name = "remind", .run = remind, .arg = &reminders};
    if (!err)
        err = tdm_background(req, &spec);
    return err ? err : tdm_reply_text(req, 202, "in an hour");
}

START_TEST(in_testing_mode_an_app_answers_and_its_tasks_wait_in_virtual_time)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        tdm_testclient *client;
        tdm_app *app;
        ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
        ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
        ck_assert_int_eq(tdm_app_get(app, "/reminder", get_reminder), 0);
        ck_assert_int_eq(tdm_testclient_start(&client, app), 0);
        reminders = 0;
        ck_assert_int_eq(tdm_testclient_get(client, "/reminder")->status, 202);
        tdm_testing_advance(3599);
        ck_assert_int_eq(reminders, 0);
        tdm_testing_advance(1);
        ck_assert_int_eq(reminders, 1);
        ck_assert_int_eq(tdm_testclient_stop(&client), 0);
        ck_assert_int_eq(tdm_testing_end(NULL), 0);
    }
}
END_TEST

/* ---- the test client ---- */

START_TEST(a_test_client_has_a_port_of_its_own_whatever_the_app_listens_on)
{
    char path[64];
    snprintf(path, sizeof path, "%s/tandem-testclient-%d", P_tmpdir, (int) getpid());
    const tdm_app_options options[] = {{.unix_path = path}, {.inherit = true}, {.host = "::1", .port = "1"}};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        tdm_testclient *client;
        tdm_app *app;
        tdm_app_options given = options[i];
        given.transport = http_transport();
        ck_assert_int_eq(tdm_app_create(&app, &given), 0);
        ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
        ck_assert_int_eq(tdm_testclient_start(&client, app), 0);
        ck_assert_int_eq(tdm_testclient_get(client, "/")->status, 200);
        ck_assert_int_eq(tdm_testclient_stop(&client), 0);
    }
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

static atomic_int runs;

/* Begins a reply and does not end it. */
static int post_half(tdm_request *req)
{
    atomic_fetch_add(&runs, 1);
    int err = tdm_stream_begin(req, 200, "text/plain", TDM_LENGTH_UNKNOWN);
    return err ? err : -EIO;
}

START_TEST(a_test_client_does_not_repeat_what_was_begun_to_be_answered)
{
    tdm_testclient *client;
    tdm_app *app;
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_route(app, &(tdm_route){.method = "POST", .path = "/half", .run = post_half}), 0);
    ck_assert_int_eq(tdm_testclient_start(&client, app), 0);
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(tdm_testclient_get(client, "/")->status, 200); /* a connection that is used again */
        const tdm_testreply *reply = tdm_testclient_post(client, "/half", "text/plain", "x");
        ck_assert_int_eq(reply->status, 0);
        ck_assert_int_lt(reply->error, 0);
        ck_assert_int_eq(atomic_load(&runs), i);
    }
    ck_assert_int_eq(tdm_testclient_stop(&client), 0);
}
END_TEST

int main(void)
{
    return http_main("app",
                     (const TTest *const[]){routes_are_checked_and_closed_by_the_start,
                                            a_port_in_use_is_an_error_for_one_loop_and_for_many,
                                            a_port_is_a_number_that_a_port_can_be,
                                            a_request_that_comes_while_the_listeners_are_made_finds_the_app_whole,
                                            in_testing_mode_an_app_answers_and_its_tasks_wait_in_virtual_time,
                                            a_test_client_has_a_port_of_its_own_whatever_the_app_listens_on,
                                            a_test_client_does_not_repeat_what_was_begun_to_be_answered, NULL});
}
