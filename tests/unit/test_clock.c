/* SPDX-License-Identifier: MIT */
#include <tandem/clock.h>

#include <math.h>
#include <pthread.h>
#include <time.h>

#include "tests/unit/unit.h"

START_TEST(monotonic_time_never_goes_back)
{
    int64_t last = tdm_clock_ns();
    for (int i = 0; i < 10000; i++) {
        int64_t now = tdm_clock_ns();
        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

START_TEST(wall_time_is_the_systems)
{
    time_t before = time(NULL);
    int64_t ns = tdm_clock_wall_ns();
    ck_assert_int_ge(ns / TDM_NS_PER_S + 1, before); /* time() may lag by a tick */
    ck_assert_int_le(ns / TDM_NS_PER_S, time(NULL) + 1);
}
END_TEST

START_TEST(seconds_become_the_nearest_nanosecond)
{
    ck_assert_int_eq(tdm_ns_from_s(3), 3 * TDM_NS_PER_S);
    ck_assert_int_eq(tdm_ns_from_s(0.1), 100000000);
    ck_assert_int_eq(tdm_ns_from_s(1e-9), 1);
    ck_assert_int_eq(tdm_ns_from_s(0.6e-9), 1);
    ck_assert_int_eq(tdm_ns_from_s(0.4e-9), 0);
    ck_assert_double_eq(tdm_s_from_ns(1500000000), 1.5);
    ck_assert_double_eq(tdm_s_from_ns(-1500000000), -1.5);
}
END_TEST

START_TEST(seconds_out_of_range_are_clamped)
{
    ck_assert_int_eq(tdm_ns_from_s(0), 0);
    ck_assert_int_eq(tdm_ns_from_s(-1), 0);
    ck_assert_int_eq(tdm_ns_from_s((double) NAN), 0);
    ck_assert_int_eq(tdm_ns_from_s((double) -INFINITY), 0);
    ck_assert_int_eq(tdm_ns_from_s((double) INFINITY), INT64_MAX);
    ck_assert_int_eq(tdm_ns_from_s(1e10), INT64_MAX);
    ck_assert_int_lt(tdm_ns_from_s(9.2e9), INT64_MAX);
}
END_TEST

static void *read_thread_id(void *into)
{
    *(uint32_t *) into = tdm_thread_id();
    return NULL;
}

START_TEST(thread_id_is_the_kernels_and_each_threads_own)
{
    uint32_t other = 0;
    pthread_t thread;
    ck_assert_uint_eq(tdm_thread_id(), (uint32_t) gettid());
    ck_assert_int_eq(pthread_create(&thread, NULL, read_thread_id, &other), 0);
    pthread_join(thread, NULL);
    ck_assert_uint_ne(other, 0);
    ck_assert_uint_ne(other, tdm_thread_id());
    ck_assert_uint_eq(tdm_thread_id(), (uint32_t) gettid());
}
END_TEST

int main(void)
{
    return unit_main("clock",
                     (const TTest *const[]){monotonic_time_never_goes_back, wall_time_is_the_systems,
                                            seconds_become_the_nearest_nanosecond, seconds_out_of_range_are_clamped,
                                            thread_id_is_the_kernels_and_each_threads_own, NULL});
}
