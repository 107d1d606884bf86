/* SPDX-License-Identifier: MIT */
/* An app before it serves: what its calls refuse. */
#include <errno.h>
#include <string.h>

#include "tests/http/http.h"

static int get_hello(tdm_request *req)
{
    return tdm_reply_text(req, 200, "hello");
}

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", get_hello), 0);
}

START_TEST(routes_are_checked_and_closed_by_the_start)
{
    tdm_app *app = http_app(NULL, add_routes);
    ck_assert_int_eq(tdm_app_get(app, "/new", get_hello), -EBUSY);
    ck_assert_int_eq(tdm_app_start(app), -EALREADY);
    tdm_app *other;
    ck_assert_int_eq(tdm_app_create(&other, NULL), 0);
    ck_assert_ptr_null(tdm_app_url(other));
    static const tdm_param broken[] = {{.name = "x", .type = TDM_INT, .fallback = "x"}, {0}};
    tdm_route route = {.method = "GET", .path = "/x", .run = get_hello, .params = broken, .params_size = 8};
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

int main(void)
{
    return http_main("app", (const TTest *const[]){routes_are_checked_and_closed_by_the_start,
                                                   a_port_in_use_is_an_error_for_one_loop_and_for_many, NULL});
}
