/* SPDX-License-Identifier: MIT */
/* A JSON body into a struct, and back. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/schema/body.h"
#include "tasks/json_text.h"
#include "tests/unit/unit.h"

struct point {
    double x, y;
};

struct item {
    const char *name;
    int64_t count, big;
    double price;
    bool hot, has_note, has_origin;
    int unit;
    const char *note;
    struct point origin;
    tdm_list tags, points;
    const char *extra;
};

#define FIELD(name) offsetof(struct item, name)

static const char *const units[] = {"g", "kg", NULL};

static const tdm_field point_fields[] = {
    {.name = "x", .type = TDM_FLOAT, .offset = offsetof(struct point, x)},
    {.name = "y", .type = TDM_FLOAT, .offset = offsetof(struct point, y), .fallback = "0.5"},
    {0},
};
static const tdm_schema point_schema = {.name = "Point", .fields = point_fields, .size = sizeof(struct point)};

static const tdm_field item_fields[] = {
    {.name = "name", .type = TDM_STRING, .offset = FIELD(name), .min_length = 1, .max_length = 8},
    {.name = "count", .type = TDM_INT, .offset = FIELD(count), .fallback = "1", .range = TDM_RANGE(0, 100)},
    {.name = "big", .type = TDM_INT, .offset = FIELD(big), .optional = true},
    {.name = "price", .type = TDM_FLOAT, .offset = FIELD(price), .fallback = "2.5"},
    {.name = "hot", .type = TDM_BOOL, .offset = FIELD(hot), .fallback = "no"},
    {.name = "unit", .type = TDM_ENUM, .offset = FIELD(unit), .fallback = "kg", .choices = units},
    {.name = "note", .type = TDM_STRING, .offset = FIELD(note), .optional = true, .given = FIELD(has_note)},
    {.name = "origin",
     .type = TDM_OBJECT,
     .offset = FIELD(origin),
     .object = &point_schema,
     .optional = true,
     .given = FIELD(has_origin)},
    {.name = "tags", .type = TDM_STRING, .offset = FIELD(tags), .list = true, .optional = true, .max_items = 3},
    {.name = "points",
     .type = TDM_OBJECT,
     .offset = FIELD(points),
     .list = true,
     .optional = true,
     .object = &point_schema},
    {.name = "extra", .type = TDM_JSON, .offset = FIELD(extra), .optional = true},
    {0},
};
static const tdm_schema item_schema = {.name = "Item", .fields = item_fields, .size = sizeof(struct item)};

static tdm__arena arena;
static tdm__plans plans;
static tdm__problems problems;
static struct item item;

static unsigned fill_with(const tdm_schema *schema, void *into, const char *text)
{
    static char room[4096];
    const tdm__plan *plan;
    tdm__why why;
    int err = tdm__plans_object(&plans, schema, &plan, &why);
    ck_assert_msg(err == 0, "%s", why.text);
    tdm__arena_init(&arena, room, sizeof room);
    tdm__problems_finish(&problems);
    problems = (tdm__problems){0};
    ck_assert_int_eq(tdm__body_fill(plan, into, text, strlen(text), &arena, &problems), 0);
    return problems.count;
}

static unsigned fill(const char *text)
{
    return fill_with(&item_schema, &item, text);
}

static void expect_problems(const char *entries)
{
    char whole[8192];
    ck_assert_uint_gt(problems.count, 0);
    ck_assert_int_eq(tdm__problems_end(&problems), 0);
    snprintf(whole, sizeof whole, "{\"detail\":[%s]}", entries);
    ck_assert_str_eq(tdm_json_text(&problems.w, NULL), whole);
}

static void expect(const char *text, const char *entries)
{
    fill(text);
    expect_problems(entries);
}

START_TEST(a_body_fills_the_struct_and_the_rest_has_its_defaults)
{
    ck_assert_uint_eq(
        fill(" { \"name\" : \"a\\u00e9\\n\\uD83D\\uDE00\" , \"tags\":[\"x\",\"\"], \"origin\":{\"x\":1e2},"
             "\"points\":[{\"x\":1,\"y\":2},{\"x\":-3}],\"extra\":{\"a\":[1, 2]}} "),
        0);
    ck_assert_str_eq(item.name, "a\u00e9\n\U0001F600");
    ck_assert_int_eq(item.count, 1);
    ck_assert_double_eq(item.price, 2.5);
    ck_assert(!item.hot && !item.has_note && item.has_origin);
    ck_assert_int_eq(item.unit, 1);
    ck_assert_ptr_null(item.note);
    ck_assert_double_eq(item.origin.x, 100);
    ck_assert_double_eq(item.origin.y, 0.5);
    ck_assert_uint_eq(item.tags.count, 2);
    ck_assert_str_eq(((const char **) item.tags.items)[0], "x");
    ck_assert_str_eq(((const char **) item.tags.items)[1], "");
    ck_assert_uint_eq(item.points.count, 2);
    ck_assert_double_eq(((struct point *) item.points.items)[1].x, -3);
    ck_assert_double_eq(((struct point *) item.points.items)[1].y, 0.5);
    ck_assert_str_eq(item.extra, "{\"a\":[1, 2]}");
}
END_TEST

START_TEST(values_are_converted_as_pydantic_converts_them)
{
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"count\":\"7\",\"price\":\" 0.25 \",\"hot\":\"Yes\"}"), 0);
    ck_assert_int_eq(item.count, 7);
    ck_assert_double_eq(item.price, 0.25);
    ck_assert(item.hot);
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"count\":3.0,\"price\":true,\"hot\":1}"), 0);
    ck_assert_int_eq(item.count, 3);
    ck_assert_double_eq(item.price, 1);
    ck_assert(item.hot);
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"count\":false,\"price\":2,\"hot\":0.0,\"note\":null,\"tags\":null}"), 0);
    ck_assert_int_eq(item.count, 0);
    ck_assert(!item.hot && !item.has_note);
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"big\":9223372036854775807}"), 0);
    ck_assert_int_eq(item.big, INT64_MAX);
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"big\":-9007199254740993}"), 0);
    ck_assert_int_eq(item.big, -9007199254740993);
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"big\":1e3}"), 0);
    ck_assert_int_eq(item.big, 1000);
}
END_TEST

START_TEST(all_that_is_wrong_is_told_at_once_and_where)
{
    expect(
        "{\"count\":1.5,\"price\":\"x\",\"hot\":2,\"unit\":\"t\",\"note\":5,\"origin\":[],\"tags\":\"x\","
        "\"points\":[{\"x\":1},{\"y\":\"z\"}]}",
        "{\"type\":\"int_from_float\",\"loc\":[\"body\",\"count\"],\"msg\":\"Input should be a valid integer, got a "
        "number with a fractional part\",\"input\":1.5},"
        "{\"type\":\"float_parsing\",\"loc\":[\"body\",\"price\"],\"msg\":\"Input should be a valid number, unable "
        "to parse string as a number\",\"input\":\"x\"},"
        "{\"type\":\"bool_parsing\",\"loc\":[\"body\",\"hot\"],\"msg\":\"Input should be a valid boolean, unable to "
        "interpret input\",\"input\":2},"
        "{\"type\":\"enum\",\"loc\":[\"body\",\"unit\"],\"msg\":\"Input should be 'g' or 'kg'\",\"input\":\"t\","
        "\"ctx\":{\"expected\":\"'g' or 'kg'\"}},"
        "{\"type\":\"string_type\",\"loc\":[\"body\",\"note\"],\"msg\":\"Input should be a valid string\","
        "\"input\":5},"
        "{\"type\":\"model_attributes_type\",\"loc\":[\"body\",\"origin\"],\"msg\":\"Input should be a valid "
        "dictionary or object to extract fields from\",\"input\":[]},"
        "{\"type\":\"list_type\",\"loc\":[\"body\",\"tags\"],\"msg\":\"Input should be a valid list\",\"input\":"
        "\"x\"},"
        "{\"type\":\"float_parsing\",\"loc\":[\"body\",\"points\",1,\"y\"],\"msg\":\"Input should be a valid number, "
        "unable to parse string as a number\",\"input\":\"z\"},"
        "{\"type\":\"missing\",\"loc\":[\"body\",\"points\",1,\"x\"],\"msg\":\"Field required\",\"input\":{\"y\":"
        "\"z\"}},"
        "{\"type\":\"missing\",\"loc\":[\"body\",\"name\"],\"msg\":\"Field required\",\"input\":{\"count\":1.5,"
        "\"price\":\"x\",\"hot\":2,\"unit\":\"t\",\"note\":5,\"origin\":[],\"tags\":\"x\",\"points\":[{\"x\":1},"
        "{\"y\":\"z\"}]}}");
}
END_TEST

START_TEST(types_and_limits_are_kept)
{
    static const char *const cases[][2] = {
        {"{\"name\":null}", "string_type"},
        {"{\"name\":\"\"}", "string_too_short"},
        {"{\"name\":\"123456789\"}", "string_too_long"},
        {"{\"name\":\"a\",\"count\":null}", "int_type"},
        {"{\"name\":\"a\",\"count\":[1]}", "int_type"},
        {"{\"name\":\"a\",\"count\":\"1.5\"}", "int_parsing"},
        {"{\"name\":\"a\",\"count\":101}", "less_than_equal"},
        {"{\"name\":\"a\",\"count\":-1}", "greater_than_equal"},
        {"{\"name\":\"a\",\"big\":9223372036854775808}", "int_parsing_size"},
        {"{\"name\":\"a\",\"big\":1e30}", "int_parsing_size"},
        {"{\"name\":\"a\",\"big\":1e999}", "finite_number"},
        {"{\"name\":\"a\",\"price\":1e999}", "finite_number"},
        {"{\"name\":\"a\",\"price\":\"NaN\"}", "finite_number"},
        {"{\"name\":\"a\",\"price\":{}}", "float_type"},
        {"{\"name\":\"a\",\"hot\":\"maybe\"}", "bool_parsing"},
        {"{\"name\":\"a\",\"hot\":[]}", "bool_type"},
        {"{\"name\":\"a\",\"unit\":1}", "enum"},
        {"{\"name\":\"a\",\"tags\":[1]}", "string_type"},
        {"{\"name\":\"a\",\"tags\":[null]}", "string_type"},
        {"{\"name\":\"a\",\"tags\":[\"1\",\"2\",\"3\",\"4\"]}", "too_long"},
        {"{\"name\":\"a\",\"origin\":{}}", "missing"},
        {"[]", "model_attributes_type"},
        {"null", "model_attributes_type"},
        {"7", "model_attributes_type"},
        {"", "missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char start[64];
        ck_assert_msg(fill(cases[i][0]) == 1, "%s: %u problems", cases[i][0], problems.count);
        ck_assert_int_eq(tdm__problems_end(&problems), 0);
        int n = snprintf(start, sizeof start, "{\"detail\":[{\"type\":\"%s\"", cases[i][1]);
        const char *text = tdm_json_text(&problems.w, NULL);
        ck_assert_msg(strncmp(text, start, (size_t) n) == 0, "%s: %s", cases[i][0], text);
    }
}
END_TEST

START_TEST(what_is_not_json_is_refused_with_a_place_and_a_reason)
{
    static const struct {
        const char *text;
        size_t at;
        const char *why;
    } cases[] = {
        {"{\"name\":}", 8, "expecting a value"},
        {"{\"name\" 1}", 8, "expecting a colon"},
        {"{name:1}", 1, "expecting a name in double quotes"},
        {"{\"a\":1 \"b\":2}", 7, "expecting a comma or a closing brace"},
        {"[1 2]", 3, "expecting a comma or a closing bracket"},
        {"{} x", 3, "text after the document"},
        {"{\"a\":\"\xff\"}", 6, "bytes that are not UTF-8"},
        {"{\"a\":\"\x01\"}", 6, "a control character in a string"},
        {"{\"a\":\"\\ud800\"}", 12, "half a surrogate pair"},
        {"{\"a\":\"\\ud800\\u0041\"}", 14, "half a surrogate pair"},
        {"{\"a\":\"\\udc00\"}", 7, "half a surrogate pair"},
        {"{\"a\":\"\\u0000\"}", 7, "the escape \\u0000, which a string cannot hold"},
        {"{\"a\":\"\\x\"}", 7, "an escape that JSON does not have"},
        {"{\"a\":\"", 6, "a string without its end"},
        {"{\"a\":NaN}", 5, "expecting a value"},
        {"   ", 3, "expecting a value"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char entry[512], why[128];
        *tdm__json_put_string(why, cases[i].why, strlen(cases[i].why)) = '\0';
        snprintf(
            entry, sizeof entry,
            "{\"type\":\"json_invalid\",\"loc\":[\"body\",%zu],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{"
            "\"error\":%s}}",
            cases[i].at, why);
        expect(cases[i].text, entry);
    }
}
END_TEST

START_TEST(json_is_read_to_its_greatest_depth_and_no_deeper)
{
    char text[512];
    for (int depth = 64; depth <= 65; depth++) {
        size_t at = (size_t) snprintf(text, sizeof text, "{\"name\":\"a\",\"extra\":");
        for (int i = 1; i < depth; i++)
            text[at++] = '[';
        for (int i = 1; i < depth; i++)
            text[at++] = ']';
        memcpy(text + at, "}", 2);
        unsigned count = fill(text);
        ck_assert_uint_eq(count, depth == 64 ? 0 : 1);
    }
    ck_assert_int_eq(tdm__problems_end(&problems), 0);
    ck_assert_ptr_nonnull(strstr(tdm_json_text(&problems.w, NULL), "nested deeper than 64"));
}
END_TEST

START_TEST(a_name_that_is_there_twice_is_refused_wherever_it_stands)
{
    static const char *const cases[][2] = {
        {"{\"name\":\"a\",\"name\":\"b\"}", "name"},
        {"{\"name\":\"a\",\"n\\u0061me\":\"b\"}", "name"},
        {"{\"name\":\"a\",\"z\":1,\"z\":2}", "z"},
        {"{\"name\":\"a\",\"z\":1,\"\\u007a\":2}", "z"},
        {"{\"name\":\"a\",\"extra\":[{\"q\":{\"r\":1,\"s\":2,\"r\":3}}]}", "r"},
        {"{\"name\":\"a\",\"points\":[{\"x\":1,\"x\":1}]}", "x"},
        {"{\"name\":\"a\",\"origin\":{\"x\":1,\"w\":{\"v\":1,\"v\":1}}}", "v"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char words[64];
        snprintf(words, sizeof words, "the name \\\"%s\\\" is there twice", cases[i][1]);
        ck_assert_msg(fill(cases[i][0]) == 1, "%s", cases[i][0]);
        ck_assert_int_eq(tdm__problems_end(&problems), 0);
        ck_assert_msg(strstr(tdm_json_text(&problems.w, NULL), words), "%s: %s", cases[i][0],
                      tdm_json_text(&problems.w, NULL));
    }
    ck_assert_uint_eq(fill("{\"name\":\"a\",\"z\":{\"name\":1},\"y\":[{\"b\":1},{\"b\":1}],\"w\":\"z\"}"), 0);
}
END_TEST

START_TEST(very_many_names_are_looked_through_quickly)
{
    enum { COUNT = 60000 };
    char *text = malloc(COUNT * 16), *to = text;
    to += snprintf(to, 16, "{\"name\":\"a\"");
    for (int i = 0; i < COUNT; i++)
        to += snprintf(to, 16, ",\"k%d\":%d", i, i % 10);
    memcpy(to, "}", 2);
    ck_assert_uint_eq(fill(text), 0); /* a comparison of each with each would take longer than a test may */
    memcpy(to, ",\"k7\":0}", 9);
    ck_assert_uint_eq(fill(text), 1);
    free(text);
}
END_TEST

START_TEST(a_strict_schema_forbids_what_it_does_not_know)
{
    static const tdm_field fields[] = {{.name = "x", .type = TDM_INT, .optional = true}, {0}};
    static const tdm_schema strict = {.name = "S", .fields = fields, .size = sizeof(int64_t), .strict = true};
    int64_t x;
    ck_assert_uint_eq(fill_with(&strict, &x, "{\"x\":1}"), 0);
    ck_assert_uint_eq(fill_with(&strict, &x, "{\"x\":1,\"y\":[2]}"), 1);
    expect_problems("{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"y\"],\"msg\":\"Extra inputs are not permitted\","
                    "\"input\":[2]}");
}
END_TEST

struct tree {
    const char *name;
    tdm_list children;
};

extern const tdm_schema tree_schema;
static const tdm_field tree_fields[] = {
    {.name = "name", .type = TDM_STRING, .offset = offsetof(struct tree, name)},
    {.name = "children",
     .type = TDM_OBJECT,
     .offset = offsetof(struct tree, children),
     .list = true,
     .optional = true,
     .object = &tree_schema},
    {0},
};
const tdm_schema tree_schema = {.name = "Tree", .fields = tree_fields, .size = sizeof(struct tree)};

START_TEST(an_object_may_hold_a_list_of_its_own_kind_but_not_itself)
{
    struct tree tree;
    ck_assert_uint_eq(fill_with(&tree_schema, &tree,
                                "{\"name\":\"a\",\"children\":[{\"name\":\"b\",\"children\":[{"
                                "\"name\":\"c\"}]}]}"),
                      0);
    const struct tree *b = tree.children.items, *c = b->children.items;
    ck_assert_str_eq(c->name, "c");
    static tdm_schema loop = {.name = "Loop", .size = 8};
    static const tdm_field fields[] = {{.name = "self", .type = TDM_OBJECT, .object = &loop}, {0}};
    loop.fields = fields;
    const tdm__plan *plan;
    tdm__why why;
    ck_assert_int_eq(tdm__plans_object(&plans, &loop, &plan, &why), -EINVAL);
    ck_assert_str_eq(why.text, "`self` would hold itself");
}
END_TEST

START_TEST(two_schemas_of_one_name_are_refused)
{
    static const tdm_schema other = {.name = "Item", .fields = point_fields, .size = sizeof(struct point)};
    const tdm__plan *plan;
    tdm__why why;
    fill("{}");
    ck_assert_int_eq(tdm__plans_object(&plans, &other, &plan, &why), -EINVAL);
    ck_assert_str_eq(why.text, "two schemas are called `Item`");
}
END_TEST

START_TEST(a_struct_is_written_by_the_table_that_reads_it)
{
    static const char text[] =
        "{\"name\":\"a\\\"\u00e9\",\"count\":7,\"big\":-9007199254740993,\"price\":0.1,\"hot\":true,\"unit\":\"g\","
        "\"note\":\"n\",\"origin\":{\"x\":1,\"y\":0.5},\"tags\":[\"x\",\"y\"],\"points\":[{\"x\":1.25,\"y\":2}],"
        "\"extra\":{\"a\": [1]}}";
    ck_assert_uint_eq(fill(text), 0);
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_struct(&w, &item_schema, &item);
    ck_assert_str_eq(tdm_json_text(&w, NULL), text);
    tdm_json_finish(&w);
    ck_assert_uint_eq(fill("{\"name\":\"a\"}"), 0);
    item.price = (double) NAN;
    tdm_json_struct(&w, &item_schema, &item);
    ck_assert_str_eq(tdm_json_text(&w, NULL),
                     "{\"name\":\"a\",\"count\":1,\"big\":0,\"price\":\"NaN\",\"hot\":false,\"unit\":\"kg\",\"note\":"
                     "null,\"origin\":null,\"tags\":[],\"points\":[],\"extra\":null}");
    tdm_json_finish(&w);
    item.unit = 2;
    tdm_json_struct(&w, &item_schema, &item);
    ck_assert_int_eq(tdm_json_error(&w), -EINVAL);
    tdm_json_finish(&w);
}
END_TEST

int main(void)
{
    return unit_main(
        "body",
        (const TTest *const[]){
            a_body_fills_the_struct_and_the_rest_has_its_defaults, values_are_converted_as_pydantic_converts_them,
            all_that_is_wrong_is_told_at_once_and_where, types_and_limits_are_kept,
            what_is_not_json_is_refused_with_a_place_and_a_reason, json_is_read_to_its_greatest_depth_and_no_deeper,
            a_name_that_is_there_twice_is_refused_wherever_it_stands, very_many_names_are_looked_through_quickly,
            a_strict_schema_forbids_what_it_does_not_know, an_object_may_hold_a_list_of_its_own_kind_but_not_itself,
            two_schemas_of_one_name_are_refused, a_struct_is_written_by_the_table_that_reads_it, NULL});
}
