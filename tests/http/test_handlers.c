/* SPDX-License-Identifier: MIT */
/* Handlers, their background tasks, and clients that leave. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/http.h"

static const char *const lanes[] = {"loop", "pool", NULL};

struct params {
    int64_t count, status, error;
    int lane, handler;
};

#define FIELD(name) offsetof(struct params, name)

static const tdm_param table[] = {
    {.name = "count", .type = TDM_INT, .offset = FIELD(count), .fallback = "3"},
    {.name = "status", .type = TDM_INT, .offset = FIELD(status), .fallback = "200"},
    {.name = "error", .type = TDM_INT, .offset = FIELD(error), .fallback = "0"},
    {.name = "lane", .type = TDM_ENUM, .offset = FIELD(lane), .fallback = "loop", .choices = lanes},
    {.name = "handler", .type = TDM_ENUM, .offset = FIELD(handler), .fallback = "loop", .choices = lanes},
    {0},
};

static atomic_int started, cancelled, released, dropped, replied_with, second_reply, late_task;
static char ran[64]; /* what ran, in order; one lane at a time writes it */
static atomic_int ran_size;

static int note(tdm_task *task, void *arg)
{
    (void) task;
    int err = tdm_sleep(0.001);
    ran[ran_size++] = *(const char *) arg;
    return err;
}

static void count_drop(void *arg)
{
    (void) arg;
    dropped++;
}

static int add_note(tdm_request *req, const char *letter, tdm_lane lane, tdm_when when)
{
    union {
        const char *in;
        void *out;
    } letter_of = {letter}; /* the task only reads it */
    return tdm_background(
        req, &(tdm_task_spec){
                 .name = letter, .run = note, .arg = letter_of.out, .drop = count_drop, .lane = lane, .when = when});
}

static int get_tasks(tdm_request *req)
{
    const struct params *p = tdm_request_params(req);
    for (int64_t i = 0; i < p->count; i++) {
        int err = add_note(req, &"abcdefghijklmnopqrstuvwxyz"[i], (tdm_lane) p -> lane, TDM_WHEN_SUCCESS);
        if (err)
            return err;
    }
    return tdm_reply_empty(req, (int) p->status);
}

/* One task for each condition, then the reply or the error that the client asked for. */
static int add_conditions(tdm_request *req, tdm_lane lane)
{
    int err = add_note(req, "s", lane, TDM_WHEN_SUCCESS);
    if (!err)
        err = add_note(req, "e", lane, TDM_WHEN_ERROR);
    if (!err)
        err = add_note(req, "g", lane, TDM_WHEN_CLIENT_GONE);
    return err ? err : add_note(req, "a", lane, TDM_WHEN_ALWAYS);
}

static int get_when(tdm_request *req)
{
    const struct params *p = tdm_request_params(req);
    int err = add_conditions(req, (tdm_lane) p->lane);
    if (err)
        return err;
    if (p->status) {
        err = tdm_reply_empty(req, (int) p->status);
        if (err)
            return err;
    }
    return -(int) p->error;
}

static int get_twice(tdm_request *req)
{
    int err = tdm_reply_text(req, 200, "one");
    second_reply = tdm_reply_text(req, 200, "two");
    late_task = add_note(req, "x", TDM_LOOP, TDM_WHEN_ALWAYS);
    if (tdm_reply_header(req, "X", "y") != -EALREADY)
        return -EBADE;
    started++;
    return err;
}

static int get_wait(tdm_request *req)
{
    const struct params *p = tdm_request_params(req);
    int err = p->count ? add_conditions(req, (tdm_lane) p->lane) : 0;
    if (err)
        return err;
    started++;
    err = tdm_sleep(60);
    if (err != -ECANCELED || !tdm_request_gone(req))
        return -EBADE;
    cancelled++;
    replied_with = tdm_reply_text(req, 200, "nobody hears this");
    return p->error ? -(int) p->error : 0;
}

/* Holds its thread until it is released, or its fiber. */
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

static int get_early(tdm_request *req)
{
    int err = add_note(req, "a", TDM_LOOP, TDM_WHEN_SUCCESS);
    if (!err)
        err = tdm_reply_text(req, 200, "early");
    while (!err && !released)
        err = tdm_sleep(0.001);
    return err;
}

static int log_fd; /* what was logged */

static bool was_logged(const char *words)
{
    char text[4096];
    ssize_t size = pread(log_fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return strstr(text, words) != NULL;
}

/* Holds its thread, and with it the loop, until somebody has said so. */
static int get_block(tdm_request *req)
{
    while (!was_logged("the handler of /block has held loop 0"))
        usleep(1000);
    return tdm_reply_text(req, 200, "noticed");
}

static tdm_lane choose(const void *params)
{
    return (tdm_lane) ((const struct params *) params)->handler;
}

static void add_routes(tdm_app *app)
{
    static const struct {
        const char *path;
        tdm_handler_fn *run;
    } routes[] = {{"/tasks", get_tasks}, {"/when", get_when},   {"/twice", get_twice}, {"/wait", get_wait},
                  {"/hold", get_hold},   {"/early", get_early}, {"/block", get_block}};
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        tdm_route route = {.method = "GET",
                           .path = routes[i].path,
                           .run = routes[i].run,
                           .params = table,
                           .params_size = sizeof(struct params),
                           .choose_lane = choose};
        ck_assert_int_eq(tdm_app_route(app, &route), 0);
    }
}

static tdm_app *app;
static const char *url;
static tdm_executor *executor;
static tdm_cursor cursor;

static void begin(const tdm_app_options *options)
{
    app = http_app(options, add_routes);
    url = tdm_app_url(app);
    executor = tdm_app_executor(app);
}

static void expect_states(const char *query, int status, const char *what_ran, const char *states)
{
    tdm_task_info rows[4];
    char target[64];
    ran_size = 0;
    memset(ran, 0, sizeof ran);
    snprintf(target, sizeof target, "/when?%s", query);
    http_reply reply = http_once(url, "GET", target, status);
    uint64_t first, last;
    http_tasks(&reply, &first, &last);
    ck_assert_uint_eq(last - first, 3);
    http_reply_finish(&reply);
    http_wait_ended(executor, &cursor, rows, 4);
    ck_assert_msg(strcmp(ran, what_ran) == 0, "%s: '%s' ran, not '%s'", query, ran, what_ran);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(rows[i].state == (states[i] == 'd' ? TDM_DONE : TDM_SKIPPED), "%s: task %s ended as %s", query,
                      rows[i].name, tdm_state_name(rows[i].state));
}

START_TEST(tasks_run_in_sequence_after_the_reply_in_either_lane)
{
    begin(NULL);
    for (int i = 0; i < 4; i++) {
        char target[64];
        snprintf(target, sizeof target, "/tasks?count=26&lane=%s&handler=%s", lanes[i % 2], lanes[i / 2]);
        ran_size = 0;
        memset(ran, 0, sizeof ran);
        http_reply reply = http_once(url, "GET", target, 200);
        uint64_t first, last;
        http_tasks(&reply, &first, &last);
        http_reply_finish(&reply);
        ck_assert_uint_eq(last - first, 25);
        tdm_task_info rows[26];
        http_wait_ended(executor, &cursor, rows, 26);
        ck_assert_str_eq(ran, "abcdefghijklmnopqrstuvwxyz");
        for (unsigned j = 0; j < 26; j++) {
            ck_assert_uint_eq(rows[j].id, first + j);
            ck_assert(j == 0 || rows[j].started_ns >= rows[j - 1].ended_ns);
            ck_assert_int_eq(rows[j].state, TDM_DONE);
            ck_assert_uint_ne(rows[j].request, 0);
        }
    }
    http_app_end(app);
    ck_assert_int_eq(dropped, 4 * 26);
}
END_TEST

START_TEST(run_conditions_follow_the_outcome)
{
    begin(NULL);
    expect_states("status=200", 200, "sa", "dssd");
    expect_states("status=302&lane=pool", 302, "sa", "dssd");
    expect_states("status=404", 404, "ea", "sdsd");
    expect_states("status=500&lane=pool", 500, "ea", "sdsd");
    expect_states("status=0&error=5", 500, "ea", "sdsd");
    expect_states("status=0&error=110&handler=pool", 504, "ea", "sdsd");
    /* Replied well, and failed after that. */
    expect_states("status=200&error=5", 200, "ea", "sdsd");
    http_app_end(app);
}
END_TEST

START_TEST(errors_become_statuses)
{
    begin(NULL);
    static const struct {
        int error, status;
        const char *body, *retry_after;
    } cases[] = {
        {EAGAIN, 503, "{\"detail\":\"Service Unavailable\"}", "1"},
        {ESHUTDOWN, 503, "{\"detail\":\"Service Unavailable\"}", "1"},
        {ETIMEDOUT, 504, "{\"detail\":\"Gateway Timeout\"}", NULL},
        {EIO, 500, "{\"detail\":\"Internal Server Error\"}", NULL},
        {0, 500, "{\"detail\":\"Internal Server Error\"}", NULL}, /* no reply at all */
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        char target[64];
        snprintf(target, sizeof target, "/when?status=0&error=%d&handler=%s", cases[i / 2].error, lanes[i % 2]);
        http_reply reply = http_once(url, "GET", target, cases[i / 2].status);
        ck_assert_str_eq(reply.body, cases[i / 2].body);
        const char *retry = http_field(&reply, "Retry-After");
        ck_assert(cases[i / 2].retry_after ? retry && strcmp(retry, "1") == 0 : !retry);
        http_reply_finish(&reply);
    }
    http_app_end(app);
}
END_TEST

START_TEST(a_second_reply_and_a_task_after_the_reply_are_refused)
{
    begin(NULL);
    http_expect(url, "GET", "/twice", 200, "one");
    http_expect(url, "GET", "/twice?handler=pool", 200, "one");
    http_wait_for(&started, 2);
    ck_assert_int_eq(second_reply, -EALREADY);
    ck_assert_int_eq(late_task, -EALREADY);
    http_app_end(app);
    ck_assert_int_eq(dropped, 0);
}
END_TEST

START_TEST(a_reply_goes_out_before_its_handler_returns_and_tasks_start_after)
{
    begin(NULL);
    for (int i = 0; i < 2; i++) {
        released = 0;
        http_expect(url, "GET", i ? "/early?handler=pool" : "/early", 200, "early");
        tdm_stats *stats = malloc(sizeof *stats);
        ck_assert_int_eq(tdm_stats_get(executor, stats), 0);
        ck_assert_uint_eq(stats->lanes[TDM_LOOP].lifetime.state[TDM_QUEUED], 1);
        ck_assert_uint_eq(stats->handlers.running, 1);
        free(stats);
        released = 1;
        tdm_task_info row;
        http_wait_ended(executor, &cursor, &row, 1);
        ck_assert_int_eq(row.state, TDM_DONE);
    }
    http_app_end(app);
}
END_TEST

static void expect_rejected(const char *target, tdm_lane lane)
{
    http_reply reply = http_once(url, "GET", target, 503);
    ck_assert_str_eq(http_field(&reply, "Retry-After"), "1");
    ck_assert_ptr_null(http_field(&reply, "Tandem-Tasks"));
    ck_assert_str_eq(reply.body, "{\"detail\":\"Service Unavailable\"}");
    http_reply_finish(&reply);
    tdm_stats *stats = malloc(sizeof *stats);
    ck_assert_int_eq(tdm_stats_get(executor, stats), 0);
    ck_assert_uint_eq(stats->lanes[lane].lifetime.accepted, 0);
    ck_assert_uint_ge(stats->lanes[lane].lifetime.rejected, 1);
    free(stats);
}

START_TEST(where_no_room_is_left_nothing_of_a_request_is_started)
{
    begin(&(tdm_app_options){.executor = {.workers = 1, .queue = 2, .max_loop_tasks = 2}});
    expect_rejected("/tasks?count=3&lane=pool", TDM_POOL);
    expect_rejected("/tasks?count=3&lane=loop", TDM_LOOP);
    expect_rejected("/tasks?count=3&lane=loop&handler=pool", TDM_LOOP);
    ck_assert_int_eq(ran_size, 0);
    tdm_task_info rows[4];
    http_expect(url, "GET", "/tasks?count=2&lane=pool", 200, "");
    http_wait_ended(executor, &cursor, rows, 2);
    http_expect(url, "GET", "/tasks?count=2&lane=loop", 200, "");
    http_wait_ended(executor, &cursor, rows, 2);
    http_app_end(app);
}
END_TEST

START_TEST(a_route_that_holds_a_loop_is_named_while_it_does_and_counted)
{
    static tdm_stats stats;
    log_fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.fd = log_fd, .level = TDM_LOG_WARNING}), 0);
    begin(&(tdm_app_options){.executor = {.hold_limit = 0.02}});
    http_expect(url, "GET", "/block", 200, "noticed");
    while (!stats.loops[0].holds)
        ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    tdm_log_flush();
    ck_assert(was_logged("warning: the handler of /block held loop 0 for "));
    http_app_end(app);
    tdm_log_stop();
}
END_TEST

START_TEST(a_full_pool_of_handlers_is_503)
{
    begin(&(tdm_app_options){.executor = {.workers = 1, .queue = 1}});
    http_connection c[3];
    for (int i = 0; i < 2; i++) {
        http_connect(&c[i], url);
        http_ask(&c[i], "GET", "/hold?handler=pool", NULL);
        http_wait_for(&started, 1);
        tdm_stats *stats = malloc(sizeof *stats);
        do { /* until the loop has handed it over */
            ck_assert_int_eq(tdm_stats_get(executor, stats), 0);
        } while (stats->handlers.started < (unsigned) i + 1);
        free(stats);
    }
    http_reply reply = http_once(url, "GET", "/hold?handler=pool", 503);
    ck_assert_str_eq(http_field(&reply, "Retry-After"), "1");
    http_reply_finish(&reply);
    released = 1;
    for (int i = 0; i < 2; i++) {
        reply = http_read(&c[i], false);
        ck_assert_str_eq(reply.body, "released");
        http_reply_finish(&reply);
        http_disconnect(&c[i]);
    }
    http_app_end(app);
}
END_TEST

/* A client resets while its handler waits. */
static void leave(const char *target, bool half_close_first, const char *what_ran)
{
    tdm_task_info rows[4];
    http_connection c;
    ran_size = 0;
    memset(ran, 0, sizeof ran);
    started = cancelled = 0;
    replied_with = 1;
    http_connect(&c, url);
    http_ask(&c, "GET", target, NULL);
    http_wait_for(&started, 1);
    if (half_close_first)
        ck_assert_int_eq(shutdown(c.fd, SHUT_WR), 0);
    http_reset(&c);
    http_wait_for(&cancelled, 1);
    http_wait_ended(executor, &cursor, rows, 4);
    ck_assert_int_eq(replied_with, -EPIPE);
    ck_assert_msg(strcmp(ran, what_ran) == 0, "%s: '%s' ran, not '%s'", target, ran, what_ran);
}

START_TEST(a_reset_cancels_the_handler_and_its_tasks_still_run)
{
    begin(NULL);
    leave("/wait", false, "sga");
    leave("/wait?handler=pool", false, "sga");
    leave("/wait?lane=pool", false, "sga");
    leave("/wait", true, "sga");
    leave("/wait?error=32", false, "sga"); /* EPIPE, as its reply said: not the handler's fault */
    leave("/wait?error=5", false, "ega");
    leave("/wait?error=5&handler=pool", true, "ega");
    http_app_end(app);
}
END_TEST

START_TEST(a_half_close_cancels_nothing)
{
    begin(NULL);
    for (int i = 0; i < 2; i++) {
        http_connection c;
        started = released = 0;
        http_connect(&c, url);
        http_ask(&c, "GET", i ? "/hold?handler=pool" : "/hold", NULL);
        http_wait_for(&started, 1);
        ck_assert_int_eq(shutdown(c.fd, SHUT_WR), 0);
        tdm_app_stats stats;
        do { /* until the server has noticed */
            tdm_app_stats_get(app, &stats);
            usleep(200);
        } while (stats.half_closed < (unsigned) i + 1);
        released = 1;
        http_reply reply = http_read(&c, false);
        ck_assert_str_eq(reply.body, "released");
        http_reply_finish(&reply);
        http_expect_fin(&c);
        http_disconnect(&c);
    }
    http_app_end(app);
}
END_TEST

START_TEST(requests_of_a_client_that_left_do_not_disturb_others)
{
    begin(NULL);
    http_connection stays;
    http_connect(&stays, url);
    for (int i = 0; i < 50; i++) {
        http_connection c;
        http_connect(&c, url);
        http_ask(&c, "GET", i % 2 ? "/wait?count=0&handler=pool" : "/wait?count=0", NULL);
        if (i % 3)
            http_wait_for(&started, 1);
        http_reset(&c);
        http_ask(&stays, "GET", "/tasks?count=0", NULL);
        http_reply reply = http_read(&stays, false);
        ck_assert_int_eq(reply.status, 200);
        http_reply_finish(&reply);
    }
    http_disconnect(&stays);
    tdm_app_stats stats;
    do { /* until the last one is seen to have left */
        tdm_app_stats_get(app, &stats);
        usleep(200);
    } while (stats.replies + stats.left < stats.requests || stats.connections);
    ck_assert_uint_ge(stats.requests, 50);
    ck_assert_uint_eq(stats.replies, 50);
    http_app_end(app);
}
END_TEST

int main(void)
{
    return http_main("handlers", (const TTest *const[]){
                                     tasks_run_in_sequence_after_the_reply_in_either_lane,
                                     run_conditions_follow_the_outcome,
                                     errors_become_statuses,
                                     a_second_reply_and_a_task_after_the_reply_are_refused,
                                     a_reply_goes_out_before_its_handler_returns_and_tasks_start_after,
                                     where_no_room_is_left_nothing_of_a_request_is_started,
                                     a_route_that_holds_a_loop_is_named_while_it_does_and_counted,
                                     a_full_pool_of_handlers_is_503,
                                     a_reset_cancels_the_handler_and_its_tasks_still_run,
                                     a_half_close_cancels_nothing,
                                     requests_of_a_client_that_left_do_not_disturb_others,
                                     NULL,
                                 });
}
