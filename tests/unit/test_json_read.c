/* SPDX-License-Identifier: MIT */
#include <tandem/json.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static tdm_json *parse(const char *text)
{
    tdm_json *root = NULL;
    ck_assert_msg(tdm_json_parse(&root, text, strlen(text), NULL) == 0, "%s", text);
    return root;
}

START_TEST(getters_take_the_exact_name_and_the_right_type_only)
{
    tdm_json *root = parse(" {\"n\":1.5,\"s\":\"x\",\"t\":true,\"z\":null,\"a\":[1,2],\"o\":{},\"N\":2,\"n\":9} ");
    double number = -1;
    bool truth = false;
    const char *text = "before";
    int64_t integer = -7;
    ck_assert(tdm_json_is_object(root));
    ck_assert(tdm_json_as_double(tdm_json_get(root, "n"), &number));
    ck_assert_double_eq(number, 1.5); /* the first of two */
    ck_assert(tdm_json_as_string(tdm_json_get(root, "s"), &text));
    ck_assert_str_eq(text, "x");
    ck_assert(tdm_json_as_bool(tdm_json_get(root, "t"), &truth) && truth);
    ck_assert(tdm_json_is_null(tdm_json_get(root, "z")));
    ck_assert(tdm_json_is_array(tdm_json_get(root, "a")));
    ck_assert(tdm_json_is_object(tdm_json_get(root, "o")));
    ck_assert_ptr_null(tdm_json_get(root, "S"));
    ck_assert_ptr_null(tdm_json_get(tdm_json_get(root, "a"), "n"));
    ck_assert_ptr_null(tdm_json_get(tdm_json_get(root, "missing"), "n"));
    ck_assert_ptr_null(tdm_json_first(tdm_json_get(root, "s")));
    ck_assert_ptr_null(tdm_json_first(tdm_json_get(root, "o")));
    ck_assert_ptr_null(tdm_json_first(NULL));
    ck_assert_ptr_null(tdm_json_next(NULL));
    ck_assert(!tdm_json_as_int(tdm_json_get(root, "s"), &integer) && integer == -7);
    ck_assert(!tdm_json_as_int(NULL, &integer) && integer == -7);
    ck_assert(!tdm_json_as_double(tdm_json_get(root, "t"), &number) && number == 1.5);
    ck_assert(!tdm_json_as_bool(tdm_json_get(root, "n"), &truth) && truth);
    ck_assert(!tdm_json_as_string(tdm_json_get(root, "z"), &text));
    ck_assert(!tdm_json_is_null(NULL) && !tdm_json_is_array(NULL) && !tdm_json_is_object(NULL));
    tdm_json_destroy(&root);
    tdm_json_destroy(&root);
    tdm_json_destroy(NULL);
}
END_TEST

static bool integer_of(const char *text, int64_t *out)
{
    tdm_json *root = parse(text);
    bool is = tdm_json_as_int(root, out);
    tdm_json_destroy(&root);
    return is;
}

START_TEST(integers_are_exact_or_refused)
{
    int64_t value = 0;
    ck_assert(integer_of("9007199254740991", &value));
    ck_assert_int_eq(value, INT64_C(9007199254740991));
    ck_assert(integer_of("-9007199254740991", &value));
    ck_assert_int_eq(value, INT64_C(-9007199254740991));
    ck_assert(!integer_of("9007199254740992", &value));
    ck_assert(!integer_of("9007199254740993", &value)); /* reads as 2^53 */
    ck_assert(!integer_of("-9007199254740992", &value));
    ck_assert(!integer_of("1e300", &value));
    ck_assert(!integer_of("1.5", &value));
    ck_assert(!integer_of("1e999", &value));
    ck_assert_int_eq(value, INT64_C(-9007199254740991));
    ck_assert(integer_of("-0", &value));
    ck_assert_int_eq(value, 0);
    ck_assert(integer_of("2e3", &value));
    ck_assert_int_eq(value, 2000);
}
END_TEST

START_TEST(a_number_too_large_for_a_double_is_not_read_as_one)
{
    tdm_json *root = parse("1e999");
    double value = 3;
    ck_assert(!tdm_json_as_double(root, &value));
    ck_assert_double_eq(value, 3);
    tdm_json_destroy(&root);
}
END_TEST

START_TEST(escapes_and_utf8_are_decoded)
{
    tdm_json *root = parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc\\u591A\\ud83d\\udc07 grün\"");
    const char *text = NULL;
    ck_assert(tdm_json_as_string(root, &text));
    ck_assert_str_eq(text, "\"\\/\b\f\n\r\tü多\xF0\x9F\x90\x87 grün");
    tdm_json_destroy(&root);
}
END_TEST

START_TEST(text_that_is_not_json_is_refused_where_it_goes_wrong)
{
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {
        {"", 0},
        {"  ", 2},
        {"nul", 3},
        {"nulL", 3},
        {"True", 0},
        {"{", 1},
        {"[", 1},
        {"]", 0},
        {"[1", 2},
        {"[1,", 3},
        {"[1,]", 3},
        {"[,1]", 1},
        {"[1 2]", 3},
        {"[1}", 2},
        {"{\"a\"}", 4},
        {"{\"a\":}", 5},
        {"{\"a\":1,}", 7},
        {"{\"a\":1]", 6},
        {"{a:1}", 1},
        {"{1:1}", 1},
        {"{\"a\" 1}", 5},
        {"{}}", 2},
        {"{} x", 3},
        {"1 2", 2},
        {"01", 1},
        {"-", 1},
        {"+1", 0},
        {".5", 0},
        {"1.", 2},
        {"1.e1", 2},
        {"1e", 2},
        {"1e+", 3},
        {"-.5", 1},
        {"0x1", 1},
        {"NaN", 0},
        {"Infinity", 0},
        {"-Infinity", 1},
        {"\"", 1},
        {"\"a", 2},
        {"'a'", 0},
        {"\"\\\"", 3},
        {"\"\\x\"", 2},
        {"\"\\u12\"", 5},
        {"\"\\u12g4\"", 5},
        {"\"\\ud800\"", 7},
        {"\"\\ud800x\"", 7},
        {"\"\\ud800\\u0041\"", 9},
        {"\"\\udc00\"", 2},
        {"\"\\u0000\"", 2},
        {"\"a\nb\"", 2},
        {"\"\t\"", 1},
        {"\"\xFF\"", 1},
        {"\"\xC3\"", 1},
        {"\"\xED\xA0\x80\"", 1},
        {"\xEF\xBB\xBF{}", 0},
        {"/* */1", 0},
        {"[1]\v", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tdm_json *root = NULL;
        size_t at = 999;
        ck_assert_msg(tdm_json_parse(&root, cases[i].text, strlen(cases[i].text), &at) == -EINVAL, "%s", cases[i].text);
        ck_assert_msg(at == cases[i].at, "%s: %zu", cases[i].text, at);
        ck_assert_ptr_null(root);
        ck_assert_int_eq(tdm_json_parse(&root, cases[i].text, strlen(cases[i].text), NULL), -EINVAL);
    }
}
END_TEST

START_TEST(a_nul_byte_is_never_right)
{
    tdm_json *root = NULL;
    size_t at = 0;
    ck_assert_int_eq(tdm_json_parse(&root, "1\0", 2, &at), -EINVAL);
    ck_assert_uint_eq(at, 1);
    ck_assert_int_eq(tdm_json_parse(&root, "\"a\0\"", 4, &at), -EINVAL);
    ck_assert_uint_eq(at, 2);
    ck_assert_int_eq(tdm_json_parse(&root, "\"\\\0\"", 4, &at), -EINVAL);
    ck_assert_uint_eq(at, 2);
    ck_assert_int_eq(tdm_json_parse(&root, "[1]x", 3, &at), 0); /* bytes past the size are not looked at */
    tdm_json_destroy(&root);
}
END_TEST

START_TEST(a_number_of_63_characters_is_read_and_a_longer_one_refused)
{
    char text[80];
    tdm_json *root = NULL;
    size_t at = 0;
    double value = 0;
    snprintf(text, sizeof text, "[0.5%060d]", 0);
    ck_assert_uint_eq(strlen(text), 65);
    ck_assert_int_eq(tdm_json_parse(&root, text, 65, &at), 0);
    ck_assert(tdm_json_as_double(tdm_json_first(root), &value));
    ck_assert_double_eq(value, 0.5);
    tdm_json_destroy(&root);
    snprintf(text, sizeof text, "[0.5%061d]", 0);
    ck_assert_int_eq(tdm_json_parse(&root, text, 66, &at), -EINVAL);
    ck_assert_uint_eq(at, 64);
}
END_TEST

/* `depth` levels, each an array or (if odd) an object. */
static size_t deep_text(char *text, int depth)
{
    char *to = text;
    for (int i = 0; i < depth; i++)
        to = stpcpy(to, i % 2 ? "{\"k\":" : "[");
    to = stpcpy(to, "1");
    while (depth--)
        to = stpcpy(to, depth % 2 ? "}" : "]");
    return (size_t) (to - text);
}

START_TEST(depth_64_is_read_and_65_refused)
{
    static char text[1024];
    tdm_json *root = NULL;
    size_t size = deep_text(text, TDM_JSON_MAX_DEPTH);
    ck_assert_int_eq(tdm_json_parse(&root, text, size, NULL), 0);
    int depth = 0;
    for (const tdm_json *value = root; (value = tdm_json_first(value));)
        depth++;
    ck_assert_int_eq(depth, TDM_JSON_MAX_DEPTH);
    tdm_json_destroy(&root);
    size = deep_text(text, TDM_JSON_MAX_DEPTH + 1);
    ck_assert_int_eq(tdm_json_parse(&root, text, size, NULL), -E2BIG);
}
END_TEST

START_TEST(a_million_open_brackets_are_refused_before_they_are_parsed)
{
    enum { SIZE = 1000000 };
    char *text = malloc(SIZE);
    tdm_json *root = NULL;
    size_t at = 0;
    memset(text, '[', SIZE);
    ck_assert_int_eq(tdm_json_parse(&root, text, SIZE, &at), -E2BIG);
    ck_assert_uint_eq(at, TDM_JSON_MAX_DEPTH);
    free(text);
}
END_TEST

START_TEST(wide_documents_are_not_deep)
{
    enum { PAIRS = 1000 };
    static char text[3 * PAIRS + 8];
    char *to = stpcpy(text, "[[]");
    for (int i = 0; i < PAIRS; i++)
        to = stpcpy(to, ",{}");
    stpcpy(to, "]");
    tdm_json *root = parse(text);
    int count = 0;
    for (const tdm_json *v = tdm_json_first(root); v; v = tdm_json_next(v))
        count++;
    ck_assert_int_eq(count, PAIRS + 1);
    tdm_json_destroy(&root);
}
END_TEST

START_TEST(any_bytes_are_read_or_refused_without_harm)
{
    static const char alphabet[] = "[]{}:,\"\\u0019eE+-.tfnrals \n\x80\xC3\xA9";
    uint64_t seed = 4;
    int read = 0;
    for (int i = 0; i < 200000; i++) {
        char text[12];
        size_t size = unit_random(&seed) % sizeof text, at = 0;
        for (size_t k = 0; k < size; k++)
            text[k] = alphabet[unit_random(&seed) % (sizeof alphabet - 1)];
        tdm_json *root = NULL;
        int err = tdm_json_parse(&root, text, size, &at);
        ck_assert_msg(err == 0 || (err == -EINVAL && at <= size), "%.*s: %d", (int) size, text, err);
        read += !err;
        tdm_json_destroy(&root);
    }
    ck_assert_int_gt(read, 100);
}
END_TEST

int main(void)
{
    return unit_main("json_read",
                     (const TTest *const[]){
                         getters_take_the_exact_name_and_the_right_type_only, integers_are_exact_or_refused,
                         a_number_too_large_for_a_double_is_not_read_as_one, escapes_and_utf8_are_decoded,
                         text_that_is_not_json_is_refused_where_it_goes_wrong, a_nul_byte_is_never_right,
                         a_number_of_63_characters_is_read_and_a_longer_one_refused, depth_64_is_read_and_65_refused,
                         a_million_open_brackets_are_refused_before_they_are_parsed, wide_documents_are_not_deep,
                         any_bytes_are_read_or_refused_without_harm, NULL});
}
