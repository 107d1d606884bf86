/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "server/schema/params.h"

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
static tdm__problems problems;
static tdm__plans plans;
static tdm__why why;
static struct params params;

static void set_up(void)
{
    tdm__arena_init(&arena, room, sizeof room);
    problems = (tdm__problems){0};
    memset(&params, 0, sizeof params);
}

static void tear_down(void)
{
    tdm__problems_finish(&problems);
    tdm__plans_finish(&plans);
    tdm__arena_finish(&arena);
}

static unsigned fill_by(const tdm_field *fields, void *into, size_t size, tdm__sources *sources, const char *query)
{
    const tdm__plan *plan;
    int err = tdm__plans_params(&plans, fields, size, &plan, &why);
    ck_assert_msg(err == 0, "%s", why.text);
    ck_assert_int_eq(tdm__query_parse(&arena, query, strlen(query), &sources->from[TDM_QUERY]), 0);
    ck_assert_int_eq(tdm__params_fill(plan, into, sources, &arena, &problems), 0);
    return problems.count;
}

static unsigned fill(const char *id, const char *query)
{
    tdm__pair pair = {"id", id, 2, id ? strlen(id) : 0};
    tdm__sources sources = {.from[TDM_PATH] = {&pair, id ? 1 : 0}};
    return fill_by(table, &params, sizeof params, &sources, query);
}

static void expect_problems(const char *entries)
{
    char whole[4096];
    ck_assert_uint_gt(problems.count, 0);
    ck_assert_int_eq(tdm__problems_end(&problems), 0);
    snprintf(whole, sizeof whole, "{\"detail\":[%s]}", entries);
    ck_assert_str_eq(tdm_json_text(&problems.w, NULL), whole);
}

static void expect(const char *id, const char *query, const char *entries)
{
    fill(id, query);
    expect_problems(entries);
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
    const struct {
        tdm_param table[3];
        const char *why;
    } broken[] = {
        {{{.name = "a", .type = TDM_INT, .offset = sizeof params - 4}}, "the field of `a` lies outside the struct"},
        {{{.name = "a", .type = TDM_INT, .fallback = "x"}}, "the default of `a`, 'x', is not a value of it"},
        {{{.name = "a", .type = TDM_INT, .fallback = "5", .range = TDM_RANGE(0, 4)}},
         "the default of `a`, '5', is not a value of it"},
        {{{.name = "a", .type = TDM_INT, .range = TDM_RANGE(1, 0)}}, "the range of `a` is empty"},
        {{{.name = "a", .type = TDM_ENUM}}, "`a` is an enum without choices"},
        {{{.name = "a", .type = TDM_ENUM, .choices = none}}, "`a` is an enum without choices"},
        {{{.name = "a", .type = TDM_INT, .given = sizeof params}}, "`given` of `a` lies outside the struct"},
        {{{.name = "a", .type = TDM_INT}, {.name = "a", .type = TDM_INT}}, "`a` is there twice"},
        {{{.name = "a", .type = TDM_OBJECT}}, "`a` is a parameter: objects and JSON are for bodies"},
        {{{.name = "a", .in = (tdm_param_in) 9}}, "`a` is in none of query, path, header and cookie"},
        {{{.name = "a", .in = TDM_PATH, .optional = true}},
         "`a` is part of the path: it is always there, and has no default"},
        {{{.name = "a", .in = TDM_PATH, .list = true}}, "`a` is a list, which a path cannot have"},
        {{{.name = "a", .type = TDM_STRING, .range = TDM_RANGE(0, 1)}},
         "`a` is no number: it has neither range nor multiple_of"},
        {{{.name = "a", .type = TDM_INT, .pattern = "x"}}, "`a` is no string: it has neither length nor pattern"},
        {{{.name = "a", .type = TDM_STRING, .min_length = 3, .max_length = 2}}, "`a` has a minimum above its maximum"},
        {{{.name = "a", .type = TDM_INT, .min_items = 3}}, "`a` is no list: it has no number of items"},
        {{{.name = "a", .type = TDM_INT, .multiple_of = 0.5}}, "`a` can only be a multiple of a whole number"},
        {{{.name = "a", .type = TDM_INT, .multiple_of = 2.5}}, "`a` can only be a multiple of a whole number"},
        {{{.name = "a", .type = TDM_FLOAT, .multiple_of = -0.5}}, "`a` can only be a multiple of a number above 0"},
        {{{.name = "a", .type = TDM_STRING, .pattern = "a("}},
         "the pattern 'a(' is not a regular expression: missing closing parenthesis (at character 2)"},
        {{{.name = "a", .type = TDM_INT, .list = true, .fallback = "1"}},
         "`a` cannot have a default: make it optional"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        const tdm__plan *plan;
        ck_assert_int_eq(tdm__plans_params(&plans, broken[i].table, sizeof params, &plan, &why), -EINVAL);
        ck_assert_str_eq(why.text, broken[i].why);
    }
}
END_TEST

struct more {
    bool flag;
    double step;
    const char *code;
    tdm_list ids;
};

static const tdm_param more[] = {
    {.name = "flag", .type = TDM_BOOL, .offset = offsetof(struct more, flag), .optional = true},
    {.name = "step",
     .type = TDM_FLOAT,
     .offset = offsetof(struct more, step),
     .optional = true,
     .multiple_of = 0.1,
     .range = TDM_BETWEEN(0, 1)},
    {.name = "code",
     .type = TDM_STRING,
     .offset = offsetof(struct more, code),
     .optional = true,
     .min_length = 2,
     .max_length = 3,
     .pattern = "^\\p{L}+$"},
    {.name = "ids",
     .type = TDM_INT,
     .offset = offsetof(struct more, ids),
     .list = true,
     .optional = true,
     .min_items = 2,
     .max_items = 3,
     .range = TDM_RANGE(1, 9)},
    {0},
};

static struct more values;

static unsigned fill_more(const char *query)
{
    tdm__problems_finish(&problems);
    problems = (tdm__problems){0};
    return fill_by(more, &values, sizeof values, &(tdm__sources){0}, query);
}

START_TEST(words_for_truth_are_pydantics)
{
    static const char *const yes[] = {"true", "1", "on", "yes", "t", "y", "TRUE", "Yes"};
    static const char *const no[] = {"false", "0", "off", "no", "f", "n", "False", "OFF"};
    char query[32];
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        snprintf(query, sizeof query, "flag=%s", yes[i]);
        ck_assert_uint_eq(fill_more(query), 0);
        ck_assert(values.flag);
        snprintf(query, sizeof query, "flag=%s", no[i]);
        ck_assert_uint_eq(fill_more(query), 0);
        ck_assert(!values.flag);
    }
    fill_more("flag=2");
    expect_problems(
        "{\"type\":\"bool_parsing\",\"loc\":[\"query\",\"flag\"],\"msg\":\"Input should be a valid boolean, "
        "unable to interpret input\",\"input\":\"2\"}");
}
END_TEST

START_TEST(open_ranges_and_steps_are_kept)
{
    ck_assert_uint_eq(fill_more("step=0.3"), 0);
    ck_assert_double_eq(values.step, 0.3);
    fill_more("step=0.25");
    expect_problems(
        "{\"type\":\"multiple_of\",\"loc\":[\"query\",\"step\"],\"msg\":\"Input should be a multiple of 0.1\","
        "\"input\":\"0.25\",\"ctx\":{\"multiple_of\":0.1}}");
    fill_more("step=1");
    expect_problems("{\"type\":\"less_than\",\"loc\":[\"query\",\"step\"],\"msg\":\"Input should be less than 1\","
                    "\"input\":\"1\",\"ctx\":{\"lt\":1}}");
    fill_more("step=0");
    expect_problems(
        "{\"type\":\"greater_than\",\"loc\":[\"query\",\"step\"],\"msg\":\"Input should be greater than 0\","
        "\"input\":\"0\",\"ctx\":{\"gt\":0}}");
}
END_TEST

START_TEST(lengths_are_counted_in_characters_and_patterns_are_unicode)
{
    ck_assert_uint_eq(fill_more("code=%C3%A9%C3%A8%C3%AA"), 0);
    ck_assert_str_eq(values.code, "\u00e9\u00e8\u00ea");
    fill_more("code=%C3%A9");
    expect_problems(
        "{\"type\":\"string_too_short\",\"loc\":[\"query\",\"code\"],\"msg\":\"String should have at least 2 "
        "characters\",\"input\":\"\u00e9\",\"ctx\":{\"min_length\":2}}");
    fill_more("code=abcd");
    expect_problems("{\"type\":\"string_too_long\",\"loc\":[\"query\",\"code\"],\"msg\":\"String should have at most 3 "
                    "characters\",\"input\":\"abcd\",\"ctx\":{\"max_length\":3}}");
    fill_more("code=a1");
    expect_problems("{\"type\":\"string_pattern_mismatch\",\"loc\":[\"query\",\"code\"],\"msg\":\"String should match "
                    "pattern '^\\\\p{L}+$'\",\"input\":\"a1\",\"ctx\":{\"pattern\":\"^\\\\p{L}+$\"}}");
}
END_TEST

START_TEST(lists_take_every_value_and_name_the_wrong_ones)
{
    ck_assert_uint_eq(fill_more("ids=3&x=1&ids=1"), 0);
    ck_assert_uint_eq(values.ids.count, 2);
    ck_assert_int_eq(((int64_t *) values.ids.items)[0], 3);
    ck_assert_int_eq(((int64_t *) values.ids.items)[1], 1);
    ck_assert_uint_eq(fill_more(""), 0);
    ck_assert_uint_eq(values.ids.count, 0);
    fill_more("ids=0");
    expect_problems(
        "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"ids\",0],\"msg\":\"Input should be greater than "
        "or equal to 1\",\"input\":\"0\",\"ctx\":{\"ge\":1}},"
        "{\"type\":\"too_short\",\"loc\":[\"query\",\"ids\"],\"msg\":\"List should have at least 2 items after "
        "validation, not 1\",\"input\":[\"0\"],\"ctx\":{\"field_type\":\"List\",\"min_length\":2,"
        "\"actual_length\":1}}");
    fill_more("ids=1&ids=2&ids=3&ids=4");
    expect_problems(
        "{\"type\":\"too_long\",\"loc\":[\"query\",\"ids\"],\"msg\":\"List should have at most 3 items after "
        "validation, not 4\",\"input\":[\"1\",\"2\",\"3\",\"4\"],\"ctx\":{\"field_type\":\"List\","
        "\"max_length\":3,\"actual_length\":4}}");
}
END_TEST

START_TEST(the_list_of_problems_and_what_they_give_back_are_bounded)
{
    static char long_query[2000];
    memcpy(long_query, "code=", 5);
    memset(long_query + 5, 'x', TDM_MAX_PROBLEM_INPUT + 1);
    fill_more(long_query);
    expect_problems("{\"type\":\"string_too_long\",\"loc\":[\"query\",\"code\"],\"msg\":\"String should have at most 3 "
                    "characters\",\"ctx\":{\"max_length\":3}}");
    static char many[20000];
    size_t at = 0;
    for (int i = 0; i < TDM_MAX_PROBLEMS + 50; i++)
        at += (size_t) snprintf(many + at, sizeof many - at, "ids=x&");
    ck_assert_uint_eq(fill_more(many), TDM_MAX_PROBLEMS);
    ck_assert_int_eq(tdm__problems_end(&problems), 0);
}
END_TEST

static tdm__pairs parse(const char *query, int expected)
{
    tdm__pairs pairs;
    ck_assert_msg(tdm__query_parse(&arena, query, strlen(query), &pairs) == expected, "'%s'", query);
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
    static const char *const broken[] = {"a=%",   "a=%4",  "a=%4g", "a=%g4",    "%=1",        "a=1&b=%zz",
                                         "a=%00", "%00=1", "a=%ff", "a=%c0%ae", "%ed%a0%80=1"};
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
    tcase_add_test(tc, words_for_truth_are_pydantics);
    tcase_add_test(tc, open_ranges_and_steps_are_kept);
    tcase_add_test(tc, lengths_are_counted_in_characters_and_patterns_are_unicode);
    tcase_add_test(tc, lists_take_every_value_and_name_the_wrong_ones);
    tcase_add_test(tc, the_list_of_problems_and_what_they_give_back_are_bounded);
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
