/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "load/levels.h"
#include "tests/unit/unit.h"

static const load_levels_limits counts = {1000, 1}, rates = {1e6, 0};

static void check_list(const char *text, const load_levels_limits *limits, const double *expected, int count)
{
    double levels[LOAD_LEVELS_MAX];
    const char *why = NULL;
    ck_assert_msg(load_levels_parse(text, limits, levels, &why) == count, "%s: %s", text, why);
    for (int i = 0; i < count; i++)
        ck_assert_double_eq_tol(levels[i], expected[i], 1e-9);
}

#define LIST(text, limits, ...)                                                                                        \
    check_list(text, limits, (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

START_TEST(a_list_is_what_it_says)
{
    LIST("4", &counts, 4);
    LIST("4,20,1000", &counts, 4, 20, 1000);
    LIST("0.5,100.25", &rates, 0.5, 100.25);
}
END_TEST

START_TEST(a_range_doubles_and_ends_where_it_says)
{
    LIST("10..100", &counts, 10, 20, 40, 80, 100);
    LIST("1..8", &counts, 1, 2, 4, 8);
    LIST("1,2,5,10..40", &counts, 1, 2, 5, 10, 20, 40);
    LIST("100..6400", &rates, 100, 200, 400, 800, 1600, 3200, 6400);
}
END_TEST

START_TEST(a_range_may_have_a_factor_or_a_step)
{
    LIST("1..1000x10", &counts, 1, 10, 100, 1000);
    LIST("10..50+20", &counts, 10, 30, 50);
    LIST("10..45+20", &counts, 10, 30, 45);
    LIST("1..2+0.5", &rates, 1, 1.5, 2);
    LIST("1..5x1.5", &counts, 1, 2, 3, 5); /* 1, 1.5, 2.25, 3.375: whole numbers, none twice */
}
END_TEST

static void check_wrong(const char *text, const load_levels_limits *limits)
{
    double levels[LOAD_LEVELS_MAX];
    const char *why = NULL;
    ck_assert_msg(load_levels_parse(text, limits, levels, &why) == -EINVAL, "%s", text);
    ck_assert_msg(why && *why, "%s", text);
}

START_TEST(what_is_no_list_is_refused_with_a_reason)
{
    static const char *const wrong[] = {
        "",     "1,",     ",1",      "1,,2",    " 1",    "1-5",      "0",
        "1001", "many",   "5..5",    "5..4",    "1..",   "1..8x1",   "1..8x",
        "1.5",  "1..8+0", "1..8+",   "1..1001", "1...4", "1..8x2x2", "99999999999999999999",
        "-1",   "1e3",    "1..9x0.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        check_wrong(wrong[i], &counts);
    check_wrong("0", &rates);
    check_wrong("0.0", &rates);
}
END_TEST

START_TEST(a_hundred_levels_fit_and_no_more)
{
    double levels[LOAD_LEVELS_MAX];
    const char *why;
    ck_assert_int_eq(load_levels_parse("1..100+1", &counts, levels, &why), 100);
    check_wrong("1..101+1", &counts);
}
END_TEST

int main(void)
{
    return unit_main("load_levels", (const TTest *const[]){
                                        a_list_is_what_it_says, a_range_doubles_and_ends_where_it_says,
                                        a_range_may_have_a_factor_or_a_step, what_is_no_list_is_refused_with_a_reason,
                                        a_hundred_levels_fit_and_no_more, NULL});
}
