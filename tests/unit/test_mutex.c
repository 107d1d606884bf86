/* SPDX-License-Identifier: MIT */
/* DESIGN: who holds it and who gets it next, in every place; the ties of a hand-over; and that it does exclude. */
#include <tandem/mutex.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"

static tdm_mutex *mutex(void)
{
    tdm_mutex *m = NULL;
    ck_assert_int_eq(tdm_mutex_create(&m), 0);
    return m;
}

/* Takes it, and keeps it across waits until it is let go. */
typedef struct holder {
    tdm_mutex *m;
    _Atomic bool has, go;
    double seconds;
} holder;

static int lock_and_hold(void *arg)
{
    holder *h = arg;
    int err = h->seconds > 0 ? tdm_mutex_lock_for(h->m, h->seconds) : tdm_mutex_lock(h->m);
    if (err)
        return err;
    h->has = true;
    tdm_shield shield;
    tdm_shield_begin(&shield);
    while (!h->go && !err)
        err = tdm_sleep(0.0002);
    tdm_shield_end(&shield);
    h->has = false;
    return err ? err : tdm_mutex_unlock(h->m);
}

static void start_waiter(tdm_executor *executor, unit_call *call, unit_place place, holder *h)
{
    unsigned before = tdm_mutex_waiting(h->m);
    unit_start(executor, call, place, lock_and_hold, h);
    UNIT_UNTIL(tdm_mutex_waiting(h->m) == before + 1);
}

static int misuse(void *arg)
{
    tdm_mutex *m = arg;
    if (tdm_mutex_unlock(m) != -EPERM || tdm_mutex_lock(m) || tdm_mutex_lock(m) != -EDEADLK ||
        tdm_mutex_lock_for(m, 1) != -EDEADLK || tdm_mutex_try_lock(m) != -EAGAIN || tdm_mutex_unlock(m))
        return -EIO;
    return tdm_mutex_unlock(m) == -EPERM && tdm_mutex_lock_for(m, 0) == 0 ? tdm_mutex_unlock(m) : -EIO;
}

START_TEST(only_its_holder_unlocks_it_and_nobody_locks_it_twice)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_mutex *m = mutex();
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, misuse, m), 0);
    ck_assert_int_eq(unit_in_callback(executor, misuse, m), 0);
    tdm_mutex_destroy(&m);
    ck_assert_ptr_null(m);
    tdm_mutex_destroy(&m);
    unit_destroy(executor);
}
END_TEST

static int touch(void *arg)
{
    if (tdm_mutex_unlock(arg) != -EPERM)
        return -EIO;
    return tdm_mutex_try_lock(arg);
}

START_TEST(what_somebody_holds_across_a_wait_no_other_gets)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    holder h = {.m = mutex()};
    for (int place = 0; place < UNIT_PLACES; place++) {
        unit_call call;
        unit_start(executor, &call, (unit_place) place, lock_and_hold, &h);
        UNIT_UNTIL(h.has);
        for (int other = 0; other < UNIT_PLACES; other++) /* also on the same loop, which goes on */
            ck_assert_int_eq(unit_run(executor, (unit_place) other, touch, h.m), -EAGAIN);
        h.go = true;
        ck_assert_int_eq(unit_result(&call), 0);
        h.go = false;
    }
    tdm_mutex_destroy(&h.m);
    unit_destroy(executor);
}
END_TEST

START_TEST(it_is_handed_over_first_in_first_out_wherever_they_wait)
{
    enum { WAITERS = 9 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = WAITERS});
    tdm_mutex *m = mutex();
    holder h[WAITERS];
    unit_call calls[WAITERS];
    ck_assert_int_eq(tdm_mutex_lock(m), 0);
    for (int i = 0; i < WAITERS; i++) {
        h[i] = (holder){.m = m};
        start_waiter(executor, &calls[i], (unit_place) (i % UNIT_PLACES), &h[i]);
    }
    ck_assert_int_eq(tdm_mutex_unlock(m), 0);
    for (int i = 0; i < WAITERS; i++) {
        UNIT_UNTIL(h[i].has);
        ck_assert_int_eq(tdm_mutex_try_lock(m), -EAGAIN);
        for (int other = 0; other < WAITERS; other++)
            ck_assert(other == i || !h[other].has);
        h[i].go = true;
        ck_assert_int_eq(unit_result(&calls[i]), 0);
    }
    ck_assert_int_eq(tdm_mutex_try_lock(m), 0);
    ck_assert_int_eq(tdm_mutex_unlock(m), 0);
    tdm_mutex_destroy(&m);
    unit_destroy(executor);
}
END_TEST

/* ---- ties ---- */

/* The one that holds it first is a fiber of the first loop, as the order of a tie is made there. */
typedef struct tie {
    tdm_executor *executor;
    holder first, next;
    unit_call first_call, next_call;
    void (*one)(struct tie *t), (*other)(struct tie *t);
    _Atomic bool locked;
} tie;

static void unlock(tie *t)
{
    ck_assert_int_eq(tdm_mutex_unlock(t->first.m), 0);
}

static void cancel(tie *t)
{
    unit_cancel(t->executor, &t->first_call);
}

static int hold_and_meet(void *arg)
{
    tie *t = arg;
    int err = tdm_mutex_lock(t->first.m);
    t->locked = true;
    while (!err && tdm_mutex_waiting(t->first.m) < 2)
        err = tdm_sleep(0.0002);
    t->one(t);
    t->other(t);
    return err;
}

static void check_tie(unit_place place, void (*one)(tie *t), void (*other)(tie *t), int expected)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .one = one, .other = other};
    t.first.m = t.next.m = mutex();
    unit_call meeter;
    unit_start(t.executor, &meeter, UNIT_LOOP, hold_and_meet, &t);
    UNIT_UNTIL(t.locked);
    start_waiter(t.executor, &t.first_call, place, &t.first);
    unit_start(t.executor, &t.next_call, UNIT_THREAD, lock_and_hold, &t.next);
    ck_assert_int_eq(unit_result(&meeter), 0);
    if (expected == 0) {
        UNIT_UNTIL(t.first.has);
        ck_assert(!t.next.has);
        t.first.go = true;
    }
    ck_assert_int_eq(unit_result(&t.first_call), expected);
    UNIT_UNTIL(t.next.has);
    t.next.go = true;
    ck_assert_int_eq(unit_result(&t.next_call), 0);
    ck_assert_int_eq(tdm_mutex_try_lock(t.next.m), 0);
    ck_assert_int_eq(tdm_mutex_unlock(t.next.m), 0);
    tdm_mutex_destroy(&t.next.m);
    unit_destroy(t.executor);
}

START_TEST(of_unlocking_and_cancelling_the_first_one_counts_and_the_next_gets_it)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        check_tie((unit_place) place, unlock, cancel, 0);
        check_tie((unit_place) place, cancel, unlock, -ECANCELED);
    }
}
END_TEST

static int time_out(void *arg)
{
    tdm_timeout scope;
    if (tdm_mutex_lock_for(arg, 0.002) != -ETIMEDOUT || tdm_mutex_unlock(arg) != -EPERM)
        return -EIO;
    tdm_timeout_begin(&scope, 0.002);
    int err = tdm_mutex_lock_for(arg, 3600);
    return tdm_timeout_end(&scope) && err == -ETIMEDOUT ? 0 : -EIO;
}

START_TEST(who_gives_up_does_not_hold_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_mutex *m = mutex();
    ck_assert_int_eq(tdm_mutex_lock(m), 0);
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, time_out, m), 0);
    ck_assert_int_eq(tdm_mutex_unlock(m), 0); /* it looks for those who were there */
    ck_assert_int_eq(unit_run(executor, UNIT_POOL, misuse, m), 0);
    tdm_mutex_destroy(&m);
    unit_destroy(executor);
}
END_TEST

static int lock_in_callback(void *arg)
{
    return tdm_mutex_lock(arg);
}

START_TEST(a_callback_never_waits_for_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_mutex *m = mutex();
    ck_assert_int_eq(tdm_mutex_lock(m), 0);
    ck_assert_int_eq(unit_in_callback(executor, lock_in_callback, m), -EDEADLK);
    ck_assert_int_eq(tdm_mutex_unlock(m), 0);
    tdm_mutex_destroy(&m);
    unit_destroy(executor);
}
END_TEST

/* ---- a crowd ---- */

enum { CROWD = 9, ROUNDS = 400 };

typedef struct crowd {
    tdm_mutex *m;
    uint64_t count; /* guarded by the mutex alone */
    _Atomic uint64_t entered;
    _Atomic uint64_t seed;
} crowd;

static int add_often(void *arg)
{
    crowd *c = arg;
    uint64_t seed = atomic_fetch_add(&c->seed, 1);
    for (int i = 0; i < ROUNDS / (TDM__SANITIZED ? 4 : 1); i++) {
        uint64_t random = unit_random(&seed);
        int err = random % 4 ? tdm_mutex_lock(c->m) : tdm_mutex_lock_for(c->m, (double) (random % 97) * 1e-6);
        if (err == -ETIMEDOUT)
            continue;
        if (err)
            return err;
        uint64_t count = c->count;
        err = random % 8 ? 0 : tdm_yield();
        c->count = count + 1;
        atomic_fetch_add(&c->entered, 1);
        ck_assert_int_eq(tdm_mutex_unlock(c->m), 0);
        if (err)
            return err;
    }
    return 0;
}

START_TEST(a_crowd_on_loops_workers_and_threads_is_excluded_from_each_other)
{
    for (unsigned round = 0; round < 10; round++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = CROWD});
        crowd c = {.m = mutex(), .seed = round * CROWD};
        unit_call calls[CROWD];
        for (int i = 0; i < CROWD; i++)
            unit_start(executor, &calls[i], (unit_place) (i % UNIT_PLACES), add_often, &c);
        for (int i = 1; i < CROWD; i += 2)
            if (calls[i].place != UNIT_THREAD)
                unit_cancel(executor, &calls[i]);
        for (int i = 0; i < CROWD; i++) {
            int result = unit_result(&calls[i]);
            ck_assert_msg(result == 0 || (result == -ECANCELED && i % 2), "%d", result);
        }
        ck_assert_uint_eq(c.count, c.entered);
        ck_assert_int_eq(tdm_mutex_try_lock(c.m), 0);
        ck_assert_int_eq(tdm_mutex_unlock(c.m), 0);
        tdm_mutex_destroy(&c.m);
        unit_destroy(executor);
    }
}
END_TEST

int main(void)
{
    return unit_main("mutex",
                     (const TTest *const[]){only_its_holder_unlocks_it_and_nobody_locks_it_twice,
                                            what_somebody_holds_across_a_wait_no_other_gets,
                                            it_is_handed_over_first_in_first_out_wherever_they_wait,
                                            of_unlocking_and_cancelling_the_first_one_counts_and_the_next_gets_it,
                                            who_gives_up_does_not_hold_it, a_callback_never_waits_for_it,
                                            a_crowd_on_loops_workers_and_threads_is_excluded_from_each_other, NULL});
}
