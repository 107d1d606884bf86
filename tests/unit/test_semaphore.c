/* SPDX-License-Identifier: MIT */
/* DESIGN: permits in every place that can wait for one, the ties of a hand-over with a cancellation and with a deadline
 * in both orders, and a crowd that never exceeds the permits. */
#include <tandem/semaphore.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"

static tdm_semaphore *semaphore(unsigned permits, bool bounded)
{
    tdm_semaphore *s = NULL;
    tdm_semaphore_options options = {.permits = permits, .bounded = bounded};
    ck_assert_int_eq(tdm_semaphore_create(&s, &options), 0);
    return s;
}

static int acquire(void *arg)
{
    return tdm_semaphore_acquire(arg);
}

static int acquire_soon(void *arg)
{
    return tdm_semaphore_acquire_for(arg, 0.005);
}

/* One more waits than before. */
static void start_waiter(tdm_executor *executor, tdm_semaphore *s, unit_call *call, unit_place place,
                         int (*fn)(void *arg))
{
    unsigned before = tdm_semaphore_waiting(s);
    unit_start(executor, call, place, fn, s);
    UNIT_UNTIL(tdm_semaphore_waiting(s) == before + 1);
}

START_TEST(permits_are_counted)
{
    tdm_semaphore *s = semaphore(2, false);
    ck_assert_int_eq(tdm_semaphore_acquire(s), 0);
    ck_assert_int_eq(tdm_semaphore_acquire_for(s, 0), 0);
    ck_assert_uint_eq(tdm_semaphore_free(s), 0);
    ck_assert_int_eq(tdm_semaphore_try_acquire(s), -EAGAIN);
    ck_assert_int_eq(tdm_semaphore_acquire_for(s, 0), -ETIMEDOUT);
    ck_assert_int_eq(tdm_semaphore_release(s, 3), 0);
    ck_assert_uint_eq(tdm_semaphore_free(s), 3);
    ck_assert_int_eq(tdm_semaphore_try_acquire(s), 0);
    tdm_semaphore_destroy(&s);
    ck_assert_ptr_null(s);
    tdm_semaphore_destroy(&s);
}
END_TEST

START_TEST(a_bounded_one_refuses_more_than_was_taken)
{
    tdm_semaphore *s = semaphore(2, true);
    ck_assert_int_eq(tdm_semaphore_release(s, 1), -EOVERFLOW);
    ck_assert_int_eq(tdm_semaphore_acquire(s), 0);
    ck_assert_int_eq(tdm_semaphore_release(s, 2), -EOVERFLOW);
    ck_assert_uint_eq(tdm_semaphore_free(s), 1); /* none of the two was given */
    ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
    ck_assert_uint_eq(tdm_semaphore_free(s), 2);
    tdm_semaphore_destroy(&s);
}
END_TEST

START_TEST(a_bounded_one_that_is_awaited_refuses_more_than_all)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(1, true);
    unit_call waiter;
    ck_assert_int_eq(tdm_semaphore_acquire(s), 0);
    start_waiter(executor, s, &waiter, UNIT_LOOP, acquire);
    ck_assert_int_eq(tdm_semaphore_release(s, 2), -EOVERFLOW);
    ck_assert_uint_eq(tdm_semaphore_waiting(s), 1);
    ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
    ck_assert_int_eq(unit_result(&waiter), 0);
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

START_TEST(no_more_than_the_limit_can_be_free)
{
    tdm_semaphore *s = semaphore(TDM_SEMAPHORE_MAX, false);
    ck_assert_int_eq(tdm_semaphore_release(s, 1), -EOVERFLOW);
    ck_assert_int_eq(tdm_semaphore_acquire(s), 0);
    ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
    ck_assert_int_eq(tdm_semaphore_release(s, UINT32_MAX), -EOVERFLOW);
    tdm_semaphore_destroy(&s);
    tdm_semaphore_options options = {.permits = (unsigned) TDM_SEMAPHORE_MAX + 1};
    ck_assert_int_eq(tdm_semaphore_create(&s, &options), -EINVAL);
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(waiters_are_served_first_in_first_out_wherever_they_wait)
{
    enum { WAITERS = 12 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = WAITERS});
    tdm_semaphore *s = semaphore(0, false);
    unit_call calls[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        start_waiter(executor, s, &calls[i], (unit_place) (i % UNIT_PLACES), acquire);
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
        ck_assert_int_eq(unit_result(&calls[i]), 0);
        for (int later = i + 1; later < WAITERS; later++)
            ck_assert(!calls[later].returned);
        ck_assert_int_eq(tdm_semaphore_try_acquire(s), -EAGAIN); /* it was handed over, not put down */
    }
    ck_assert_uint_eq(tdm_semaphore_free(s), 0);
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

START_TEST(several_permits_wake_as_many_and_the_rest_is_free)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(0, false);
    unit_call calls[UNIT_PLACES];
    for (int i = 0; i < UNIT_PLACES; i++)
        start_waiter(executor, s, &calls[i], (unit_place) i, acquire);
    ck_assert_int_eq(tdm_semaphore_release(s, UNIT_PLACES + 2), 0);
    for (int i = 0; i < UNIT_PLACES; i++)
        ck_assert_int_eq(unit_result(&calls[i]), 0);
    ck_assert_uint_eq(tdm_semaphore_free(s), 2);
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

/* ---- ties ---- */

typedef struct tie {
    tdm_executor *executor;
    tdm_semaphore *s;
    unit_call first, next;
} tie;

static void give(void *arg)
{
    ck_assert_int_eq(tdm_semaphore_release(((tie *) arg)->s, 1), 0);
}

static void cancel(void *arg)
{
    unit_cancel(((tie *) arg)->executor, &((tie *) arg)->first);
}

/* Let the other end of the tie meet a permit that goes to `first`, or else to `next`. */
static void check_tie(unit_place place, void (*one)(void *arg), void (*other)(void *arg), int expected)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .s = semaphore(0, false)};
    start_waiter(t.executor, t.s, &t.first, place, acquire);
    start_waiter(t.executor, t.s, &t.next, place, acquire);
    if (place == UNIT_LOOP) {
        unit_in_order(t.executor, one, other, &t);
    } else {
        one(&t);
        other(&t);
    }
    ck_assert_int_eq(unit_result(&t.first), expected);
    if (expected < 0) {
        ck_assert_int_eq(unit_result(&t.next), 0); /* the permit was not swallowed */
    } else {
        ck_assert(!t.next.returned);
        give(&t);
        ck_assert_int_eq(unit_result(&t.next), 0);
    }
    ck_assert_uint_eq(tdm_semaphore_free(t.s), 0);
    ck_assert_uint_eq(tdm_semaphore_waiting(t.s), 0);
    tdm_semaphore_destroy(&t.s);
    unit_destroy(t.executor);
}

START_TEST(a_permit_meant_for_a_cancelled_waiter_goes_to_the_next)
{
    check_tie(UNIT_LOOP, cancel, give, -ECANCELED);
    check_tie(UNIT_POOL, cancel, give, -ECANCELED);
}
END_TEST

START_TEST(a_permit_that_came_before_the_cancellation_is_kept)
{
    check_tie(UNIT_LOOP, give, cancel, 0);
    check_tie(UNIT_POOL, give, cancel, 0);
}
END_TEST

START_TEST(a_cancelled_waiter_that_was_alone_leaves_the_permit_free)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(0, true);
    tdm_semaphore_destroy(&s);
    s = semaphore(1, true);
    for (int place = 0; place < UNIT_THREAD; place++) {
        unit_call waiter;
        ck_assert_int_eq(tdm_semaphore_acquire(s), 0);
        start_waiter(executor, s, &waiter, (unit_place) place, acquire);
        unit_cancel(executor, &waiter);
        ck_assert_int_eq(unit_result(&waiter), -ECANCELED);
        ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
        ck_assert_uint_eq(tdm_semaphore_free(s), 1);
    }
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

static int acquire_briefly(void *arg)
{
    return tdm_semaphore_acquire_for(((tie *) arg)->s, UNIT_BRIEF);
}

static int acquire_of_tie(void *arg)
{
    return tdm_semaphore_acquire(((tie *) arg)->s);
}

static void check_deadline(bool after, int expected)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .s = semaphore(0, false)};
    unit_deadline d = {t.executor, acquire_briefly, acquire_of_tie, give, &t, .after = after};
    unit_meet_deadline(&d);
    ck_assert_int_eq(unit_result(&d.first), expected);
    if (!expected)
        give(&t);
    ck_assert_int_eq(unit_result(&d.next), 0);
    ck_assert_uint_eq(tdm_semaphore_free(t.s), 0);
    tdm_semaphore_destroy(&t.s);
    unit_destroy(t.executor);
}

START_TEST(a_permit_that_came_before_the_loop_saw_the_deadline_counts)
{
    check_deadline(false, 0);
}
END_TEST

START_TEST(a_permit_that_came_after_the_deadline_goes_to_the_next)
{
    check_deadline(true, -ETIMEDOUT);
}
END_TEST

START_TEST(a_waiter_whose_time_is_over_leaves_no_trace_in_any_place)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(0, false);
    for (int place = 0; place < UNIT_PLACES; place++) {
        int64_t before = tdm_clock_ns();
        ck_assert_int_eq(unit_run(executor, (unit_place) place, acquire_soon, s), -ETIMEDOUT);
        ck_assert_int_ge(tdm_clock_ns() - before, 5 * TDM_NS_PER_S / 1000);
        ck_assert_uint_eq(tdm_semaphore_waiting(s), 0);
        ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
        ck_assert_int_eq(tdm_semaphore_try_acquire(s), 0);
    }
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

/* ---- scopes, cancellation, callbacks ---- */

static int acquire_in_scopes(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.005);
    int err = tdm_semaphore_acquire_for(arg, 3600);
    if (err != -ETIMEDOUT || !tdm_timeout_end(&scope))
        return -EIO;
    tdm_timeout_begin(&scope, 3600);
    err = tdm_semaphore_acquire_for(arg, 0.005);
    return err == -ETIMEDOUT && !tdm_timeout_end(&scope) ? 0 : -EIO;
}

START_TEST(its_own_time_and_that_of_a_scope_are_told_apart)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(0, false);
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, acquire_in_scopes, s), 0);
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

static int acquire_when_cancelled(void *arg)
{
    tie *t = arg;
    unit_cancel_myself(t->executor);
    give(t);
    if (tdm_semaphore_acquire(t->s) != 0) /* it is there */
        return -EIO;
    if (tdm_semaphore_acquire(t->s) != -ECANCELED || tdm_semaphore_acquire_for(t->s, 0) != -ECANCELED)
        return -EIO;
    tdm_shield shield;
    tdm_shield_begin(&shield);
    int err = tdm_semaphore_acquire_for(t->s, 0.001);
    tdm_shield_end(&shield);
    return err == -ETIMEDOUT ? 0 : -EIO;
}

START_TEST(a_cancelled_task_gets_what_is_free_and_waits_only_under_a_shield)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .s = semaphore(0, false)};
    for (int place = 0; place < UNIT_THREAD; place++)
        ck_assert_int_eq(unit_run(t.executor, (unit_place) place, acquire_when_cancelled, &t), 0);
    tdm_semaphore_destroy(&t.s);
    unit_destroy(t.executor);
}
END_TEST

START_TEST(a_callback_gets_what_is_free_and_never_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_semaphore *s = semaphore(1, false);
    ck_assert_int_eq(unit_in_callback(executor, acquire, s), 0);
    ck_assert_int_eq(unit_in_callback(executor, acquire, s), -EDEADLK);
    ck_assert_int_eq(unit_in_callback(executor, acquire_soon, s), -EDEADLK);
    ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
    ck_assert_int_eq(unit_in_callback(executor, acquire, s), 0);
    tdm_semaphore_destroy(&s);
    unit_destroy(executor);
}
END_TEST

static int acquire_and_destroy(void *arg)
{
    tdm_semaphore *s = arg;
    int err = tdm_semaphore_acquire(s);
    tdm_semaphore_destroy(&s);
    return err;
}

START_TEST(whoever_got_the_last_permit_may_destroy_it_at_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int i = 0; i < 300; i++) {
        tdm_semaphore *s = semaphore(0, false);
        unit_call call;
        start_waiter(executor, s, &call, (unit_place) (i % UNIT_PLACES), acquire_and_destroy);
        ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
        ck_assert_int_eq(unit_result(&call), 0);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- who released goes on while the executor of who waited goes away ---- */

static int acquire_permit(tdm_task *task, void *s)
{
    (void) task;
    return tdm_semaphore_acquire(s);
}

static void *release_permit(void *s)
{
    ck_assert_int_eq(tdm_semaphore_release(s, 1), 0);
    return NULL;
}

static int release_from_task(tdm_task *task, void *s)
{
    (void) task;
    return tdm_semaphore_release(s, 1);
}

START_TEST(an_executor_may_go_while_who_woke_its_last_task_is_still_at_it)
{
    for (int i = 0; i < 300; i++) {
        tdm_semaphore *s = semaphore(0, false);
        tdm_executor *goes = unit_executor((tdm_executor_options){.workers = 1});
        tdm_executor *stays = unit_executor((tdm_executor_options){.workers = 1});
        pthread_t thread;
        bool by_thread = i % 2;
        unit_spawn(goes, i % 4 < 2 ? TDM_LOOP : TDM_POOL, acquire_permit, s);
        if (by_thread)
            ck_assert_int_eq(pthread_create(&thread, NULL, release_permit, s), 0);
        else
            unit_spawn(stays, TDM_LOOP, release_from_task, s);
        unit_destroy(goes);
        if (by_thread)
            ck_assert_int_eq(pthread_join(thread, NULL), 0);
        unit_destroy(stays);
        tdm_semaphore_destroy(&s);
    }
}
END_TEST

/* ---- a crowd ---- */

enum { PERMITS = 3, CROWD = 12, ROUNDS = 400 };

typedef struct crowd {
    tdm_semaphore *s;
    _Atomic int inside, most, entered, refused;
    _Atomic uint64_t seed;
} crowd;

static int visit(crowd *c, uint64_t random)
{
    int err =
        random % 4 == 0 ? tdm_semaphore_acquire_for(c->s, (double) (random % 97) * 1e-6) : tdm_semaphore_acquire(c->s);
    if (err)
        return err;
    int inside = atomic_fetch_add(&c->inside, 1) + 1;
    if (inside > c->most)
        c->most = inside;
    err = random % 3 ? tdm_yield() : 0;
    atomic_fetch_sub(&c->inside, 1);
    atomic_fetch_add(&c->entered, 1);
    ck_assert_int_eq(tdm_semaphore_release(c->s, 1), 0);
    return err;
}

static int visit_often(void *arg)
{
    crowd *c = arg;
    uint64_t seed = atomic_fetch_add(&c->seed, 1);
    for (int i = 0; i < ROUNDS / (TDM__SANITIZED ? 4 : 1); i++) {
        int err = visit(c, unit_random(&seed));
        atomic_fetch_add(&c->refused, err != 0);
        if (err == -ECANCELED)
            return err;
        if (err && err != -ETIMEDOUT)
            return -EIO;
    }
    return 0;
}

START_TEST(a_crowd_on_loops_workers_and_threads_never_exceeds_the_permits)
{
    for (unsigned round = 0; round < 20; round++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = CROWD});
        crowd c = {.s = semaphore(PERMITS, true), .seed = round * CROWD};
        unit_call calls[CROWD];
        for (int i = 0; i < CROWD; i++)
            unit_start(executor, &calls[i], (unit_place) (i % UNIT_PLACES), visit_often, &c);
        for (int i = 0; i < CROWD; i++)
            if (calls[i].place != UNIT_THREAD && i % 2)
                unit_cancel(executor, &calls[i]); /* at some point */
        for (int i = 0; i < CROWD; i++) {
            int result = unit_result(&calls[i]);
            ck_assert_msg(result == 0 || (result == -ECANCELED && i % 2), "%d", result);
        }
        ck_assert_int_le(c.most, PERMITS);
        ck_assert_int_gt(c.entered, 0);
        ck_assert_uint_eq(tdm_semaphore_free(c.s), PERMITS); /* none was lost, none was made */
        ck_assert_uint_eq(tdm_semaphore_waiting(c.s), 0);
        tdm_semaphore_destroy(&c.s);
        unit_destroy(executor);
    }
}
END_TEST

int main(void)
{
    return unit_main(
        "semaphore",
        (const TTest *const[]){
            permits_are_counted, a_bounded_one_refuses_more_than_was_taken,
            a_bounded_one_that_is_awaited_refuses_more_than_all, no_more_than_the_limit_can_be_free,
            waiters_are_served_first_in_first_out_wherever_they_wait, several_permits_wake_as_many_and_the_rest_is_free,
            a_permit_meant_for_a_cancelled_waiter_goes_to_the_next, a_permit_that_came_before_the_cancellation_is_kept,
            a_cancelled_waiter_that_was_alone_leaves_the_permit_free,
            a_permit_that_came_before_the_loop_saw_the_deadline_counts,
            a_permit_that_came_after_the_deadline_goes_to_the_next,
            a_waiter_whose_time_is_over_leaves_no_trace_in_any_place, its_own_time_and_that_of_a_scope_are_told_apart,
            a_cancelled_task_gets_what_is_free_and_waits_only_under_a_shield,
            a_callback_gets_what_is_free_and_never_waits, whoever_got_the_last_permit_may_destroy_it_at_once,
            an_executor_may_go_while_who_woke_its_last_task_is_still_at_it,
            a_crowd_on_loops_workers_and_threads_never_exceeds_the_permits, NULL});
}
