/* SPDX-License-Identifier: MIT */
/* What a server must bear: many connections, no descriptors, clients that stop in the middle. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/http.h"

#define BIG (32u << 20)

static atomic_int big_ended;

static int get_hello(tdm_request *req)
{
    return tdm_reply_text(req, 200, "hello");
}

static void note_big(void *arg)
{
    (void) arg;
    big_ended++;
}

static int do_nothing(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    return 0;
}

static int get_big(tdm_request *req)
{
    char *body = calloc(1, BIG);
    if (!body)
        return -ENOMEM;
    int err = tdm_background(
        req, &(tdm_task_spec){.name = "gone", .run = do_nothing, .drop = note_big, .when = TDM_WHEN_CLIENT_GONE});
    if (!err)
        err = tdm_reply(req, 200, NULL, body, BIG);
    free(body);
    return err;
}

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", get_hello), 0);
    ck_assert_int_eq(tdm_app_get(app, "/big", get_big), 0);
}

static void expect_hello(http_connection *c)
{
    http_ask(c, "GET", "/", NULL);
    http_reply reply = http_read(c, false);
    ck_assert_str_eq(reply.body, "hello");
    http_reply_finish(&reply);
}

/* Is there nothing to read? */
static bool is_silent(http_connection *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

#define LIMIT 4
#define CLIENTS 12

/* Read what has been answered. @return how many more connections the server has open for us. */
static int read_answers(http_connection *c, bool *answered)
{
    int count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        if (c[i].fd < 0 || answered[i] || is_silent(&c[i]))
            continue;
        http_reply reply = http_read(&c[i], false);
        ck_assert_str_eq(reply.body, "hello");
        http_reply_finish(&reply);
        answered[i] = true;
        count++;
    }
    return count;
}

static bool leave_one(http_connection *c, const bool *answered)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (c[i].fd < 0 || !answered[i])
            continue;
        expect_hello(&c[i]); /* those that are in go on */
        http_disconnect(&c[i]);
        return true;
    }
    return false;
}

static void crowd(unsigned loops)
{
    tdm_app *app = http_app(&(tdm_app_options){.max_connections = LIMIT, .executor = {.loops = loops}}, add_routes);
    http_connection c[CLIENTS];
    bool answered[CLIENTS] = {false};
    for (int i = 0; i < CLIENTS; i++) {
        http_connect(&c[i], tdm_app_url(app));
        http_ask(&c[i], "GET", "/", NULL);
    }
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    int open = 0;
    for (int served = 0; served < CLIENTS;) {
        ck_assert_msg(tdm_clock_ns() < until, "%d of %d were served", served, CLIENTS);
        int more = read_answers(c, answered);
        served += more;
        open += more;
        ck_assert_int_le(open, LIMIT + (int) loops - 1);
        /* Each loop may be one late to see that the limit is reached; below the limit somebody must come in. */
        if (open >= LIMIT)
            open -= leave_one(c, answered);
        else
            usleep(200);
    }
    for (int i = 0; i < CLIENTS; i++)
        http_disconnect(&c[i]);
    http_app_end(app);
}

START_TEST(beyond_the_limit_connections_wait_until_others_close)
{
    crowd(1);
    crowd(2);
}
END_TEST

START_TEST(without_descriptors_accepting_pauses_and_does_not_spin)
{
    tdm_app *app = http_app(NULL, add_routes);
    http_connection c[8];
    for (int i = 0; i < 8; i++)
        c[i].fd = -1;
    http_connect(&c[0], tdm_app_url(app));
    expect_hello(&c[0]);
    for (int i = 1; i < 8; i++) /* our ends first; the server has none left for its own */
        c[i] = (http_connection){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int highest = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(highest, 0);
    close(highest);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t) highest;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ck_assert_int_eq(getpeername(c[0].fd, (struct sockaddr *) &address, &size), 0);
    for (int i = 1; i < 8; i++) {
        ck_assert_int_eq(connect(c[i].fd, (struct sockaddr *) &address, size), 0);
        http_ask(&c[i], "GET", "/", NULL);
    }
    struct timespec cpu_before, cpu_after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_before);
    for (int i = 0; i < 10; i++) { /* those that are open go on meanwhile */
        expect_hello(&c[0]);
        usleep(30000);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_after);
    double used =
        (double) (cpu_after.tv_sec - cpu_before.tv_sec) + (double) (cpu_after.tv_nsec - cpu_before.tv_nsec) / 1e9;
    ck_assert_msg(used < 0.2, "%.3f s of processor time in 0.3 s", used);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 1; i < 8; i++) {
        http_reply reply = http_read(&c[i], false);
        ck_assert_str_eq(reply.body, "hello");
        http_reply_finish(&reply);
        http_disconnect(&c[i]);
    }
    http_disconnect(&c[0]);
    http_app_end(app);
}
END_TEST

START_TEST(idle_connections_close_after_their_time)
{
    tdm_app *app = http_app(&(tdm_app_options){.idle_timeout = 0.2}, add_routes);
    http_connection fresh, used;
    http_connect(&fresh, tdm_app_url(app));
    http_connect(&used, tdm_app_url(app));
    expect_hello(&used);
    int64_t begin = tdm_clock_ns();
    http_expect_fin(&fresh);
    http_expect_fin(&used);
    ck_assert_int_ge(tdm_clock_ns() - begin, TDM_NS_PER_S / 10);
    http_disconnect(&fresh);
    http_disconnect(&used);
    http_app_end(app);
}
END_TEST

START_TEST(a_request_that_drips_is_408_in_its_time_however_often_a_byte_comes)
{
    tdm_app *app = http_app(&(tdm_app_options){.head_timeout = 0.3}, add_routes);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_say(&c, "GET / HTTP/1.1\r\nX: ");
    int64_t until = tdm_clock_ns() + 5 * TDM_NS_PER_S;
    while (is_silent(&c)) {
        ck_assert(tdm_clock_ns() < until);
        http_send(&c, "x", 1);
        usleep(5000);
    }
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 408);
    ck_assert_str_eq(reply.body, "{\"detail\":\"Request Timeout\"}");
    http_reply_finish(&reply);
    http_disconnect(&c);
    http_app_end(app);
}
END_TEST

START_TEST(a_client_that_does_not_read_its_reply_counts_as_gone)
{
    tdm_app *app = http_app(&(tdm_app_options){.write_timeout = 0.3}, add_routes);
    http_connection stuck, leaving;
    tdm_task_info row;
    tdm_cursor cursor = {""};
    http_connect(&stuck, tdm_app_url(app));
    http_ask(&stuck, "GET", "/big", NULL);
    http_wait_ended(tdm_app_executor(app), &cursor, &row, 1); /* the write's time is over */
    ck_assert_int_eq(row.state, TDM_DONE);
    http_connect(&leaving, tdm_app_url(app));
    http_ask(&leaving, "GET", "/big", NULL);
    char byte;
    ck_assert_int_eq(recv(leaving.fd, &byte, 1, 0), 1);
    http_reset(&leaving);
    http_wait_ended(tdm_app_executor(app), &cursor, &row, 1);
    ck_assert_int_eq(row.state, TDM_DONE);
    http_disconnect(&stuck);
    http_app_end(app);
    ck_assert_int_eq(big_ended, 2);
}
END_TEST

START_TEST(a_volley_of_connections_is_served)
{
    tdm_app *app = http_app(&(tdm_app_options){.executor = {.loops = 2}}, add_routes);
    enum { COUNT = 300 };
    static http_connection c[COUNT];
    for (int i = 0; i < COUNT; i++)
        http_connect(&c[i], tdm_app_url(app));
    for (int i = 0; i < COUNT; i++)
        http_ask(&c[i], "GET", "/", NULL);
    for (int i = 0; i < COUNT; i++) {
        http_reply reply = http_read(&c[i], false);
        ck_assert_str_eq(reply.body, "hello");
        http_reply_finish(&reply);
        http_disconnect(&c[i]);
    }
    http_app_end(app);
}
END_TEST

static int post_size(tdm_request *req)
{
    char text[32];
    size_t size;
    tdm_request_body(req, &size);
    snprintf(text, sizeof text, "%zu", size);
    return tdm_reply_text(req, 200, text);
}

static void add_size_route(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_post(app, "/size", post_size), 0);
    ck_assert_int_eq(tdm_app_get(app, "/", get_hello), 0);
}

static void expect_status(http_connection *c, int status)
{
    http_reply reply = http_read(c, false);
    ck_assert_msg(reply.status == status, "%d, not %d: %s", reply.status, status, reply.body);
    http_reply_finish(&reply);
}

/* One request, of `size` bytes in all that the limit counts. */
typedef struct limit_case {
    const char *name;
    tdm_app_options options;
    void (*say)(http_connection *c, size_t size);
    size_t at; /* the limit */
    int status;
} limit_case;

static void say_target(http_connection *c, size_t size)
{
    http_say(c, "GET /%.*s HTTP/1.1\r\nHost: x\r\n\r\n", (int) size - 1,
             "?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void say_head(http_connection *c, size_t size)
{
    static const char rest[] = "GET / HTTP/1.1\r\nHost: x\r\nX: \r\n\r\n";
    int fill = (int) (size - (sizeof rest - 1));
    http_say(c, "GET / HTTP/1.1\r\nHost: x\r\nX: %.*s\r\n\r\n", fill,
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void say_fields(http_connection *c, size_t size)
{
    http_say(c, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 1; i < size; i++)
        http_say(c, "X: %zu\r\n", i);
    http_say(c, "\r\n");
}

static void say_body(http_connection *c, size_t size)
{
    http_say(c, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", size);
    for (size_t i = 0; i < size; i++)
        http_say(c, "x");
}

START_TEST(each_limit_of_size_holds_where_it_is_set)
{
    static const limit_case cases[] = {
        {"target", {.max_target = 20}, say_target, 20, 414},
        {"head", {.max_head = 80}, say_head, 80, 431},
        {"fields", {.max_fields = 5}, say_fields, 5, 431},
        {"body", {.max_body = 10}, say_body, 10, 413},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tdm_app *app = http_app(&cases[i].options, add_size_route);
        for (size_t more = 0; more <= 1; more++) {
            http_connection c;
            http_connect(&c, tdm_app_url(app));
            cases[i].say(&c, cases[i].at + more);
            http_reply reply = http_read(&c, false);
            ck_assert_msg(reply.status == (more ? cases[i].status : 200), "%s, %zu past the limit: %d", cases[i].name,
                          more, reply.status);
            http_reply_finish(&reply);
            if (more)
                http_expect_fin(&c);
            http_disconnect(&c);
        }
        http_app_end(app);
    }
}
END_TEST

START_TEST(the_last_request_of_a_connection_is_answered_and_closes_it)
{
    tdm_app *app = http_app(&(tdm_app_options){.max_requests = 3}, add_routes);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    for (int i = 1; i <= 4; i++) /* all at once: the fourth is past the limit, and is not answered */
        http_ask(&c, "GET", "/", NULL);
    for (int i = 1; i <= 3; i++) {
        http_reply reply = http_read(&c, false);
        ck_assert_str_eq(reply.body, "hello");
        const char *connection = http_field(&reply, "Connection");
        ck_assert_msg((i == 3) == (connection && strcmp(connection, "close") == 0), "reply %d", i);
        http_reply_finish(&reply);
    }
    http_expect_fin(&c);
    http_disconnect(&c);
    http_app_end(app);
}
END_TEST

START_TEST(bodies_beyond_what_all_may_take_are_503_until_others_are_done)
{
    enum { SIZE = 60000 }; /* takes 64 KiB: two are too much, one is not */
    static char body[SIZE];
    tdm_app *app = http_app(&(tdm_app_options){.max_buffered = 100000}, add_size_route);
    http_connection first, second;
    memset(body, 'x', SIZE);
    http_connect(&first, tdm_app_url(app));
    http_say(&first, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", SIZE);
    expect_status(&first, 100);
    http_send(&first, body, SIZE - 1);
    for (int status = 0; status != 503;) { /* until the first body has been read, the second may find room */
        http_connect(&second, tdm_app_url(app));
        http_say(&second, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
        http_send(&second, body, SIZE);
        http_reply reply = http_read(&second, false);
        status = reply.status;
        ck_assert(status == 200 || status == 503);
        http_reply_finish(&reply);
        http_disconnect(&second);
    }
    http_send(&first, body, 1);
    expect_status(&first, 200);
    for (int i = 0; i < 5; i++) { /* what was counted was given back */
        http_say(&first, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
        http_send(&first, body, SIZE);
        expect_status(&first, 200);
    }
    http_disconnect(&first);
    http_app_end(app);
}
END_TEST

START_TEST(a_body_has_its_time_and_more_the_longer_it_is)
{
    enum { LONG = 256 << 10 };
    static char body[LONG];
    tdm_app *app = http_app(&(tdm_app_options){.body_timeout = 0.2, .idle_timeout = 0.1}, add_size_route);
    http_connection little, much;
    http_connect(&little, tdm_app_url(app));
    http_connect(&much, tdm_app_url(app));
    http_say(&much, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LONG);
    http_say(&little, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    expect_status(&little, 408); /* by then the other one's first 0.2 s are over, too */
    http_expect_fin(&little);
    http_send(&much, body, LONG);
    expect_status(&much, 200);
    http_disconnect(&little);
    http_disconnect(&much);
    http_app_end(app);
}
END_TEST

int main(void)
{
    return http_main("limits", (const TTest *const[]){
                                   beyond_the_limit_connections_wait_until_others_close,
                                   without_descriptors_accepting_pauses_and_does_not_spin,
                                   idle_connections_close_after_their_time,
                                   a_request_that_drips_is_408_in_its_time_however_often_a_byte_comes,
                                   a_client_that_does_not_read_its_reply_counts_as_gone,
                                   a_volley_of_connections_is_served,
                                   each_limit_of_size_holds_where_it_is_set,
                                   the_last_request_of_a_connection_is_answered_and_closes_it,
                                   bodies_beyond_what_all_may_take_are_503_until_others_are_done,
                                   a_body_has_its_time_and_more_the_longer_it_is,
                                   NULL,
                               });
}
