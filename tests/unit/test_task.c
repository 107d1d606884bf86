/* SPDX-License-Identifier: MIT */
/* DESIGN: single tasks in both lanes: one function for both, its waits, its facts, its end, and the limits. */
#include <limits.h>
#include <math.h>

#include "tasks/executor.h"
#include "tests/unit/place.h"
#include <tandem/evented.h>

typedef struct seen {
    tdm_lane lane;
    uint32_t thread;
    uint64_t id;
    int slept;
    double seconds;
    bool current;
} seen;

static int look_around(tdm_task *task, void *arg)
{
    seen *s = arg;
    s->current = tdm_task_current() == task;
    s->lane = tdm_task_lane(task);
    s->id = tdm_task_id(task);
    int64_t before = tdm_clock_ns();
    s->slept = tdm_sleep(0.02);
    s->seconds = tdm_s_from_ns(tdm_clock_ns() - before);
    s->current = s->current && tdm_task_current() == task && strcmp(tdm_task_name(task), "unit") == 0;
    s->thread = tdm_thread_id();
    return 7;
}

START_TEST(one_function_runs_and_waits_in_both_lanes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        seen s = {0};
        uint64_t id = unit_spawn(executor, (tdm_lane) lane, look_around, &s);
        tdm_task_info info = unit_await(executor, id, TDM_DONE);
        ck_assert(s.current);
        ck_assert_int_eq(s.lane, lane);
        ck_assert_uint_eq(s.id, id);
        ck_assert_int_eq(s.slept, 0);
        ck_assert_double_ge(s.seconds, 0.02);
        ck_assert_uint_eq(info.thread, s.thread);
        ck_assert_uint_ne(info.thread, tdm_thread_id());
        ck_assert_int_eq(info.lane, lane);
        ck_assert_int_eq(info.error, 0);
        ck_assert_str_eq(info.name, "unit");
        ck_assert_int_gt(info.accepted_ns, 0);
        ck_assert_int_ge(info.ready_ns, info.accepted_ns);
        ck_assert_int_ge(info.started_ns, info.ready_ns);
        ck_assert_int_ge(info.ended_ns, info.started_ns + 20000000);
        ck_assert_int_gt(info.accepted_wall_ns, INT64_C(1500000000) * TDM_NS_PER_S);
    }
    ck_assert_ptr_null(tdm_task_current());
    unit_destroy(executor);
}
END_TEST

static int sleep_oddly(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0) || tdm_sleep(-5) || tdm_sleep(NAN) || tdm_sleep(-INFINITY) ? -EIO : 0;
}

START_TEST(zero_negative_and_nan_seconds_return_at_once)
{
    int64_t before = tdm_clock_ns();
    ck_assert_int_eq(sleep_oddly(NULL, NULL), 0); /* on a plain thread */
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++)
        unit_await(executor, unit_spawn(executor, (tdm_lane) lane, sleep_oddly, NULL), TDM_DONE);
    unit_destroy(executor);
    ck_assert_int_lt(tdm_clock_ns() - before, 20 * TDM_NS_PER_S);
}
END_TEST

START_TEST(a_plain_thread_sleeps_for_its_time)
{
    int64_t before = tdm_clock_ns();
    ck_assert_int_eq(tdm_sleep(0.01), 0);
    ck_assert_int_ge(tdm_clock_ns() - before, 10000000);
}
END_TEST

static void sleep_outside_a_fiber(tdm__loop *loop, void *arg)
{
    (void) loop;
    *(int *) arg = tdm_sleep(0.001);
}

START_TEST(sleep_on_a_loops_thread_outside_a_fiber_is_refused)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int result = 1;
    tdm__loop_call(tdm__executor_loop(executor, 0), sleep_outside_a_fiber, &result);
    ck_assert_int_eq(result, -EDEADLK);
    unit_destroy(executor);
}
END_TEST

typedef struct family {
    tdm_executor *executor;
    uint64_t children[TDM_LANES];
} family;

static int spawn_children(tdm_task *task, void *arg)
{
    (void) task;
    family *f = arg;
    for (int lane = 0; lane < TDM_LANES; lane++)
        f->children[lane] = unit_spawn(f->executor, (tdm_lane) lane, sleep_oddly, NULL);
    return 0;
}

START_TEST(tasks_of_both_lanes_spawn_into_both_lanes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        family f = {.executor = executor};
        uint64_t id = unit_spawn(executor, (tdm_lane) lane, spawn_children, &f);
        tdm_task_info parent = unit_await(executor, id, TDM_DONE);
        tdm_task_info on_loop = unit_await(executor, f.children[TDM_LOOP], TDM_DONE);
        tdm_task_info in_pool = unit_await(executor, f.children[TDM_POOL], TDM_DONE);
        ck_assert_uint_lt(id, f.children[TDM_LOOP]);
        ck_assert_uint_lt(f.children[TDM_LOOP], f.children[TDM_POOL]);
        if (lane == TDM_LOOP)
            ck_assert_uint_eq(on_loop.thread, parent.thread); /* it stays on its loop */
        ck_assert_uint_ne(in_pool.thread, on_loop.thread);
    }
    unit_destroy(executor);
}
END_TEST

static int fail_with(tdm_task *task, void *arg)
{
    (void) task;
    return *(int *) arg;
}

START_TEST(a_negative_result_is_a_failure_and_minus_ecanceled_without_a_request_too)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int results[] = {-EIO, -ECANCELED, -1, INT_MIN};
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (int i = 0; i < 4; i++) {
            uint64_t id = unit_spawn(executor, (tdm_lane) lane, fail_with, &results[i]);
            tdm_task_info info = unit_await(executor, id, TDM_FAILED);
            ck_assert_int_eq(info.error, results[i]);
            ck_assert(!info.cancel_requested);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_spec_without_code_or_lane_is_invalid_and_keeps_its_arg)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    _Atomic int drops = 0;
    tdm_task_spec spec = {.arg = &drops, .drop = unit_count};
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EINVAL);
    spec.run = unit_nothing;
    spec.lane = TDM_LANES;
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EINVAL);
    spec.lane = TDM_LOOP;
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0); /* no id wanted, no name given */
    UNIT_UNTIL(drops == 1);
    ck_assert_str_eq(unit_info(executor, 1).name, "task");
    unit_destroy(executor);
    ck_assert_int_eq(drops, 1);
}
END_TEST

START_TEST(loop_limit_refuses_past_it_and_caller_keeps_arg)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.max_loop_tasks = 3, .loops = 2});
    uint64_t ids[3];
    _Atomic int drops = 0;
    tdm_task_spec spec = {.run = unit_wait, .arg = &drops, .drop = unit_count, .lane = TDM_LOOP};
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_spawn(executor, &spec, &ids[i]), 0);
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EAGAIN);
    ck_assert_int_eq(drops, 0);
    tdm_task_spec pooled = {.run = unit_nothing, .lane = TDM_POOL};
    ck_assert_int_eq(tdm_spawn(executor, &pooled, NULL), 0); /* the other lane has its own */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_task_cancel(executor, ids[i]), 0);
    UNIT_UNTIL(drops == 3);
    UNIT_UNTIL(tdm_spawn(executor, &spec, &ids[0]) == 0); /* places come back when tasks are gone */
    ck_assert_int_eq(tdm_task_cancel(executor, ids[0]), 0);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_ge(stats.lanes[TDM_LOOP].lifetime.rejected, 1);
    ck_assert_uint_eq(stats.lanes[TDM_POOL].lifetime.rejected, 0);
    unit_destroy(executor);
}
END_TEST

/* ---- places that a loop keeps for the rest of its turn ---- */

enum { MANY = 8192 };

typedef struct crowd {
    tdm_executor *executor;
    unsigned here, elsewhere;
} crowd;

static int wake_up(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

static int sleep_long(tdm_task *task, void *arg)
{
    (void) arg;
    return tdm_task_after(task, 3600, wake_up);
}

static unsigned spawn_until_refused(tdm_executor *executor)
{
    const tdm_task_spec spec = {.name = "sleeper", .start = sleep_long};
    unsigned count = 0;
    int err;
    while (!(err = tdm_spawn(executor, &spec, NULL)))
        count++;
    ck_assert_int_eq(err, -EAGAIN);
    return count;
}

static void *crowd_elsewhere(void *arg)
{
    crowd *c = arg;
    c->elsewhere = spawn_until_refused(c->executor);
    return NULL;
}

/* Sleepers are cancelled, and those that have not begun are dropped. */
static void end_crowd(crowd *c)
{
    int dropped = tdm_executor_drain(c->executor, &(tdm_drain_options){.timeout = 0.001, .grace = 30}, NULL);
    ck_assert_int_ge(dropped, 0);
    ck_assert_int_le(dropped, MANY);
    ck_assert_int_eq(tdm_executor_destroy(&c->executor), 0);
}

/* All in one turn. */
static int crowd_here(void *arg)
{
    crowd *c = arg;
    pthread_t thread;
    ck_assert_int_eq(tdm_spawn(c->executor, &(tdm_task_spec){.start = sleep_long}, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, crowd_elsewhere, c), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    c->here = 1 + spawn_until_refused(c->executor);
    return 0;
}

START_TEST(places_that_a_loop_keeps_count_as_taken_and_are_its_own_until_its_turn_ends)
{
    crowd c = {.executor = unit_executor((tdm_executor_options){.max_loop_tasks = MANY, .loops = 2})};
    unit_call call;
    unit_start(c.executor, &call, UNIT_LOOP, crowd_here, &c);
    ck_assert_int_eq(unit_result(&call), 0);
    ck_assert_uint_ge(c.elsewhere, MANY - MANY / 32);
    ck_assert_uint_gt(c.here, 1);
    ck_assert_uint_eq(c.here + c.elsewhere + 1, MANY); /* and who spawned them */
    const tdm_task_spec spec = {.start = sleep_long};
    UNIT_UNTIL(tdm_spawn(c.executor, &spec, NULL) == 0);
    ck_assert_int_eq(tdm_spawn(c.executor, &spec, NULL), -EAGAIN);
    end_crowd(&c);
}
END_TEST

static int come_and_go(void *arg)
{
    crowd *c = arg;
    const tdm_task_spec spec = {.start = wake_up};
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(tdm_spawn(c->executor, &spec, NULL), 0);
    return 0;
}

START_TEST(what_a_loop_keeps_is_given_back_when_its_turn_ends)
{
    crowd c = {.executor = unit_executor((tdm_executor_options){.max_loop_tasks = MANY})};
    unit_call call;
    unit_start(c.executor, &call, UNIT_LOOP, come_and_go, &c);
    ck_assert_int_eq(unit_result(&call), 0);
    UNIT_UNTIL(tdm__executor_outstanding(c.executor) == 0);
    ck_assert_uint_eq(spawn_until_refused(c.executor), MANY);
    end_crowd(&c);
}
END_TEST

START_TEST(full_queue_returns_eagain_and_caller_keeps_arg)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1, .queue = 2});
    unit_gate gate;
    unit_gate_init(&gate);
    uint64_t first = unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started); /* it has started, so its place in the queue is free again */
    _Atomic int drops = 0;
    tdm_task_spec spec = {.run = unit_nothing, .arg = &drops, .drop = unit_count, .lane = TDM_POOL};
    uint64_t ids[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(tdm_spawn(executor, &spec, &ids[i]), 0);
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EAGAIN);
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EAGAIN);
    ck_assert_int_eq(drops, 0);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    const tdm_pool_stats *pool = &stats.pools[TDM__BACKGROUND];
    ck_assert_str_eq(pool->name, "background");
    ck_assert_uint_eq(pool->workers, 1);
    ck_assert_uint_eq(pool->busy, 1);
    ck_assert_uint_eq(pool->idle, 0);
    ck_assert_uint_eq(pool->queue, 2);
    ck_assert_uint_eq(pool->reserved, 2);
    ck_assert_uint_eq(pool->queue_limit, 2);
    ck_assert_uint_eq(pool->queue_peak, 2);
    ck_assert_uint_eq(stats.lanes[TDM_POOL].window.rejected, 2);
    /* Cancelling what is queued frees its place at once. */
    ck_assert_int_eq(tdm_task_cancel(executor, ids[0]), 0);
    ck_assert_int_eq(drops, 1);
    ck_assert_int_eq(unit_info(executor, ids[0]).state, TDM_CANCELLED);
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0);
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EAGAIN);
    sem_post(&gate.go);
    unit_await(executor, first, TDM_DONE);
    unit_destroy(executor);
    ck_assert_int_eq(drops, 3);
}
END_TEST

START_TEST(a_task_does_not_wait_behind_a_running_one_while_a_worker_is_free)
{
    enum { WORKERS = 3 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = WORKERS});
    for (int round = 0; round < 50; round++) {
        unit_gate gate;
        unit_gate_init(&gate);
        uint64_t held[WORKERS - 1];
        for (int i = 0; i < WORKERS - 1; i++)
            held[i] = unit_spawn(executor, TDM_POOL, unit_hold, &gate);
        for (int i = 0; i < 5; i++) /* the last worker must take these, one after another */
            unit_await(executor, unit_spawn(executor, TDM_POOL, unit_nothing, NULL), TDM_DONE);
        for (int i = 0; i < WORKERS - 1; i++)
            unit_sem_wait(&gate.started);
        for (int i = 0; i < WORKERS - 1; i++)
            sem_post(&gate.go);
        for (int i = 0; i < WORKERS - 1; i++)
            unit_await(executor, held[i], TDM_DONE);
    }
    unit_destroy(executor);
}
END_TEST

typedef struct order {
    int next, wrong;
} order;

static order in_order;

static int come_in_order(tdm_task *task, void *arg)
{
    (void) task;
    in_order.wrong += (intptr_t) arg != in_order.next++;
    return 0;
}

START_TEST(tasks_of_one_lane_start_in_the_order_of_spawning)
{
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
        in_order = (order){0};
        for (intptr_t i = 0; i < 1000; i++)
            unit_spawn(executor, (tdm_lane) lane, come_in_order, (void *) i);
        unit_destroy(executor);
        ck_assert_int_eq(in_order.next, 1000);
        ck_assert_int_eq(in_order.wrong, 0);
    }
}
END_TEST

START_TEST(options_are_resolved_and_checked)
{
    tdm_executor *executor = NULL;
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.loops = TDM_MAX_LOOPS + 1}), -EINVAL);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = TDM_MAX_WORKERS + 1}), -EINVAL);
    ck_assert_int_eq(tdm_executor_create(&executor, NULL), 0);
    const tdm_executor_options *s = tdm_executor_settings(executor);
    ck_assert_uint_eq(s->loops, 1);
    ck_assert_uint_ge(s->workers, 5);
    ck_assert_uint_le(s->workers, 32);
    ck_assert_uint_eq(s->queue, 10000);
    ck_assert_uint_le(s->max_loop_tasks, 100000);
    ck_assert_uint_eq(s->ledger, 100000);
    ck_assert_uint_eq(s->turn_limit, 256);
    ck_assert_uint_eq(s->min_workers, 1);
    ck_assert_double_eq(s->stuck_after, 60);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0); /* NULL by now */
}
END_TEST

START_TEST(states_and_lanes_have_words_both_ways)
{
    for (int i = 0; i < TDM_STATES; i++) {
        tdm_state state = TDM_STATES;
        ck_assert_int_eq(tdm_state_from_name(tdm_state_name((tdm_state) i), &state), 0);
        ck_assert_int_eq(state, i);
    }
    for (int i = 0; i < TDM_LANES; i++) {
        tdm_lane lane = TDM_LANES;
        ck_assert_int_eq(tdm_lane_from_name(tdm_lane_name((tdm_lane) i), &lane), 0);
        ck_assert_int_eq(lane, i);
    }
    ck_assert_ptr_null(tdm_state_name(TDM_STATES));
    ck_assert_ptr_null(tdm_lane_name(TDM_LANES));
    ck_assert_int_eq(tdm_state_from_name("nonsense", &(tdm_state){0}), -EINVAL);
    ck_assert_int_eq(tdm_lane_from_name("", &(tdm_lane){0}), -EINVAL);
}
END_TEST

int main(void)
{
    return unit_main(
        "task",
        (const TTest *const[]){
            one_function_runs_and_waits_in_both_lanes, zero_negative_and_nan_seconds_return_at_once,
            a_plain_thread_sleeps_for_its_time, sleep_on_a_loops_thread_outside_a_fiber_is_refused,
            tasks_of_both_lanes_spawn_into_both_lanes,
            a_negative_result_is_a_failure_and_minus_ecanceled_without_a_request_too,
            a_spec_without_code_or_lane_is_invalid_and_keeps_its_arg, loop_limit_refuses_past_it_and_caller_keeps_arg,
            places_that_a_loop_keeps_count_as_taken_and_are_its_own_until_its_turn_ends,
            what_a_loop_keeps_is_given_back_when_its_turn_ends, full_queue_returns_eagain_and_caller_keeps_arg,
            a_task_does_not_wait_behind_a_running_one_while_a_worker_is_free,
            tasks_of_one_lane_start_in_the_order_of_spawning, options_are_resolved_and_checked,
            states_and_lanes_have_words_both_ways, NULL});
}
