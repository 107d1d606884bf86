/* SPDX-License-Identifier: MIT */
/* DESIGN: groups of workers that run their children themselves, and rings of waits through groups: in testing mode under
 * many seeds, where a hang is a deadlock that is reported. */
#include <tandem/event.h>
#include <tandem/group.h>
#include <tandem/join.h>

#include "tests/unit/virtual.h"

enum { SEEDS = 40 };

/* ---- workers that wait ---- */

typedef struct sequence {
    int count;
    uint64_t last;
    bool in_order;
} sequence;

static int come_in_turn(tdm_task *task, void *arg)
{
    sequence *s = arg;
    s->in_order = s->in_order && tdm_task_id(task) > s->last;
    s->last = tdm_task_id(task);
    s->count++;
    return 0;
}

static int wait_for_many(tdm_task *task, void *arg)
{
    (void) task;
    tdm_group *group;
    TDM_EXPECT(tdm_group_open(&group, NULL) == 0);
    for (int i = 0; i < 20; i++) {
        tdm_task_spec spec = {.run = come_in_turn, .arg = arg, .lane = TDM_POOL};
        TDM_EXPECT(tdm_group_spawn(group, &spec) == i);
    }
    TDM_EXPECT(tdm_group_wait(group) == 0);
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return 0;
}

static tdm_executor *begin(uint64_t seed, unsigned workers)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = workers}), 0);
    return executor;
}

static void end(tdm_executor *executor)
{
    ck_assert_int_eq(tdm_sleep(60), 0); /* a drain would refuse what is spawned meanwhile */
    virtual_end(executor);
}

START_TEST(the_only_worker_runs_the_children_it_waits_for_in_their_order)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        sequence s = {.in_order = true};
        unit_spawn(executor, TDM_POOL, wait_for_many, &s);
        end(executor);
        ck_assert_int_eq(s.count, 20);
        ck_assert(s.in_order);
    }
}
END_TEST

typedef struct outsider {
    tdm_group *group;
    _Atomic int ran;
} outsider;

static int run_late(tdm_task *task, void *arg)
{
    (void) task;
    ((outsider *) arg)->ran++;
    return 0;
}

static int spawn_into_it(tdm_task *task, void *arg)
{
    (void) task;
    outsider *o = arg;
    tdm_task_spec spec = {.run = run_late, .arg = o, .lane = TDM_POOL};
    return tdm_yield() || tdm_group_spawn(o->group, &spec) < 0 ? -EIO : 0;
}

static int wait_for_a_child_that_spawns_behind_me(tdm_task *task, void *arg)
{
    (void) task;
    outsider *o = arg;
    tdm_task_spec spec = {.run = spawn_into_it, .arg = o};
    TDM_EXPECT(tdm_group_open(&o->group, NULL) == 0);
    TDM_EXPECT(tdm_group_spawn(o->group, &spec) == 0);
    TDM_EXPECT(tdm_group_wait(o->group) == 0);
    TDM_EXPECT(tdm_group_close(&o->group) == 0);
    return 0;
}

START_TEST(the_only_worker_runs_a_child_that_comes_while_it_begins_to_wait)
{
    for (uint64_t seed = 0; seed < 5 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        outsider o = {.ran = 0};
        unit_spawn(executor, TDM_POOL, wait_for_a_child_that_spawns_behind_me, &o);
        end(executor);
        ck_assert_int_eq(o.ran, 1);
    }
}
END_TEST

/* ---- rings ---- */

typedef struct ring {
    bool inner_first;
    int outer, inner, closed;
} ring;

static int wait_for_what_is_queued(tdm_task *task, void *arg)
{
    (void) task;
    ring *r = arg;
    tdm_group *group;
    tdm_task_spec spec = {.run = unit_nothing, .lane = TDM_POOL};
    if (!r->inner_first)
        TDM_EXPECT(tdm_sleep(1) == 0);
    TDM_EXPECT(tdm_group_open(&group, NULL) == 0);
    TDM_EXPECT(tdm_group_spawn(group, &spec) == 0);
    r->inner = tdm_group_wait(group);
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return 0;
}

static int wait_for_the_waiter(tdm_task *task, void *arg)
{
    (void) task;
    ring *r = arg;
    tdm_group *group;
    tdm_task_spec spec = {.run = wait_for_what_is_queued, .arg = r};
    TDM_EXPECT(tdm_group_open(&group, NULL) == 0);
    TDM_EXPECT(tdm_group_spawn(group, &spec) == 0);
    if (r->inner_first)
        TDM_EXPECT(tdm_sleep(1) == 0);
    r->outer = tdm_group_wait(group);
    r->closed = tdm_group_close(&group);
    return 0;
}

START_TEST(a_group_of_a_loop_task_whose_child_is_queued_behind_its_opener_is_refused_in_either_order)
{
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        ring r = {.inner_first = seed & 1, .closed = -1};
        unit_spawn(executor, TDM_POOL, wait_for_the_waiter, &r);
        end(executor);
        ck_assert_int_eq(r.outer, r.inner_first ? -EDEADLK : 0);
        ck_assert_int_eq(r.inner, r.inner_first ? -ECANCELED : -EDEADLK);
        ck_assert_int_eq(r.closed, 0); /* it could still be closed: its child was asked to stop */
    }
}
END_TEST

START_TEST(with_a_second_worker_the_same_ends)
{
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        ring r = {.inner_first = seed & 1, .closed = -1};
        unit_spawn(executor, TDM_POOL, wait_for_the_waiter, &r);
        end(executor);
        ck_assert(!r.outer && !r.inner && !r.closed);
    }
}
END_TEST

typedef struct parent {
    tdm_task *handle;
    tdm_event *known;
    int child, parent;
    bool child_first;
} parent;

static int join_my_opener(tdm_task *task, void *arg)
{
    (void) task;
    parent *p = arg;
    if (!p->child_first)
        TDM_EXPECT(tdm_sleep(1) == 0);
    p->child = tdm_join(&p->handle, NULL);
    return 0;
}

static int open_and_wait(tdm_task *task, void *arg)
{
    parent *p = arg;
    tdm_group *group;
    tdm_task_spec spec = {.run = join_my_opener, .arg = p, .lane = tdm_task_lane(task)};
    TDM_EXPECT(tdm_event_wait(p->known) == 0);
    TDM_EXPECT(tdm_group_open(&group, NULL) == 0);
    TDM_EXPECT(tdm_group_spawn(group, &spec) == 0);
    if (p->child_first)
        TDM_EXPECT(tdm_sleep(1) == 0);
    p->parent = tdm_group_wait(group);
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return 0;
}

START_TEST(of_a_child_that_joins_its_opener_and_the_opener_the_later_one_is_refused)
{
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        parent p = {.child_first = seed & 1};
        ck_assert_int_eq(tdm_event_create(&p.known), 0);
        tdm_task_spec spec = {.run = open_and_wait, .arg = &p, .lane = seed & 2 ? TDM_POOL : TDM_LOOP};
        ck_assert_int_eq(tdm_task_start(&p.handle, executor, &spec), 0);
        tdm_event_set(p.known);
        end(executor);
        ck_assert_int_eq(p.parent, p.child_first ? -EDEADLK : 0);
        ck_assert_int_eq(p.child, p.child_first ? -ECANCELED : -EDEADLK);
        tdm_task_detach(&p.handle);
        tdm_event_destroy(&p.known);
    }
}
END_TEST

static int wait_for_my_own_group(tdm_task *task, void *arg)
{
    (void) task;
    tdm_group *group = *(tdm_group **) arg;
    TDM_EXPECT(tdm_group_wait(group) == -EDEADLK);
    return 0;
}

START_TEST(a_child_that_waits_for_its_own_group_is_refused_whether_or_not_anybody_waits)
{
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        tdm_group *group;
        ck_assert_int_eq(tdm_group_open(&group, &(tdm_group_options){.executor = executor}), 0);
        tdm_task_spec spec = {.run = wait_for_my_own_group, .arg = &group, .lane = (tdm_lane) (seed % TDM_LANES)};
        ck_assert_int_eq(tdm_group_spawn(group, &spec), 0);
        if (seed & 2)
            tdm_testing_settle();
        ck_assert_int_eq(tdm_group_wait(group), 0);
        ck_assert_int_eq(tdm_group_close(&group), 0);
        end(executor);
    }
}
END_TEST

int main(void)
{
    return unit_main("group_rings",
                     (const TTest *const[]){
                         the_only_worker_runs_the_children_it_waits_for_in_their_order,
                         the_only_worker_runs_a_child_that_comes_while_it_begins_to_wait,
                         a_group_of_a_loop_task_whose_child_is_queued_behind_its_opener_is_refused_in_either_order,
                         with_a_second_worker_the_same_ends,
                         of_a_child_that_joins_its_opener_and_the_opener_the_later_one_is_refused,
                         a_child_that_waits_for_its_own_group_is_refused_whether_or_not_anybody_waits, NULL});
}
