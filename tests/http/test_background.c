/* SPDX-License-Identifier: MIT */
/* Background tasks as a route wants them: what a full lane does, and 202 with the place to ask. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/http.h"

static tdm_app *app;
static _Atomic int released, ran, waiting, late;

/* Runs until the test lets it go. */
static int hold(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = 0;
    while (!released && !err)
        err = tdm_sleep(0.002);
    ran++;
    return err;
}

static int leave_one(tdm_request *req)
{
    waiting++;
    int err = tdm_background(req, &(tdm_task_spec){.name = "hold", .run = hold});
    waiting--;
    return err ? err : tdm_reply_accepted(req, "/tasks/");
}

static int leave_three(tdm_request *req)
{
    int err = 0;
    for (int i = 0; i < 3 && !err; i++)
        err = tdm_background(req, &(tdm_task_spec){.name = "hold", .run = hold});
    ck_assert_int_eq(err, 0);
    ck_assert_int_eq(tdm_reply_accepted(req, NULL), -EINVAL);
    ck_assert_int_eq(tdm_reply_accepted(req, "/a\r\nb"), -EINVAL);
    err = tdm_reply_accepted(req, "/tasks/");
    ck_assert_int_eq(tdm_reply_accepted(req, "/tasks/"), -EALREADY);
    return err;
}

static tdm_manifest manifest;

static void *stop_app(void *arg)
{
    (void) arg;
    tdm_app_stop(app, &manifest);
    return NULL;
}

/* As many as the query says. */
static int leave_some(tdm_request *req)
{
    long count = strtol(tdm_request_query(req, "count"), NULL, 10);
    int err = 0;
    for (long i = 0; i < count && !err; i++) {
        waiting++;
        err = tdm_background(req, &(tdm_task_spec){.name = "hold", .run = hold});
        waiting--;
    }
    return err ? err : tdm_reply_accepted(req, "/tasks/");
}

/* A task of somebody's own on every reply. */
static int after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    (void) reply, (void) arg;
    late = tdm_background(req, &(tdm_task_spec){.name = "hold", .run = hold});
    return 0;
}

static int leave_none(tdm_request *req)
{
    ck_assert_int_eq(tdm_reply_accepted(req, "/tasks/"), -EINVAL);
    return tdm_reply_empty(req, 204);
}

static void add_routes(tdm_app *to)
{
    static const tdm_route routes[] = {
        {.method = "POST", .path = "/refuse", .run = leave_one, .retry_after = 7},
        {.method = "POST", .path = "/wait", .run = leave_one, .full = TDM_WAIT, .wait_for_room = 20, .max_waiters = 1},
        {.method = "POST", .path = "/wait-a-little", .run = leave_one, .full = TDM_WAIT, .wait_for_room = 0.03},
        {.method = "POST", .path = "/some", .run = leave_some, .full = TDM_WAIT, .wait_for_room = 600},
        {.method = "POST", .path = "/pool-waits", .run = leave_one, .full = TDM_WAIT, .lane = TDM_POOL},
        {.method = "POST", .path = "/three", .run = leave_three},
        {.method = "POST", .path = "/none", .run = leave_none},
    };
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        ck_assert_int_eq(tdm_app_route(to, &routes[i]), 0);
}

static void begin(unsigned limit)
{
    app = http_app(&(tdm_app_options){.executor = {.max_loop_tasks = limit}}, add_routes);
}

static void end(void)
{
    released = 1;
    http_app_end(app);
}

static void expect(const char *target, int status)
{
    http_reply reply = http_once(tdm_app_url(app), "POST", target, status);
    http_reply_finish(&reply);
}

START_TEST(a_reply_of_202_says_where_its_task_can_be_asked_for)
{
    begin(10);
    http_reply reply = http_once(tdm_app_url(app), "POST", "/three", 202);
    ck_assert_str_eq(http_field(&reply, "Location"), "/tasks/1");
    ck_assert_str_eq(http_field(&reply, "Tandem-Tasks"), "1-3");
    ck_assert_str_eq(reply.body, "{\"task\":1,\"tasks\":[1,2,3],\"status\":\"/tasks/1\"}");
    http_reply_finish(&reply);
    released = 1;
    http_wait_for(&ran, 3);
    expect("/none", 204);
    end();
}
END_TEST

START_TEST(a_full_lane_is_503_with_the_routes_own_retry_after)
{
    begin(1);
    expect("/refuse", 202);
    http_reply reply = http_once(tdm_app_url(app), "POST", "/refuse", 503);
    ck_assert_str_eq(http_field(&reply, "Retry-After"), "7");
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(a_route_that_waits_for_room_gets_it_and_others_of_it_do_not_wait_beside)
{
    begin(1);
    expect("/refuse", 202);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "POST", "/wait", "Content-Length: 0\r\n");
    http_wait_for(&waiting, 1);
    expect("/wait", 503); /* one may wait, and one does */
    ck_assert_int_eq(waiting, 1);
    released = 1;
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 202);
    http_reply_finish(&reply);
    http_wait_for(&ran, 2);
    http_disconnect(&c);
    end();
}
END_TEST

static uint64_t rejected(void)
{
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(tdm_app_executor(app), &stats), 0);
    return stats.lanes[TDM_LOOP].lifetime.rejected;
}

START_TEST(who_holds_places_does_not_wait_for_what_nobody_can_give)
{
    begin(3);
    expect("/some?count=4", 503); /* at once: it would wait for itself */
    ck_assert_uint_eq(rejected(), 4);
    expect("/some?count=3", 202);
    released = 1;
    http_wait_for(&ran, 3);
    end();
}
END_TEST

START_TEST(of_those_who_hold_places_one_waits_for_more)
{
    http_connection first, second;
    begin(3);
    expect("/refuse", 202); /* which holds one of three */
    http_connect(&first, tdm_app_url(app));
    http_ask(&first, "POST", "/some?count=3", "Content-Length: 0\r\n");
    http_wait_for(&waiting, 1);
    http_connect(&second, tdm_app_url(app));
    http_ask(&second, "POST", "/some?count=1", "Content-Length: 0\r\n");
    http_wait_for(&waiting, 2); /* it holds nothing, and waits as well */
    ck_assert_uint_eq(rejected(), 0);
    released = 1;
    for (int i = 0; i < 2; i++) {
        http_reply reply = http_read(i ? &second : &first, false);
        ck_assert_int_eq(reply.status, 202);
        http_reply_finish(&reply);
    }
    http_wait_for(&ran, 5);
    ck_assert_uint_eq(rejected(), 0); /* however often they tried */
    http_disconnect(&first);
    http_disconnect(&second);
    end();
}
END_TEST

static void add_with_after(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_use(to, (tdm_middleware){.name = "after", .after = after}), 0);
    add_routes(to);
}

START_TEST(a_task_comes_too_late_once_the_others_were_accepted)
{
    app = http_app(NULL, add_with_after);
    http_reply reply = http_once(tdm_app_url(app), "POST", "/refuse", 202);
    ck_assert_str_eq(http_field(&reply, "Tandem-Tasks"), "1-1");
    http_reply_finish(&reply);
    ck_assert_int_eq(late, -EALREADY);
    reply = http_once(tdm_app_url(app), "GET", "/nowhere", 404); /* whose tasks are not accepted before its end */
    ck_assert_str_eq(http_field(&reply, "Tandem-Tasks"), "2-2");
    http_reply_finish(&reply);
    ck_assert_int_eq(late, 0);
    end();
}
END_TEST

/* A drain finds a request that holds one place and waits for another. */
START_TEST(who_waits_for_room_when_a_drain_comes_gives_back_what_it_holds)
{
    http_connection c;
    begin(2);
    expect("/refuse", 202);
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "POST", "/some?count=2", "Content-Length: 0\r\n");
    http_wait_for(&waiting, 1);
    pthread_t stopper;
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_app, NULL), 0);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_ptr_null(http_field(&reply, "Tandem-Tasks"));
    http_reply_finish(&reply);
    released = 1;
    pthread_join(stopper, NULL);
    ck_assert_uint_eq(manifest.lanes[TDM_LOOP].state[TDM_SKIPPED], 0);
    http_disconnect(&c);
    end();
}
END_TEST

START_TEST(waiting_for_room_has_an_end)
{
    begin(1);
    expect("/refuse", 202);
    expect("/wait-a-little", 503);
    ck_assert_int_eq(ran, 0);
    end();
}
END_TEST

START_TEST(a_handler_on_the_pool_waits_too)
{
    begin(1);
    expect("/refuse", 202);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_ask(&c, "POST", "/pool-waits", "Content-Length: 0\r\n");
    http_wait_for(&waiting, 1);
    released = 1;
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 202);
    http_reply_finish(&reply);
    http_disconnect(&c);
    end();
}
END_TEST

int main(void)
{
    return http_main(
        "background",
        (const TTest *const[]){
            a_reply_of_202_says_where_its_task_can_be_asked_for, a_full_lane_is_503_with_the_routes_own_retry_after,
            a_route_that_waits_for_room_gets_it_and_others_of_it_do_not_wait_beside, waiting_for_room_has_an_end,
            a_handler_on_the_pool_waits_too, who_holds_places_does_not_wait_for_what_nobody_can_give,
            of_those_who_hold_places_one_waits_for_more, a_task_comes_too_late_once_the_others_were_accepted,
            who_waits_for_room_when_a_drain_comes_gives_back_what_it_holds, NULL});
}
