/* SPDX-License-Identifier: MIT */
/* DESIGN: what must not hang, and what must be said of it: tasks that wait for themselves, for their parents, for children
 * of a pool that has no thread left. In testing mode, under many seeds, where a hang is a deadlock that is reported. */
#include <tandem/tandem.h>

#include "tests/unit/virtual.h"

enum { SEEDS = 150 };

static tdm_executor *begin(uint64_t seed, unsigned workers)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = workers}), 0);
    return executor;
}

/* Run `run(task, arg)` on `lane` and wait for its end. */
static tdm_end run_one(tdm_executor *executor, tdm_lane lane, tdm_task_fn *run, void *arg)
{
    tdm_task *task;
    tdm_end end;
    ck_assert_int_eq(
        tdm_task_start(&task, executor, &(tdm_task_spec){.name = "special", .run = run, .arg = arg, .lane = lane}), 0);
    ck_assert_int_eq(tdm_join(&task, &end), 0);
    return end;
}

/* For each lane and seed: `run` must end as done. */
static void holds_on_every_lane(unsigned workers, tdm_task_fn *run)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int lane = 0; lane < TDM_LANES; lane++) {
            tdm_executor *executor = begin(seed, workers);
            tdm_end end = run_one(executor, (tdm_lane) lane, run, NULL);
            ck_assert_msg(end.state == TDM_DONE, "seed %d, lane %s: %s (%d)", (int) seed,
                          tdm_lane_name((tdm_lane) lane), tdm_state_name(end.state), end.result);
            virtual_end(executor);
        }
}

/* ---- oneself ---- */

typedef struct self {
    tdm_task *handle;
    tdm_event *known; /* the handle has been written */
} self;

static int join_oneself(tdm_task *task, void *arg)
{
    (void) task;
    self *s = arg;
    tdm_end end;
    int err = tdm_event_wait(s->known);
    TDM_EXPECT(err == 0);
    TDM_EXPECT(tdm_join(&s->handle, &end) == -EDEADLK && s->handle);
    TDM_EXPECT(tdm_join_for(&s->handle, 3600, &end) == -EDEADLK);
    TDM_EXPECT(tdm_join_shielded(&s->handle, &end) == -EDEADLK);
    return 0;
}

START_TEST(a_task_that_joins_itself_is_refused)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        self s = {.handle = NULL};
        tdm_end end;
        ck_assert_int_eq(tdm_event_create(&s.known), 0);
        tdm_task_spec spec = {.run = join_oneself, .arg = &s, .lane = (tdm_lane) (seed % TDM_LANES)};
        ck_assert_int_eq(tdm_task_start(&s.handle, executor, &spec), 0);
        tdm_event_set(s.known); /* from here on the task holds its own handle */
        ck_assert_int_eq(tdm_sleep(60), 0);
        ck_assert(tdm_task_ended_yet(s.handle));
        ck_assert_int_eq(tdm_join(&s.handle, &end), 0);
        ck_assert_int_eq(end.state, TDM_DONE);
        virtual_end(executor);
        tdm_event_destroy(&s.known);
    }
}
END_TEST

static int cancel_oneself(tdm_task *task, void *arg)
{
    (void) arg;
    TDM_EXPECT(tdm_task_cancel(tdm_executor_current(), tdm_task_id(task)) == 0);
    TDM_EXPECT(tdm_task_cancel_requested(task));
    TDM_EXPECT(tdm_yield() == -ECANCELED && tdm_sleep(1) == -ECANCELED);
    tdm_shield shield;
    TDM_EXPECT(tdm_shield_begin(&shield) == 0);
    TDM_EXPECT(tdm_sleep(1) == 0); /* cleaning up may wait */
    tdm_shield_end(&shield);
    return 0;
}

START_TEST(a_task_that_cancels_itself_is_told_at_its_next_wait)
{
    holds_on_every_lane(2, cancel_oneself);
}
END_TEST

/* ---- one's parent ---- */

static int join_parent(tdm_task *task, void *arg)
{
    (void) task;
    self *s = arg;
    tdm_end end;
    TDM_EXPECT(tdm_event_wait(s->known) == 0);
    TDM_EXPECT(tdm_sleep(1) == 0); /* by now the parent waits */
    return tdm_join(&s->handle, &end);
}

static int join_child_that_joins_me(tdm_task *task, void *arg)
{
    (void) task;
    tdm_end end;
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_task_spec spec = {.name = "child", .run = join_parent, .arg = arg, .lane = (tdm_lane) lane};
        tdm_task *child;
        TDM_EXPECT(tdm_event_wait(((self *) arg)->known) == 0);
        TDM_EXPECT(tdm_task_start(&child, NULL, &spec) == 0);
        TDM_EXPECT(tdm_join(&child, &end) == 0);
        TDM_EXPECT(end.state == TDM_FAILED && end.result == -EDEADLK);
    }
    return 0;
}

START_TEST(a_task_that_joins_a_parent_that_joins_it_is_refused)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        self s = {.handle = NULL};
        tdm_end end;
        ck_assert_int_eq(tdm_event_create(&s.known), 0);
        tdm_task_spec spec = {.run = join_child_that_joins_me, .arg = &s, .lane = (tdm_lane) (seed % TDM_LANES)};
        ck_assert_int_eq(tdm_task_start(&s.handle, executor, &spec), 0);
        tdm_event_set(s.known); /* from here on the children hold the handle, one after the other */
        ck_assert_int_eq(tdm_sleep(60), 0);
        ck_assert(tdm_task_ended_yet(s.handle));
        ck_assert_int_eq(tdm_join(&s.handle, &end), 0);
        ck_assert_int_eq(end.state, TDM_DONE);
        virtual_end(executor);
        tdm_event_destroy(&s.known);
    }
}
END_TEST

/* ---- a pool that has no thread left ---- */

static int nested(tdm_task *task, void *arg)
{
    (void) task;
    intptr_t depth = (intptr_t) arg;
    if (!depth)
        return tdm_sleep(0.001);
    tdm_group *group;
    TDM_EXPECT(tdm_group_open(&group, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        tdm_task_spec spec = {.name = "nested", .run = nested, .arg = (void *) (depth - 1), .lane = TDM_POOL};
        TDM_EXPECT(tdm_group_spawn(group, &spec) == i);
    }
    int err = tdm_group_wait(group);
    const tdm_end *ends;
    TDM_EXPECT(tdm_group_ends(group, &ends) == 3);
    for (int i = 0; i < 3; i++)
        TDM_EXPECT(ends[i].state == TDM_DONE);
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return err;
}

static int nest_three_groups(tdm_task *task, void *arg)
{
    (void) arg;
    return nested(task, (void *) (intptr_t) 3);
}

START_TEST(three_nested_groups_end_on_a_pool_with_one_worker)
{
    holds_on_every_lane(1, nest_three_groups);
}
END_TEST

static int join_a_child_in_my_pool(tdm_task *task, void *arg)
{
    (void) task;
    tdm_task *child;
    tdm_end end;
    tdm_task_spec spec = {.name = "child", .run = unit_nothing, .lane = TDM_POOL};
    int *joined = arg;
    TDM_EXPECT(tdm_sleep(1) == 0); /* all workers are taken by now */
    TDM_EXPECT(tdm_task_start(&child, NULL, &spec) == 0);
    TDM_EXPECT(tdm_join(&child, &end) == 0 && end.state == TDM_DONE);
    ++*joined;
    return 0;
}

START_TEST(workers_that_all_join_children_of_their_own_pool_run_them)
{
    enum { WORKERS = 3 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, WORKERS);
        int joined = 0;
        for (int i = 0; i < 2 * WORKERS; i++)
            unit_spawn(executor, TDM_POOL, join_a_child_in_my_pool, &joined);
        ck_assert_int_eq(tdm_sleep(60), 0);
        ck_assert_int_eq(joined, 2 * WORKERS);
        virtual_end(executor);
    }
}
END_TEST

static int offload_to_my_own_pool(tdm_task *task, void *arg)
{
    (void) task;
    int result = -1, *joined = arg;
    TDM_EXPECT(tdm_sleep(1) == 0);
    TDM_EXPECT(tdm_offload(unit_nothing, NULL, NULL, &result) == 0 && result == 0);
    ++*joined;
    return 0;
}

START_TEST(workers_that_all_offload_to_their_own_pool_run_it)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        int joined = 0;
        for (int i = 0; i < 4; i++)
            unit_spawn(executor, TDM_POOL, offload_to_my_own_pool, &joined);
        ck_assert_int_eq(tdm_sleep(60), 0);
        ck_assert_int_eq(joined, 4);
        virtual_end(executor);
    }
}
END_TEST

/* ---- evented tasks ---- */

static int ring(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

static int wind(tdm_task *task, void *arg)
{
    (void) arg;
    return tdm_task_after(task, 1, ring);
}

START_TEST(an_evented_task_that_is_stopped_on_its_way_to_its_loop_ends)
{
    int unstarted = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        tdm_task *task;
        tdm_end end;
        ck_assert_int_eq(tdm_task_start(&task, executor, &(tdm_task_spec){.name = "alarm", .start = wind}), 0);
        for (uint64_t i = tdm_testing_choose(6); i; i--)
            tdm_testing_point();
        ck_assert_int_eq(tdm_task_stop(task), 0);
        uint64_t id = tdm_task_id(task);
        ck_assert_int_eq(tdm_join(&task, &end), 0);
        ck_assert_int_eq(end.state, TDM_CANCELLED);
        unstarted += unit_info(executor, id).started_ns == 0;
        virtual_end(executor);
    }
    ck_assert_int_gt(unstarted, 0);
    ck_assert_int_lt(unstarted, SEEDS);
}
END_TEST

/* ---- a worker that never returns; in real time ---- */

static unit_gate gate;

START_TEST(a_worker_that_never_returns_is_abandoned_and_what_it_uses_is_kept)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
    tdm_drain_report report;
    unit_gate_init(&gate);
    unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    uint64_t queued = unit_spawn(executor, TDM_POOL, unit_nothing, NULL);
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.01, .grace = 0.01}, &report), 2);
    ck_assert_uint_eq(report.lanes[TDM_POOL].state[TDM_ABANDONED], 1);
    ck_assert_uint_eq(report.lanes[TDM_POOL].state[TDM_DROPPED], 1);
    ck_assert_int_eq(unit_info(executor, queued).state, TDM_DROPPED);
    ck_assert_int_eq(tdm_executor_destroy(&executor), -EBUSY);
    ck_assert_int_eq(tdm_testing_begin(NULL), -EBUSY); /* it lives on */
    sem_post(&gate.go);
}
END_TEST

int main(void)
{
    return unit_main("special",
                     (const TTest *const[]){a_task_that_joins_itself_is_refused,
                                            a_task_that_cancels_itself_is_told_at_its_next_wait,
                                            a_task_that_joins_a_parent_that_joins_it_is_refused,
                                            three_nested_groups_end_on_a_pool_with_one_worker,
                                            workers_that_all_join_children_of_their_own_pool_run_them,
                                            workers_that_all_offload_to_their_own_pool_run_it,
                                            an_evented_task_that_is_stopped_on_its_way_to_its_loop_ends,
                                            a_worker_that_never_returns_is_abandoned_and_what_it_uses_is_kept, NULL});
}
