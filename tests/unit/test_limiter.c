/* SPDX-License-Identifier: MIT */
/* DESIGN: how many run at once, in every place; how starts are spaced. Times are held against lower bounds only, which
 * no busy machine can break: a start that was observed to end after another had begun is an interval later at least.
 * Where it matters that a start was not used up, the next would take an hour. */
#include <tandem/limiter.h>

#include <math.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"

#define HOURLY (1 / 3600.0)

static tdm_limiter *limiter(tdm_limiter_options options)
{
    tdm_limiter *l = NULL;
    ck_assert_int_eq(tdm_limiter_create(&l, &options), 0);
    return l;
}

static int acquire(void *arg)
{
    return tdm_limiter_acquire(arg);
}

static void start_waiter(tdm_executor *executor, tdm_limiter *l, unit_call *call, unit_place place)
{
    unsigned before = tdm_limiter_waiting(l);
    unit_start(executor, call, place, acquire, l);
    UNIT_UNTIL(tdm_limiter_waiting(l) == before + 1);
}

START_TEST(options_that_make_no_sense_are_refused)
{
    const tdm_limiter_options wrong[] = {{0},
                                         {.burst = 2},
                                         {.at_once = 1, .burst = 2},
                                         {.per_second = -1},
                                         {.per_second = NAN},
                                         {.per_second = INFINITY},
                                         {.per_second = 1.1e9},
                                         {.per_second = 0.9e-9},
                                         {.per_second = 1, .burst = TDM_LIMITER_MAX_BURST + 1}};
    tdm_limiter *l = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(tdm_limiter_create(&l, &wrong[i]) == -EINVAL && !l, "option set %zu", i);
    const tdm_limiter_options right[] = {
        {.per_second = 1e9}, {.per_second = 1e-9, .burst = TDM_LIMITER_MAX_BURST}, {.at_once = UINT32_MAX}};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        l = limiter(right[i]);
        ck_assert_int_eq(tdm_limiter_acquire(l), 0);
        tdm_limiter_destroy(&l);
        ck_assert_ptr_null(l);
    }
    tdm_limiter_destroy(&l);
}
END_TEST

START_TEST(so_many_run_at_once_and_no_more)
{
    tdm_limiter *l = limiter((tdm_limiter_options){.at_once = 2});
    ck_assert_int_eq(tdm_limiter_release(l), -EOVERFLOW);
    ck_assert_int_eq(tdm_limiter_acquire(l), 0);
    ck_assert_int_eq(tdm_limiter_try_acquire(l), 0);
    ck_assert_int_eq(tdm_limiter_try_acquire(l), -EAGAIN);
    ck_assert_int_eq(tdm_limiter_acquire_for(l, 0.001), -ETIMEDOUT);
    ck_assert_uint_eq(tdm_limiter_running(l), 2);
    ck_assert_int_eq(tdm_limiter_release(l), 0);
    ck_assert_int_eq(tdm_limiter_acquire_for(l, 0), 0);
    ck_assert_int_eq(tdm_limiter_release(l), 0);
    ck_assert_int_eq(tdm_limiter_release(l), 0);
    ck_assert_int_eq(tdm_limiter_release(l), -EOVERFLOW);
    tdm_limiter_destroy(&l);
}
END_TEST

START_TEST(waiters_start_first_in_first_out_wherever_they_wait)
{
    enum { WAITERS = 12 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = WAITERS});
    tdm_limiter *l = limiter((tdm_limiter_options){.at_once = 1, .per_second = 1000});
    unit_call calls[WAITERS];
    ck_assert_int_eq(tdm_limiter_acquire(l), 0);
    for (int i = 0; i < WAITERS; i++)
        start_waiter(executor, l, &calls[i], (unit_place) (i % UNIT_PLACES));
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_int_eq(tdm_limiter_try_acquire(l), -EAGAIN);
        ck_assert_int_eq(tdm_limiter_release(l), 0);
        ck_assert_int_eq(unit_result(&calls[i]), 0);
        for (int later = i + 1; later < WAITERS; later++)
            ck_assert(!calls[later].returned);
    }
    tdm_limiter_destroy(&l);
    unit_destroy(executor);
}
END_TEST

/* ---- the rate ---- */

enum { STARTS = 12 };

static int64_t interval_of(double per_second)
{
    return (int64_t) ceil(1e9 / per_second);
}

/* A start that returned before `i` was asked for is `j - i` intervals away from start `j` at least. */
static bool are_spaced(const int64_t *before, const int64_t *after, int count, int64_t interval_ns)
{
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            if (after[j] - before[i] < (j - i) * interval_ns)
                return false;
    return true;
}

static int start_in_a_row(void *arg)
{
    int64_t before[STARTS], after[STARTS];
    for (int i = 0; i < STARTS; i++) {
        if (i == STARTS / 2)
            unit_hold_until(tdm_clock_ns() + interval_of(300) * 7 / 2); /* nothing is made up for afterwards */
        before[i] = tdm_clock_ns();
        int err = tdm_limiter_acquire(arg);
        after[i] = tdm_clock_ns();
        if (err)
            return err;
    }
    return are_spaced(before, after, STARTS, interval_of(300)) ? 0 : -EIO;
}

START_TEST(starts_are_spaced_evenly_and_idle_time_is_not_made_up_for)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_limiter *l = limiter((tdm_limiter_options){.per_second = 300});
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, start_in_a_row, l), 0);
    tdm_limiter_destroy(&l);
    unit_destroy(executor);
}
END_TEST

START_TEST(without_a_burst_two_starts_never_come_at_once)
{
    tdm_limiter *l = limiter((tdm_limiter_options){.per_second = HOURLY});
    ck_assert_int_eq(tdm_limiter_try_acquire(l), 0);
    ck_assert_int_eq(tdm_limiter_try_acquire(l), -EAGAIN);
    ck_assert_int_eq(tdm_limiter_acquire_for(l, 0.002), -ETIMEDOUT);
    ck_assert_int_eq(tdm_limiter_release(l), 0); /* it gives no start back */
    ck_assert_int_eq(tdm_limiter_try_acquire(l), -EAGAIN);
    tdm_limiter_destroy(&l);
}
END_TEST

START_TEST(a_named_burst_comes_at_once_and_is_earned_again)
{
    tdm_limiter *l = limiter((tdm_limiter_options){.per_second = HOURLY, .burst = 3});
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_limiter_try_acquire(l), 0);
    ck_assert_int_eq(tdm_limiter_try_acquire(l), -EAGAIN);
    tdm_limiter_destroy(&l);
    l = limiter((tdm_limiter_options){.per_second = 100, .burst = 3});
    for (int round = 0; round < 3; round++) {
        int64_t begin = tdm_clock_ns();
        for (int i = 0; i < 3 + 2; i++)
            ck_assert_int_eq(tdm_limiter_acquire(l), 0);
        ck_assert_int_ge(tdm_clock_ns() - begin, 2 * interval_of(100)); /* no more than three were earned */
        unit_hold_until(tdm_clock_ns() + 4 * interval_of(100));
        ck_assert_int_eq(tdm_limiter_try_acquire(l), 0);
        ck_assert_int_eq(tdm_limiter_try_acquire(l), 0);
        unit_hold_until(tdm_clock_ns() + 4 * interval_of(100));
    }
    tdm_limiter_destroy(&l);
}
END_TEST

typedef struct shared {
    tdm_limiter *l;
    _Atomic int inside, most;
    _Atomic uint64_t started, seed;
} shared;

static int start_some(void *arg)
{
    shared *s = arg;
    for (int i = 0; i < STARTS; i++) {
        if (tdm_limiter_acquire(s->l))
            return -EIO;
        atomic_fetch_add(&s->started, 1);
    }
    return 0;
}

START_TEST(a_rate_is_shared_by_loops_workers_and_threads)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    shared s = {.l = limiter((tdm_limiter_options){.per_second = 1000})};
    unit_call calls[UNIT_PLACES * 2];
    int64_t begin = tdm_clock_ns();
    for (int i = 0; i < UNIT_PLACES * 2; i++)
        unit_start(executor, &calls[i], (unit_place) (i % UNIT_PLACES), start_some, &s);
    for (int i = 0; i < UNIT_PLACES * 2; i++)
        ck_assert_int_eq(unit_result(&calls[i]), 0);
    ck_assert_uint_eq(s.started, UNIT_PLACES * 2 * STARTS);
    ck_assert_int_ge(tdm_clock_ns() - begin, (UNIT_PLACES * 2 * STARTS - 1) * interval_of(1000));
    tdm_limiter_destroy(&s.l);
    unit_destroy(executor);
}
END_TEST

/* ---- ties ---- */

typedef struct tie {
    tdm_executor *executor;
    tdm_limiter *l;
    unit_call first, next;
} tie;

static void give(void *arg)
{
    ck_assert_int_eq(tdm_limiter_release(((tie *) arg)->l), 0);
}

static void cancel(void *arg)
{
    unit_cancel(((tie *) arg)->executor, &((tie *) arg)->first);
}

/* One runs; of the burst there is left what one start needs, and the next comes in an hour. */
static tie one_runs_and_one_start_is_left(void)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}),
             .l = limiter((tdm_limiter_options){.at_once = 1, .per_second = HOURLY, .burst = 2})};
    ck_assert_int_eq(tdm_limiter_acquire(t.l), 0);
    return t;
}

static void check_tie(unit_place place, void (*one)(void *arg), void (*other)(void *arg), int expected)
{
    tie t = one_runs_and_one_start_is_left();
    start_waiter(t.executor, t.l, &t.first, place);
    start_waiter(t.executor, t.l, &t.next, place);
    if (place == UNIT_LOOP) {
        unit_in_order(t.executor, one, other, &t);
    } else {
        one(&t);
        other(&t);
    }
    int result = unit_result(&t.first);
    ck_assert_int_eq(result, expected);
    if (result == 0) {
        ck_assert(!t.next.returned);
        unit_cancel(t.executor, &t.next);
        ck_assert_int_eq(unit_result(&t.next), -ECANCELED);
    } else {
        ck_assert_int_eq(unit_result(&t.next), 0); /* with the start that `first` did not use */
    }
    ck_assert_uint_eq(tdm_limiter_running(t.l), 1);
    ck_assert_uint_eq(tdm_limiter_waiting(t.l), 0);
    tdm_limiter_destroy(&t.l);
    unit_destroy(t.executor);
}

START_TEST(a_cancelled_waiter_gives_its_turn_and_its_start_to_the_next)
{
    check_tie(UNIT_LOOP, cancel, give, -ECANCELED);
    check_tie(UNIT_POOL, cancel, give, -ECANCELED);
}
END_TEST

START_TEST(a_place_that_came_before_the_cancellation_is_kept)
{
    check_tie(UNIT_LOOP, give, cancel, 0);
    check_tie(UNIT_POOL, give, cancel, 0);
}
END_TEST

START_TEST(a_waiter_cancelled_in_the_queue_is_passed_over)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        tie t = one_runs_and_one_start_is_left();
        unit_call ahead;
        start_waiter(t.executor, t.l, &ahead, (unit_place) place);
        start_waiter(t.executor, t.l, &t.first, (unit_place) place);
        start_waiter(t.executor, t.l, &t.next, UNIT_THREAD);
        unit_cancel(t.executor, &t.first);
        ck_assert_int_eq(unit_result(&t.first), -ECANCELED);
        unit_cancel(t.executor, &ahead);
        ck_assert_int_eq(unit_result(&ahead), -ECANCELED);
        give(&t);
        ck_assert_int_eq(unit_result(&t.next), 0);
        tdm_limiter_destroy(&t.l);
        unit_destroy(t.executor);
    }
}
END_TEST

START_TEST(a_waiter_for_the_clock_that_gives_up_keeps_nobody_from_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_limiter *l = limiter((tdm_limiter_options){.per_second = 20});
    for (int place = 0; place < UNIT_THREAD; place++) {
        unit_call first, next;
        int64_t before = tdm_clock_ns();
        ck_assert_int_eq(tdm_limiter_acquire(l), 0);
        unit_start(executor, &first, (unit_place) place, acquire, l);
        unit_start(executor, &next, UNIT_THREAD, acquire, l);
        unit_cancel(executor, &first);
        int result = unit_result(&first);
        ck_assert(result == -ECANCELED || result == 0); /* on a slow day its time has come */
        ck_assert_int_eq(unit_result(&next), 0);
        ck_assert_int_ge(tdm_clock_ns() - before, interval_of(20) * (result == 0 ? 2 : 1));
    }
    tdm_limiter_destroy(&l);
    unit_destroy(executor);
}
END_TEST

static int acquire_briefly(void *arg)
{
    return tdm_limiter_acquire_for(((tie *) arg)->l, UNIT_BRIEF);
}

static int acquire_of_tie(void *arg)
{
    return tdm_limiter_acquire(((tie *) arg)->l);
}

START_TEST(a_place_that_came_before_the_loop_saw_the_deadline_counts)
{
    tie t = one_runs_and_one_start_is_left();
    unit_deadline d = {t.executor, acquire_briefly, acquire_of_tie, give, &t};
    unit_meet_deadline(&d);
    ck_assert_int_eq(unit_result(&d.first), 0);
    ck_assert(!d.next.returned);
    unit_cancel(t.executor, &d.next);
    ck_assert_int_eq(unit_result(&d.next), -ECANCELED);
    tdm_limiter_destroy(&t.l);
    unit_destroy(t.executor);
}
END_TEST

START_TEST(a_place_that_came_after_the_deadline_goes_to_the_next)
{
    tie t = one_runs_and_one_start_is_left();
    unit_deadline d = {t.executor, acquire_briefly, acquire_of_tie, give, &t, .after = true};
    unit_meet_deadline(&d);
    ck_assert_int_eq(unit_result(&d.first), -ETIMEDOUT);
    ck_assert_int_eq(unit_result(&d.next), 0);
    tdm_limiter_destroy(&t.l);
    unit_destroy(t.executor);
}
END_TEST

/* ---- scopes, callbacks, run ---- */

static int acquire_in_scopes(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.003);
    int err = tdm_limiter_acquire_for(arg, 3600);
    if (err != -ETIMEDOUT || !tdm_timeout_end(&scope))
        return -EIO;
    tdm_timeout_begin(&scope, 3600);
    err = tdm_limiter_acquire_for(arg, 0.003);
    return err == -ETIMEDOUT && !tdm_timeout_end(&scope) ? 0 : -EIO;
}

START_TEST(its_own_time_and_that_of_a_scope_are_told_apart)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_limiter *full = limiter((tdm_limiter_options){.at_once = 1});
    tdm_limiter *slow = limiter((tdm_limiter_options){.per_second = HOURLY});
    ck_assert_int_eq(tdm_limiter_acquire(full), 0);
    ck_assert_int_eq(tdm_limiter_acquire(slow), 0);
    for (int place = 0; place < UNIT_PLACES; place++) {
        ck_assert_int_eq(unit_run(executor, (unit_place) place, acquire_in_scopes, full), 0);
        ck_assert_int_eq(unit_run(executor, (unit_place) place, acquire_in_scopes, slow), 0);
        ck_assert_uint_eq(tdm_limiter_waiting(full) + tdm_limiter_waiting(slow), 0);
    }
    tdm_limiter_destroy(&full);
    tdm_limiter_destroy(&slow);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_callback_starts_where_nothing_stands_in_its_way_and_never_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_limiter *l = limiter((tdm_limiter_options){.per_second = HOURLY});
    ck_assert_int_eq(unit_in_callback(executor, acquire, l), 0);
    ck_assert_int_eq(unit_in_callback(executor, acquire, l), -EDEADLK);
    ck_assert_uint_eq(tdm_limiter_waiting(l), 0); /* and it gave the turn away */
    tdm_limiter_destroy(&l);
    unit_destroy(executor);
}
END_TEST

static int count_and_fail(void *arg)
{
    shared *s = arg;
    atomic_fetch_add(&s->started, 1);
    return tdm_limiter_running(s->l) == 1 ? -EPERM : -EIO;
}

START_TEST(run_takes_a_place_and_gives_it_back_whatever_the_result)
{
    shared s = {.l = limiter((tdm_limiter_options){.at_once = 1})};
    ck_assert_int_eq(tdm_limiter_run(s.l, count_and_fail, &s), -EPERM);
    ck_assert_uint_eq(tdm_limiter_running(s.l), 0);
    ck_assert_int_eq(tdm_limiter_acquire(s.l), 0);
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.001);
    ck_assert_int_eq(tdm_limiter_run(s.l, count_and_fail, &s), -ETIMEDOUT); /* it did not run */
    ck_assert(tdm_timeout_end(&scope));
    ck_assert_uint_eq(s.started, 1);
    tdm_limiter_destroy(&s.l);
}
END_TEST

/* ---- a crowd ---- */

enum { AT_ONCE = 3, CROWD = 12, ROUNDS = 60 };

static int stay(void *arg)
{
    shared *s = arg;
    int inside = atomic_fetch_add(&s->inside, 1) + 1;
    if (inside > s->most)
        s->most = inside;
    atomic_fetch_add(&s->started, 1);
    int err = tdm_yield();
    atomic_fetch_sub(&s->inside, 1);
    return err;
}

static int stay_often(void *arg)
{
    shared *s = arg;
    uint64_t seed = atomic_fetch_add(&s->seed, 1);
    for (int i = 0; i < ROUNDS; i++) {
        tdm_timeout scope;
        tdm_timeout_begin(&scope, unit_random(&seed) % 4 ? TDM_FOREVER : (double) (unit_random(&seed) % 1000) * 1e-6);
        int err = tdm_limiter_run(s->l, stay, s);
        tdm_timeout_end(&scope);
        if (err && err != -ETIMEDOUT)
            return err;
    }
    return 0;
}

START_TEST(a_crowd_on_loops_workers_and_threads_keeps_both_limits)
{
    for (unsigned round = 0; round < 8; round++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = CROWD});
        shared s = {.l = limiter((tdm_limiter_options){.at_once = AT_ONCE, .per_second = 10000}),
                    .seed = round * CROWD};
        unit_call calls[CROWD];
        int64_t begin = tdm_clock_ns();
        for (int i = 0; i < CROWD; i++)
            unit_start(executor, &calls[i], (unit_place) (i % UNIT_PLACES), stay_often, &s);
        for (int i = 1; i < CROWD; i += 2)
            if (calls[i].place != UNIT_THREAD)
                unit_cancel(executor, &calls[i]);
        for (int i = 0; i < CROWD; i++) {
            int result = unit_result(&calls[i]);
            ck_assert_msg(result == 0 || (result == -ECANCELED && i % 2), "%d", result);
        }
        ck_assert_int_le(s.most, AT_ONCE);
        ck_assert_int_ge(tdm_clock_ns() - begin, ((int64_t) s.started - 1) * interval_of(10000));
        ck_assert_uint_eq(tdm_limiter_running(s.l), 0);
        ck_assert_uint_eq(tdm_limiter_waiting(s.l), 0);
        tdm_limiter_destroy(&s.l);
        unit_destroy(executor);
    }
}
END_TEST

int main(void)
{
    return unit_main(
        "limiter",
        (const TTest *const[]){
            options_that_make_no_sense_are_refused, so_many_run_at_once_and_no_more,
            waiters_start_first_in_first_out_wherever_they_wait,
            starts_are_spaced_evenly_and_idle_time_is_not_made_up_for, without_a_burst_two_starts_never_come_at_once,
            a_named_burst_comes_at_once_and_is_earned_again, a_rate_is_shared_by_loops_workers_and_threads,
            a_cancelled_waiter_gives_its_turn_and_its_start_to_the_next,
            a_place_that_came_before_the_cancellation_is_kept, a_waiter_cancelled_in_the_queue_is_passed_over,
            a_waiter_for_the_clock_that_gives_up_keeps_nobody_from_it,
            a_place_that_came_before_the_loop_saw_the_deadline_counts,
            a_place_that_came_after_the_deadline_goes_to_the_next, its_own_time_and_that_of_a_scope_are_told_apart,
            a_callback_starts_where_nothing_stands_in_its_way_and_never_waits,
            run_takes_a_place_and_gives_it_back_whatever_the_result,
            a_crowd_on_loops_workers_and_threads_keeps_both_limits, NULL});
}
