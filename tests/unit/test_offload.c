/* SPDX-License-Identifier: MIT */
/* DESIGN: offloading from every place, and what becomes of the function when its caller's wait ends before it: in the
 * queue, while it runs, waited for and left behind. */
#include <tandem/offload.h>

#include "tests/unit/place.h"
#include "tests/unit/virtual.h"
#include <tandem/context.h>
#include <tandem/stats.h>

typedef struct work {
    tdm_executor *executor;
    unit_gate gate;
    tdm_offload_options options;
    _Atomic int ran, dropped;
    tdm_lane lane;
    const char *seen;
    int result, err;
    double seconds;
} work;

static const tdm_context_key who = {.name = "who", .logged = true};

static int work_on(tdm_task *task, void *arg)
{
    work *w = arg;
    w->lane = tdm_task_lane(task);
    w->seen = tdm_context_get(&who);
    w->ran++;
    return 11;
}

static void drop_work(void *arg)
{
    ((work *) arg)->dropped++;
}

static int offload(void *arg)
{
    work *w = arg;
    tdm_context_mark mark = tdm_context_save();
    int err = tdm_context_set(&who, "me", NULL);
    if (!err)
        err = tdm_offload(work_on, w, &w->options, &w->result);
    tdm_context_restore(mark);
    return err;
}

START_TEST(it_runs_on_the_pool_with_the_callers_context_and_its_result_comes_back_in_every_place)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++) {
        work w = {.options = {.executor = executor, .drop = drop_work}};
        ck_assert_int_eq(unit_run(executor, (unit_place) place, offload, &w), 0);
        ck_assert(w.ran == 1 && w.dropped == 1 && w.result == 11 && w.lane == TDM_POOL);
        ck_assert_str_eq(w.seen, "me");
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(from_the_only_worker_of_its_pool_the_function_runs_there)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        tdm_executor *executor;
        ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
        ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = 1}), 0);
        work w = {.ran = 0};
        unit_call call;
        unit_start(executor, &call, UNIT_POOL, offload, &w);
        ck_assert_int_eq(tdm_sleep(1), 0);
        ck_assert(call.returned && call.result == 0 && w.ran == 1);
        virtual_end(executor);
    }
}
END_TEST

static int offload_here(void *arg)
{
    return tdm_offload(work_on, arg, NULL, NULL);
}

START_TEST(in_a_callback_and_without_an_executor_it_is_refused_and_the_argument_stays)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    work w = {.options = {.drop = drop_work}};
    ck_assert_int_eq(unit_in_callback(executor, offload_here, &w), -EDEADLK);
    ck_assert_int_eq(tdm_offload(work_on, &w, &w.options, NULL), -EINVAL);
    ck_assert(w.ran == 0 && w.dropped == 0);
    unit_destroy(executor);
}
END_TEST

/* ---- in the queue ---- */

static int offload_until(void *arg)
{
    work *w = arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, w->seconds);
    w->err = offload(w);
    tdm_timeout_end(&scope);
    return 0;
}

START_TEST(whose_time_is_over_while_it_is_queued_takes_it_out_and_a_full_queue_says_so)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1, .queue = 1});
    unit_gate gate;
    unit_gate_init(&gate);
    uint64_t held = unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    work w = {.options = {.executor = executor, .drop = drop_work}, .seconds = 0.002};
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, offload_until, &w), 0);
    ck_assert_int_eq(w.err, -ETIMEDOUT);
    ck_assert(w.ran == 0 && w.dropped == 1);
    w = (work){.options = {.executor = executor, .drop = drop_work}};
    uint64_t queued = unit_spawn(executor, TDM_POOL, unit_nothing, NULL);
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, offload, &w), -EAGAIN);
    ck_assert(w.ran == 0 && w.dropped == 0);
    sem_post(&gate.go);
    unit_await(executor, held, TDM_DONE);
    unit_await(executor, queued, TDM_DONE);
    unit_destroy(executor);
}
END_TEST

/* ---- while it runs ---- */

static int hold_work(tdm_task *task, void *arg)
{
    work *w = arg;
    unit_hold(task, &w->gate);
    w->ran++;
    return tdm_task_cancel_requested(task) ? 1 : 0;
}

static int offload_a_holder(void *arg)
{
    work *w = arg;
    w->err = tdm_offload(hold_work, w, &w->options, &w->result);
    return w->ran; /* what the caller found when it was told */
}

static unsigned detached(tdm_executor *executor)
{
    static tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    return stats.pools[1].busy_detached;
}

START_TEST(a_caller_asked_to_stop_is_told_when_the_thread_is_free)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    work w = {.options = {.executor = executor, .drop = drop_work}};
    unit_gate_init(&w.gate);
    unit_call call;
    unit_start(executor, &call, UNIT_LOOP, offload_a_holder, &w);
    unit_sem_wait(&w.gate.started);
    unit_cancel(executor, &call);
    ck_assert_uint_eq(detached(executor), 0); /* and the loop is not held: it answers */
    ck_assert(!call.returned);
    sem_post(&w.gate.go);
    ck_assert_int_eq(unit_result(&call), 1);
    ck_assert_int_eq(w.err, -ECANCELED);
    ck_assert_int_eq(w.dropped, 1);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_caller_that_abandons_it_is_told_at_once_and_the_thread_counts_until_it_is_free)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    work w = {.options = {.executor = executor, .drop = drop_work, .abandon = true}};
    unit_gate_init(&w.gate);
    unit_call call;
    unit_start(executor, &call, UNIT_LOOP, offload_a_holder, &w);
    unit_sem_wait(&w.gate.started);
    unit_cancel(executor, &call);
    ck_assert_int_eq(unit_result(&call), 0); /* it has not returned */
    ck_assert_int_eq(w.err, -ECANCELED);
    ck_assert_uint_eq(detached(executor), 1);
    ck_assert_int_eq(w.dropped, 0);
    sem_post(&w.gate.go);
    UNIT_UNTIL(w.dropped == 1);
    UNIT_UNTIL(detached(executor) == 0);
    ck_assert_int_eq(w.ran, 1);
    unit_destroy(executor);
}
END_TEST

/* ---- races of real threads ---- */

static int offload_to_the_end(void *arg)
{
    work *w = arg;
    int err = tdm_offload(unit_nothing, w, &w->options, NULL);
    return err == 0 || err == -ECANCELED ? 0 : err;
}

START_TEST(a_cancellation_races_with_the_end_and_the_argument_is_dropped_once_and_nothing_stays_counted)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    for (int round = 0; round < 300; round++) {
        work w = {.options = {.executor = executor, .drop = drop_work, .abandon = round & 1}};
        unit_call call;
        unit_start(executor, &call, round & 2 ? UNIT_LOOP : UNIT_POOL, offload_to_the_end, &w);
        unit_cancel(executor, &call);
        ck_assert_int_le(unit_result(&call), 0);
        if (call.result != -ECANCELED) /* else the caller itself never ran */
            UNIT_UNTIL(w.dropped == 1);
    }
    UNIT_UNTIL(detached(executor) == 0);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("offload",
                     (const TTest *const[]){
                         it_runs_on_the_pool_with_the_callers_context_and_its_result_comes_back_in_every_place,
                         from_the_only_worker_of_its_pool_the_function_runs_there,
                         in_a_callback_and_without_an_executor_it_is_refused_and_the_argument_stays,
                         whose_time_is_over_while_it_is_queued_takes_it_out_and_a_full_queue_says_so,
                         a_caller_asked_to_stop_is_told_when_the_thread_is_free,
                         a_caller_that_abandons_it_is_told_at_once_and_the_thread_counts_until_it_is_free,
                         a_cancellation_races_with_the_end_and_the_argument_is_dropped_once_and_nothing_stays_counted,
                         NULL});
}
