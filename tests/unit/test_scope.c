/* SPDX-License-Identifier: MIT */
/* DESIGN: which parts of a scope run, in which order, what is told of them; and that the release may wait whatever has
 * stopped the body. */
#include <tandem/scope.h>

#include <math.h>
#include <string.h>

#include "tests/unit/place.h"

/* A scope whose parts write down what they do. */
typedef struct diary {
    tdm_executor *executor;
    char text[64];                    /* a letter for each thing done */
    int acquire, body, release;       /* what the parts return */
    double body_waits, release_waits; /* seconds; 0: not at all */
    double release_within;            /* of the scope */
    int body_result, told_release;    /* of their waits; of the body */
    bool cancel_in_acquire;           /* the task cancels itself there */
    _Atomic bool in_body, in_release;
    tdm_scope_result result;
} diary;

static void note(diary *d, char what)
{
    size_t length = strlen(d->text);
    ck_assert_uint_lt(length, sizeof d->text - 1);
    d->text[length] = what;
}

static int acquire(void *arg)
{
    diary *d = arg;
    note(d, 'a');
    if (d->cancel_in_acquire)
        unit_cancel_myself(d->executor);
    return d->acquire;
}

static int body(void *arg)
{
    diary *d = arg;
    note(d, 'b');
    d->in_body = true;
    int err = d->body_waits > 0 ? tdm_sleep(d->body_waits) : 0;
    return err ? err : d->body;
}

static int release(void *arg, int told)
{
    diary *d = arg;
    note(d, 'r');
    d->told_release = told;
    d->in_release = true;
    int err = d->release_waits > 0 ? tdm_sleep(d->release_waits) : 0;
    note(d, err ? 'x' : 'R');
    return err ? err : d->release;
}

static int run_diary(void *arg)
{
    diary *d = arg;
    tdm_scope scope = {acquire, body, release, d, .release_within = d->release_within};
    return tdm_scope_run(&scope, &d->result);
}

static void expect(const diary *d, const char *text, tdm_scope_result result)
{
    ck_assert_str_eq(d->text, text);
    ck_assert_int_eq(d->result.acquire, result.acquire);
    ck_assert_int_eq(d->result.body, result.body);
    ck_assert_int_eq(d->result.release, result.release);
}

START_TEST(acquire_body_and_release_run_in_this_order)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        diary d = {.body = 3, .body_waits = 0.001, .release_waits = 0.001};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_diary, &d), 3);
        expect(&d, "abrR", (tdm_scope_result){0, 3, 0});
        ck_assert_int_eq(d.told_release, 3);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(what_was_not_acquired_is_not_released)
{
    diary d = {.acquire = -EBUSY, .body = -EIO, .release = -EIO};
    ck_assert_int_eq(run_diary(&d), -EBUSY);
    expect(&d, "a", (tdm_scope_result){-EBUSY, 0, 0});
}
END_TEST

START_TEST(the_first_error_wins_and_all_are_told)
{
    diary d = {.body = -EIO, .release = -EPERM};
    ck_assert_int_eq(run_diary(&d), -EIO);
    expect(&d, "abrR", (tdm_scope_result){0, -EIO, -EPERM});
    ck_assert_int_eq(d.told_release, -EIO);
    d = (diary){.body = 5, .release = -EPERM};
    ck_assert_int_eq(run_diary(&d), -EPERM);
    expect(&d, "abrR", (tdm_scope_result){0, 5, -EPERM});
    tdm_scope scope = {NULL, body, release, &d};
    d = (diary){.body = 5};
    ck_assert_int_eq(tdm_scope_run(&scope, NULL), 5); /* nothing to acquire, and nobody asks */
    ck_assert_str_eq(d.text, "brR");
}
END_TEST

START_TEST(scopes_that_make_no_sense_run_nothing)
{
    diary d = {0};
    const tdm_scope wrong[] = {{acquire, NULL, release, &d},
                               {acquire, body, NULL, &d},
                               {acquire, body, release, &d, -1},
                               {acquire, body, release, &d, NAN}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(tdm_scope_run(&wrong[i], &d.result), -EINVAL);
        expect(&d, "", (tdm_scope_result){0});
    }
}
END_TEST

START_TEST(a_callback_acquires_nothing)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    diary d = {0};
    ck_assert_int_eq(unit_in_callback(executor, run_diary, &d), -EDEADLK);
    expect(&d, "", (tdm_scope_result){0});
    unit_destroy(executor);
}
END_TEST

static int run_and_wait_afterwards(void *arg)
{
    diary *d = arg;
    d->body_result = run_diary(d);
    return tdm_sleep(0);
}

START_TEST(a_cancelled_body_is_followed_by_a_release_that_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        diary d = {.body_waits = 3600, .release_waits = 0.003};
        unit_call call;
        unit_start(executor, &call, (unit_place) place, run_and_wait_afterwards, &d);
        UNIT_UNTIL(d.in_body);
        unit_cancel(executor, &call);
        ck_assert_int_eq(unit_result(&call), -ECANCELED); /* the shield ends with the release */
        ck_assert_int_eq(d.body_result, -ECANCELED);
        expect(&d, "abrR", (tdm_scope_result){0, -ECANCELED, 0});
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_cancellation_during_the_release_waits_for_its_end)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        diary d = {.body = 1, .release_waits = 0.01};
        unit_call call;
        unit_start(executor, &call, (unit_place) place, run_and_wait_afterwards, &d);
        UNIT_UNTIL(d.in_release);
        unit_cancel(executor, &call);
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
        ck_assert_int_eq(d.body_result, 1);
        expect(&d, "abrR", (tdm_scope_result){0, 1, 0});
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(what_was_acquired_by_a_task_that_is_cancelled_right_then_is_released)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_THREAD; place++) {
        diary d = {.executor = executor, .cancel_in_acquire = true, .body_waits = 3600, .release_waits = 0.001};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_diary, &d), -ECANCELED);
        expect(&d, "abrR", (tdm_scope_result){0, -ECANCELED, 0});
    }
    unit_destroy(executor);
}
END_TEST

static int run_in_a_deadline(void *arg)
{
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.003);
    int err = run_diary(arg);
    return tdm_timeout_end(&scope) ? err : -EIO;
}

START_TEST(a_body_that_timed_out_is_followed_by_a_release_that_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        diary d = {.body_waits = 3600, .release_waits = 0.003};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_in_a_deadline, &d), -ETIMEDOUT);
        expect(&d, "abrR", (tdm_scope_result){0, -ETIMEDOUT, 0});
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_release_has_its_own_time_and_no_other)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        diary d = {.body = 2, .release_waits = 3600, .release_within = 0.003};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, run_diary, &d), -ETIMEDOUT);
        expect(&d, "abrx", (tdm_scope_result){0, 2, -ETIMEDOUT});
    }
    unit_destroy(executor);
}
END_TEST

/* An inner scope inside the body of an outer one: out in the opposite order of in. */
typedef struct nest {
    diary outer, inner;
    tdm_executor *executor;
} nest;

static int outer_body(void *arg)
{
    nest *n = arg;
    note(&n->outer, 'b');
    int err = run_diary(&n->inner);
    note(&n->outer, n->inner.result.release == 0 ? 'i' : 'x');
    return err;
}

static int outer_acquire(void *arg)
{
    return acquire(&((nest *) arg)->outer);
}

static int outer_release(void *arg, int told)
{
    return release(&((nest *) arg)->outer, told);
}

static int run_nest(void *arg)
{
    nest *n = arg;
    return tdm_scope_run(&(tdm_scope){outer_acquire, outer_body, outer_release, n}, &n->outer.result);
}

START_TEST(a_drain_that_stops_a_task_lets_every_scope_release)
{
    for (int place = 0; place < UNIT_THREAD; place++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){0});
        nest n = {.outer = {.release_waits = 0.002}, .inner = {.body_waits = 3600, .release_waits = 0.002}};
        unit_call call;
        unit_start(executor, &call, (unit_place) place, run_nest, &n);
        UNIT_UNTIL(n.inner.in_body);
        tdm_drain_options options = {.timeout = 0, .grace = 30};
        ck_assert_int_eq(tdm_executor_drain(executor, &options, NULL), 0); /* none was abandoned */
        ck_assert_int_eq(unit_result(&call), -ECANCELED);
        expect(&n.inner, "abrR", (tdm_scope_result){0, -ECANCELED, 0});
        expect(&n.outer, "abirR", (tdm_scope_result){0, -ECANCELED, 0});
        ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    }
}
END_TEST

int main(void)
{
    return unit_main("scope", (const TTest *const[]){
                                  acquire_body_and_release_run_in_this_order, what_was_not_acquired_is_not_released,
                                  the_first_error_wins_and_all_are_told, scopes_that_make_no_sense_run_nothing,
                                  a_callback_acquires_nothing, a_cancelled_body_is_followed_by_a_release_that_waits,
                                  a_cancellation_during_the_release_waits_for_its_end,
                                  what_was_acquired_by_a_task_that_is_cancelled_right_then_is_released,
                                  a_body_that_timed_out_is_followed_by_a_release_that_waits,
                                  a_release_has_its_own_time_and_no_other,
                                  a_drain_that_stops_a_task_lets_every_scope_release, NULL});
}
