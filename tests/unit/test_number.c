/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "server/schema/number.h"

START_TEST(integers_are_read_as_pydantic_reads_them)
{
    static const struct {
        const char *text;
        int err;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-5", 0, -5},
        {"+7", 0, 7},
        {" 7\t", 0, 7},
        {"007", 0, 7},
        {"3.0", 0, 3},
        {"3.000", 0, 3},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", -ERANGE, INT64_MAX},
        {"-9223372036854775809", -ERANGE, INT64_MIN},
        {"99999999999999999999999", -ERANGE, INT64_MAX},
        {"", -EINVAL, 0},
        {" ", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"abc", -EINVAL, 0},
        {"1a", -EINVAL, 0},
        {"1 2", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"3.5", -EINVAL, 0},
        {"3.", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"--1", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t value = 0;
        ck_assert_msg(tdm__number_int(cases[i].text, strlen(cases[i].text), &value) == cases[i].err, "'%s'",
                      cases[i].text);
        ck_assert_msg(value == cases[i].value, "'%s' gave %lld", cases[i].text, (long long) value);
    }
}
END_TEST

START_TEST(floats_are_read_strictly_and_must_be_finite)
{
    static const struct {
        const char *text;
        int err;
        double value;
    } cases[] = {
        {"0", 0, 0},           {"3", 0, 3},         {".5", 0, 0.5},         {"5.", 0, 5},
        {"-1.25e2", 0, -125},  {" 1E+3 ", 0, 1000}, {"1e-400", 0, 0},       {"nan", -EDOM, 0},
        {"NaN", -EDOM, 0},     {"-inf", -EDOM, 0},  {"Infinity", -EDOM, 0}, {"1e999", -EDOM, 0},
        {"", -EINVAL, 0},      {".", -EINVAL, 0},   {"e5", -EINVAL, 0},     {"1e", -EINVAL, 0},
        {"0x1p3", -EINVAL, 0}, {"1,5", -EINVAL, 0}, {"1_0", -EINVAL, 0},    {"nan(1)", -EINVAL, 0},
        {"1.2.3", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double value = 0;
        ck_assert_msg(tdm__number_float(cases[i].text, strlen(cases[i].text), &value) == cases[i].err, "'%s'",
                      cases[i].text);
        ck_assert_double_eq(value, cases[i].value);
    }
}
END_TEST

START_TEST(a_number_does_not_depend_on_the_locale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) /* not installed everywhere; then there is nothing to depend on */
        return;
    double value = 0;
    ck_assert_int_eq(tdm__number_float("1.5", 3, &value), 0);
    ck_assert_double_eq(value, 1.5);
}
END_TEST

/* The quick way and the C library must agree to the last bit. */
START_TEST(decimals_are_rounded_as_the_c_library_rounds_them)
{
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        char text[64];
        uint64_t digits = unit_random(&state) >> (unit_random(&state) % 60);
        int exponent = (int) (unit_random(&state) % 60) - 30;
        int n =
            snprintf(text, sizeof text, "%s%llu.%llue%d", i % 3 ? "" : "-", (unsigned long long) digits % 1000000000,
                     (unsigned long long) (unit_random(&state) % 1000000), exponent);
        double value;
        ck_assert_int_eq(tdm__number_float(text, (size_t) n, &value), 0);
        double right = strtod(text, NULL);
        uint64_t bits, right_bits; /* all of them, the sign of zero too */
        memcpy(&bits, &value, sizeof bits);
        memcpy(&right_bits, &right, sizeof right_bits);
        ck_assert_msg(bits == right_bits, "%s: %.17g instead of %.17g", text, value, right);
    }
}
END_TEST

/* "0.", zeros, "1e" and an exponent: as long as they like, they are what the C library says. */
START_TEST(long_fractions_and_large_exponents_are_not_mistaken_for_small_ones)
{
    static const struct {
        int zeros;
        const char *exponent;
    } cases[] = {{9996, "9997"},  {9997, "9998"},     {9998, "9999"},   {9998, "99990"}, {9998, "99999999999999999999"},
                 {9999, "10000"}, {10000, "9999"},    {10000, "10001"}, {20000, "9999"}, {20000, "20001"},
                 {20000, "0"},    {0, "-99999999999"}};
    static char text[32768];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int n = snprintf(text, sizeof text, "0.%0*d1e%s", cases[i].zeros, 0, cases[i].exponent);
        double value = 0, right = strtod(text, NULL);
        int err = tdm__number_float(text, (size_t) n, &value);
        ck_assert_msg(err == (isfinite(right) ? 0 : -EDOM), "case %zu: %d", i, err);
        ck_assert_msg(err || value == right, "case %zu: %g instead of %g", i, value, right);
    }
}
END_TEST

int main(void)
{
    return unit_main(
        "number", (const TTest *const[]){
                      integers_are_read_as_pydantic_reads_them, floats_are_read_strictly_and_must_be_finite,
                      long_fractions_and_large_exponents_are_not_mistaken_for_small_ones,
                      decimals_are_rounded_as_the_c_library_rounds_them, a_number_does_not_depend_on_the_locale, NULL});
}
