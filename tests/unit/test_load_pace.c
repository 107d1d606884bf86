/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "load/pace.h"
#include "tests/unit/unit.h"

#define S INT64_C(1000000000)

START_TEST(uniform_requests_are_due_at_even_distances)
{
    load_pace pace;
    load_pace_init(&pace, &(load_pacing){.rate = 1000, .start_ns = 5 * S, .threads = 1}, 0, 1);
    for (int i = 0; i < 100000; i++, load_pace_advance(&pace))
        ck_assert_int_le(llabs(load_pace_due_ns(&pace) - (5 * S + i * INT64_C(1000000))), 1); /* no error adds up */
}
END_TEST

START_TEST(threads_take_turns)
{
    load_pace pace[3];
    const load_pacing plan = {.rate = 3000, .threads = 3};
    for (unsigned t = 0; t < 3; t++)
        load_pace_init(&pace[t], &plan, t, 1);
    for (int i = 0; i < 3000; i++) {
        ck_assert_int_le(llabs(load_pace_due_ns(&pace[i % 3]) - i * S / 3000), 1);
        load_pace_advance(&pace[i % 3]);
    }
}
END_TEST

START_TEST(poisson_arrivals_have_the_rate_and_the_spread_of_poisson)
{
    double sum = 0, squares = 0;
    int n = 0;
    for (unsigned t = 0; t < 4; t++) {
        load_pace pace;
        load_pace_init(&pace, &(load_pacing){.rate = 4000, .arrivals = LOAD_POISSON, .threads = 4}, t, 7);
        int64_t before = 0;
        for (; load_pace_due_ns(&pace) < 50 * S; load_pace_advance(&pace), n++) {
            double gap = (double) (load_pace_due_ns(&pace) - before) / 1e6;
            ck_assert(gap >= 0);
            before = load_pace_due_ns(&pace);
            sum += gap;
            squares += gap * gap;
        }
    }
    double mean = sum / n, deviation = sqrt(squares / n - mean * mean);
    ck_assert(abs(n - 200000) < 5 * 448);         /* five standard deviations */
    ck_assert(fabs(mean - 1) < 0.02);             /* a thread's share is 1000 a second */
    ck_assert(fabs(deviation / mean - 1) < 0.02); /* of an exponential distribution the two are equal */
}
END_TEST

/* The distances between a thread's first arrivals. */
static void measure_gaps(unsigned thread, int64_t *gaps, int count)
{
    load_pace pace;
    load_pace_init(&pace, &(load_pacing){.rate = 40, .arrivals = LOAD_POISSON, .threads = 4}, thread, 7);
    for (int i = 0; i < count; i++) {
        int64_t before = load_pace_due_ns(&pace);
        load_pace_advance(&pace);
        gaps[i] = load_pace_due_ns(&pace) - before;
    }
}

START_TEST(no_thread_repeats_the_arrivals_of_another_a_little_later)
{
    enum { GAPS = 200 };
    int64_t gaps[4][GAPS];
    int alike = 0;
    for (unsigned t = 0; t < 4; t++)
        measure_gaps(t, gaps[t], GAPS);
    for (int t = 1; t < 4; t++)
        for (int i = 0; i < GAPS; i++)
            for (int k = 0; k < GAPS; k++)
                alike += llabs(gaps[t][i] - gaps[0][k]) <= 2;
    ck_assert_int_le(alike, 20);
}
END_TEST

START_TEST(a_seed_brings_the_same_arrivals_again)
{
    load_pace a, b, c;
    const load_pacing plan = {.rate = 100, .arrivals = LOAD_POISSON, .threads = 1};
    load_pace_init(&a, &plan, 0, 1);
    load_pace_init(&b, &plan, 0, 1);
    load_pace_init(&c, &plan, 0, 2);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(load_pace_due_ns(&a), load_pace_due_ns(&b));
        same += load_pace_due_ns(&a) == load_pace_due_ns(&c);
        load_pace_advance(&a);
        load_pace_advance(&b);
        load_pace_advance(&c);
    }
    ck_assert_int_le(same, 1);
}
END_TEST

START_TEST(a_ramp_rises_to_the_rate)
{
    load_pace pace;
    int half = 0, ramp = 0, after = 0;
    load_pace_init(&pace, &(load_pacing){.rate = 1000, .ramp_ns = 10 * S, .threads = 1}, 0, 1);
    for (; load_pace_due_ns(&pace) < 12 * S; load_pace_advance(&pace)) {
        half += load_pace_due_ns(&pace) < 5 * S;
        ramp += load_pace_due_ns(&pace) < 10 * S;
        after += load_pace_due_ns(&pace) >= 10 * S;
    }
    ck_assert_int_le(abs(half - 1250), 1); /* a quarter in the first half */
    ck_assert_int_le(abs(ramp - 5000), 1);
    ck_assert_int_le(abs(after - 2000), 1);
}
END_TEST

int main(void)
{
    return unit_main("load_pace",
                     (const TTest *const[]){uniform_requests_are_due_at_even_distances, threads_take_turns,
                                            poisson_arrivals_have_the_rate_and_the_spread_of_poisson,
                                            no_thread_repeats_the_arrivals_of_another_a_little_later,
                                            a_seed_brings_the_same_arrivals_again, a_ramp_rises_to_the_rate, NULL});
}
