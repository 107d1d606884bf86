/* SPDX-License-Identifier: MIT */
/* DESIGN: a task's own times: its deadline, which ends its waits, and the age beyond which it is not started any more; in
 * both lanes, at the moment and next to it, on virtual time. */
#include <math.h>

#include "tests/unit/virtual.h"
#include <tandem/join.h>
#include <tandem/timeout.h>

static tdm_end run(tdm_executor *executor, tdm_task_spec spec)
{
    tdm_task *task;
    tdm_end end = {0};
    spec.name = "unit";
    ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
    ck_assert_int_eq(tdm_join(&task, &end), 0);
    return end;
}

static int sleep_for(tdm_task *task, void *arg)
{
    (void) task;
    return tdm_sleep(*(double *) arg);
}

START_TEST(a_wait_beyond_the_deadline_ends_with_it_and_the_task_as_timed_out)
{
    tdm_executor *executor = virtual_begin(1, 1);
    double longer = 2;
    for (int lane = 0; lane < TDM_LANES; lane++) {
        int64_t before = tdm_clock_ns();
        tdm_end end =
            run(executor, (tdm_task_spec){.run = sleep_for, .arg = &longer, .lane = (tdm_lane) lane, .deadline = 1});
        ck_assert_int_eq(end.state, TDM_TIMED_OUT);
        ck_assert_int_eq(end.result, -ETIMEDOUT);
        ck_assert_int_ge(tdm_clock_ns() - before, TDM_NS_PER_S);
        ck_assert_int_lt(tdm_clock_ns() - before, TDM_NS_PER_S * 3 / 2);
    }
    virtual_end(executor);
}
END_TEST

static int compute_past_it(tdm_task *task, void *arg)
{
    (void) task;
    tdm_shield shield;
    tdm_shield_begin(&shield); /* time passes, and no wait ends */
    int err = tdm_sleep(2);
    tdm_shield_end(&shield);
    return err ? err : *(int *) arg;
}

START_TEST(who_never_waits_has_not_timed_out_whatever_the_clock_says)
{
    tdm_executor *executor = virtual_begin(2, 1);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        const int results[] = {5, -EIO};
        const tdm_state states[] = {TDM_DONE, TDM_FAILED};
        for (int i = 0; i < 2; i++) {
            int result = results[i];
            tdm_end end =
                run(executor,
                    (tdm_task_spec){.run = compute_past_it, .arg = &result, .lane = (tdm_lane) lane, .deadline = 1});
            ck_assert(end.state == states[i] && end.result == result);
        }
    }
    virtual_end(executor);
}
END_TEST

static int say_timeout_too_early(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return -ETIMEDOUT;
}

START_TEST(minus_etimedout_before_the_deadline_is_an_ordinary_failure)
{
    tdm_executor *executor = virtual_begin(3, 1);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_task_spec spec = {.run = say_timeout_too_early, .lane = (tdm_lane) lane, .deadline = 1};
        ck_assert_int_eq(run(executor, spec).state, TDM_FAILED);
        spec.deadline = 0;
        ck_assert_int_eq(run(executor, spec).state, TDM_FAILED);
    }
    virtual_end(executor);
}
END_TEST

static int cancel_beyond_the_deadline(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_cancel(tdm_executor_current(), tdm_task_id(task));
    return tdm_sleep(5); /* both ends are there: the request counts first */
}

START_TEST(a_request_to_stop_is_told_from_the_deadline)
{
    tdm_executor *executor = virtual_begin(4, 1);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_task_spec spec = {.run = cancel_beyond_the_deadline, .lane = (tdm_lane) lane, .deadline = 1};
        tdm_end end = run(executor, spec);
        ck_assert(end.state == TDM_CANCELLED && end.result == -ECANCELED);
    }
    virtual_end(executor);
}
END_TEST

/* ---- too old to start ---- */

/* The only worker is busy for `seconds`, and meanwhile the task waits in the queue. */
static tdm_end queue_behind(double seconds, tdm_task_spec spec)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = 5}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = 1}), 0);
    tdm_task *task;
    tdm_end end;
    spec.lane = TDM_POOL;
    unit_spawn(executor, TDM_POOL, sleep_for, &seconds);
    ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
    tdm_task_info info = {0};
    ck_assert_int_eq(tdm_join(&task, &end), 0);
    ck_assert_int_eq(tdm_task_get(executor, end.id, &info), 0);
    ck_assert_int_eq(info.state, end.state);
    if (end.state == TDM_SKIPPED) {
        ck_assert_str_eq(info.reason, "it was too old to start");
        ck_assert_uint_eq(info.thread, 0);
    }
    virtual_end(executor);
    return end;
}

START_TEST(a_task_that_is_too_old_when_its_turn_comes_is_skipped_and_its_argument_dropped)
{
    _Atomic int drops = 0;
    tdm_task_spec spec = {.run = unit_nothing, .arg = &drops, .drop = unit_count, .start_within = 1};
    tdm_end end = queue_behind(2, spec);
    ck_assert(end.state == TDM_SKIPPED && end.result == -ETIME);
    ck_assert_int_eq(drops, 1);
    end = queue_behind(0.5, spec);
    ck_assert(end.state == TDM_DONE && end.result == 0);
    ck_assert_int_eq(drops, 2);
}
END_TEST

START_TEST(a_task_whose_deadline_passes_in_the_queue_is_not_started_either)
{
    tdm_end end = queue_behind(2, (tdm_task_spec){.run = unit_nothing, .deadline = 1});
    ck_assert(end.state == TDM_SKIPPED && end.result == -ETIME);
    end = queue_behind(0.5, (tdm_task_spec){.run = unit_nothing, .deadline = 1});
    ck_assert_int_eq(end.state, TDM_DONE);
}
END_TEST

START_TEST(negative_and_nan_times_are_refused)
{
    tdm_executor *executor = virtual_begin(6, 1);
    const double wrong[] = {-1, -0.001, (double) NAN};
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = unit_nothing, .deadline = wrong[i]}, NULL),
                         -EINVAL);
        ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = unit_nothing, .start_within = wrong[i]}, NULL),
                         -EINVAL);
    }
    virtual_end(executor);
}
END_TEST

int main(void)
{
    return unit_main("deadline", (const TTest *const[]){
                                     a_wait_beyond_the_deadline_ends_with_it_and_the_task_as_timed_out,
                                     who_never_waits_has_not_timed_out_whatever_the_clock_says,
                                     minus_etimedout_before_the_deadline_is_an_ordinary_failure,
                                     a_request_to_stop_is_told_from_the_deadline,
                                     a_task_that_is_too_old_when_its_turn_comes_is_skipped_and_its_argument_dropped,
                                     a_task_whose_deadline_passes_in_the_queue_is_not_started_either,
                                     negative_and_nan_times_are_refused, NULL});
}
