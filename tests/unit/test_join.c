/* SPDX-License-Identifier: MIT */
/* DESIGN: handles and joins: what a join returns in every place, what becomes of a handle that is let go, and waits that
 * could never end, in testing mode under many seeds, where a hang is a deadlock that is reported. */
#include <tandem/join.h>

#include <stdio.h>

#include "tests/unit/log_unit.h"
#include "tests/unit/place.h"
#include "tests/unit/virtual.h"
#include <tandem/event.h>
#include <tandem/pool.h>

enum { SEEDS = 50 };

static tdm_task *start(tdm_executor *executor, tdm_lane lane, tdm_task_fn *run, void *arg)
{
    tdm_task *task = NULL;
    tdm_task_spec spec = {.name = "unit", .run = run, .arg = arg, .lane = lane};
    ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
    return task;
}

static int answer(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return 42;
}

static int fails(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return -EIO;
}

/* ---- what a join returns ---- */

typedef struct joining {
    tdm_executor *executor;
    tdm_task *task;
    tdm_end end;
    double seconds;
    tdm_event *event;
} joining;

static int join_it(void *arg)
{
    joining *j = arg;
    return tdm_join(&j->task, &j->end);
}

static int join_it_for(void *arg)
{
    joining *j = arg;
    return tdm_join_for(&j->task, j->seconds, &j->end);
}

START_TEST(a_join_gives_the_end_and_takes_the_handle_in_every_place_and_lane)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    for (int place = 0; place < UNIT_PLACES; place++)
        for (int lane = 0; lane < TDM_LANES; lane++) {
            joining j = {.task = start(executor, (tdm_lane) lane, answer, NULL)};
            uint64_t id = tdm_task_id(j.task);
            ck_assert_int_eq(unit_run(executor, (unit_place) place, join_it, &j), 0);
            ck_assert_ptr_null(j.task);
            ck_assert(j.end.id == id && j.end.state == TDM_DONE && j.end.result == 42);
            ck_assert_str_eq(j.end.name, "unit");
            j.task = start(executor, (tdm_lane) lane, fails, NULL);
            ck_assert_int_eq(unit_run(executor, (unit_place) place, join_it, &j), 0);
            ck_assert(j.end.state == TDM_FAILED && j.end.result == -EIO);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_join_whose_time_is_over_keeps_the_handle)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int place = 0; place < UNIT_PLACES; place++)
        for (int lane = 0; lane < TDM_LANES; lane++) {
            joining j = {.task = start(executor, (tdm_lane) lane, unit_wait, NULL), .seconds = 0.002};
            unit_await(executor, tdm_task_id(j.task), TDM_RUNNING);
            ck_assert_int_eq(unit_run(executor, (unit_place) place, join_it_for, &j), -ETIMEDOUT);
            ck_assert_ptr_nonnull(j.task);
            ck_assert(!tdm_task_ended_yet(j.task));
            ck_assert_int_eq(tdm_task_stop(j.task), 0);
            ck_assert_int_eq(tdm_join(&j.task, &j.end), 0);
            ck_assert_int_eq(j.end.state, TDM_CANCELLED);
            ck_assert_int_eq(j.end.result, -ECANCELED);
        }
    unit_destroy(executor);
}
END_TEST

static int join_though_asked_to_stop(void *arg)
{
    joining *j = arg;
    unit_cancel_myself(j->executor);
    if (j->event) /* it has ended: what is there is taken */
        return tdm_join(&j->task, &j->end);
    int err = tdm_join(&j->task, &j->end);
    if (err != -ECANCELED || !j->task)
        return -EIO;
    tdm_task_stop(j->task);
    return tdm_join_shielded(&j->task, &j->end);
}

START_TEST(who_was_asked_to_stop_gets_what_is_there_waits_for_nothing_else_and_may_join_shielded)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 3});
    tdm_event *yes = NULL;
    ck_assert_int_eq(tdm_event_create(&yes), 0);
    for (int place = 0; place < UNIT_THREAD; place++)
        for (int lane = 0; lane < TDM_LANES; lane++) {
            joining j = {.executor = executor, .task = start(executor, (tdm_lane) lane, answer, NULL), .event = yes};
            UNIT_UNTIL(tdm_task_ended_yet(j.task));
            ck_assert_int_eq(unit_run(executor, (unit_place) place, join_though_asked_to_stop, &j), 0);
            ck_assert_int_eq(j.end.result, 42);
            j = (joining){.executor = executor, .task = start(executor, (tdm_lane) lane, unit_wait, NULL)};
            unit_await(executor, tdm_task_id(j.task), TDM_RUNNING);
            ck_assert_int_eq(unit_run(executor, (unit_place) place, join_though_asked_to_stop, &j), 0);
            ck_assert_int_eq(j.end.state, TDM_CANCELLED);
        }
    tdm_event_destroy(&yes);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_callback_joins_what_has_ended_and_never_waits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    joining j = {.task = start(executor, TDM_POOL, unit_wait, NULL)};
    ck_assert_int_eq(unit_in_callback(executor, join_it, &j), -EDEADLK);
    ck_assert_ptr_nonnull(j.task);
    ck_assert_int_eq(tdm_task_stop(j.task), 0);
    UNIT_UNTIL(tdm_task_ended_yet(j.task));
    ck_assert_int_eq(tdm_task_stop(j.task), -EALREADY);
    ck_assert_int_eq(unit_in_callback(executor, join_it, &j), 0);
    ck_assert_ptr_null(j.task);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_handle_outlives_its_executor)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_task *joined = start(executor, TDM_LOOP, answer, NULL), *let_go = start(executor, TDM_POOL, answer, NULL);
    unit_destroy(executor);
    tdm_end end;
    ck_assert(tdm_task_ended_yet(joined));
    ck_assert_int_eq(tdm_task_stop(joined), -EALREADY);
    ck_assert_int_eq(tdm_join(&joined, &end), 0);
    ck_assert_int_eq(end.result, 42);
    tdm_task_detach(&let_go);
    ck_assert_ptr_null(let_go);
    tdm_task_detach(&let_go);
}
END_TEST

/* ---- on_end, drop, joiner ---- */

typedef struct order {
    tdm__loop *home;
    _Atomic int ends, drops;
    bool dropped_before_end, at_home, on_fiber;
    tdm_state state;
} order;

static void note_end(const tdm_end *end, void *arg)
{
    order *o = arg;
    o->dropped_before_end = o->drops;
    o->at_home = tdm__loop_current() == o->home;
    o->on_fiber = tdm__exec_current();
    o->state = end->state;
    o->ends++;
}

static void note_drop(void *arg)
{
    ((order *) arg)->drops++;
}

typedef struct spawner {
    order *o;
    tdm_lane lane;
    tdm_task_fn *run;
    bool stop;
} spawner;

static int spawn_and_join(void *arg)
{
    spawner *s = arg;
    s->o->home = tdm__loop_current();
    tdm_task_spec spec = {
        .name = "unit", .run = s->run, .arg = s->o, .lane = s->lane, .on_end = note_end, .drop = note_drop};
    tdm_task *task;
    int err = tdm_task_start(&task, NULL, &spec);
    if (!err && s->stop)
        err = tdm_task_stop(task);
    return err ? err : tdm_join(&task, NULL) ? -EIO : s->o->ends == 1 && s->o->drops == 1 ? 0 : -EPROTO;
}

START_TEST(on_end_comes_once_on_the_loop_that_spawned_then_drop_then_the_joiner)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 3});
    tdm_task_fn *const runs[] = {answer, fails, unit_wait};
    const tdm_state states[] = {TDM_DONE, TDM_FAILED, TDM_CANCELLED};
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (int i = 0; i < 3; i++) {
            order o = {0};
            spawner s = {&o, (tdm_lane) lane, runs[i], runs[i] == unit_wait};
            ck_assert_int_eq(unit_run(executor, UNIT_LOOP, spawn_and_join, &s), 0);
            ck_assert(o.at_home && o.home && !o.on_fiber && !o.dropped_before_end);
            ck_assert_int_eq(o.state, states[i]);
        }
    unit_destroy(executor);
}
END_TEST

START_TEST(on_end_of_a_task_that_no_loop_spawned_comes_where_it_ends)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        order o = {.home = lane == TDM_LOOP ? tdm__executor_loop(executor, 0) : NULL};
        tdm_task_spec spec = {.run = answer, .arg = &o, .lane = (tdm_lane) lane, .on_end = note_end, .drop = note_drop};
        tdm_task *task;
        ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
        ck_assert_int_eq(tdm_join(&task, NULL), 0);
        ck_assert(o.ends == 1 && o.drops == 1 && o.at_home && !o.dropped_before_end);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- races of real threads ---- */

typedef struct racer {
    tdm_task *task;
    pthread_barrier_t *barrier;
    bool detach;
} racer;

static void *race(void *arg)
{
    racer *r = arg;
    pthread_barrier_wait(r->barrier);
    if (r->detach) {
        tdm_task_detach(&r->task);
    } else {
        int err = tdm_task_stop(r->task);
        ck_assert(!err || err == -EALREADY);
    }
    return NULL;
}

static int meet(tdm_task *task, void *arg)
{
    (void) task;
    pthread_barrier_wait(arg);
    return 0;
}

START_TEST(an_end_races_with_a_stop_and_with_a_detach_from_another_thread)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    pthread_barrier_t barrier;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (int round = 0; round < 400; round++) {
        racer r = {start(executor, (tdm_lane) (round & 1), meet, &barrier), &barrier, round & 2};
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, race, &r), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        tdm_end end = {.state = TDM_DONE};
        if (r.task)
            ck_assert_int_eq(tdm_join(&r.task, &end), 0);
        ck_assert_int_eq(end.state, TDM_DONE);
    }
    unit_destroy(executor); /* first: tasks that were let go may still be leaving the barrier */
    pthread_barrier_destroy(&barrier);
}
END_TEST

/* ---- debug mode ---- */

START_TEST(debug_mode_tells_of_handles_never_given_up_and_of_errors_nobody_looked_at)
{
    int fd = unit_memory_file();
    write_directly_to(fd);
    tdm_executor *executor = unit_executor((tdm_executor_options){.debug = true});
    tdm_task *joined = start(executor, TDM_LOOP, fails, NULL), *let_go = start(executor, TDM_POOL, fails, NULL),
             *forgotten = start(executor, TDM_LOOP, answer, NULL), *failed = start(executor, TDM_POOL, fails, NULL);
    tdm_end end;
    ck_assert_int_eq(tdm_join(&joined, &end), 0);
    tdm_task_detach(&let_go);
    char never[64], unseen[96];
    snprintf(never, sizeof never, "task %d \"unit\" was never joined", (int) tdm_task_id(forgotten));
    snprintf(unseen, sizeof unseen, "task %d \"unit\" failed, and nobody looked at its error",
             (int) tdm_task_id(failed));
    unit_destroy(executor);
    char *text = unit_contents(fd);
    ck_assert_ptr_nonnull(strstr(text, never));
    ck_assert_ptr_nonnull(strstr(text, unseen));
    int told = 0;
    for (const char *at = text; (at = strstr(at, "was never joined")); at++)
        told++;
    ck_assert_int_eq(told, 2);
    told = 0;
    for (const char *at = text; (at = strstr(at, "nobody looked at its error")); at++)
        told++;
    ck_assert_int_eq(told, 2); /* the one let go, and the one never joined; not the one joined */
    free(text);
    tdm_task_detach(&forgotten);
    tdm_task_detach(&failed);
}
END_TEST

/* ---- waits that could never end ---- */

static tdm_executor *begin(uint64_t seed, unsigned workers)
{
    tdm_executor *executor;
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = seed}), 0);
    ck_assert_int_eq(tdm_executor_create(&executor, &(tdm_executor_options){.workers = workers}), 0);
    return executor;
}

typedef struct ring {
    tdm_event *ready;
    tdm_task *on_loop, *in_pool;
    int loop_err, pool_err;
    bool loop_first;
} ring;

/* It joins what is queued in the pool of the worker that joins it. */
static int join_what_is_queued(tdm_task *task, void *arg)
{
    (void) task;
    ring *r = arg;
    TDM_EXPECT(tdm_event_wait(r->ready) == 0);
    if (!r->loop_first)
        TDM_EXPECT(tdm_sleep(2) == 0);
    r->loop_err = tdm_join(&r->in_pool, NULL);
    if (r->loop_err == -EDEADLK)
        tdm_task_detach(&r->in_pool);
    return 0;
}

static int join_the_joiner(tdm_task *task, void *arg)
{
    (void) task;
    ring *r = arg;
    tdm_task_spec on_loop = {.name = "loop", .run = join_what_is_queued, .arg = r};
    tdm_task_spec in_pool = {.name = "pool", .run = unit_nothing, .lane = TDM_POOL};
    TDM_EXPECT(tdm_task_start(&r->on_loop, NULL, &on_loop) == 0);
    TDM_EXPECT(tdm_task_start(&r->in_pool, NULL, &in_pool) == 0);
    tdm_event_set(r->ready);
    if (r->loop_first)
        TDM_EXPECT(tdm_sleep(2) == 0);
    r->pool_err = tdm_join(&r->on_loop, NULL);
    if (r->pool_err == -EDEADLK)
        tdm_task_detach(&r->on_loop);
    return 0;
}

START_TEST(a_worker_that_joins_a_loop_task_that_joins_what_is_queued_behind_it_is_refused_in_either_order)
{
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        ring r = {.loop_first = seed & 1};
        ck_assert_int_eq(tdm_event_create(&r.ready), 0);
        unit_spawn(executor, TDM_POOL, join_the_joiner, &r);
        ck_assert_int_eq(tdm_sleep(60), 0); /* a drain would refuse what is spawned meanwhile */
        virtual_end(executor);
        ck_assert_int_eq(r.loop_err, r.loop_first ? 0 : -EDEADLK); /* the last one, who would close the ring */
        ck_assert_int_eq(r.pool_err, r.loop_first ? -EDEADLK : 0);
        tdm_event_destroy(&r.ready);
    }
}
END_TEST

START_TEST(with_a_second_worker_the_same_ends)
{
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 2);
        ring r = {.loop_first = seed & 1};
        ck_assert_int_eq(tdm_event_create(&r.ready), 0);
        unit_spawn(executor, TDM_POOL, join_the_joiner, &r);
        ck_assert_int_eq(tdm_sleep(60), 0); /* a drain would refuse what is spawned meanwhile */
        virtual_end(executor);
        ck_assert(!r.loop_err && !r.pool_err);
        tdm_event_destroy(&r.ready);
    }
}
END_TEST

typedef struct two_pools {
    tdm_pool *pools[2];
    tdm_task *queued[2]; /* behind the one who joins */
    tdm_event *ready;
    _Atomic int waiting;
    int err[2];
} two_pools;

static int join_across(two_pools *t, int mine)
{
    if (++t->waiting == 3) /* both joiners run, and what they join is queued */
        tdm_event_set(t->ready);
    TDM_EXPECT(tdm_event_wait(t->ready) == 0);
    t->err[mine] = tdm_join(&t->queued[!mine], NULL);
    if (t->err[mine])
        tdm_task_detach(&t->queued[!mine]);
    return 0;
}

static int join_from_first(tdm_task *task, void *arg)
{
    (void) task;
    return join_across(arg, 0);
}

static int join_from_second(tdm_task *task, void *arg)
{
    (void) task;
    return join_across(arg, 1);
}

START_TEST(of_two_pools_whose_workers_wait_for_each_others_queue_one_is_refused)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        two_pools t = {.waiting = 0};
        ck_assert_int_eq(tdm_event_create(&t.ready), 0);
        const char *const names[] = {"first", "second"};
        tdm_task_fn *const runs[] = {join_from_first, join_from_second};
        for (int i = 0; i < 2; i++) {
            tdm_pool_options options = {.name = names[i], .max_workers = 1};
            ck_assert_int_eq(tdm_pool_create(&t.pools[i], executor, &options), 0);
            tdm_task_spec spec = {.name = "joins", .run = runs[i], .arg = &t, .lane = TDM_POOL, .pool = t.pools[i]};
            ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0);
            spec = (tdm_task_spec){.name = "queued", .run = unit_nothing, .lane = TDM_POOL, .pool = t.pools[i]};
            ck_assert_int_eq(tdm_task_start(&t.queued[i], executor, &spec), 0);
        }
        if (++t.waiting == 3)
            tdm_event_set(t.ready);
        ck_assert_int_eq(tdm_sleep(60), 0); /* a drain would refuse what is spawned meanwhile */
        virtual_end(executor);
        ck_assert_msg((t.err[0] == -EDEADLK) != (t.err[1] == -EDEADLK), "%d %d", t.err[0], t.err[1]);
        tdm_event_destroy(&t.ready);
    }
}
END_TEST

/* ---- running it oneself ---- */

static int join_queued_though_asked_to_stop(tdm_task *task, void *arg)
{
    _Atomic int *ran = arg;
    tdm_task_spec spec = {.name = "queued", .run = answer, .lane = TDM_POOL, .drop = unit_count, .arg = ran};
    tdm_task *child;
    TDM_EXPECT(tdm_task_start(&child, NULL, &spec) == 0);
    TDM_EXPECT(tdm_task_cancel(tdm_executor_current(), tdm_task_id(task)) == 0);
    TDM_EXPECT(tdm_join(&child, NULL) == -ECANCELED);
    TDM_EXPECT(*ran == 0); /* it is still queued: nobody ran it here */
    TDM_EXPECT(tdm_join_shielded(&child, NULL) == 0);
    TDM_EXPECT(*ran == 1);
    return 0;
}

START_TEST(a_worker_that_was_asked_to_stop_does_not_run_what_it_joins)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        tdm_executor *executor = begin(seed, 1);
        _Atomic int ran = 0;
        unit_spawn(executor, TDM_POOL, join_queued_though_asked_to_stop, &ran);
        ck_assert_int_eq(tdm_sleep(60), 0); /* a drain would refuse what is spawned meanwhile */
        virtual_end(executor);
        ck_assert_int_eq(ran, 1);
    }
}
END_TEST

int main(void)
{
    return unit_main("join",
                     (const TTest *const[]){
                         a_join_gives_the_end_and_takes_the_handle_in_every_place_and_lane,
                         a_join_whose_time_is_over_keeps_the_handle,
                         who_was_asked_to_stop_gets_what_is_there_waits_for_nothing_else_and_may_join_shielded,
                         a_callback_joins_what_has_ended_and_never_waits, a_handle_outlives_its_executor,
                         on_end_comes_once_on_the_loop_that_spawned_then_drop_then_the_joiner,
                         on_end_of_a_task_that_no_loop_spawned_comes_where_it_ends,
                         an_end_races_with_a_stop_and_with_a_detach_from_another_thread,
                         debug_mode_tells_of_handles_never_given_up_and_of_errors_nobody_looked_at,
                         a_worker_that_joins_a_loop_task_that_joins_what_is_queued_behind_it_is_refused_in_either_order,
                         with_a_second_worker_the_same_ends,
                         of_two_pools_whose_workers_wait_for_each_others_queue_one_is_refused,
                         a_worker_that_was_asked_to_stop_does_not_run_what_it_joins, NULL});
}
