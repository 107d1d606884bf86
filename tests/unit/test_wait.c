/* SPDX-License-Identifier: MIT */
/* DESIGN: sleeping and yielding, the waits without an object: how long, in which order, and what ends them. */
#include <tandem/wait.h>

#include <math.h>

#include "tests/unit/place.h"

static int sleep_for(void *arg)
{
    return tdm_sleep(*(double *) arg);
}

START_TEST(a_sleep_is_never_too_short)
{
    static const double times[] = {0.003, 0.0002, 0, -1, NAN};
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++)
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
            double seconds = times[i];
            int64_t before = tdm_clock_ns();
            ck_assert_int_eq(unit_run(executor, (unit_place) place, sleep_for, &seconds), 0);
            ck_assert_int_ge(tdm_clock_ns() - before, tdm_ns_from_s(seconds));
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_sleep_for_ever_ends_with_a_cancellation)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        double seconds = TDM_FOREVER;
        unit_call call;
        unit_start(executor, &call, (unit_place) place, sleep_for, &seconds);
        unit_await(executor, call.id, TDM_RUNNING);
        unit_cancel(executor, &call);
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
    }
    unit_destroy(executor);
}
END_TEST

/* Several on one loop who each leave their number, wait, and leave it again. */
enum { TURNS = 5, TAKERS = 4 };

typedef struct taker {
    int number;
    bool yields; /* else it sleeps for no time */
    int *trace, *length;
} taker;

static int take_turns(void *arg)
{
    const taker *t = arg;
    int err = 0;
    for (int i = 0; i < TURNS && !err; i++) {
        t->trace[(*t->length)++] = t->number;
        err = t->yields ? tdm_yield() : tdm_sleep(0);
    }
    return err;
}

typedef struct table {
    tdm_executor *executor;
    taker takers[TAKERS];
    unit_call calls[TAKERS];
    int trace[TURNS * TAKERS], length;
} table;

static int seat_all(void *arg)
{
    table *t = arg;
    for (int i = 0; i < TAKERS; i++)
        unit_start(t->executor, &t->calls[i], UNIT_LOOP, take_turns, &t->takers[i]);
    return 0;
}

START_TEST(who_yields_or_sleeps_for_no_time_goes_behind_all_others)
{
    for (int yields = 0; yields < 2; yields++) {
        table t = {.executor = unit_executor((tdm_executor_options){0})};
        for (int i = 0; i < TAKERS; i++)
            t.takers[i] = (taker){i, yields, t.trace, &t.length};
        ck_assert_int_eq(unit_run(t.executor, UNIT_LOOP, seat_all, &t), 0);
        for (int i = 0; i < TAKERS; i++)
            ck_assert_int_eq(unit_result(&t.calls[i]), 0);
        ck_assert_int_eq(t.length, TURNS * TAKERS);
        for (int i = 0; i < t.length; i += TAKERS) { /* in each round everybody has one turn */
            unsigned seen = 0;
            for (int k = 0; k < TAKERS; k++)
                seen |= 1u << t.trace[i + k];
            ck_assert_uint_eq(seen, (1u << TAKERS) - 1);
            for (int k = 0; k < TAKERS && yields; k++)
                ck_assert_int_eq(t.trace[i + k], k); /* and in order */
        }
        unit_destroy(t.executor);
    }
}
END_TEST

static int sleep_briefly(void *arg)
{
    (void) arg;
    return tdm_sleep(UNIT_BRIEF);
}

static int yield(void *arg)
{
    (void) arg;
    return tdm_yield();
}

static void cancel_first(void *arg)
{
    unit_deadline *d = arg;
    unit_cancel(d->executor, &d->first);
}

START_TEST(of_the_end_of_a_sleep_and_a_cancellation_the_first_one_counts)
{
    for (int after = 0; after < 2; after++) {
        unit_deadline d = {
            unit_executor((tdm_executor_options){0}), sleep_briefly, yield, cancel_first, &d, .after = after};
        unit_meet_deadline(&d);
        ck_assert_int_eq(unit_result(&d.first), after ? 0 : -ECANCELED);
        ck_assert_int_eq(unit_result(&d.next), 0);
        unit_destroy(d.executor);
    }
}
END_TEST

static int wait_when_cancelled(void *arg)
{
    unit_cancel_myself(arg);
    if (tdm_yield() != -ECANCELED || tdm_sleep(0) != -ECANCELED || tdm_sleep(3600) != -ECANCELED)
        return -EIO;
    return tdm_yield() == -ECANCELED ? 0 : -EIO; /* every one */
}

START_TEST(who_was_asked_to_stop_waits_no_more)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, wait_when_cancelled, executor), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_callback_neither_sleeps_nor_yields)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    double seconds = 0;
    ck_assert_int_eq(unit_in_callback(executor, sleep_for, &seconds), -EDEADLK);
    ck_assert_int_eq(unit_in_callback(executor, yield, NULL), -EDEADLK);
    ck_assert_int_eq(unit_run(executor, UNIT_THREAD, yield, NULL), 0);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("wait", (const TTest *const[]){
                                 a_sleep_is_never_too_short, a_sleep_for_ever_ends_with_a_cancellation,
                                 who_yields_or_sleeps_for_no_time_goes_behind_all_others,
                                 of_the_end_of_a_sleep_and_a_cancellation_the_first_one_counts,
                                 who_was_asked_to_stop_waits_no_more, a_callback_neither_sleeps_nor_yields, NULL});
}
