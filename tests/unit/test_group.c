/* SPDX-License-Identifier: MIT */
/* DESIGN: groups: each policy in both lanes, ends in the order of spawns and as completed, what a cancelled or late owner
 * does to its children, and cancellations that race with spawns. Workers that wait: test_group_rings.c. */
#include <tandem/group.h>

#include "tests/unit/place.h"
#include "tests/unit/virtual.h"
#include <tandem/event.h>
#include <tandem/evented.h>
#include <tandem/join.h>
#include <tandem/timeout.h>
static int answer(tdm_task *task, void *arg)
{
    (void) task;
    return (int) (intptr_t) arg;
}

static int sleep_and_answer(tdm_task *task, void *arg)
{
    (void) task;
    int ms = (int) (intptr_t) arg;
    int err = tdm_sleep(ms * 1e-3);
    return err ? err : ms;
}

static tdm_task_spec child(tdm_lane lane, tdm_task_fn *run, intptr_t arg)
{
    return (tdm_task_spec){.name = "child", .run = run, .arg = (void *) arg, .lane = lane};
}

static tdm_group *open_group(tdm_executor *executor, tdm_group_policy policy, bool forget)
{
    tdm_group *group = NULL;
    tdm_group_options options = {.executor = executor, .policy = policy, .forget = forget};
    ck_assert_int_eq(tdm_group_open(&group, &options), 0);
    return group;
}

static void spawn(tdm_group *group, tdm_lane lane, tdm_task_fn *run, intptr_t arg, int index)
{
    tdm_task_spec spec = child(lane, run, arg);
    ck_assert_int_eq(tdm_group_spawn(group, &spec), index);
}

/* ---- policies ---- */

START_TEST(ends_are_in_the_order_of_the_spawns_for_few_and_many_children_in_both_lanes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 4});
    for (int count = 0; count < 100; count = count * 3 + 1) { /* past the room that is there without malloc() */
        tdm_group *group = open_group(executor, TDM_FAIL_FAST, false);
        const tdm_end *ends;
        for (int i = 0; i < count; i++)
            spawn(group, (tdm_lane) (i % TDM_LANES), answer, i, i);
        ck_assert_int_eq(tdm_group_wait(group), 0);
        ck_assert_uint_eq(tdm_group_ends(group, &ends), (unsigned) count);
        for (int i = 0; i < count; i++)
            ck_assert(ends[i].state == TDM_DONE && ends[i].result == i);
        ck_assert_int_eq(tdm_group_wait(group), 0); /* again: it is over */
        ck_assert_int_eq(tdm_group_close(&group), 0);
        ck_assert_ptr_null(group);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(fail_fast_cancels_the_siblings_waits_for_them_and_keeps_every_error)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_group *group = open_group(executor, TDM_FAIL_FAST, false);
        const tdm_end *ends;
        spawn(group, TDM_LOOP, unit_wait, 0, 0);
        spawn(group, TDM_POOL, unit_wait, 0, 1);
        spawn(group, (tdm_lane) lane, answer, -EIO, 2);
        ck_assert_int_eq(tdm_group_wait(group), -EIO);
        ck_assert_uint_eq(tdm_group_ends(group, &ends), 3);
        ck_assert(ends[0].state == TDM_CANCELLED && ends[1].state == TDM_CANCELLED);
        ck_assert(ends[0].result == -ECANCELED && ends[1].result == -ECANCELED);
        ck_assert(ends[2].state == TDM_FAILED && ends[2].result == -EIO);
        tdm_task_spec late = child(TDM_LOOP, answer, 0);
        ck_assert_int_eq(tdm_group_spawn(group, &late), -ECANCELED); /* it takes no more */
        ck_assert_int_eq(tdm_group_close(&group), 0);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(collect_leaves_the_siblings_alone_and_tells_the_first_error)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    tdm_group *group = open_group(executor, TDM_COLLECT, false);
    const tdm_end *ends;
    spawn(group, TDM_LOOP, answer, -EIO, 0);
    spawn(group, TDM_POOL, sleep_and_answer, 5, 1);
    spawn(group, TDM_LOOP, sleep_and_answer, 5, 2);
    ck_assert_int_eq(tdm_group_wait(group), -EIO);
    ck_assert_uint_eq(tdm_group_ends(group, &ends), 3);
    ck_assert(ends[0].result == -EIO && ends[1].result == 5 && ends[2].result == 5);
    ck_assert(tdm_group_first(group) == 1 || tdm_group_first(group) == 2);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(the_first_that_is_done_makes_the_others_be_cancelled_and_failures_before_it_do_not_count)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_group *group = open_group(executor, TDM_FIRST_DONE, false);
        const tdm_end *ends;
        spawn(group, TDM_LOOP, unit_wait, 0, 0);
        spawn(group, TDM_POOL, answer, -EIO, 1);
        spawn(group, (tdm_lane) lane, sleep_and_answer, 5, 2);
        ck_assert_int_eq(tdm_group_wait(group), 0);
        ck_assert_int_eq(tdm_group_first(group), 2);
        ck_assert_uint_eq(tdm_group_ends(group, &ends), 3);
        ck_assert_int_eq(ends[0].state, TDM_CANCELLED);
        ck_assert_int_eq(tdm_group_close(&group), 0);

        group = open_group(executor, TDM_FIRST_DONE, false); /* none is */
        spawn(group, (tdm_lane) lane, answer, -EPERM, 0);
        ck_assert_int_eq(tdm_group_wait(group), -EPERM);
        ck_assert_int_eq(tdm_group_first(group), -1);
        ck_assert_int_eq(tdm_group_close(&group), 0);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- as completed ---- */

START_TEST(next_tells_each_end_once_in_the_order_of_the_ends)
{
    tdm_executor *executor = virtual_begin(1, 1);
    const int ms[] = {30, 10, 20, 0};
    const unsigned order[] = {3, 1, 2, 0};
    tdm_group *group = open_group(executor, TDM_COLLECT, false);
    for (int i = 0; i < 4; i++)
        spawn(group, TDM_LOOP, sleep_and_answer, ms[i], i);
    for (int i = 0; i < 4; i++) {
        tdm_end end;
        unsigned index;
        ck_assert_int_eq(tdm_group_next(group, &end, &index), 1);
        ck_assert_uint_eq(index, order[i]);
        ck_assert_int_eq(end.result, ms[index]);
    }
    tdm_end end;
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 0);
    spawn(group, TDM_POOL, answer, 7, 4); /* and more may come after that */
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 1);
    ck_assert_int_eq(end.result, 7);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    virtual_end(executor);
}
END_TEST

START_TEST(next_gives_what_is_there_before_it_heeds_a_deadline_and_the_group_goes_on)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_group *group = open_group(executor, TDM_COLLECT, false);
    tdm_end end;
    spawn(group, TDM_LOOP, unit_wait, 0, 0);
    spawn(group, TDM_LOOP, answer, 3, 1);
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 1);
    ck_assert_int_eq(end.result, 3);
    tdm_timeout scope;
    ck_assert_int_eq(tdm_timeout_begin(&scope, 0.002), 0);
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), -ETIMEDOUT);
    ck_assert(tdm_timeout_end(&scope));
    tdm_group_cancel(group);
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 1);
    ck_assert_int_eq(end.state, TDM_CANCELLED);
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 0);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_forgetful_group_keeps_no_ends_and_still_knows_its_error)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_group *group = open_group(executor, TDM_COLLECT, true);
    const tdm_end *ends;
    tdm_end end;
    for (int i = 0; i < 50; i++)
        spawn(group, (tdm_lane) (i % TDM_LANES), answer, i == 25 ? -EIO : 0, i);
    ck_assert_int_eq(tdm_group_wait(group), -EIO);
    ck_assert_uint_eq(tdm_group_ends(group, &ends), 0);
    ck_assert_int_eq(tdm_group_next(group, &end, NULL), 0);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

/* ---- the owner ---- */

typedef struct owner {
    tdm_executor *executor;
    sem_t started;
    _Atomic int drops;
    tdm_state states[2];
    int err;
    double seconds;
} owner;

static int start_and_wait(tdm_task *task, void *arg)
{
    owner *o = arg;
    sem_post(&o->started);
    return unit_wait(task, NULL);
}

static void count_drop(void *arg)
{
    ((owner *) arg)->drops++;
}

/* A child that is still queued would be run by its owner, if that is a worker. */
static int own_two(void *arg)
{
    owner *o = arg;
    tdm_group *group;
    const tdm_end *ends;
    tdm_timeout scope;
    int err = tdm_group_open(&group, NULL);
    for (int lane = 0; lane < TDM_LANES && !err; lane++) {
        tdm_task_spec spec = {.run = start_and_wait, .lane = (tdm_lane) lane, .arg = o, .drop = count_drop};
        err = tdm_group_spawn(group, &spec) < 0;
    }
    if (err)
        return -EIO;
    for (int started = 0; started < 2;)
        if (sem_trywait(&o->started) == 0)
            started++;
        else
            tdm_yield();
    if (o->seconds == 0)
        unit_cancel_myself(o->executor);
    tdm_timeout_begin(&scope, o->seconds == 0 ? TDM_FOREVER : o->seconds);
    o->err = tdm_group_wait(group);
    tdm_timeout_end(&scope);
    if (o->drops != 2 || tdm_group_ends(group, &ends) != 2)
        return -EPROTO; /* nothing outlives it */
    for (int i = 0; i < 2; i++)
        o->states[i] = ends[i].state;
    return tdm_group_close(&group);
}

START_TEST(a_cancelled_or_late_owner_cancels_its_children_and_waits_for_them)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 3});
    for (int place = 0; place < UNIT_THREAD; place++)
        for (int late = 0; late < 2; late++) {
            owner o = {.executor = executor, .seconds = late ? 0.003 : 0};
            sem_init(&o.started, 0, 0);
            ck_assert_int_eq(unit_run(executor, (unit_place) place, own_two, &o), 0);
            ck_assert_int_eq(o.err, late ? -ETIMEDOUT : -ECANCELED);
            ck_assert(o.states[0] == TDM_CANCELLED && o.states[1] == TDM_CANCELLED);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(close_cancels_and_waits_for_what_is_left_queued_and_running)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
    tdm_group *group = open_group(executor, TDM_FAIL_FAST, false);
    _Atomic int drops = 0;
    for (int i = 0; i < 6; i++) { /* of those in the pool one runs and the others wait */
        tdm_task_spec spec = {.run = unit_wait, .lane = i % 3 ? TDM_POOL : TDM_LOOP, .arg = &drops, .drop = unit_count};
        ck_assert_int_eq(tdm_group_spawn(group, &spec), i);
    }
    ck_assert_int_eq(tdm_group_close(&group), 0);
    ck_assert_ptr_null(group);
    ck_assert_int_eq(drops, 6);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

static int close_it(void *arg)
{
    return tdm_group_close(arg);
}

static int wait_for_it(void *arg)
{
    return tdm_group_wait(*(tdm_group **) arg);
}

START_TEST(in_a_callback_nothing_waits_and_the_group_stays_open)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_group *group = open_group(executor, TDM_FAIL_FAST, false);
    unit_gate gate; /* a child that heeds nothing */
    unit_gate_init(&gate);
    spawn(group, TDM_POOL, unit_hold, (intptr_t) &gate, 0);
    unit_sem_wait(&gate.started);
    ck_assert_int_eq(unit_in_callback(executor, wait_for_it, &group), -EDEADLK);
    ck_assert_int_eq(unit_in_callback(executor, close_it, &group), -EDEADLK);
    ck_assert_ptr_nonnull(group);
    sem_post(&gate.go);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(what_is_refused_is_no_child_and_leaves_the_argument_to_the_caller)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1, .queue = 2});
    tdm_group *group = open_group(executor, TDM_COLLECT, false), *none = NULL;
    const tdm_end *ends;
    _Atomic int drops = 0;
    unit_gate gate;
    unit_gate_init(&gate);
    ck_assert_int_eq(tdm_group_open(&none, NULL), -EINVAL); /* here is no executor to be found */
    unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    tdm_task_spec spec = {.run = unit_nothing, .lane = TDM_POOL, .arg = &drops, .drop = unit_count};
    ck_assert_int_eq(tdm_group_spawn(group, &spec), 0);
    ck_assert_int_eq(tdm_group_spawn(group, &spec), 1);
    ck_assert_int_eq(tdm_group_spawn(group, &spec), -EAGAIN); /* the queue is full */
    ck_assert_int_eq(drops, 0);
    spec.run = NULL;
    ck_assert_int_eq(tdm_group_spawn(group, &spec), -EINVAL);
    sem_post(&gate.go);
    ck_assert_int_eq(tdm_group_wait(group), 0);
    ck_assert_uint_eq(tdm_group_ends(group, &ends), 2);
    ck_assert_int_eq(drops, 2);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

typedef struct growing {
    tdm_group *group;
    _Atomic int left;
} growing;

static int grow(tdm_task *task, void *arg)
{
    (void) task;
    growing *g = arg;
    int left = --g->left;
    if (left < 0)
        return 0;
    tdm_task_spec spec = {.run = grow, .arg = g, .lane = left % 2 ? TDM_LOOP : TDM_POOL};
    return tdm_group_spawn(g->group, &spec) < 0 ? -EIO : 0;
}

START_TEST(children_may_spawn_siblings_while_the_owner_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 2});
    tdm_group *group = open_group(executor, TDM_FAIL_FAST, false);
    const tdm_end *ends;
    growing g = {group, 20};
    tdm_task_spec spec = {.run = grow, .arg = &g};
    ck_assert_int_eq(tdm_group_spawn(group, &spec), 0);
    ck_assert_int_eq(tdm_group_wait(group), 0);
    ck_assert_uint_eq(tdm_group_ends(group, &ends), 21);
    ck_assert_int_eq(tdm_group_close(&group), 0);
    unit_destroy(executor);
}
END_TEST

/* ---- races of real threads ---- */

typedef struct racer {
    tdm_group *group;
    pthread_barrier_t *barrier;
    int spawned;
} racer;

static void *race_to_cancel(void *arg)
{
    racer *r = arg;
    pthread_barrier_wait(r->barrier);
    tdm_group_cancel(r->group);
    return NULL;
}

static int finish_at_once(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

START_TEST(a_cancellation_races_with_spawns_and_every_child_ends_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 2});
    pthread_barrier_t barrier;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (int round = 0; round < 100; round++) {
        racer r = {open_group(executor, (tdm_group_policy) (round % 3), round % 2), &barrier, 0};
        _Atomic int drops = 0;
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, race_to_cancel, &r), 0);
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < 30; i++) {
            tdm_task_spec spec = {.arg = &drops, .drop = unit_count, .lane = i % 3 == 1 ? TDM_POOL : TDM_LOOP};
            if (i % 3 == 2)
                spec.start = finish_at_once;
            else
                spec.run = i % 2 ? unit_nothing : unit_wait;
            int index = tdm_group_spawn(r.group, &spec);
            ck_assert(index >= 0 || index == -ECANCELED);
            r.spawned += index >= 0;
        }
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        tdm_group_wait(r.group);
        ck_assert_int_eq(drops, r.spawned);
        ck_assert_int_eq(tdm_group_close(&r.group), 0);
    }
    pthread_barrier_destroy(&barrier);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "group",
        (const TTest *const[]){ends_are_in_the_order_of_the_spawns_for_few_and_many_children_in_both_lanes,
                               fail_fast_cancels_the_siblings_waits_for_them_and_keeps_every_error,
                               collect_leaves_the_siblings_alone_and_tells_the_first_error,
                               the_first_that_is_done_makes_the_others_be_cancelled_and_failures_before_it_do_not_count,
                               next_tells_each_end_once_in_the_order_of_the_ends,
                               next_gives_what_is_there_before_it_heeds_a_deadline_and_the_group_goes_on,
                               a_forgetful_group_keeps_no_ends_and_still_knows_its_error,
                               a_cancelled_or_late_owner_cancels_its_children_and_waits_for_them,
                               close_cancels_and_waits_for_what_is_left_queued_and_running,
                               in_a_callback_nothing_waits_and_the_group_stays_open,
                               what_is_refused_is_no_child_and_leaves_the_argument_to_the_caller,
                               children_may_spawn_siblings_while_the_owner_waits,
                               a_cancellation_races_with_spawns_and_every_child_ends_once, NULL});
}
