/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "server/router.h"

static tdm__router router;
static tdm__arena arena;
static char room[4096];
static tdm__match match;
static const char *why;

static int run(tdm_request *req)
{
    (void) req;
    return 0;
}

static int add(const char *method, const char *path)
{
    return tdm__router_add(&router, &(tdm_route){.method = method, .path = path, .run = run, .name = path}, &why);
}

static int find(const char *method, const char *path)
{
    return tdm__router_find(&router, &arena, method, path, strlen(path), &match);
}

static void expect(const char *method, const char *path, const char *route)
{
    ck_assert_msg(find(method, path) == 0, "%s %s", method, path);
    ck_assert_str_eq(match.route->path, route);
}

static void set_up(void)
{
    tdm__arena_init(&arena, room, sizeof room);
    ck_assert_int_eq(add("GET", "/"), 0);
    ck_assert_int_eq(add("GET", "/tasks"), 0);
    ck_assert_int_eq(add("GET", "/tasks/{id}"), 0);
    ck_assert_int_eq(add("DELETE", "/tasks/{task}"), 0);
    ck_assert_int_eq(add("POST", "/tasks/reset"), 0);
    ck_assert_int_eq(add("GET", "/tasks/{id}/log/{line}"), 0);
}

static void tear_down(void)
{
    tdm__arena_finish(&arena);
    tdm__router_finish(&router);
}

START_TEST(paths_lead_to_their_routes)
{
    expect("GET", "/", "/");
    expect("GET", "/tasks", "/tasks");
    expect("GET", "/tasks/7", "/tasks/{id}");
    expect("GET", "/tasks/7/log/9", "/tasks/{id}/log/{line}");
    ck_assert_uint_eq(match.values.count, 2);
    ck_assert_str_eq(match.values.list[0].name, "id");
    ck_assert_str_eq(match.values.list[0].value, "7");
    ck_assert_str_eq(match.values.list[1].name, "line");
    ck_assert_str_eq(match.values.list[1].value, "9");
}
END_TEST

START_TEST(each_method_names_its_own_parameters)
{
    expect("DELETE", "/tasks/7", "/tasks/{task}");
    ck_assert_str_eq(match.values.list[0].name, "task");
}
END_TEST

START_TEST(a_literal_segment_wins_over_a_parameter)
{
    expect("POST", "/tasks/reset", "/tasks/reset");
    ck_assert_uint_eq(match.values.count, 0);
}
END_TEST

START_TEST(a_literal_without_the_method_does_not_hide_the_parameter)
{
    expect("GET", "/tasks/reset", "/tasks/{id}");
    ck_assert_str_eq(match.values.list[0].value, "reset");
    expect("GET", "/tasks/reset/log/1", "/tasks/{id}/log/{line}");
}
END_TEST

START_TEST(head_comes_with_get)
{
    expect("HEAD", "/tasks", "/tasks");
    ck_assert_int_eq(find("HEAD", "/nope"), -ENOENT);
    ck_assert_int_eq(add("POST", "/only"), 0);
    ck_assert_int_eq(find("HEAD", "/only"), -EPERM);
}
END_TEST

START_TEST(unknown_paths_are_not_found)
{
    static const char *const paths[] = {"/nope",  "/tasks/", "//", "/tasks//", "/tasks/7/",       "/tasks/7/log",
                                        "/Tasks", "*",       "",   "tasks",    "/tasks/7/log/9/x"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_msg(find("GET", paths[i]) == -ENOENT, "%s", paths[i]);
}
END_TEST

START_TEST(a_wrong_method_learns_all_right_ones)
{
    ck_assert_int_eq(find("PUT", "/tasks"), -EPERM);
    ck_assert_str_eq(match.allow, "GET, HEAD");
    ck_assert_int_eq(find("PUT", "/tasks/7"), -EPERM);
    ck_assert_str_eq(match.allow, "GET, HEAD, DELETE");
    ck_assert_int_eq(find("PUT", "/tasks/reset"), -EPERM);
    ck_assert_str_eq(match.allow, "GET, HEAD, POST, DELETE");
    ck_assert_int_eq(find("get", "/tasks"), -EPERM);
}
END_TEST

START_TEST(segments_are_compared_and_given_decoded)
{
    expect("GET", "/%74asks", "/tasks");
    expect("GET", "/tasks/a%2Fb%20c+d", "/tasks/{id}");
    ck_assert_str_eq(match.values.list[0].value, "a/b c+d");
}
END_TEST

START_TEST(broken_escapes_and_nul_are_invalid)
{
    ck_assert_int_eq(find("GET", "/tasks/%"), -EINVAL);
    ck_assert_int_eq(find("GET", "/tasks/%zz"), -EINVAL);
    ck_assert_int_eq(find("GET", "/tasks/%00"), -EINVAL);
    ck_assert_int_eq(find("GET", "/%7"), -EINVAL);
}
END_TEST

START_TEST(the_same_method_and_shape_is_refused)
{
    ck_assert_int_eq(add("GET", "/tasks"), -EEXIST);
    ck_assert_int_eq(add("GET", "/tasks/{other}"), -EEXIST);
    ck_assert_int_eq(add("PUT", "/tasks/{other}"), 0);
    expect("GET", "/tasks/7", "/tasks/{id}");
}
END_TEST

START_TEST(malformed_routes_are_refused_with_a_reason)
{
    static const char *const paths[] = {NULL,    "",      "x",       "/a?b", "/{",   "/{}",      "/{a",   "/a}",
                                        "/x{a}", "/{a}x", "/{a}{b}", "/%41", "/a b", "/{a}/{a}", "/{{a}}"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        why = NULL;
        ck_assert_msg(add("GET", paths[i]) == -EINVAL, "%s", paths[i] ? paths[i] : "NULL");
        ck_assert_ptr_nonnull(why);
    }
    ck_assert_int_eq(add("FETCH", "/x"), -EINVAL);
    ck_assert_int_eq(add("get", "/x"), -EINVAL);
    ck_assert_int_eq(add(NULL, "/x"), -EINVAL);
    ck_assert_int_eq(tdm__router_add(&router, &(tdm_route){.method = "GET", .path = "/x"}, &why), -EINVAL);
}
END_TEST

START_TEST(a_path_parameter_must_be_in_the_path)
{
    static const tdm_param params[] = {{.name = "id", .in = TDM_PATH, .type = TDM_INT}, {0}};
    tdm_route route = {.method = "GET", .path = "/x/{it}", .run = run, .params = params};
    ck_assert_int_eq(tdm__router_add(&router, &route, &why), -EINVAL);
    route.path = "/x/{id}";
    ck_assert_int_eq(tdm__router_add(&router, &route, &why), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("router");
    TCase *tc = tcase_create("router");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, paths_lead_to_their_routes);
    tcase_add_test(tc, each_method_names_its_own_parameters);
    tcase_add_test(tc, a_literal_segment_wins_over_a_parameter);
    tcase_add_test(tc, a_literal_without_the_method_does_not_hide_the_parameter);
    tcase_add_test(tc, head_comes_with_get);
    tcase_add_test(tc, unknown_paths_are_not_found);
    tcase_add_test(tc, a_wrong_method_learns_all_right_ones);
    tcase_add_test(tc, segments_are_compared_and_given_decoded);
    tcase_add_test(tc, broken_escapes_and_nul_are_invalid);
    tcase_add_test(tc, the_same_method_and_shape_is_refused);
    tcase_add_test(tc, malformed_routes_are_refused_with_a_reason);
    tcase_add_test(tc, a_path_parameter_must_be_in_the_path);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
