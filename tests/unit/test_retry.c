/* SPDX-License-Identifier: MIT */
/* DESIGN: how often, after what, with which pauses; and what ends it before its time. The pauses are seen in the events
 * that are told before them; they are a thousandth of a second and less. */
#include <tandem/retry.h>

#include <math.h>

#include "tests/unit/place.h"

enum { MOST = 40 };

typedef struct trial {
    tdm_executor *executor;
    tdm_retry_policy policy;
    int errors[MOST]; /* what the attempts return, in turn; 0 and everything after: it works */
    int attempts;     /* so far */
    double waits;     /* each attempt first waits so long */
    unsigned retries; /* events told */
    tdm_retry_event events[MOST];
    int cancel_in; /* this attempt asks its own task to stop; 0: none does */
    double hold;   /* seconds that the event is held */
    _Atomic bool pausing;
} trial;

static int attempt(void *arg)
{
    trial *t = arg;
    ck_assert_int_lt(t->attempts, MOST);
    int err = t->errors[t->attempts++];
    if (t->cancel_in == t->attempts)
        unit_cancel_myself(t->executor);
    int waited = t->waits > 0 ? tdm_sleep(t->waits) : 0;
    return waited ? waited : err ? err : 7;
}

static void note_retry(const tdm_retry_event *event, void *arg)
{
    trial *t = arg;
    t->events[t->retries++] = *event;
    t->pausing = true;
    unit_hold_until(tdm_clock_ns() + tdm_ns_from_s(t->hold));
}

static int run_trial(void *arg)
{
    trial *t = arg;
    t->policy.on_retry = note_retry;
    if (t->policy.pause == 0)
        t->policy.pause = 1e-6;
    return tdm_retry(&t->policy, attempt, t);
}

/* Always fails with what time may heal. */
static trial failing(tdm_retry_policy policy)
{
    trial t = {.policy = policy};
    for (int i = 0; i < MOST; i++)
        t.errors[i] = -ECONNREFUSED;
    return t;
}

START_TEST(it_ends_with_the_first_success)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        trial t = {.errors = {-EAGAIN, -ETIMEDOUT}};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), 7);
        ck_assert_int_eq(t.attempts, 3);
        ck_assert_uint_eq(t.retries, 2);
        ck_assert_uint_eq(t.events[0].attempt, 1);
        ck_assert_int_eq(t.events[0].error, -EAGAIN);
        ck_assert_uint_eq(t.events[1].attempt, 2);
        ck_assert_int_eq(t.events[1].error, -ETIMEDOUT);
        ck_assert(t.events[0].elapsed >= 0 && t.events[1].elapsed >= t.events[0].elapsed + t.events[0].pause);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(it_tries_as_often_as_it_may_and_returns_the_last_error)
{
    trial t = failing((tdm_retry_policy){0});
    t.errors[2] = -EBUSY;
    ck_assert_int_eq(run_trial(&t), -EBUSY);
    ck_assert_int_eq(t.attempts, TDM_RETRY_ATTEMPTS);
    ck_assert_uint_eq(t.retries, TDM_RETRY_ATTEMPTS - 1);
    t = failing((tdm_retry_policy){.attempts = 1});
    ck_assert_int_eq(run_trial(&t), -ECONNREFUSED);
    ck_assert_uint_eq(t.retries, 0);
    t = failing((tdm_retry_policy){.attempts = 30, .max_pause = 1e-5});
    ck_assert_int_eq(run_trial(&t), -ECONNREFUSED);
    ck_assert_int_eq(t.attempts, 30);
    t = failing((tdm_retry_policy){.attempts = TDM_RETRY_UNLIMITED, .max_pause = 1e-5});
    t.errors[35] = 0;
    ck_assert_int_eq(run_trial(&t), 7);
    ck_assert_int_eq(tdm_retry(NULL, attempt, &(trial){.errors = {-EPERM}}), -EPERM);
}
END_TEST

static bool is_odd(int error, void *arg)
{
    ck_assert_int_gt(((trial *) arg)->attempts, 0);
    return error % 2;
}

START_TEST(only_errors_that_are_meant_are_tried_again)
{
    static const int two[] = {-EPERM, -ENOENT, 0};
    trial t = {.errors = {-EAGAIN, -EINVAL}}; /* nothing heals that */
    ck_assert_int_eq(run_trial(&t), -EINVAL);
    ck_assert_int_eq(t.attempts, 2);
    t = (trial){.errors = {-ENOENT, -EPERM, -EAGAIN}, .policy = {.errors = two, .attempts = 9}};
    ck_assert_int_eq(run_trial(&t), -EAGAIN);
    ck_assert_int_eq(t.attempts, 3);
    t = (trial){.errors = {-1, -3, -4}, .policy = {.again = is_odd, .attempts = 9}};
    ck_assert_int_eq(run_trial(&t), -4);
    ck_assert_int_eq(t.attempts, 3);
}
END_TEST

START_TEST(what_time_may_heal_is_told)
{
    static const int heals[] = {EAGAIN,    EWOULDBLOCK,  EBUSY,      EINTR,        ENOBUFS,
                                ETIMEDOUT, ECONNREFUSED, ECONNRESET, ECONNABORTED, EPIPE,
                                ENETDOWN,  ENETUNREACH,  ENETRESET,  EHOSTDOWN,    EHOSTUNREACH};
    static const int does_not[] = {EPERM, ENOENT, EINVAL, ENOMEM, ECANCELED, EDEADLK, EACCES, EBADF, ESHUTDOWN};
    for (size_t i = 0; i < sizeof heals / sizeof *heals; i++)
        ck_assert(tdm_error_is_transient(-heals[i]) && !tdm_error_is_transient(heals[i]));
    for (size_t i = 0; i < sizeof does_not / sizeof *does_not; i++)
        ck_assert(!tdm_error_is_transient(-does_not[i]));
    ck_assert(!tdm_error_is_transient(0));
}
END_TEST

/* ---- pauses ---- */

static void expect_pauses(trial *t, const double *pauses, unsigned count)
{
    ck_assert_int_eq(run_trial(t), -ECONNREFUSED);
    ck_assert_uint_eq(t->retries, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_double_eq_tol(t->events[i].pause, pauses[i], 1e-12);
}

START_TEST(pauses_grow_as_the_policy_says_and_are_capped)
{
    trial t = failing((tdm_retry_policy){.attempts = 6, .pause = 1e-5, .max_pause = 7e-5, .jitter = TDM_JITTER_NONE});
    expect_pauses(&t, (double[]){1e-5, 2e-5, 4e-5, 7e-5, 7e-5}, 5);
    t = failing((tdm_retry_policy){
        .attempts = 6, .pause = 1e-5, .max_pause = 4.5e-5, .jitter = TDM_JITTER_NONE, .backoff = TDM_BACKOFF_LINEAR});
    expect_pauses(&t, (double[]){1e-5, 2e-5, 3e-5, 4e-5, 4.5e-5}, 5);
}
END_TEST

START_TEST(a_pause_is_not_cut_short)
{
    trial t = failing((tdm_retry_policy){.attempts = 3, .pause = 0.002, .jitter = TDM_JITTER_NONE});
    int64_t begin = tdm_clock_ns();
    ck_assert_int_eq(run_trial(&t), -ECONNREFUSED);
    ck_assert_int_ge(tdm_clock_ns() - begin, 6000000); /* 2 ms and 4 ms */
}
END_TEST

START_TEST(full_jitter_spreads_over_the_whole_pause_and_a_seed_repeats_it)
{
    double least = 1, most = 0, sum = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        trial one = failing((tdm_retry_policy){.attempts = 11, .pause = 1e-6, .max_pause = 1e-6, .seed = seed});
        trial other = one;
        ck_assert_int_eq(run_trial(&one), -ECONNREFUSED);
        ck_assert_int_eq(run_trial(&other), -ECONNREFUSED);
        for (unsigned i = 0; i < 10; i++) {
            double share = one.events[i].pause / 1e-6;
            ck_assert(share >= 0 && share < 1);
            ck_assert_double_eq(one.events[i].pause, other.events[i].pause);
            least = share < least ? share : least;
            most = share > most ? share : most;
            sum += share;
        }
    }
    ck_assert(least < 0.02 && most > 0.98); /* of a thousand; the seeds are fixed */
    ck_assert_double_eq_tol(sum / 1000, 0.5, 0.05);
    trial one = failing((tdm_retry_policy){.attempts = 4}), other = one;
    run_trial(&one);
    run_trial(&other);
    ck_assert(one.events[0].pause != other.events[0].pause); /* without a seed they differ */
}
END_TEST

/* ---- what ends it ---- */

START_TEST(a_cancellation_is_never_tried_again)
{
    static const int cancelled[] = {-ECANCELED, -EAGAIN, 0};
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        trial t = failing((tdm_retry_policy){.attempts = 9});
        t.executor = executor;
        t.cancel_in = 2;
        t.waits = 1e-6; /* the second attempt's wait is cancelled */
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), -ECANCELED);
        ck_assert_int_eq(t.attempts, 2);
        t = failing((tdm_retry_policy){.attempts = 9});
        t.executor = executor;
        t.cancel_in = 2; /* it does not notice; the pause after it does */
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), -ECANCELED);
        ck_assert_int_eq(t.attempts, 2);
    }
    trial t = {.errors = {-EAGAIN, -ECANCELED}, .policy = {.errors = cancelled}}; /* not even if it is asked for */
    ck_assert_int_eq(run_trial(&t), -ECANCELED);
    ck_assert_int_eq(t.attempts, 2);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_pause_is_ended_by_a_cancellation)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        trial t = failing((tdm_retry_policy){.pause = 3600, .max_pause = 3600, .jitter = TDM_JITTER_NONE});
        unit_call call;
        unit_start(executor, &call, (unit_place) place, run_trial, &t);
        UNIT_UNTIL(t.pausing);
        unit_cancel(executor, &call);
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
        ck_assert_int_eq(t.attempts, 1);
    }
    unit_destroy(executor);
}
END_TEST

static int run_in_a_deadline(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.003);
    int err = run_trial(arg);
    return tdm_timeout_end(&scope) ? err : -EIO;
}

START_TEST(the_deadline_of_an_enclosing_scope_ends_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        trial t = failing((tdm_retry_policy){.pause = 3600, .max_pause = 3600, .jitter = TDM_JITTER_NONE});
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_in_a_deadline, &t), -ETIMEDOUT); /* in a pause */
        t = failing((tdm_retry_policy){.attempts = 9, .within = 3600});
        t.waits = 3600; /* in an attempt: -ETIMEDOUT could be tried again, but its pause ends at once */
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_in_a_deadline, &t), -ETIMEDOUT);
        ck_assert_int_eq(t.attempts, 1);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(its_own_time_ends_an_attempt_and_no_pause_is_begun_that_would_outlast_it)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        trial t = failing((tdm_retry_policy){.attempts = 9, .within = 0.003});
        t.waits = 3600;
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), -ETIMEDOUT);
        ck_assert_int_eq(t.attempts, 1);
        t = failing((tdm_retry_policy){.within = 3600, .pause = 3601, .max_pause = 3601, .jitter = TDM_JITTER_NONE});
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), -ECONNREFUSED); /* not in an hour */
        ck_assert_int_eq(t.attempts, 1);
        ck_assert_uint_eq(t.retries, 0);
        t = failing((tdm_retry_policy){.attempts = 9, .within = 0.05});
        t.hold = 0.06; /* the pause was to be short, but it begins too late */
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_trial, &t), -ECONNREFUSED);
        ck_assert_int_eq(t.attempts, 1);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(policies_that_make_no_sense_try_nothing)
{
    static const int none[] = {0};
    const tdm_retry_policy wrong[] = {{.within = -1}, {.within = NAN},   {.pause = -1},
                                      {.pause = NAN}, {.max_pause = -1}, {.max_pause = NAN},
                                      {.backoff = 2}, {.jitter = 2},     {.errors = none, .again = is_odd}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        trial t = {.policy = wrong[i]};
        ck_assert_msg(tdm_retry(&t.policy, attempt, &t) == -EINVAL && !t.attempts, "policy %zu", i);
    }
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    trial t = {.executor = executor};
    ck_assert_int_eq(unit_in_callback(executor, run_trial, &t), -EDEADLK);
    ck_assert_int_eq(t.attempts, 0);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("retry",
                     (const TTest *const[]){it_ends_with_the_first_success,
                                            it_tries_as_often_as_it_may_and_returns_the_last_error,
                                            only_errors_that_are_meant_are_tried_again, what_time_may_heal_is_told,
                                            pauses_grow_as_the_policy_says_and_are_capped, a_pause_is_not_cut_short,
                                            full_jitter_spreads_over_the_whole_pause_and_a_seed_repeats_it,
                                            a_cancellation_is_never_tried_again, a_pause_is_ended_by_a_cancellation,
                                            the_deadline_of_an_enclosing_scope_ends_it,
                                            its_own_time_ends_an_attempt_and_no_pause_is_begun_that_would_outlast_it,
                                            policies_that_make_no_sense_try_nothing, NULL});
}
