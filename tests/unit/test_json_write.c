/* SPDX-License-Identifier: MIT */
#include <tandem/json.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static void expect(tdm_json_writer *w, const char *document)
{
    size_t size = 0;
    const char *text = tdm_json_text(w, &size);
    ck_assert_int_eq(tdm_json_error(w), 0);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, document);
    ck_assert_uint_eq(size, strlen(document));
    tdm_json_finish(w);
}

static void expect_error(tdm_json_writer *w, int error)
{
    ck_assert_ptr_null(tdm_json_text(w, NULL));
    ck_assert_int_eq(tdm_json_error(w), error);
    tdm_json_finish(w);
}

START_TEST(a_document_has_commas_where_they_belong)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "a");
    tdm_json_int(&w, -1);
    tdm_json_key(&w, "b");
    tdm_json_array_begin(&w);
    tdm_json_bool(&w, true);
    tdm_json_bool(&w, false);
    tdm_json_null(&w);
    tdm_json_object_begin(&w);
    tdm_json_object_end(&w);
    tdm_json_array_begin(&w);
    tdm_json_array_end(&w);
    tdm_json_raw(&w, "[1]");
    tdm_json_array_end(&w);
    tdm_json_key(&w, "c");
    tdm_json_string(&w, NULL);
    tdm_json_object_end(&w);
    expect(&w, "{\"a\":-1,\"b\":[true,false,null,{},[],[1]],\"c\":null}");
}
END_TEST

START_TEST(a_small_document_lies_in_the_writer_and_a_larger_one_keeps_its_beginning)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_array_begin(&w);
    tdm_json_int(&w, 0);
    tdm_json_array_end(&w);
    const char *text = tdm_json_text(&w, NULL), *low = (const char *) &w;
    ck_assert(text >= low && text < low + sizeof w);
    expect(&w, "[0]");

    char document[1000] = "[0";
    tdm_json_array_begin(&w);
    tdm_json_int(&w, 0);
    for (int i = 1; i < 200; i++) {
        tdm_json_int(&w, i);
        snprintf(document + strlen(document), 8, ",%d", i);
    }
    tdm_json_array_end(&w);
    snprintf(document + strlen(document), 2, "]");
    expect(&w, document);
}
END_TEST

START_TEST(a_scalar_alone_is_a_document)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_string(&w, "ok");
    expect(&w, "\"ok\"");
    tdm_json_init(&w);
    tdm_json_uint(&w, UINT64_MAX);
    expect(&w, "18446744073709551615");
    tdm_json_init(&w);
    tdm_json_int(&w, INT64_MIN);
    expect(&w, "-9223372036854775808");
    tdm_json_init(&w);
    tdm_json_int(&w, 0);
    expect(&w, "0");
}
END_TEST

START_TEST(special_characters_are_escaped_in_strings_and_keys)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "k\"\n");
    tdm_json_string_n(&w, "a\0b\"\\/\b\f\n\r\t\x01\x1f\x7f", 14);
    tdm_json_object_end(&w);
    expect(&w, "{\"k\\\"\\n\":\"a\\u0000b\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"}");
}
END_TEST

static void expect_string(const char *text, const char *document)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_string(&w, text);
    expect(&w, document);
}

#define BAD "\xEF\xBF\xBD"

START_TEST(utf8_passes_and_what_is_not_utf8_becomes_the_replacement_character)
{
    expect_string("grün 多重度 \xF0\x9F\x90\x87 \xF4\x8F\xBF\xBF", "\"grün 多重度 \xF0\x9F\x90\x87 \xF4\x8F\xBF\xBF\"");
    expect_string("\x80", "\"" BAD "\"");
    expect_string("a\xFFz", "\"a" BAD "z\"");
    expect_string("\xC0\xAF", "\"" BAD BAD "\"");         /* overlong */
    expect_string("\xE0\x9F\xBF", "\"" BAD BAD BAD "\""); /* overlong */
    expect_string("\xED\xA0\x80", "\"" BAD BAD BAD "\""); /* a surrogate */
    expect_string("\xF0\x8F\xBF\xBF", "\"" BAD BAD BAD BAD "\"");
    expect_string("\xF4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""); /* beyond U+10FFFF */
    expect_string("\xE5\xA4", "\"" BAD BAD "\"");                 /* cut off */
    expect_string("\xE5\"x", "\"" BAD "\\\"x\"");
}
END_TEST

static const char *number_text(double value)
{
    static char text[64];
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_double(&w, value);
    snprintf(text, sizeof text, "%s", tdm_json_text(&w, NULL));
    tdm_json_finish(&w);
    return text;
}

START_TEST(doubles_take_their_shortest_form)
{
    ck_assert_str_eq(number_text(0.1), "0.1");
    ck_assert_str_eq(number_text(0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(number_text(1.0 / 3), "0.3333333333333333");
    ck_assert_str_eq(number_text(3), "3");
    ck_assert_str_eq(number_text(-42), "-42");
    ck_assert_str_eq(number_text(0.0), "0");
    ck_assert_str_eq(number_text(-0.0), "-0");
    ck_assert_str_eq(number_text(1e22), "1e22");
    ck_assert_str_eq(number_text(1.5e-7), "1.5e-7");
    ck_assert_str_eq(number_text(1e300), "1e300");
    ck_assert_str_eq(number_text(5e-324), "5e-324");
    ck_assert_str_eq(number_text(DBL_MAX), "1.7976931348623157e308");
    ck_assert_str_eq(number_text(DBL_MIN), "2.2250738585072014e-308");
    ck_assert_str_eq(number_text(9007199254740992.0), "9007199254740992");
    ck_assert_str_eq(number_text((double) NAN), "\"NaN\"");
    ck_assert_str_eq(number_text((double) INFINITY), "\"Infinity\"");
    ck_assert_str_eq(number_text((double) -INFINITY), "\"-Infinity\"");
}
END_TEST

START_TEST(random_doubles_read_back_as_themselves)
{
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        union {
            uint64_t bits;
            double value;
        } u = {unit_random(&seed)};
        if (!isfinite(u.value))
            continue;
        const char *text = number_text(u.value);
        tdm_json *root;
        double back = 0;
        ck_assert_int_eq(tdm_json_parse(&root, text, strlen(text), NULL), 0);
        ck_assert(tdm_json_as_double(root, &back));
        ck_assert_msg(back == u.value, "%s", text);
        tdm_json_destroy(&root);
    }
}
END_TEST

static const char *seconds_text(int64_t ns)
{
    static char text[64];
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_seconds(&w, ns);
    snprintf(text, sizeof text, "%s", tdm_json_text(&w, NULL));
    tdm_json_finish(&w);
    return text;
}

START_TEST(seconds_are_exact_to_the_nanosecond)
{
    ck_assert_str_eq(seconds_text(0), "0");
    ck_assert_str_eq(seconds_text(1), "0.000000001");
    ck_assert_str_eq(seconds_text(-1), "-0.000000001");
    ck_assert_str_eq(seconds_text(12300000000), "12.3");
    ck_assert_str_eq(seconds_text(3000000000), "3");
    ck_assert_str_eq(seconds_text(10000000000), "10");
    ck_assert_str_eq(seconds_text(1790000000123456789), "1790000000.123456789");
    ck_assert_str_eq(seconds_text(-1500000000), "-1.5");
    ck_assert_str_eq(seconds_text(INT64_MAX), "9223372036.854775807");
    ck_assert_str_eq(seconds_text(INT64_MIN), "-9223372036.854775808");
}
END_TEST

START_TEST(calls_in_a_wrong_order_are_an_error_that_sticks)
{
    tdm_json_writer w;
    tdm_json_init(&w); /* nothing */
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* still open */
    tdm_json_array_begin(&w);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* an end without a begin */
    tdm_json_array_end(&w);
    tdm_json_int(&w, 1);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* the wrong end */
    tdm_json_array_begin(&w);
    tdm_json_object_end(&w);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* a key without a value */
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "a");
    tdm_json_object_end(&w);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* two keys */
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "a");
    tdm_json_key(&w, "b");
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* a member without a key */
    tdm_json_object_begin(&w);
    tdm_json_int(&w, 1);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* a key in an array */
    tdm_json_array_begin(&w);
    tdm_json_key(&w, "a");
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* two documents */
    tdm_json_int(&w, 1);
    tdm_json_int(&w, 2);
    expect_error(&w, -EINVAL);
    tdm_json_init(&w); /* an empty raw value */
    tdm_json_raw(&w, "");
    expect_error(&w, -EINVAL);
}
END_TEST

static void nest(tdm_json_writer *w, int depth)
{
    tdm_json_init(w);
    for (int i = 0; i < depth; i++)
        tdm_json_array_begin(w);
    for (int i = 0; i < depth; i++)
        tdm_json_array_end(w);
}

START_TEST(the_writer_goes_as_deep_as_the_reader_and_no_deeper)
{
    tdm_json_writer w;
    nest(&w, TDM_JSON_MAX_DEPTH);
    ck_assert_int_eq(tdm_json_error(&w), 0);
    tdm_json_finish(&w);
    nest(&w, TDM_JSON_MAX_DEPTH + 1);
    expect_error(&w, -EINVAL);
}
END_TEST

START_TEST(large_documents_grow_and_read_back)
{
    enum { ROWS = 3000 };
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_array_begin(&w);
    for (int i = 0; i < ROWS; i++) {
        tdm_json_object_begin(&w);
        tdm_json_key(&w, "id");
        tdm_json_int(&w, i);
        tdm_json_key(&w, "name");
        tdm_json_string(&w, i % 2 ? "plain" : "\x01\x02\xFF");
        tdm_json_object_end(&w);
    }
    tdm_json_array_end(&w);
    size_t size;
    const char *text = tdm_json_text(&w, &size);
    tdm_json *root;
    ck_assert_int_eq(tdm_json_parse(&root, text, size, NULL), 0);
    int64_t expected = 0, id = -1;
    for (const tdm_json *row = tdm_json_first(root); row; row = tdm_json_next(row)) {
        const char *name = NULL;
        ck_assert(tdm_json_as_int(tdm_json_get(row, "id"), &id));
        ck_assert_int_eq(id, expected++);
        ck_assert(tdm_json_as_string(tdm_json_get(row, "name"), &name));
        ck_assert_str_eq(name, id % 2 ? "plain" : "\x01\x02" BAD);
    }
    ck_assert_int_eq(expected, ROWS);
    tdm_json_destroy(&root);
    ck_assert_ptr_null(root);
    tdm_json_finish(&w);
}
END_TEST

int main(void)
{
    return unit_main(
        "json_write",
        (const TTest *const[]){a_document_has_commas_where_they_belong,
                               a_small_document_lies_in_the_writer_and_a_larger_one_keeps_its_beginning,
                               a_scalar_alone_is_a_document, special_characters_are_escaped_in_strings_and_keys,
                               utf8_passes_and_what_is_not_utf8_becomes_the_replacement_character,
                               doubles_take_their_shortest_form, random_doubles_read_back_as_themselves,
                               seconds_are_exact_to_the_nanosecond, calls_in_a_wrong_order_are_an_error_that_sticks,
                               the_writer_goes_as_deep_as_the_reader_and_no_deeper, large_documents_grow_and_read_back,
                               NULL});
}
