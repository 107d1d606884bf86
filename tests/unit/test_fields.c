/* SPDX-License-Identifier: MIT */
/* Parameters in header fields and cookies, which come as they are. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/schema/params.h"
#include "tests/unit/unit.h"

struct fields {
    const char *agent, *session;
    tdm_list tags;
};

static const tdm_param table[] = {
    {.name = "User-Agent",
     .in = TDM_HEADER,
     .type = TDM_STRING,
     .offset = offsetof(struct fields, agent),
     .fallback = "none"},
    {.name = "session",
     .in = TDM_COOKIE,
     .type = TDM_STRING,
     .offset = offsetof(struct fields, session),
     .optional = true,
     .pattern = "^(\\p{L}|[s=1])+$"},
    {.name = "X-Tag",
     .in = TDM_HEADER,
     .type = TDM_STRING,
     .offset = offsetof(struct fields, tags),
     .list = true,
     .optional = true},
    {0},
};

static tdm__arena arena;
static char room[4096];
static tdm__problems problems;
static tdm__plans plans;
static const tdm__plan *plan;
static struct fields values;

static void begin(void)
{
    tdm__why why;
    tdm__arena_init(&arena, room, sizeof room);
    ck_assert_int_eq(tdm__plans_params(&plans, table, sizeof values, &plan, &why), 0);
}

static void end(void)
{
    tdm__problems_finish(&problems);
    tdm__plans_finish(&plans);
    tdm__arena_finish(&arena);
}

/* @return how many problems there are. */
static unsigned fill(const tdm__sources *sources)
{
    tdm__problems_finish(&problems);
    problems = (tdm__problems){0};
    ck_assert_int_eq(tdm__params_fill(plan, &values, sources, &arena, &problems), 0);
    return problems.count;
}

START_TEST(headers_and_cookies_are_parameters_too)
{
    tdm__pair headers[] = {{"user-agent", "curl", 10, 4}, {"x-tag", "a", 5, 1}, {"X-TAG", "b", 5, 1}};
    tdm__sources sources = {.from[TDM_HEADER] = {headers, 3}};
    begin();
    ck_assert_int_eq(tdm__cookies_parse(&arena, "a=1; session = \"s=1\" ;b", &sources.from[TDM_COOKIE]), 0);
    ck_assert_uint_eq(sources.from[TDM_COOKIE].count, 3);
    ck_assert_uint_eq(fill(&sources), 0);
    ck_assert_str_eq(values.agent, "curl");
    ck_assert_str_eq(values.session, "s=1");
    ck_assert_uint_eq(values.tags.count, 2);
    ck_assert_str_eq(((const char **) values.tags.items)[1], "b");
    ck_assert_uint_eq(fill(&(tdm__sources){0}), 0);
    ck_assert_str_eq(values.agent, "none");
    ck_assert_ptr_null(values.session);
    end();
}
END_TEST

static void expect_not_utf8(const char *place)
{
    char entry[256];
    snprintf(
        entry, sizeof entry,
        "{\"type\":\"string_unicode\",\"loc\":[%s],\"msg\":\"Input should be a valid string, unable to parse raw data "
        "as a unicode string\",\"input\":\"",
        place);
    const char *answer = tdm_json_text(&problems.w, NULL);
    ck_assert_ptr_nonnull(answer);
    ck_assert_msg(strstr(answer, entry) != NULL, "%s", answer);
}

START_TEST(what_comes_as_it_is_must_be_utf8)
{
    static const char *const wrong[] = {
        "\xfd\xbf\xbf\xbf\xbf\xbf", "\xfd", "\xc3", "a\xff", "\xc0\xaf", "\xed\xa0\x80"};
    begin();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *text = strdup(wrong[i]); /* a block of its own size: a sanitizer sees who reads on */
        ck_assert_ptr_nonnull(text);
        size_t size = strlen(text);
        tdm__pair headers[] = {{"user-agent", text, 10, size}, {"x-tag", "\u00e9", 5, 2}, {"x-tag", text, 5, size}};
        tdm__pair cookie = {"session", text, 7, size};
        tdm__sources sources = {.from[TDM_HEADER] = {headers, 3}, .from[TDM_COOKIE] = {&cookie, 1}};
        ck_assert_uint_eq(fill(&sources), 3);
        ck_assert_int_eq(tdm__problems_end(&problems), 0);
        expect_not_utf8("\"header\",\"User-Agent\"");
        expect_not_utf8("\"header\",\"X-Tag\",1");
        expect_not_utf8("\"cookie\",\"session\"");
        free(text);
    }
    tdm__pair cookie = {"session", "\u00e9", 7, 2};
    ck_assert_uint_eq(fill(&(tdm__sources){.from[TDM_COOKIE] = {&cookie, 1}}), 0);
    ck_assert_str_eq(values.session, "\u00e9");
    end();
}
END_TEST

int main(void)
{
    return unit_main("fields", (const TTest *const[]){headers_and_cookies_are_parameters_too,
                                                      what_comes_as_it_is_must_be_utf8, NULL});
}
