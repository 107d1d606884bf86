/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "server/route/router.h"

static tdm__router router;
static tdm__arena arena;
static char room[4096];
static tdm__match match;
static tdm__why why;

static int run(tdm_request *req)
{
    (void) req;
    return 0;
}

static int add_route(const tdm_route *route)
{
    tdm__endpoint *endpoint = NULL;
    int err = tdm__endpoint_create(&endpoint, route, "", &why);
    if (err)
        return err;
    err = tdm__router_add(&router, endpoint, &why);
    if (err)
        free(endpoint);
    return err;
}

static int add(const char *method, const char *path)
{
    return add_route(&(tdm_route){.method = method, .path = path, .run = run, .name = path});
}

static int find(const char *method, const char *path)
{
    return tdm__router_find(&router, &arena, method, path, strlen(path), &match);
}

static void expect(const char *method, const char *path, const char *route)
{
    ck_assert_msg(find(method, path) == 0, "%s %s", method, path);
    ck_assert_str_eq(match.endpoint->route.path, route);
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
    ck_assert_str_eq(match.allow, "GET, HEAD, OPTIONS");
    ck_assert_int_eq(find("PUT", "/tasks/7"), -EPERM);
    ck_assert_str_eq(match.allow, "GET, HEAD, DELETE, OPTIONS");
    ck_assert_int_eq(find("PUT", "/tasks/reset"), -EPERM);
    ck_assert_str_eq(match.allow, "GET, HEAD, POST, DELETE, OPTIONS");
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
    /* Also where no route would look: a broken path is no path. */
    static const char *const paths[] = {"/nope/%zz",  "/tasks/%c0%ae", "/tasks/%ff",  "/tasks/a%0d%0ab", "/tasks/%7f",
                                        "/.",         "/..",           "/tasks/../x", "/tasks/%2e%2e",   "/tasks/%2E/x",
                                        "/tasks/.%2e"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        ck_assert_msg(find("GET", paths[i]) == -EINVAL, "%s", paths[i]);
    expect("GET", "/tasks/...", "/tasks/{id}");
    expect("GET", "/tasks/%252e%252e", "/tasks/{id}"); /* undone once, and once only */
    ck_assert_str_eq(match.values.list[0].value, "%2e%2e");
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

START_TEST(a_conflict_names_the_other_route)
{
    ck_assert_int_eq(add("GET", "/tasks/{other}"), -EEXIST);
    ck_assert_str_eq(why.text, "GET /tasks/{id} takes the same paths");
    ck_assert_int_eq(add("GET", "/files/{a:path}"), 0);
    ck_assert_int_eq(add("GET", "/files/{b:path}"), -EEXIST);
    ck_assert_str_eq(why.text, "GET /files/{a:path} takes the same paths");
}
END_TEST

START_TEST(typed_parameters_take_only_their_kind_and_win_over_wider_ones)
{
    ck_assert_int_eq(add("GET", "/n/{any}"), 0);
    ck_assert_int_eq(add("GET", "/n/{x:float}"), 0);
    ck_assert_int_eq(add("GET", "/n/{i:int}"), 0);
    ck_assert_int_eq(add("GET", "/n/zero"), 0);
    ck_assert_int_eq(add("GET", "/n/{rest:path}"), 0);
    ck_assert_int_eq(add("GET", "/only/{i:int}"), 0);
    static const char *const cases[][2] = {
        {"/n/zero", "/n/zero"},       {"/n/0", "/n/{i:int}"},   {"/n/-12", "/n/{i:int}"},  {"/n/1.5", "/n/{x:float}"},
        {"/n/-0.25", "/n/{x:float}"}, {"/n/1.", "/n/{any}"},    {"/n/.5", "/n/{any}"},     {"/n/-", "/n/{any}"},
        {"/n/1e3", "/n/{any}"},       {"/n/%31", "/n/{i:int}"}, {"/n/", "/n/{rest:path}"}, {"/n/a/b", "/n/{rest:path}"},
        {"/n/1/", "/n/{rest:path}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect("GET", cases[i][0], cases[i][1]);
    expect("GET", "/only/7", "/only/{i:int}");
    ck_assert_int_eq(find("GET", "/only/x"), -ENOENT);
    ck_assert_int_eq(find("GET", "/only/7x"), -ENOENT);
    ck_assert_int_eq(find("GET", "/n"), -ENOENT);
}
END_TEST

START_TEST(the_rest_of_a_path_is_given_decoded_and_an_encoded_slash_in_it_is_refused)
{
    ck_assert_int_eq(add("GET", "/files/{rest:path}"), 0);
    expect("GET", "/files/", "/files/{rest:path}");
    ck_assert_str_eq(match.values.list[0].value, "");
    expect("GET", "/files/a/b%20c//d/", "/files/{rest:path}");
    ck_assert_str_eq(match.values.list[0].value, "a/b c//d/");
    ck_assert_uint_eq(match.values.list[0].value_size, strlen("a/b c//d/"));
    ck_assert_int_eq(find("GET", "/files/a%2fb"), -EINVAL);
    ck_assert_int_eq(find("GET", "/files/..%2fb"), -EINVAL);
    ck_assert_int_eq(find("GET", "/files/a/%2e%2e/b"), -EINVAL);
}
END_TEST

START_TEST(many_siblings_and_long_paths_are_found)
{
    char path[64];
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "/many/%d/x", i * 7919 % 1000);
        ck_assert_int_eq(add("GET", path), 0);
    }
    for (int i = 0; i < 500; i++) {
        snprintf(path, sizeof path, "/many/%d/x", i * 7919 % 1000);
        expect("GET", path, path);
    }
    ck_assert_int_eq(add("GET", "/all/{rest:path}"), 0);
    char deep[4000] = "/all";
    size_t at = strlen(deep);
    for (int i = 0; i < 1500; i++, at += 2)
        memcpy(deep + at, "/a", 3);
    expect("GET", deep, "/all/{rest:path}");
    ck_assert_str_eq(match.values.list[0].value, deep + strlen("/all/"));
}
END_TEST

START_TEST(a_prefix_stands_before_the_path)
{
    tdm__endpoint *endpoint;
    tdm_route route = {.method = "GET", .path = "/{id:int}", .run = run};
    ck_assert_int_eq(tdm__endpoint_create(&endpoint, &route, "/api/{version}", &why), 0);
    ck_assert_int_eq(tdm__router_add(&router, endpoint, &why), 0);
    expect("GET", "/api/v1/5", "/api/{version}/{id:int}");
    ck_assert_str_eq(match.values.list[0].name, "version");
    ck_assert_str_eq(match.values.list[0].value, "v1");
    ck_assert_str_eq(match.values.list[1].value, "5");
}
END_TEST

START_TEST(malformed_routes_are_refused_with_a_reason)
{
    static const char *const paths[] = {NULL,     "",      "x",       "/a?b",      "/{",          "/{}",   "/{a",
                                        "/a}",    "/x{a}", "/{a}x",   "/{a}{b}",   "/%41",        "/a b",  "/{a}/{a}",
                                        "/{{a}}", "/{a:}", "/{:int}", "/{a:date}", "/{a:path}/b", "/a//b", "/./a",
                                        "/a/..",  "/a\\b", "/a\"b",   "/a\nb"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        why.text[0] = '\0';
        ck_assert_msg(add("GET", paths[i]) == -EINVAL, "%s", paths[i] ? paths[i] : "NULL");
        ck_assert_msg(why.text[0], "%s: no reason", paths[i] ? paths[i] : "NULL");
    }
    ck_assert_int_eq(add("FETCH", "/x"), -EINVAL);
    ck_assert_int_eq(add("get", "/x"), -EINVAL);
    ck_assert_int_eq(add(NULL, "/x"), -EINVAL);
    ck_assert_int_eq(add_route(&(tdm_route){.method = "GET", .path = "/x"}), -EINVAL);
}
END_TEST

START_TEST(a_path_parameter_must_be_in_the_path)
{
    static const tdm_param params[] = {{.name = "id", .in = TDM_PATH, .type = TDM_INT}, {0}};
    tdm_route route = {.method = "GET", .path = "/x/{it}", .run = run, .params = params};
    ck_assert_int_eq(add_route(&route), -EINVAL);
    route.path = "/x/{id}";
    ck_assert_int_eq(add_route(&route), 0);
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
    tcase_add_test(tc, a_conflict_names_the_other_route);
    tcase_add_test(tc, typed_parameters_take_only_their_kind_and_win_over_wider_ones);
    tcase_add_test(tc, the_rest_of_a_path_is_given_decoded_and_an_encoded_slash_in_it_is_refused);
    tcase_add_test(tc, many_siblings_and_long_paths_are_found);
    tcase_add_test(tc, a_prefix_stands_before_the_path);
    tcase_add_test(tc, malformed_routes_are_refused_with_a_reason);
    tcase_add_test(tc, a_path_parameter_must_be_in_the_path);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
