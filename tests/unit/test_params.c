/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "server/params.h"

static const char *const lanes[] = {"loop", "pool", NULL};
static const char *const sizes[] = {"s", "m", "l", NULL};

struct params {
    int64_t count, id, big;
    double period;
    const char *name;
    int lane, size;
    bool has_name;
};

#define FIELD(name) offsetof(struct params, name)

static const tdm_param table[] = {
    {.name = "count", .type = TDM_INT, .offset = FIELD(count), .fallback = "3", .range = TDM_RANGE(0, 1000)},
    {.name = "period", .type = TDM_FLOAT, .offset = FIELD(period), .fallback = "0.5", .range = TDM_RANGE(0, 3600)},
    {.name = "lane", .type = TDM_ENUM, .offset = FIELD(lane), .fallback = "loop", .choices = lanes},
    {.name = "size", .type = TDM_ENUM, .offset = FIELD(size), .optional = true, .choices = sizes},
    {.name = "name", .type = TDM_STRING, .offset = FIELD(name), .optional = true, .given = FIELD(has_name)},
    {.name = "big", .type = TDM_INT, .offset = FIELD(big), .optional = true},
    {.name = "id", .in = TDM_PATH, .type = TDM_INT, .offset = FIELD(id)},
    {0},
};

static tdm__arena arena;
static char room[4096];
static tdm_json_writer problems;
static struct params params;

static void set_up(void)
{
    tdm__arena_init(&arena, room, sizeof room);
    tdm_json_init(&problems);
    memset(&params, 0, sizeof params);
}

static void tear_down(void)
{
    tdm_json_finish(&problems);
    tdm__arena_finish(&arena);
}

static int fill(const char *id, const char *query)
{
    tdm__pair pair = {"id", id};
    tdm__pairs path = {&pair, id ? 1 : 0}, pairs;
    ck_assert_int_eq(tdm__query_parse(&arena, query, &pairs), 0);
    return tdm__params_fill(table, &params, &path, &pairs, &problems);
}

static void expect(const char *id, const char *query, const char *entries)
{
    ck_assert_int_eq(fill(id, query), -EBADMSG);
    char whole[2048];
    snprintf(whole, sizeof whole, "{\"detail\":[%s]}", entries);
    ck_assert_str_eq(tdm_json_text(&problems, NULL), whole);
}

START_TEST(missing_ones_get_their_defaults)
{
    ck_assert_int_eq(fill("7", ""), 0);
    ck_assert_int_eq(params.count, 3);
    ck_assert_double_eq(params.period, 0.5);
    ck_assert_int_eq(params.lane, 0);
    ck_assert_int_eq(params.id, 7);
    ck_assert_ptr_null(params.name);
    ck_assert(!params.has_name);
}
END_TEST

START_TEST(given_values_are_typed_and_marked)
{
    ck_assert_int_eq(fill("7", "count=0&period=1e1&lane=pool&size=l&name=&unknown=x"), 0);
    ck_assert_int_eq(params.count, 0);
    ck_assert_double_eq(params.period, 10);
    ck_assert_int_eq(params.lane, 1);
    ck_assert_int_eq(params.size, 2);
    ck_assert_str_eq(params.name, "");
    ck_assert(params.has_name);
}
END_TEST

START_TEST(text_that_is_no_integer_is_int_parsing)
{
    expect("7", "count=abc",
           "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be a valid integer, unable "
           "to parse string as an integer\",\"input\":\"abc\"}");
}
END_TEST

START_TEST(an_empty_number_is_wrong)
{
    expect(
        "7", "period=",
        "{\"type\":\"float_parsing\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be a valid number, unable "
        "to parse string as a number\",\"input\":\"\"}");
}
END_TEST

START_TEST(nan_is_not_a_finite_number)
{
    expect("7", "period=nan",
           "{\"type\":\"finite_number\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be a finite number\","
           "\"input\":\"nan\"}");
}
END_TEST

START_TEST(limits_are_told_with_their_context)
{
    expect(
        "7", "count=1001&period=-1",
        "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be less than or equal to "
        "1000\",\"input\":\"1001\",\"ctx\":{\"le\":1000}},"
        "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be greater than or "
        "equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}");
}
END_TEST

START_TEST(an_integer_beyond_64_bits_is_above_its_limit_or_too_large)
{
    expect(
        "7", "count=99999999999999999999&big=99999999999999999999",
        "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be less than or equal to "
        "1000\",\"input\":\"99999999999999999999\",\"ctx\":{\"le\":1000}},"
        "{\"type\":\"int_parsing_size\",\"loc\":[\"query\",\"big\"],\"msg\":\"Unable to parse input string as an "
        "integer, exceeded maximum size\",\"input\":\"99999999999999999999\"}");
}
END_TEST

START_TEST(an_unknown_choice_lists_the_known_ones)
{
    expect("7", "lane=moon&size=",
           "{\"type\":\"enum\",\"loc\":[\"query\",\"lane\"],\"msg\":\"Input should be 'loop' or 'pool'\",\"input\":"
           "\"moon\",\"ctx\":{\"expected\":\"'loop' or 'pool'\"}},"
           "{\"type\":\"enum\",\"loc\":[\"query\",\"size\"],\"msg\":\"Input should be 's', 'm' or 'l'\",\"input\":"
           "\"\",\"ctx\":{\"expected\":\"'s', 'm' or 'l'\"}}");
}
END_TEST

START_TEST(a_parameter_given_twice_is_a_list)
{
    expect("7", "count=1&period=1&count=2&name=a&name=b&period=3&count=4",
           "{\"type\":\"int_type\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be a valid integer\",\"input\":"
           "[\"1\",\"2\",\"4\"]},"
           "{\"type\":\"float_type\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be a valid number\","
           "\"input\":[\"1\",\"3\"]},"
           "{\"type\":\"string_type\",\"loc\":[\"query\",\"name\"],\"msg\":\"Input should be a valid string\","
           "\"input\":[\"a\",\"b\"]}");
}
END_TEST

START_TEST(a_required_one_is_missing_and_the_path_comes_first)
{
    expect(
        NULL, "count=x",
        "{\"type\":\"missing\",\"loc\":[\"path\",\"id\"],\"msg\":\"Field required\",\"input\":null},"
        "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be a valid integer, unable to "
        "parse string as an integer\",\"input\":\"x\"}");
}
END_TEST

START_TEST(a_broken_table_is_refused_with_a_reason)
{
    static const char *const none[] = {NULL};
    const tdm_param broken[][3] = {
        {{.name = "a", .type = TDM_INT, .offset = sizeof params - 4}},
        {{.name = "a", .type = TDM_INT, .fallback = "x"}},
        {{.name = "a", .type = TDM_INT, .fallback = "5", .range = TDM_RANGE(0, 4)}},
        {{.name = "a", .type = TDM_INT, .range = TDM_RANGE(1, 0)}},
        {{.name = "a", .type = TDM_ENUM}},
        {{.name = "a", .type = TDM_ENUM, .choices = none}},
        {{.name = "a", .type = TDM_INT, .given = sizeof params}},
        {{.name = "a", .type = TDM_INT}, {.name = "a", .type = TDM_INT}},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        const char *why;
        ck_assert_msg(tdm__params_check(broken[i], sizeof params, &why) == -EINVAL, "table %zu", i);
        ck_assert_ptr_nonnull(why);
    }
    const char *why;
    ck_assert_int_eq(tdm__params_check(table, sizeof params, &why), 0);
}
END_TEST

static tdm__pairs parse(const char *query, int expected)
{
    tdm__pairs pairs;
    ck_assert_msg(tdm__query_parse(&arena, query, &pairs) == expected, "'%s'", query);
    return pairs;
}

START_TEST(queries_are_decoded)
{
    tdm__pairs pairs = parse("a=1&&b%20c=%41+%2b&d&e=f=g&=h", 0);
    ck_assert_uint_eq(pairs.count, 5);
    ck_assert_str_eq(pairs.list[1].name, "b c");
    ck_assert_str_eq(pairs.list[1].value, "A +");
    ck_assert_str_eq(pairs.list[2].name, "d");
    ck_assert_str_eq(pairs.list[2].value, "");
    ck_assert_str_eq(pairs.list[3].value, "f=g");
    ck_assert_str_eq(pairs.list[4].name, "");
    ck_assert_uint_eq(parse("", 0).count, 0);
    ck_assert_uint_eq(parse("&&&", 0).count, 0);
}
END_TEST

START_TEST(broken_escapes_and_nul_refuse_the_query)
{
    static const char *const broken[] = {"a=%", "a=%4", "a=%4g", "a=%g4", "%=1", "a=1&b=%zz", "a=%00", "%00=1"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        parse(broken[i], -EINVAL);
    char many[2 * TDM__MAX_PAIRS + 3];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 2 ? '&' : 'a';
    many[sizeof many - 1] = '\0';
    parse(many, -E2BIG);
    many[2 * TDM__MAX_PAIRS - 1] = '\0';
    ck_assert_uint_eq(parse(many, 0).count, TDM__MAX_PAIRS);
}
END_TEST

START_TEST(an_arena_outgrows_its_first_block)
{
    tdm__arena small;
    char first[64];
    tdm__arena_init(&small, first, sizeof first);
    char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 37 % 3000;
        pieces[i] = tdm__arena_alloc(&small, size);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t) pieces[i] % 16, 0);
        memset(pieces[i], (int) i, size);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < i * 37 % 3000; j++)
            ck_assert_int_eq((unsigned char) pieces[i][j], (int) i);
    }
    ck_assert_str_eq(tdm__arena_copy(&small, "abcdef", 3), "abc");
    tdm__arena_finish(&small);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("params");
    TCase *tc = tcase_create("params");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, missing_ones_get_their_defaults);
    tcase_add_test(tc, given_values_are_typed_and_marked);
    tcase_add_test(tc, text_that_is_no_integer_is_int_parsing);
    tcase_add_test(tc, an_empty_number_is_wrong);
    tcase_add_test(tc, nan_is_not_a_finite_number);
    tcase_add_test(tc, limits_are_told_with_their_context);
    tcase_add_test(tc, an_integer_beyond_64_bits_is_above_its_limit_or_too_large);
    tcase_add_test(tc, an_unknown_choice_lists_the_known_ones);
    tcase_add_test(tc, a_parameter_given_twice_is_a_list);
    tcase_add_test(tc, a_required_one_is_missing_and_the_path_comes_first);
    tcase_add_test(tc, a_broken_table_is_refused_with_a_reason);
    tcase_add_test(tc, queries_are_decoded);
    tcase_add_test(tc, broken_escapes_and_nul_refuse_the_query);
    tcase_add_test(tc, an_arena_outgrows_its_first_block);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
