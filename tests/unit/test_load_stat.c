/* SPDX-License-Identifier: MIT */
/* DESIGN: the figures of rounds against values worked out by hand, and the interval against what it claims: drawn many
 * times from a known distribution, it must hold the truth as often as it says. */
#include <errno.h>
#include <math.h>

#include "load/stat.h"
#include "tests/unit/unit.h"

#define VALUES(...)                                                                                                    \
    (load_numbers)                                                                                                     \
    {                                                                                                                  \
        (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double)                          \
    }

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(1, fabs(b));
}

START_TEST(figures_are_those_worked_out_by_hand)
{
    load_stats s;
    ck_assert_int_eq(load_stats_make(&s, VALUES(4, 1, 3, 2, 90)), 0);
    ck_assert_uint_eq(s.count, 5);
    ck_assert(s.min == 1 && s.max == 90 && near(s.mean, 20));
    ck_assert(near(s.stddev, sqrt((256 + 361 + 289 + 324 + 4900) / 4.0)));
    ck_assert(near(s.median, 3) && near(s.q1, 2) && near(s.q3, 4));
    ck_assert_uint_eq(s.far_from_mean, 1);
    ck_assert_uint_eq(s.far_from_box, 1);
    ck_assert_int_eq(load_stats_make(&s, VALUES(1, 2, 3, 4)), 0);
    ck_assert(near(s.median, 2.5) && near(s.q1, 1.75) && near(s.q3, 3.25));
    ck_assert_uint_eq(s.far_from_box, 0);
}
END_TEST

START_TEST(one_value_has_no_spread_and_no_value_no_figures)
{
    load_stats s;
    ck_assert_int_eq(load_stats_make(&s, VALUES(7)), 0);
    ck_assert(s.median == 7 && s.q1 == 7 && s.q3 == 7 && s.stddev == 0);
    ck_assert_uint_eq(s.far_from_mean + s.far_from_box, 0);
    ck_assert_int_eq(load_stats_make(&s, (load_numbers){NULL, 0}), -EINVAL);
}
END_TEST

START_TEST(a_ratio_of_too_few_values_has_no_interval)
{
    load_ratio r;
    ck_assert_int_eq(load_stats_ratio(&r, VALUES(2, 2), VALUES(3, 3, 3)), 0);
    ck_assert(!r.known && near(r.ratio, 1.5) && r.low == r.ratio && r.high == r.ratio);
    ck_assert_int_eq(load_stats_ratio(&r, VALUES(2, 2, 2), VALUES(3, 3, 3)), 0);
    ck_assert(r.known && near(r.low, 1.5) && near(r.high, 1.5));
    ck_assert_int_eq(load_stats_ratio(&r, VALUES(0, 0), VALUES(1)), -EINVAL);
    ck_assert_int_eq(load_stats_ratio(&r, (load_numbers){NULL, 0}, VALUES(1)), -EINVAL);
    ck_assert_int_eq(load_stats_ratio(&r, VALUES(1), (load_numbers){NULL, 0}), -EINVAL);
}
END_TEST

START_TEST(the_same_values_give_the_same_interval)
{
    load_ratio first, second;
    load_numbers a = VALUES(10, 11, 9, 10.5, 9.5), b = VALUES(12, 13, 11, 12.5);
    ck_assert_int_eq(load_stats_ratio(&first, a, b), 0);
    ck_assert_int_eq(load_stats_ratio(&second, a, b), 0);
    ck_assert(first.low == second.low && first.high == second.high);
    ck_assert(first.low < first.ratio && first.ratio < first.high && first.low > 1);
}
END_TEST

/* Nearly normal: the sum of twelve uniform numbers. */
static double normal(uint64_t *state, double mean, double deviation)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double) (unit_random(state) >> 11) / 9007199254740992.0;
    return mean + deviation * sum;
}

static double coverage(size_t n)
{
    enum { TRIALS = 300 };
    uint64_t state = n;
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double a[32], b[32];
        load_ratio r;
        for (size_t i = 0; i < n; i++) {
            a[i] = normal(&state, 100, 5);
            b[i] = normal(&state, 110, 8);
        }
        ck_assert_int_eq(load_stats_ratio(&r, (load_numbers){a, n}, (load_numbers){b, n}), 0);
        held += r.low <= 1.1 && 1.1 <= r.high;
    }
    return (double) held / TRIALS;
}

START_TEST(an_interval_of_95_percent_holds_the_truth_about_as_often)
{
    static const size_t sizes[] = {3, 5, 10, 30};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double held = coverage(sizes[i]);
        if (held < 0.91 || (sizes[i] >= 5 && held > 0.99))
            ck_abort_msg("with %zu values the interval holds the truth in %.3f of all cases", sizes[i], held);
    }
}
END_TEST

START_TEST(a_relative_figure_carries_the_spread_of_both_sides)
{
    load_stats a, b;
    double spread;
    ck_assert_int_eq(load_stats_make(&a, VALUES(9, 10, 11)), 0);
    ck_assert_int_eq(load_stats_make(&b, VALUES(18, 20, 22)), 0);
    ck_assert(near(load_stats_relative(&a, &b, &spread), 2));
    ck_assert(near(spread, 2 * sqrt(0.01 + 0.01)));
    ck_assert_int_eq(load_stats_make(&b, VALUES(20)), 0);
    ck_assert(near(load_stats_relative(&a, &b, &spread), 2) && spread == 0);
}
END_TEST

int main(void)
{
    return unit_main("load_stat", (const TTest *const[]){figures_are_those_worked_out_by_hand,
                                                         one_value_has_no_spread_and_no_value_no_figures,
                                                         a_ratio_of_too_few_values_has_no_interval,
                                                         the_same_values_give_the_same_interval,
                                                         an_interval_of_95_percent_holds_the_truth_about_as_often,
                                                         a_relative_figure_carries_the_spread_of_both_sides, NULL});
}
