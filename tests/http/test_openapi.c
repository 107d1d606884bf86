/* SPDX-License-Identifier: MIT */
/* The document that is made of an app's routes: what is in it is what the routes do. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tests/http/http.h"

static tdm_testclient *t;
static tdm_app *app;

static void create(void)
{
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
}

static void start(void)
{
    ck_assert_int_eq(tdm_testclient_start(&t, app), 0);
}

static void end(void)
{
    ck_assert_int_eq(tdm_testclient_stop(&t), 0);
}

static const char *document(void)
{
    const tdm_testreply *reply = tdm_testclient_get(t, "/openapi.json");
    ck_assert_int_eq(reply->status, 200);
    ck_assert_ptr_nonnull(tdm_testclient_json(t, reply));
    return reply->body;
}

static int answer(tdm_request *req)
{
    return tdm_reply_empty(req, 204);
}

/* ---- limits ---- */

struct limits {
    double least, most, any, step;
};

#define FIELD(name) offsetof(struct limits, name)

static const tdm_param limits[] = {
    {.name = "least", .type = TDM_FLOAT, .offset = FIELD(least), .optional = true, .range = TDM_RANGE(1, INFINITY)},
    {.name = "most", .type = TDM_FLOAT, .offset = FIELD(most), .optional = true, .range = TDM_BETWEEN(-INFINITY, 2)},
    {.name = "any", .type = TDM_FLOAT, .offset = FIELD(any), .optional = true, .range = TDM_RANGE(-INFINITY, INFINITY)},
    {.name = "step",
     .type = TDM_FLOAT,
     .offset = FIELD(step),
     .optional = true,
     .range = TDM_RANGE(0, 3),
     .multiple_of = 0.5},
    {0},
};

static int status_of(const char *target)
{
    return tdm_testclient_get(t, target)->status;
}

START_TEST(a_limit_is_told_where_there_is_one)
{
    create();
    ck_assert_int_eq(tdm_app_route(app, &(tdm_route){.method = "GET",
                                                     .path = "/",
                                                     .run = answer,
                                                     .params = limits,
                                                     .params_size = sizeof(struct limits)}),
                     0);
    start();
    const char *text = document();
    static const char *const told[] = {
        "\"name\":\"least\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"number\",\"format\":\"double\","
        "\"minimum\":1}",
        "\"name\":\"most\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"number\",\"format\":\"double\","
        "\"exclusiveMaximum\":2}",
        "\"name\":\"any\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"number\",\"format\":\"double\"}",
        "\"schema\":{\"type\":\"number\",\"format\":\"double\",\"minimum\":0,\"maximum\":3,\"multipleOf\":0.5}",
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
        ck_assert_msg(strstr(text, told[i]) != NULL, "no %s in %s", told[i], text);
    ck_assert_ptr_null(strstr(text, "Infinity"));
    ck_assert_int_eq(status_of("/?least=1e300&most=-1e300&any=-5&step=2.5"), 204);
    ck_assert_int_eq(status_of("/?least=0.5"), 422);
    ck_assert_int_eq(status_of("/?most=2"), 422);
    ck_assert_int_eq(status_of("/?step=0.7"), 422);
    end();
}
END_TEST

/* ---- a table that is wrong ---- */

struct part {
    const char *text;
};
struct whole {
    struct part part;
    int64_t n;
    const char *code;
};

static const tdm_field part_fields[] = {
    {.name = "text", .type = TDM_STRING, .offset = offsetof(struct part, text)},
    {0},
};
static const tdm_schema part = {.name = "Part", .fields = part_fields, .size = sizeof(struct part)};
static const tdm_field wrong_fields[] = {
    {.name = "part", .type = TDM_OBJECT, .offset = offsetof(struct whole, part), .object = &part},
    {.name = "n", .type = TDM_INT, .offset = offsetof(struct whole, n)},
    {.name = "code", .type = TDM_STRING, .offset = offsetof(struct whole, code), .pattern = "a("},
    {0},
};
static const tdm_schema wrong = {.name = "Whole", .fields = wrong_fields, .size = sizeof(struct whole)};
static const tdm_field right_fields[] = {
    {.name = "n", .type = TDM_INT, .offset = offsetof(struct whole, n)},
    {0},
};
static const tdm_schema right = {.name = "Whole", .fields = right_fields, .size = sizeof(struct whole)};

START_TEST(a_table_that_was_refused_is_refused_again_and_leaves_nothing)
{
    create();
    for (int i = 0; i < 2; i++) {
        tdm_route route = {.method = "POST", .path = i ? "/b" : "/a", .run = answer, .body = &wrong};
        ck_assert_int_eq(tdm_app_route(app, &route), -EINVAL);
    }
    /* Its name and what it needed can be had by others. */
    ck_assert_int_eq(tdm_app_route(app, &(tdm_route){.method = "POST", .path = "/c", .run = answer, .body = &right}),
                     0);
    start();
    const char *text = document();
    ck_assert_ptr_nonnull(strstr(text, "\"Whole\":{"));
    ck_assert_ptr_null(strstr(text, "\"Part\""));
    ck_assert_int_eq(tdm_testclient_post(t, "/c", "application/json", "{}")->status, 422);
    ck_assert_int_eq(tdm_testclient_post(t, "/c", "application/json", "{\"n\":1}")->status, 204);
    end();
}
END_TEST

/* ---- where they are, and what they say ---- */

static int status_at(const char *docs, const char *more)
{
    char target[64];
    snprintf(target, sizeof target, "%s%s", docs, more);
    return status_of(target);
}

START_TEST(the_page_may_be_anywhere_and_its_words_need_not_be_kept)
{
    static const char *const places[] = {"/", "/docs", "/a/docs/", "/a/b"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char title[16] = "A title", about[16] = "What it is", docs[16], openapi[16] = "/api.json";
        snprintf(docs, sizeof docs, "%s", places[i]);
        const tdm_app_options options = {
            .transport = http_transport(), .title = title, .description = about, .docs = docs, .openapi = openapi};
        ck_assert_int_eq(tdm_app_create(&app, &options), 0);
        memset(title, 'x', sizeof title - 1);
        memset(about, 'x', sizeof about - 1);
        memset(docs, 'x', sizeof docs - 1);
        memset(openapi, 'x', sizeof openapi - 1);
        start();
        const tdm_testreply *reply = tdm_testclient_get(t, places[i]);
        ck_assert_int_eq(reply->status, 200);
        ck_assert_ptr_nonnull(strstr(reply->body, "<title>A title"));
        reply = tdm_testclient_get(t, "/api.json");
        ck_assert_ptr_nonnull(strstr(reply->body, "\"description\":\"What it is\""));
        size_t size = strlen(places[i]);
        const char *slash = places[i][size - 1] == '/' ? "" : "/";
        char script[32], style[32];
        snprintf(script, sizeof script, "%spage.js", slash);
        snprintf(style, sizeof style, "%spage.css", slash);
        ck_assert_int_eq(status_at(places[i], script), 200);
        ck_assert_int_eq(status_at(places[i], style), 200);
        end();
    }
}
END_TEST

START_TEST(a_page_that_can_be_nowhere_keeps_the_app_from_starting)
{
    for (int i = 0; i < 2; i++) {
        const tdm_app_options options = {.docs = i ? "docs" : "/a//b"};
        ck_assert_int_eq(tdm_app_create(&app, &options), 0);
        for (int tries = 0; tries < 2; tries++)
            ck_assert_int_eq(tdm_app_start(app), -EINVAL);
        ck_assert_int_eq(tdm_app_destroy(&app), 0);
    }
}
END_TEST

int main(void)
{
    return http_main("openapi", (const TTest *const[]){a_limit_is_told_where_there_is_one,
                                                       a_table_that_was_refused_is_refused_again_and_leaves_nothing,
                                                       the_page_may_be_anywhere_and_its_words_need_not_be_kept,
                                                       a_page_that_can_be_nowhere_keeps_the_app_from_starting, NULL});
}
