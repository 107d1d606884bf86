/* SPDX-License-Identifier: MIT */
/* How large a request may be, how many there may be, and what one past the limit gets. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "server/front.h"
#include "tests/http/http.h"

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
        tdm_app *app = http_app(&cases[i].options, http_add_routes);
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
    tdm_app *app = http_app(&(tdm_app_options){.max_requests = 3}, http_add_routes);
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
    tdm_app *app = http_app(&(tdm_app_options){.max_buffered = 100000}, http_add_routes);
    http_connection first, second;
    memset(body, 'x', SIZE);
    http_connect(&first, tdm_app_url(app));
    http_say(&first, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", SIZE);
    http_expect_status(&first, 100);
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
    http_expect_status(&first, 200);
    for (int i = 0; i < 5; i++) { /* what was counted was given back */
        http_say(&first, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
        http_send(&first, body, SIZE);
        http_expect_status(&first, 200);
    }
    http_disconnect(&first);
    http_app_end(app);
}
END_TEST

static atomic_bool may_end;

/* Keeps the pool's only worker, and all who wait for it. */
static int post_and_wait(tdm_request *req)
{
    while (!may_end)
        usleep(1000);
    return tdm_reply_empty(req, 204);
}

static void add_waiting_route(tdm_app *app)
{
    tdm_route route = {.method = "POST", .path = "/wait", .run = post_and_wait, .lane = TDM_POOL};
    ck_assert_int_eq(tdm_app_route(app, &route), 0);
    http_add_routes(app);
}

static int status_of_body(const char *url, const char *path, const char *body, int size)
{
    http_connection c;
    http_connect(&c, url);
    http_say(&c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, size);
    http_send(&c, body, (size_t) size);
    http_reply reply = http_read(&c, false);
    int status = reply.status;
    http_reply_finish(&reply);
    http_disconnect(&c);
    return status;
}

START_TEST(bodies_of_clients_that_left_count_until_their_handlers_have_ended)
{
    enum { SIZE = 60000, CLIENTS = 2 };
    static char body[SIZE];
    tdm_app *app = http_app(&(tdm_app_options){.max_buffered = 150000, .executor = {.workers = 1}}, add_waiting_route);
    const char *url = tdm_app_url(app);
    tdm_app_stats is;
    for (unsigned i = 1; i <= CLIENTS; i++) {
        http_connection c;
        http_connect(&c, url);
        http_say(&c, "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", SIZE);
        http_send(&c, body, SIZE);
        do /* the request is with its handler, or waits for a worker */
            tdm_app_stats_get(app, &is);
        while (is.requests < i);
        http_reset(&c);
    }
    do
        tdm_app_stats_get(app, &is);
    while (is.left < CLIENTS || is.connections > 0);
    ck_assert_int_eq(status_of_body(url, "/size", body, SIZE), 503);
    may_end = true;
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    while (status_of_body(url, "/size", body, SIZE) != 200)
        ck_assert(tdm_clock_ns() < until);
    http_app_end(app);
}
END_TEST

static void add_routes_with_limits(tdm_app *app)
{
    tdm_route small = {.method = "POST", .path = "/small", .run = http_post_size, .max_body = 5};
    tdm_route large = {.method = "POST", .path = "/large", .run = http_post_size, .max_body = 50};
    ck_assert_int_eq(tdm_app_route(app, &small), 0);
    ck_assert_int_eq(tdm_app_route(app, &large), 0);
    http_add_routes(app);
}

START_TEST(a_route_has_a_limit_of_its_own_below_or_above_the_apps)
{
    static const struct {
        const char *path;
        int limit;
    } routes[] = {{"/small", 5}, {"/size", 10}, {"/large", 50}, {"/nowhere", 10}};
    tdm_app *app = http_app(&(tdm_app_options){.max_body = 10}, add_routes_with_limits);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        for (int more = 0; more <= 1; more++) {
            char body[64] = "";
            int size = routes[i].limit + more, in_limit = i == 3 ? 404 : 200;
            memset(body, 'x', (size_t) size);
            for (int chunked = 0; chunked <= 1; chunked++) {
                http_connection c;
                http_connect(&c, tdm_app_url(app));
                if (chunked)
                    http_say(&c,
                             "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
                             routes[i].path, (unsigned) size, body);
                else
                    http_say(&c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", routes[i].path, size,
                             body);
                http_expect_status(&c, more ? 413 : in_limit);
                http_disconnect(&c);
            }
        }
    }
    http_app_end(app);
}
END_TEST

START_TEST(an_app_that_sets_no_limit_has_those_of_docs_limits_md)
{
    tdm_app *app;
    ck_assert_int_eq(tdm_app_create(&app, NULL), 0);
    const tdm_app_options *is = &app->options;
    ck_assert_uint_eq(is->max_target, 8 << 10);
    ck_assert_uint_eq(is->max_head, 16 << 10);
    ck_assert_uint_eq(is->max_fields, 100);
    ck_assert_uint_eq(is->max_body, 1 << 20);
    ck_assert_uint_eq(is->max_buffered, 256 << 20);
    ck_assert_uint_eq(is->max_requests, 1000);
    ck_assert_uint_eq(is->max_connections, 10000);
    ck_assert_uint_eq(is->backlog, 4096);
    ck_assert_uint_eq(is->unix_mode, 0660);
    ck_assert_double_eq(is->head_timeout, 10);
    ck_assert_double_eq(is->body_timeout, 30);
    ck_assert_double_eq(is->idle_timeout, 75);
    ck_assert_double_eq(is->write_timeout, 30);
    ck_assert_int_eq(tdm_app_destroy(&app), 0);
}
END_TEST

int main(void)
{
    return http_main("sizes", (const TTest *const[]){
                                  each_limit_of_size_holds_where_it_is_set,
                                  the_last_request_of_a_connection_is_answered_and_closes_it,
                                  bodies_beyond_what_all_may_take_are_503_until_others_are_done,
                                  bodies_of_clients_that_left_count_until_their_handlers_have_ended,
                                  a_route_has_a_limit_of_its_own_below_or_above_the_apps,
                                  an_app_that_sets_no_limit_has_those_of_docs_limits_md,
                                  NULL,
                              });
}
