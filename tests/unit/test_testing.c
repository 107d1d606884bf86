/* SPDX-License-Identifier: MIT */
/* DESIGN: testing mode itself. Time that passes by itself, one order for one seed and both orders over several, and reports
 * of what is wrong. A test that has to fail fails in a process of its own, whose words are read. */
#include <tandem/tandem.h>

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/unit/executor.h"

static tdm_executor *begin(uint64_t seed, unsigned loops)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.loops = loops, .workers = 2}), 0);
    return executor;
}

static tdm_testing_report end(tdm_executor *executor)
{
    tdm_testing_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 1e9}, NULL), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    ck_assert_int_eq(tdm_testing_end(&report), 0);
    return report;
}

static int sleep_an_hour(tdm_task *task, void *arg)
{
    (void) task;
    int64_t before = tdm_clock_ns();
    int err = tdm_sleep(3600);
    *(int64_t *) arg = tdm_clock_ns() - before;
    return err;
}

START_TEST(an_hour_takes_no_time_in_either_lane_and_not_an_instant_more)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    tdm_executor *executor = begin(1, 1);
    int64_t slept[TDM_LANES] = {0}, start = tdm_clock_ns(), wall = tdm_clock_wall_ns();
    for (int lane = 0; lane < TDM_LANES; lane++)
        unit_spawn(executor, (tdm_lane) lane, sleep_an_hour, &slept[lane]);
    ck_assert_int_eq(tdm_sleep(3600.5), 0);
    for (int lane = 0; lane < TDM_LANES; lane++)
        ck_assert_int_eq(slept[lane], 3600 * TDM_NS_PER_S);
    ck_assert_int_eq(tdm_clock_ns() - start, 7201 * (TDM_NS_PER_S / 2));
    ck_assert_int_eq(tdm_clock_wall_ns() - wall, tdm_clock_ns() - start);
    ck_assert_double_eq_tol(end(executor).time, 3600.5, 1e-9);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 30);
    ck_assert_int_ge(tdm_clock_ns(), (int64_t) before.tv_sec * TDM_NS_PER_S); /* real time again */
}
END_TEST

/* ---- order ---- */

typedef struct story {
    pthread_mutex_t lock;
    char words[512];
    size_t size;
} story;

static void tell(story *s, char word)
{
    if (s->size < sizeof s->words - 1)
        s->words[s->size++] = word;
}

typedef struct teller {
    story *story;
    char name;
} teller;

static int tell_three_times(tdm_task *task, void *arg)
{
    (void) task;
    teller *t = arg;
    for (int i = 0; i < 3; i++) {
        tell(t->story, t->name);
        if (i < 2 ? tdm_sleep(1) : tdm_yield())
            return -ECANCELED;
    }
    tell(t->story, (char) (t->name - 'a' + 'A'));
    return 0;
}

static void *tell_from_a_thread(void *arg)
{
    tell_three_times(NULL, arg);
    return arg;
}

static tdm_testing_report tell_story(uint64_t seed, story *s)
{
    teller tellers[7];
    pthread_t thread;
    *s = (story){.size = 0};
    tdm_executor *executor = begin(seed, 2);
    for (int i = 0; i < 7; i++)
        tellers[i] = (teller){s, (char) ('a' + i)};
    ck_assert_int_eq(tdm_testing_thread_start(&thread, "teller", tell_from_a_thread, &tellers[6]), 0);
    for (int i = 0; i < 6; i++)
        unit_spawn(executor, (tdm_lane) (i % 2), tell_three_times, &tellers[i]);
    ck_assert_ptr_eq(tdm_testing_thread_join(thread), &tellers[6]);
    return end(executor);
}

START_TEST(one_seed_is_one_order_of_events)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        story first, second;
        tdm_testing_report a = tell_story(seed, &first), b = tell_story(seed, &second);
        ck_assert_str_eq(first.words, second.words);
        ck_assert_uint_eq(strlen(first.words), 7 * 4);
        ck_assert_uint_eq(a.choices, b.choices);
        ck_assert_uint_eq(a.fingerprint, b.fingerprint);
        ck_assert_uint_gt(a.choices, 20);
    }
}
END_TEST

START_TEST(seeds_differ_in_their_orders)
{
    enum { SEEDS = 100 };
    static story stories[SEEDS];
    int different = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bool seen = false;
        tell_story(seed, &stories[seed]);
        for (uint64_t other = 0; other < seed; other++)
            seen |= strcmp(stories[seed].words, stories[other].words) == 0;
        different += !seen;
    }
    ck_assert_int_gt(different, SEEDS * 3 / 4);
}
END_TEST

int main(void)
{
    return unit_main("testing",
                     (const TTest *const[]){an_hour_takes_no_time_in_either_lane_and_not_an_instant_more,
                                            one_seed_is_one_order_of_events, seeds_differ_in_their_orders, NULL});
}
