/* SPDX-License-Identifier: MIT */
/* DESIGN: who is woken by a signal, that the mutex is held again whatever ended the wait, and the ties of a signal with a
 * cancellation and with a deadline. */
#include <tandem/condition.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"

typedef struct box {
    tdm_executor *executor;
    tdm_mutex *m;
    tdm_condition *c;
    bool full; /* guarded by the mutex */
    int got;   /* likewise */
    unit_call first, next;
} box;

static box box_make(unsigned workers)
{
    box b = {.executor = unit_executor((tdm_executor_options){.loops = 2, .workers = workers})};
    ck_assert_int_eq(tdm_mutex_create(&b.m), 0);
    ck_assert_int_eq(tdm_condition_create(&b.c), 0);
    return b;
}

static void box_finish(box *b)
{
    ck_assert_uint_eq(tdm_condition_waiting(b->c), 0);
    ck_assert_int_eq(tdm_mutex_try_lock(b->m), 0); /* nobody kept it */
    ck_assert_int_eq(tdm_mutex_unlock(b->m), 0);
    tdm_condition_destroy(&b->c);
    ck_assert_ptr_null(b->c);
    tdm_condition_destroy(&b->c);
    tdm_mutex_destroy(&b->m);
    unit_destroy(b->executor);
}

/* A single wait; the mutex must be the caller's afterwards. */
static int wait_once(box *b, double seconds)
{
    int err = tdm_mutex_lock(b->m);
    if (err)
        return err;
    err = seconds > 0 ? tdm_condition_wait_for(b->c, b->m, seconds) : tdm_condition_wait(b->c, b->m);
    return tdm_mutex_unlock(b->m) ? -EIO : err;
}

static int wait_for_signal(void *arg)
{
    return wait_once(arg, 0);
}

static int wait_briefly(void *arg)
{
    return wait_once(arg, UNIT_BRIEF);
}

static void start_waiter(box *b, unit_call *call, unit_place place, int (*fn)(void *arg), void *arg)
{
    unsigned before = tdm_condition_waiting(b->c);
    unit_start(b->executor, call, place, fn, arg);
    UNIT_UNTIL(tdm_condition_waiting(b->c) == before + 1);
}

static void signal_one(void *arg)
{
    tdm_condition_signal(((box *) arg)->c);
}

static void cancel_first(void *arg)
{
    unit_cancel(((box *) arg)->executor, &((box *) arg)->first);
}

START_TEST(a_signal_wakes_the_one_that_waited_longest_and_a_broadcast_all)
{
    enum { WAITERS = 9 };
    box b = box_make(WAITERS);
    unit_call calls[WAITERS];
    tdm_condition_signal(b.c); /* nobody waits: it is not kept */
    for (int i = 0; i < WAITERS; i++)
        start_waiter(&b, &calls[i], (unit_place) (i % UNIT_PLACES), wait_for_signal, &b);
    for (int i = 0; i < WAITERS / 2; i++) {
        tdm_condition_signal(b.c);
        ck_assert_int_eq(unit_result(&calls[i]), 0);
        for (int later = i + 1; later < WAITERS; later++)
            ck_assert(!calls[later].returned);
    }
    tdm_condition_broadcast(b.c);
    for (int i = WAITERS / 2; i < WAITERS; i++)
        ck_assert_int_eq(unit_result(&calls[i]), 0);
    box_finish(&b);
}
END_TEST

START_TEST(who_does_not_hold_the_mutex_cannot_wait)
{
    box b = box_make(2);
    ck_assert_int_eq(tdm_condition_wait(b.c, b.m), -EPERM);
    ck_assert_int_eq(tdm_condition_wait_for(b.c, b.m, 1), -EPERM);
    ck_assert_int_eq(tdm_condition_wait_until(b.c, b.m, NULL, NULL, 1), -EPERM);
    ck_assert_int_eq(unit_in_callback(b.executor, wait_for_signal, &b), -EDEADLK);
    box_finish(&b);
}
END_TEST

/* ---- ties ---- */

static void check_tie(unit_place place, void (*one)(void *arg), void (*other)(void *arg), int expected)
{
    box b = box_make(2);
    start_waiter(&b, &b.first, place, wait_for_signal, &b);
    start_waiter(&b, &b.next, UNIT_THREAD, wait_for_signal, &b);
    one(&b);
    other(&b);
    ck_assert_int_eq(unit_result(&b.first), expected);
    if (expected == 0) {
        ck_assert(!b.next.returned);
        signal_one(&b);
    }
    ck_assert_int_eq(unit_result(&b.next), 0);
    box_finish(&b);
}

START_TEST(of_a_signal_and_a_cancellation_the_first_one_counts_and_none_is_swallowed)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        check_tie((unit_place) place, signal_one, cancel_first, 0);
        check_tie((unit_place) place, cancel_first, signal_one, -ECANCELED);
    }
}
END_TEST

START_TEST(of_a_signal_and_the_deadline_the_first_one_counts_and_none_is_swallowed)
{
    for (int after = 0; after < 2; after++) {
        box b = {.executor = unit_executor((tdm_executor_options){0})};
        ck_assert_int_eq(tdm_mutex_create(&b.m), 0);
        ck_assert_int_eq(tdm_condition_create(&b.c), 0);
        unit_deadline d = {b.executor, wait_briefly, wait_for_signal, signal_one, &b, .after = after};
        unit_meet_deadline(&d);
        ck_assert_int_eq(unit_result(&d.first), after ? -ETIMEDOUT : 0);
        if (!after)
            signal_one(&b);
        ck_assert_int_eq(unit_result(&d.next), 0);
        box_finish(&b);
    }
}
END_TEST

START_TEST(a_cancelled_waiter_gets_the_mutex_back_before_it_returns)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        box b = box_make(2);
        start_waiter(&b, &b.first, (unit_place) place, wait_for_signal, &b);
        ck_assert_int_eq(tdm_mutex_lock(b.m), 0);
        unit_cancel(b.executor, &b.first);
        UNIT_UNTIL(tdm_mutex_waiting(b.m) == 1); /* it waits for the mutex, though it was cancelled */
        ck_assert(!b.first.returned);
        ck_assert_int_eq(tdm_mutex_unlock(b.m), 0);
        ck_assert_int_eq(unit_result(&b.first), -ECANCELED);
        box_finish(&b);
    }
}
END_TEST

/* ---- predicates ---- */

static bool is_full(void *arg)
{
    return ((box *) arg)->full;
}

static int wait_until(void *arg)
{
    box *b = arg;
    int err = tdm_mutex_lock(b->m);
    if (err)
        return err;
    err = tdm_condition_wait_until(b->c, b->m, is_full, b, TDM_FOREVER);
    if (!err && !b->full)
        err = -EIO;
    return tdm_mutex_unlock(b->m) ? -EIO : err;
}

static int wait_until_in_vain(void *arg)
{
    box *b = arg;
    int64_t before = tdm_clock_ns();
    int err = tdm_mutex_lock(b->m);
    if (err)
        return err;
    err = tdm_condition_wait_until(b->c, b->m, is_full, b, 0.005);
    if (tdm_mutex_unlock(b->m) || tdm_clock_ns() - before < 5000000)
        return -EIO;
    return err;
}

static void fill(box *b)
{
    ck_assert_int_eq(tdm_mutex_lock(b->m), 0);
    b->full = true;
    ck_assert_int_eq(tdm_mutex_unlock(b->m), 0);
}

START_TEST(wait_until_looks_again_after_each_signal)
{
    for (int place = 0; place < UNIT_PLACES; place++) {
        box b = box_make(2);
        start_waiter(&b, &b.first, (unit_place) place, wait_until, &b);
        signal_one(&b); /* in vain */
        UNIT_UNTIL(tdm_condition_waiting(b.c) == 1 && !b.first.returned);
        fill(&b);
        signal_one(&b);
        ck_assert_int_eq(unit_result(&b.first), 0);
        ck_assert_int_eq(unit_run(b.executor, (unit_place) place, wait_until, &b), 0); /* it holds: no wait */
        b.full = false;
        ck_assert_int_eq(unit_run(b.executor, (unit_place) place, wait_until_in_vain, &b), -ETIMEDOUT);
        box_finish(&b);
    }
}
END_TEST

START_TEST(what_became_true_before_the_cancellation_was_seen_counts)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        box b = box_make(2);
        start_waiter(&b, &b.first, (unit_place) place, wait_until, &b);
        ck_assert_int_eq(tdm_mutex_lock(b.m), 0);
        unit_cancel(b.executor, &b.first);
        b.full = true; /* it cannot look before the mutex is unlocked */
        ck_assert_int_eq(tdm_mutex_unlock(b.m), 0);
        ck_assert_int_eq(unit_result(&b.first), 0);
        box_finish(&b);
    }
}
END_TEST

/* ---- a crowd: one box, many who fill and empty it; a lost signal would hang ---- */

enum { CROWD = 8, ROUNDS = 200 };

static bool is_empty(void *arg)
{
    return !((box *) arg)->full;
}

static int change_often(box *b, bool to_full)
{
    for (int i = 0; i < ROUNDS / (TDM__SANITIZED ? 4 : 1); i++) {
        int err = tdm_mutex_lock(b->m);
        if (err)
            return err;
        err = tdm_condition_wait_until(b->c, b->m, to_full ? is_empty : is_full, b, TDM_FOREVER);
        if (!err) {
            b->full = to_full;
            b->got++;
            tdm_condition_broadcast(b->c);
        }
        if (tdm_mutex_unlock(b->m) || err)
            return err ? err : -EIO;
    }
    return 0;
}

static int fill_often(void *arg)
{
    return change_often(arg, true);
}

static int empty_often(void *arg)
{
    return change_often(arg, false);
}

START_TEST(a_crowd_that_fills_and_empties_one_box_comes_to_an_end)
{
    box b = box_make(CROWD);
    unit_call calls[CROWD];
    for (int i = 0; i < CROWD; i++)
        unit_start(b.executor, &calls[i], (unit_place) (i / 2 % UNIT_PLACES), i % 2 ? fill_often : empty_often, &b);
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(unit_result(&calls[i]), 0);
    ck_assert_int_eq(b.got, CROWD * (ROUNDS / (TDM__SANITIZED ? 4 : 1)));
    box_finish(&b);
}
END_TEST

int main(void)
{
    return unit_main("condition",
                     (const TTest *const[]){a_signal_wakes_the_one_that_waited_longest_and_a_broadcast_all,
                                            who_does_not_hold_the_mutex_cannot_wait,
                                            of_a_signal_and_a_cancellation_the_first_one_counts_and_none_is_swallowed,
                                            of_a_signal_and_the_deadline_the_first_one_counts_and_none_is_swallowed,
                                            a_cancelled_waiter_gets_the_mutex_back_before_it_returns,
                                            wait_until_looks_again_after_each_signal,
                                            what_became_true_before_the_cancellation_was_seen_counts,
                                            a_crowd_that_fills_and_empties_one_box_comes_to_an_end, NULL});
}
