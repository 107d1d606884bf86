/* SPDX-License-Identifier: MIT */
/* DESIGN: deadline scopes and shields as a task, a worker and a thread see them: whose time it was, what counts first,
 * and what is left when they are closed. */
#include <tandem/timeout.h>

#include <math.h>
#include <stdio.h>

#include "tests/unit/place.h"
#include <tandem/semaphore.h>

#define MOMENT 0.002

/* Checks run in the place itself and say where they failed. */
#define WANT(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                                            \
            return -EIO;                                                                                               \
        }                                                                                                              \
    } while (0)

static void everywhere(int (*fn)(void *arg), bool threads)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < (threads ? UNIT_PLACES : UNIT_THREAD); place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, fn, executor), 0);
    unit_destroy(executor);
}

static int time_out(void *arg)
{
    (void) arg;
    tdm_timeout scope;
    int64_t begin = tdm_clock_ns();
    WANT(tdm_timeout_begin(&scope, MOMENT) == 0);
    WANT(tdm_sleep(3600) == -ETIMEDOUT);
    WANT(tdm_clock_ns() - begin >= tdm_ns_from_s(MOMENT));
    WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_sleep(0) == -ETIMEDOUT && tdm_yield() == -ETIMEDOUT);
    WANT(tdm_timeout_end(&scope));
    WANT(tdm_sleep(0) == 0 && tdm_yield() == 0); /* it is over with the scope */
    return 0;
}

START_TEST(a_scope_ends_every_wait_when_its_time_is_over_and_none_afterwards)
{
    everywhere(time_out, true);
}
END_TEST

static int do_not_wait(void *arg)
{
    (void) arg;
    tdm_timeout scope;
    tdm_semaphore *s = NULL;
    WANT(tdm_semaphore_create(&s, &(tdm_semaphore_options){.permits = 1}) == 0);
    WANT(tdm_timeout_begin(&scope, 0) == 0);
    unit_hold_until(tdm_clock_ns() + 1000000);
    WANT(tdm_semaphore_acquire(s) == 0); /* the result was there */
    WANT(!tdm_timeout_end(&scope));
    WANT(tdm_timeout_begin(&scope, 3600) == 0 && tdm_sleep(0) == 0 && !tdm_timeout_end(&scope));
    tdm_semaphore_destroy(&s);
    return 0;
}

START_TEST(who_does_not_wait_has_not_timed_out)
{
    everywhere(do_not_wait, true);
}
END_TEST

static int nest(void *arg)
{
    (void) arg;
    tdm_timeout outer, inner;
    tdm_timeout_begin(&outer, 3600);
    tdm_timeout_begin(&inner, MOMENT);
    WANT(tdm_sleep(3600) == -ETIMEDOUT);
    WANT(tdm_timeout_end(&inner) && tdm_sleep(0) == 0 && !tdm_timeout_end(&outer));

    tdm_timeout_begin(&outer, MOMENT);
    tdm_timeout_begin(&inner, 3600);
    WANT(tdm_sleep(3600) == -ETIMEDOUT);
    WANT(!tdm_timeout_end(&inner) && tdm_timeout_end(&outer));

    tdm_timeout_begin(&outer, MOMENT); /* both are due: the inner one is told first, then the outer one */
    tdm_timeout_begin(&inner, MOMENT / 2);
    unit_hold_until(tdm_clock_ns() + tdm_ns_from_s(2 * MOMENT));
    WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_timeout_end(&inner));
    WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_timeout_end(&outer));

    tdm_timeout_begin(&outer, MOMENT); /* one wait, one scope: nothing has waited since */
    tdm_timeout_begin(&inner, MOMENT / 2);
    WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_timeout_end(&inner) && !tdm_timeout_end(&outer));
    return 0;
}

START_TEST(scopes_nest_and_each_knows_its_own_time)
{
    everywhere(nest, true);
}
END_TEST

static int move(void *arg)
{
    (void) arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, TDM_FOREVER);
    WANT(tdm_sleep(0) == 0);
    WANT(tdm_timeout_set(&scope, MOMENT) == 0);
    WANT(tdm_timeout_set(&scope, 3600) == 0 && tdm_sleep(2 * MOMENT) == 0); /* in time */
    WANT(tdm_timeout_set(&scope, TDM_FOREVER) == 0 && tdm_sleep(0) == 0);
    WANT(tdm_timeout_set(&scope, MOMENT) == 0 && tdm_sleep(3600) == -ETIMEDOUT);
    WANT(tdm_timeout_set(&scope, 3600) == -EALREADY && tdm_sleep(0) == -ETIMEDOUT);
    WANT(tdm_timeout_end(&scope));
    return 0;
}

START_TEST(a_deadline_can_be_moved_until_it_has_ended_a_wait)
{
    everywhere(move, true);
}
END_TEST

static int odd_times(void *arg)
{
    (void) arg;
    static const double none[] = {0, -1, NAN, -INFINITY};
    tdm_timeout scope;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        tdm_timeout_begin(&scope, none[i]);
        WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_timeout_end(&scope));
    }
    tdm_timeout_begin(&scope, INFINITY);
    WANT(tdm_sleep(MOMENT) == 0 && !tdm_timeout_end(&scope));
    return 0;
}

START_TEST(no_time_is_over_at_once_and_infinity_never)
{
    everywhere(odd_times, true);
}
END_TEST

static int own_time(void *arg)
{
    (void) arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 3600);
    WANT(tdm_sleep(MOMENT) == 0);
    WANT(!tdm_timeout_end(&scope));
    tdm_semaphore *s = NULL;
    WANT(tdm_semaphore_create(&s, &(tdm_semaphore_options){0}) == 0);
    tdm_timeout_begin(&scope, MOMENT);
    WANT(tdm_semaphore_acquire_for(s, MOMENT / 2) == -ETIMEDOUT);
    WANT(tdm_semaphore_acquire_for(s, 3600) == -ETIMEDOUT);
    WANT(tdm_timeout_end(&scope));
    tdm_semaphore_destroy(&s);
    return 0;
}

START_TEST(the_time_of_a_call_and_that_of_the_scope_are_two_things)
{
    everywhere(own_time, true);
}
END_TEST

/* ---- cancellation ---- */

static int cancelled_in_scope(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0);
    unit_cancel_myself(arg);
    WANT(tdm_sleep(3600) == -ECANCELED); /* asked to stop comes before too late */
    WANT(!tdm_timeout_end(&scope));
    return 0;
}

START_TEST(a_request_to_stop_comes_before_the_time_of_a_scope)
{
    everywhere(cancelled_in_scope, false);
}
END_TEST

typedef struct tie {
    unit_deadline d;
    bool fired;
} tie;

static int sleep_in_brief_scope(void *arg)
{
    tie *t = arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, UNIT_BRIEF);
    int err = tdm_sleep(3600);
    t->fired = tdm_timeout_end(&scope);
    return err;
}

static int do_nothing(void *arg)
{
    (void) arg;
    return 0;
}

static void cancel_first(void *arg)
{
    tie *t = arg;
    unit_cancel(t->d.executor, &t->d.first);
}

START_TEST(of_a_cancellation_and_a_deadline_the_first_one_counts)
{
    for (int after = 0; after < 2; after++) {
        tie t = {.d = {unit_executor((tdm_executor_options){0}), sleep_in_brief_scope, do_nothing, cancel_first, &t,
                       .after = after}};
        unit_meet_deadline(&t.d);
        ck_assert_int_eq(unit_result(&t.d.first), after ? -ETIMEDOUT : -ECANCELED);
        ck_assert_int_eq(t.fired, after);
        ck_assert_int_eq(unit_result(&t.d.next), 0);
        unit_destroy(t.d.executor);
    }
}
END_TEST

/* ---- shields ---- */

static int shield(void *arg)
{
    tdm_timeout outer, inner;
    tdm_shield one, two;
    tdm_timeout_begin(&outer, 0);
    unit_cancel_myself(arg);
    WANT(tdm_shield_begin(&one) == 0);
    WANT(tdm_sleep(MOMENT) == 0 && tdm_yield() == 0); /* neither counts */
    WANT(tdm_shield_begin(&two) == 0);
    WANT(tdm_sleep(0) == 0);
    tdm_shield_end(&two);
    WANT(tdm_sleep(0) == 0); /* still inside the first */
    tdm_timeout_begin(&inner, MOMENT);
    WANT(tdm_sleep(3600) == -ETIMEDOUT && tdm_timeout_end(&inner)); /* opened inside, so it counts */
    WANT(tdm_sleep(0) == 0);
    tdm_shield_end(&one);
    WANT(tdm_sleep(0) == -ECANCELED); /* both are back */
    WANT(!tdm_timeout_end(&outer));
    return 0;
}

static int shield_from_scope(void *arg)
{
    (void) arg;
    tdm_timeout outer;
    tdm_shield s;
    tdm_timeout_begin(&outer, MOMENT);
    tdm_shield_begin(&s);
    WANT(tdm_sleep(2 * MOMENT) == 0);
    tdm_shield_end(&s);
    WANT(tdm_sleep(0) == -ETIMEDOUT && tdm_timeout_end(&outer));
    return 0;
}

START_TEST(a_shield_keeps_requests_and_outer_deadlines_out_and_gives_them_back)
{
    everywhere(shield, false);
    everywhere(shield_from_scope, true);
}
END_TEST

typedef struct shielded {
    _Atomic bool inside;
    tdm_semaphore *s;
} shielded;

static int wait_shielded(void *arg)
{
    shielded *x = arg;
    tdm_shield s;
    tdm_shield_begin(&s);
    x->inside = true;
    int err = tdm_semaphore_acquire(x->s);
    tdm_shield_end(&s);
    return err ? err : tdm_sleep(3600);
}

START_TEST(a_request_that_comes_during_a_shielded_wait_ends_the_first_wait_after_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        shielded x = {.inside = false};
        unit_call call;
        ck_assert_int_eq(tdm_semaphore_create(&x.s, &(tdm_semaphore_options){0}), 0);
        unit_start(executor, &call, (unit_place) place, wait_shielded, &x);
        UNIT_UNTIL(tdm_semaphore_waiting(x.s) == 1);
        unit_cancel(executor, &call);
        ck_assert(!call.returned && x.inside);
        ck_assert_int_eq(tdm_semaphore_release(x.s, 1), 0);
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
        tdm_semaphore_destroy(&x.s);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- the task's own deadline ---- */

static int outlast_the_deadline(tdm_task *task, void *arg)
{
    (void) task;
    bool *as_promised = arg;
    tdm_timeout scope;
    tdm_shield s;
    tdm_timeout_begin(&scope, 3600);
    int err = tdm_sleep(3600);
    bool fired = tdm_timeout_end(&scope);
    tdm_shield_begin(&s);
    int shielded_err = tdm_sleep(0.001);
    tdm_shield_end(&s);
    *as_promised = err == -ETIMEDOUT && !fired && shielded_err == 0 && tdm_sleep(0) == -ETIMEDOUT;
    return err;
}

START_TEST(the_deadline_of_a_task_lies_below_all_scopes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        bool as_promised = false;
        uint64_t id;
        tdm_task_spec spec = {
            .run = outlast_the_deadline, .arg = &as_promised, .lane = (tdm_lane) lane, .deadline = 0.3};
        ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
        unit_await(executor, id, TDM_TIMED_OUT);
        ck_assert(as_promised);
    }
    unit_destroy(executor);
}
END_TEST

static int open_in_callback(void *arg)
{
    (void) arg;
    tdm_timeout scope;
    tdm_shield s;
    return tdm_timeout_begin(&scope, 1) == -EDEADLK && tdm_shield_begin(&s) == -EDEADLK ? 0 : -EIO;
}

START_TEST(a_callback_opens_neither)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    ck_assert_int_eq(unit_in_callback(executor, open_in_callback, NULL), 0);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "timeout",
        (const TTest *const[]){
            a_scope_ends_every_wait_when_its_time_is_over_and_none_afterwards, who_does_not_wait_has_not_timed_out,
            scopes_nest_and_each_knows_its_own_time, a_deadline_can_be_moved_until_it_has_ended_a_wait,
            no_time_is_over_at_once_and_infinity_never, the_time_of_a_call_and_that_of_the_scope_are_two_things,
            a_request_to_stop_comes_before_the_time_of_a_scope, of_a_cancellation_and_a_deadline_the_first_one_counts,
            a_shield_keeps_requests_and_outer_deadlines_out_and_gives_them_back,
            a_request_that_comes_during_a_shielded_wait_ends_the_first_wait_after_it,
            the_deadline_of_a_task_lies_below_all_scopes, a_callback_opens_neither, NULL});
}
