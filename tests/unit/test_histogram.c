/* SPDX-License-Identifier: MIT */
#include <tandem/histogram.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

static const int64_t hour_ns = INT64_C(3600000000000);

static tdm_histogram *make(int64_t max, int digits)
{
    tdm_histogram *h = NULL;
    ck_assert_int_eq(tdm_histogram_create(&h, max, digits), 0);
    return h;
}

START_TEST(arguments_out_of_range_are_refused)
{
    tdm_histogram *h = NULL;
    ck_assert_int_eq(tdm_histogram_create(&h, 1000, 0), -EINVAL);
    ck_assert_int_eq(tdm_histogram_create(&h, 1000, 4), -EINVAL);
    ck_assert_int_eq(tdm_histogram_create(&h, 0, 3), -EINVAL);
    ck_assert_int_eq(tdm_histogram_create(&h, -1, 3), -EINVAL);
    ck_assert_ptr_null(h);
    tdm_histogram_destroy(&h);
    tdm_histogram_destroy(NULL);
}
END_TEST

START_TEST(an_empty_one_answers_zero)
{
    tdm_histogram *h = make(hour_ns, 3);
    ck_assert_uint_eq(tdm_histogram_count(h), 0);
    ck_assert_uint_eq(tdm_histogram_clipped(h), 0);
    ck_assert_int_eq(tdm_histogram_min(h), 0);
    ck_assert_int_eq(tdm_histogram_max(h), 0);
    ck_assert_double_eq(tdm_histogram_mean(h), 0);
    ck_assert_int_eq(tdm_histogram_percentile(h, 50), 0);
    tdm_histogram_destroy(&h);
    ck_assert_ptr_null(h);
}
END_TEST

START_TEST(small_values_are_exact)
{
    tdm_histogram *h = make(hour_ns, 2);
    for (int i = 1; i <= 100; i++)
        tdm_histogram_record(h, i);
    for (int i = 1; i <= 100; i++)
        ck_assert_int_eq(tdm_histogram_percentile(h, i), i);
    ck_assert_int_eq(tdm_histogram_percentile(h, 0), 1);
    ck_assert_int_eq(tdm_histogram_percentile(h, 50.5), 51);
    ck_assert_double_eq(tdm_histogram_mean(h), 50.5);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(a_percentage_that_is_no_exact_double_takes_the_rank_a_person_means)
{
    tdm_histogram *h = make(hour_ns, 3);
    for (int i = 1; i <= 1000; i++)
        tdm_histogram_record(h, i);
    ck_assert_int_eq(tdm_histogram_percentile(h, 99.9), 999);
    ck_assert_int_eq(tdm_histogram_percentile(h, 0.1), 1);
    ck_assert_int_eq(tdm_histogram_percentile(h, 58.3), 583);
    ck_assert_int_eq(tdm_histogram_percentile(h, 99.91), 1000);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(percentiles_out_of_range_are_the_ends)
{
    tdm_histogram *h = make(hour_ns, 3);
    tdm_histogram_record(h, 5);
    tdm_histogram_record(h, 7);
    ck_assert_int_eq(tdm_histogram_percentile(h, -1), 5);
    ck_assert_int_eq(tdm_histogram_percentile(h, (double) NAN), 5);
    ck_assert_int_eq(tdm_histogram_percentile(h, 101), 7);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(values_past_the_maximum_count_as_it_and_are_counted_apart)
{
    tdm_histogram *h = make(1000, 1);
    tdm_histogram_record(h, 1000);
    ck_assert_uint_eq(tdm_histogram_clipped(h), 0);
    tdm_histogram_record(h, 1001);
    tdm_histogram_record(h, INT64_MAX);
    ck_assert_uint_eq(tdm_histogram_clipped(h), 2);
    ck_assert_uint_eq(tdm_histogram_count(h), 3);
    ck_assert_int_eq(tdm_histogram_max(h), 1000);
    ck_assert_int_eq(tdm_histogram_percentile(h, 100), 1000);
    ck_assert_double_eq(tdm_histogram_mean(h), 1000);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(negative_values_count_as_zero)
{
    tdm_histogram *h = make(1000, 3);
    tdm_histogram_record(h, -5);
    tdm_histogram_record(h, INT64_MIN);
    ck_assert_uint_eq(tdm_histogram_count(h), 2);
    ck_assert_int_eq(tdm_histogram_min(h), 0);
    ck_assert_int_eq(tdm_histogram_max(h), 0);
    ck_assert_double_eq(tdm_histogram_mean(h), 0);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(the_whole_range_of_int64_can_be_kept)
{
    for (int digits = 1; digits <= 3; digits++) {
        tdm_histogram *h = make(INT64_MAX, digits);
        for (int i = 0; i < 1000; i++)
            tdm_histogram_record(h, INT64_MAX);
        ck_assert_uint_eq(tdm_histogram_clipped(h), 0);
        ck_assert_int_eq(tdm_histogram_percentile(h, 50), INT64_MAX);
        ck_assert_double_eq(tdm_histogram_mean(h), (double) INT64_MAX); /* the sum is far beyond 64 bits */
        tdm_histogram_destroy(&h);
    }
}
END_TEST

START_TEST(the_smallest_maximum_works)
{
    tdm_histogram *h = make(1, 3);
    tdm_histogram_record(h, 0);
    tdm_histogram_record(h, 1);
    tdm_histogram_record(h, 2);
    ck_assert_int_eq(tdm_histogram_percentile(h, 33), 0);
    ck_assert_int_eq(tdm_histogram_percentile(h, 34), 1);
    ck_assert_uint_eq(tdm_histogram_clipped(h), 1);
    tdm_histogram_destroy(&h);
}
END_TEST

/* ---- against a sorted array ---- */

static int compare_values(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* One unit of the last of `digits` significant digits of v, but at least 1. */
static int64_t unit_of(int64_t v, int digits)
{
    int64_t unit = 1;
    for (int64_t limit = (int64_t) pow(10, digits); v / unit >= limit;)
        unit *= 10;
    return unit;
}

/* Values of all magnitudes, sorted. */
static void fill(int64_t *values, size_t n, int bits, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (int64_t) (unit_random(seed) >> (64 - bits) >> (unit_random(seed) % (unsigned) bits));
    qsort(values, n, sizeof *values, compare_values);
}

static void check_percentiles(const tdm_histogram *h, const int64_t *sorted, size_t n, int digits)
{
    for (unsigned thousandth = 0; thousandth <= 100000; thousandth += 37) { /* exact ranks, in integers */
        size_t rank = (thousandth * n + 99999) / 100000;
        int64_t exact = sorted[rank ? rank - 1 : 0], got = tdm_histogram_percentile(h, thousandth / 1000.0);
        ck_assert_int_ge(got, exact);
        ck_assert_int_lt(got - exact, unit_of(exact, digits));
        ck_assert_int_le(got, sorted[n - 1]);
    }
}

static void check_totals(const tdm_histogram *h, const int64_t *sorted, size_t n)
{
    long double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (long double) sorted[i];
    ck_assert_uint_eq(tdm_histogram_count(h), n);
    ck_assert_int_eq(tdm_histogram_min(h), sorted[0]);
    ck_assert_int_eq(tdm_histogram_max(h), sorted[n - 1]);
    ck_assert_double_eq_tol(tdm_histogram_mean(h), (double) (sum / n), tdm_histogram_mean(h) * 1e-15);
}

enum { VALUES = 5000 };

START_TEST(percentiles_agree_with_a_sorted_array_to_the_kept_digits)
{
    static int64_t values[VALUES];
    uint64_t seed = 1;
    for (int digits = 1; digits <= 3; digits++) {
        for (int bits = 8; bits <= 63; bits += 11) {
            tdm_histogram *h = make(INT64_MAX, digits);
            size_t n = 1 + unit_random(&seed) % VALUES;
            fill(values, n, bits, &seed);
            for (size_t i = 0; i < n; i++)
                tdm_histogram_record(h, values[i]);
            check_totals(h, values, n);
            check_percentiles(h, values, n, digits);
            tdm_histogram_destroy(&h);
        }
    }
}
END_TEST

START_TEST(both_sides_of_every_power_of_two_keep_their_digits)
{
    for (int digits = 1; digits <= 3; digits++) {
        for (int bit = 0; bit < 62; bit++) {
            for (int64_t off = -1; off <= 1; off++) {
                int64_t value = (INT64_C(1) << bit) + off;
                tdm_histogram *h = make(INT64_MAX, digits);
                tdm_histogram_record(h, value);
                tdm_histogram_record(h, INT64_MAX);
                int64_t got = tdm_histogram_percentile(h, 50);
                ck_assert_int_ge(got, value);
                ck_assert_int_lt(got - value, unit_of(value, digits));
                tdm_histogram_destroy(&h);
            }
        }
    }
}
END_TEST

START_TEST(merged_parts_equal_the_whole)
{
    static int64_t values[VALUES];
    uint64_t seed = 2;
    tdm_histogram *part[3] = {make(hour_ns, 3), make(hour_ns, 3), make(hour_ns, 3)}, *merged = make(hour_ns, 3);
    fill(values, VALUES, 41, &seed);
    for (size_t i = 0; i < VALUES; i++)
        tdm_histogram_record(part[unit_random(&seed) % 2], values[i]); /* the third stays empty */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_histogram_merge(merged, part[i]), 0);
    check_totals(merged, values, VALUES);
    check_percentiles(merged, values, VALUES, 3);
    for (int i = 0; i < 3; i++)
        tdm_histogram_destroy(&part[i]);
    tdm_histogram_destroy(&merged);
}
END_TEST

START_TEST(merging_with_itself_doubles_the_counts)
{
    tdm_histogram *h = make(INT64_MAX, 1);
    tdm_histogram_record(h, INT64_MAX);
    tdm_histogram_record(h, INT64_MAX);
    ck_assert_int_eq(tdm_histogram_merge(h, h), 0);
    ck_assert_int_eq(tdm_histogram_merge(h, h), 0);
    ck_assert_uint_eq(tdm_histogram_count(h), 8);
    ck_assert_double_eq(tdm_histogram_mean(h), (double) INT64_MAX);
    tdm_histogram_destroy(&h);
}
END_TEST

START_TEST(different_shapes_do_not_merge)
{
    tdm_histogram *a = make(1000, 3), *b = make(1001, 3), *c = make(1000, 2);
    tdm_histogram_record(b, 1);
    tdm_histogram_record(c, 1);
    ck_assert_int_eq(tdm_histogram_merge(a, b), -EINVAL);
    ck_assert_int_eq(tdm_histogram_merge(a, c), -EINVAL);
    ck_assert_uint_eq(tdm_histogram_count(a), 0);
    tdm_histogram_destroy(&a);
    tdm_histogram_destroy(&b);
    tdm_histogram_destroy(&c);
}
END_TEST

START_TEST(a_reset_one_is_as_new)
{
    tdm_histogram *h = make(1000, 3);
    tdm_histogram_record(h, 3);
    tdm_histogram_record(h, 5000);
    tdm_histogram_reset(h);
    ck_assert_uint_eq(tdm_histogram_count(h), 0);
    ck_assert_uint_eq(tdm_histogram_clipped(h), 0);
    ck_assert_int_eq(tdm_histogram_max(h), 0);
    tdm_histogram_record(h, 500);
    ck_assert_int_eq(tdm_histogram_percentile(h, 0), 500);
    ck_assert_int_eq(tdm_histogram_percentile(h, 100), 500);
    ck_assert_double_eq(tdm_histogram_mean(h), 500);
    tdm_histogram_reset(h);
    tdm_histogram_reset(h);
    ck_assert_int_eq(tdm_histogram_min(h), 0);
    tdm_histogram_destroy(&h);
}
END_TEST

int main(void)
{
    return unit_main(
        "histogram",
        (const TTest *const[]){
            arguments_out_of_range_are_refused, an_empty_one_answers_zero, small_values_are_exact,
            a_percentage_that_is_no_exact_double_takes_the_rank_a_person_means, percentiles_out_of_range_are_the_ends,
            values_past_the_maximum_count_as_it_and_are_counted_apart, negative_values_count_as_zero,
            the_whole_range_of_int64_can_be_kept, the_smallest_maximum_works,
            percentiles_agree_with_a_sorted_array_to_the_kept_digits,
            both_sides_of_every_power_of_two_keep_their_digits, merged_parts_equal_the_whole,
            merging_with_itself_doubles_the_counts, different_shapes_do_not_merge, a_reset_one_is_as_new, NULL});
}
