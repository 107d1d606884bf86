/* SPDX-License-Identifier: MIT */
/* DESIGN: pools of a service's own: what is refused, threads that come on demand and retire, the queue at its limit and
 * past it, pools that do not disturb each other, and their figures. */
#include <tandem/pool.h>

#include <string.h>

#include "tests/unit/place.h"
#include <tandem/join.h>
#include <tandem/testing.h>

static tdm_pool *make(tdm_executor *executor, tdm_pool_options options)
{
    tdm_pool *pool = NULL;
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &options), 0);
    ck_assert_ptr_nonnull(pool);
    return pool;
}

static tdm_pool_stats figures(tdm_executor *executor, const char *name)
{
    tdm_stats *stats = malloc(sizeof *stats);
    ck_assert_ptr_nonnull(stats);
    ck_assert_int_eq(tdm_stats_get(executor, stats), 0);
    for (unsigned i = 0; i < stats->pool_count; i++)
        if (strcmp(stats->pools[i].name, name) == 0) {
            tdm_pool_stats found = stats->pools[i];
            free(stats);
            return found;
        }
    ck_abort_msg("no figures of a pool \"%s\"", name);
}

static uint64_t spawn_in(tdm_executor *executor, tdm_pool *pool, tdm_task_fn *run, void *arg)
{
    uint64_t id = 0;
    tdm_task_spec spec = {.name = "unit", .run = run, .arg = arg, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
    return id;
}

/* ---- refusals ---- */

START_TEST(a_pool_wants_a_name_of_its_own_and_sane_limits)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = NULL;
    const tdm_pool_options wrong[] = {
        {.max_workers = 1},
        {.name = "", .max_workers = 1},
        {.name = "x", .max_workers = TDM_MAX_WORKERS + 1},
        {.name = "x", .max_workers = 2, .min_workers = 3},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(tdm_pool_create(&pool, executor, &wrong[i]), -EINVAL);
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &(tdm_pool_options){.name = "background"}), -EEXIST);
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &(tdm_pool_options){.name = "handlers"}), -EEXIST);
    ck_assert_ptr_null(pool);
    ck_assert_ptr_null(tdm_pool_find(executor, "x"));
    pool = make(executor, (tdm_pool_options){.name = "x", .max_workers = 1});
    ck_assert_ptr_eq(tdm_pool_find(executor, "x"), pool);
    ck_assert_str_eq(tdm_pool_name(pool), "x");
    tdm_pool *second = NULL;
    ck_assert_int_eq(tdm_pool_create(&second, executor, &(tdm_pool_options){.name = "x"}), -EEXIST);
    unit_destroy(executor);
}
END_TEST

START_TEST(there_are_so_many_pools_and_no_more_and_none_after_the_close)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"};
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (unsigned i = 0; i < TDM_MAX_POOLS - 2; i++)
        make(executor, (tdm_pool_options){.name = names[i], .max_workers = 1});
    tdm_pool *pool = NULL;
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &(tdm_pool_options){.name = "last", .max_workers = 1}), -ENOSPC);
    for (unsigned i = 0; i < TDM_MAX_POOLS - 2; i++)
        unit_await(executor, spawn_in(executor, tdm_pool_find(executor, names[i]), unit_nothing, NULL), TDM_DONE);
    tdm_executor_close(executor);
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &(tdm_pool_options){.name = "late", .max_workers = 1}),
                     -ESHUTDOWN);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_task_goes_into_a_pool_of_its_own_executor_on_the_pool_lane_only)
{
    tdm_executor *one = unit_executor((tdm_executor_options){0}), *other = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(one, (tdm_pool_options){.name = "x", .max_workers = 1});
    tdm_task_spec spec = {.run = unit_nothing, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(other, &spec, NULL), -EINVAL);
    spec.lane = TDM_LOOP;
    ck_assert_int_eq(tdm_spawn(one, &spec, NULL), -EINVAL);
    spec.lane = TDM_POOL;
    spec.pool = tdm_pool_find(one, "handlers");
    ck_assert_int_eq(tdm_spawn(one, &spec, NULL), -EINVAL);
    unit_destroy(one);
    unit_destroy(other);
}
END_TEST

/* ---- threads ---- */

START_TEST(threads_come_on_demand_up_to_the_maximum_and_retire_to_the_minimum)
{
    enum { MIN = 2, MAX = 5, TASKS = 7 };
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(
        executor, (tdm_pool_options){.name = "crowd", .min_workers = MIN, .max_workers = MAX, .idle_timeout = 0.01});
    ck_assert_uint_eq(figures(executor, "crowd").threads, MIN);
    ck_assert_uint_eq(figures(executor, "crowd").workers, MAX);
    for (int round = 0; round < 3; round++) { /* retired ones are replaced */
        unit_gate gate;
        unit_gate_init(&gate);
        for (int i = 0; i < TASKS; i++)
            spawn_in(executor, pool, unit_hold, &gate);
        for (int i = 0; i < MAX; i++)
            unit_sem_wait(&gate.started); /* all of them run at once, or this never ends */
        tdm_pool_stats full = figures(executor, "crowd");
        ck_assert(full.threads == MAX && full.busy == MAX && full.idle == 0);
        ck_assert_uint_eq(full.queue, TASKS - MAX);
        ck_assert_int_ne(sem_trywait(&gate.started), 0); /* and no more */
        for (int i = 0; i < TASKS; i++)
            sem_post(&gate.go);
        UNIT_UNTIL(figures(executor, "crowd").threads == MIN);
        UNIT_UNTIL(figures(executor, "crowd").busy == 0);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_pool_whose_threads_all_come_and_go_loses_no_task)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(executor, (tdm_pool_options){.name = "restless", .max_workers = 4, .idle_timeout = 0.0001});
    _Atomic int drops = 0;
    int spawned = 0;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i <= round % 7; i++, spawned++) {
            tdm_task_spec spec = {
                .run = unit_nothing, .arg = &drops, .drop = unit_count, .lane = TDM_POOL, .pool = pool};
            ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0);
        }
        UNIT_UNTIL(drops == spawned); /* with pauses about as long as a thread is patient */
    }
    unit_destroy(executor);
}
END_TEST

static int read_name(tdm_task *task, void *arg)
{
    (void) task;
    return pthread_getname_np(pthread_self(), arg, 16);
}

START_TEST(threads_are_called_by_the_first_letters_of_the_pool)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(executor, (tdm_pool_options){.name = "thumbnails", .max_workers = 1});
    char name[16] = "";
    unit_await(executor, spawn_in(executor, pool, read_name, name), TDM_DONE);
    ck_assert_str_eq(name, "tdm-thumb-0");
    unit_destroy(executor);
}
END_TEST

START_TEST(the_executors_minimum_holds_for_its_two_pools)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 3, .min_workers = 3});
    ck_assert_uint_eq(figures(executor, "handlers").threads, 3);
    ck_assert_uint_eq(figures(executor, "background").threads, 3);
    unit_destroy(executor);
    tdm_executor_options more = {.workers = 2, .min_workers = 3};
    ck_assert_int_eq(tdm_executor_create(&executor, &more), -EINVAL);
}
END_TEST

/* ---- the queue ---- */

START_TEST(a_full_queue_refuses_at_its_limit_and_other_pools_go_on)
{
    enum { LIMIT = 3 };
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(executor, (tdm_pool_options){.name = "small", .max_workers = 1, .queue = LIMIT});
    unit_gate gate;
    unit_gate_init(&gate);
    spawn_in(executor, pool, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    _Atomic int drops = 0;
    tdm_task_spec spec = {.run = unit_nothing, .arg = &drops, .drop = unit_count, .lane = TDM_POOL, .pool = pool};
    for (int round = 0; round < 3; round++) { /* a place that is given back is free again */
        uint64_t ids[LIMIT];
        for (int i = 0; i < LIMIT; i++)
            ck_assert_int_eq(tdm_spawn(executor, &spec, &ids[i]), 0);
        ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -EAGAIN);
        ck_assert_int_eq(drops, round * LIMIT); /* on an error the argument stays the caller's */
        tdm_pool_stats full = figures(executor, "small");
        ck_assert(full.queue == LIMIT && full.reserved == LIMIT && full.queue_limit == LIMIT);
        ck_assert_uint_eq(full.queue_peak, LIMIT);
        unit_await(executor, unit_spawn(executor, TDM_POOL, unit_nothing, NULL), TDM_DONE); /* in `background` */
        for (int i = 0; i < LIMIT; i++)
            ck_assert_int_eq(tdm_task_cancel(executor, ids[i]), 0);
    }
    sem_post(&gate.go);
    unit_destroy(executor);
}
END_TEST

START_TEST(each_pool_has_figures_of_its_own_and_the_lane_has_their_sum)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *a = make(executor, (tdm_pool_options){.name = "a", .max_workers = 2});
    tdm_pool *b = make(executor, (tdm_pool_options){.name = "b", .max_workers = 2});
    for (int i = 0; i < 3; i++)
        unit_await(executor, spawn_in(executor, a, unit_nothing, NULL), TDM_DONE);
    unit_await(executor, spawn_in(executor, b, unit_nothing, NULL), TDM_DONE);
    ck_assert(figures(executor, "a").run_time.count == 3 && figures(executor, "a").queue_wait.count == 3);
    ck_assert(figures(executor, "b").run_time.count == 1 && figures(executor, "b").queue_wait.count == 1);
    ck_assert_uint_eq(figures(executor, "background").run_time.count, 0);
    tdm_stats *stats = malloc(sizeof *stats);
    ck_assert_ptr_nonnull(stats);
    ck_assert_int_eq(tdm_stats_get(executor, stats), 0);
    ck_assert_uint_eq(stats->lanes[TDM_POOL].window.state[TDM_DONE], 4);
    ck_assert(unit_adds_up(&stats->lanes[TDM_POOL].window));
    ck_assert_int_eq(tdm_stats_reset(executor), 0);
    free(stats);
    ck_assert_uint_eq(figures(executor, "a").run_time.count, 0);
    unit_destroy(executor);
}
END_TEST

/* ---- brief work ---- */

enum { BRIEF_RUNS = 2000, STOPS = 40, WORKERS = 6 };

/* It ends when all workers are in it at the same time. */
static int meet(tdm_task *task, void *arg)
{
    (void) task;
    _Atomic unsigned *here = arg;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < WORKERS)
        if (tdm_sleep(0.0001) < 0)
            return -ECANCELED;
    return 0;
}

START_TEST(work_that_turns_long_after_brief_work_gets_all_the_workers)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_pool *pool = make(executor, (tdm_pool_options){.name = "x", .min_workers = WORKERS, .max_workers = WORKERS});
    for (unsigned i = 0; i < STOPS; i++) {
        _Atomic unsigned here = 0;
        for (unsigned k = 0; k < BRIEF_RUNS; k++)
            spawn_in(executor, pool, unit_nothing, NULL);
        for (unsigned k = 0; k < WORKERS; k++)
            spawn_in(executor, pool, meet, &here);
        uint64_t all = (uint64_t) (i + 1) * (BRIEF_RUNS + WORKERS);
        UNIT_UNTIL(figures(executor, "x").run_time.count == all);
    }
    unit_destroy(executor);
}
END_TEST

typedef struct held_loop {
    tdm_executor *executor;
    tdm_pool *pool;
} held_loop;

/* Brief work that comes and goes, until somebody stands by; and then some that is waited for in the same turn. */
static int bring_and_hold(void *arg)
{
    held_loop *h = arg;
    for (unsigned i = 0; i < STOPS; i++) {
        _Atomic int ran = 0;
        for (unsigned k = 0; k < BRIEF_RUNS; k++) {
            spawn_in(h->executor, h->pool, unit_nothing, NULL);
            if (k % 16 == 0)
                tdm_yield();
        }
        const tdm_task_spec spec = {
            .run = unit_nothing, .arg = &ran, .drop = unit_count, .lane = TDM_POOL, .pool = h->pool};
        ck_assert_int_eq(tdm_spawn(h->executor, &spec, NULL), 0);
        while (!ran)
            ;
    }
    return 0;
}

START_TEST(work_is_not_left_lying_by_a_loop_that_is_held_after_it_brought_it)
{
    held_loop h = {.executor = unit_executor((tdm_executor_options){.hold_limit = -1})};
    h.pool = make(h.executor, (tdm_pool_options){.name = "x", .min_workers = WORKERS, .max_workers = WORKERS});
    unit_call call;
    unit_start(h.executor, &call, UNIT_LOOP, bring_and_hold, &h);
    ck_assert_int_eq(unit_result(&call), 0);
    unit_destroy(h.executor);
}
END_TEST

static void *destroy(void *arg)
{
    unit_destroy(arg);
    return NULL;
}

/* A loop that brings work to the pool of another executor, which ends before the loop's turn does. */
static int bring_elsewhere(void *arg)
{
    (void) arg;
    for (unsigned i = 0; i < 4; i++) {
        pthread_t thread;
        tdm_executor *other = unit_executor((tdm_executor_options){0});
        tdm_pool *pool = make(other, (tdm_pool_options){.name = "x", .min_workers = WORKERS, .max_workers = WORKERS});
        for (unsigned k = 0; k < BRIEF_RUNS; k++) {
            spawn_in(other, pool, unit_nothing, NULL);
            ck_assert_ptr_null(tdm__loop_turn(tdm__loop_current())->to_call);
            if (k % 16 == 0)
                tdm_yield();
        }
        ck_assert_int_eq(pthread_create(&thread, NULL, destroy, other), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        tdm_yield();
    }
    return 0;
}

START_TEST(a_loop_keeps_no_pool_of_another_executor_in_mind)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.hold_limit = -1});
    unit_call call;
    unit_start(executor, &call, UNIT_LOOP, bring_elsewhere, NULL);
    ck_assert_int_eq(unit_result(&call), 0);
    unit_destroy(executor);
}
END_TEST

/* ---- who is held up while others come and go ---- */

enum { SPAWNERS = 3, SPAWNS = 5 };

static void spawn_and_join(tdm_executor *executor, tdm_lane lane)
{
    for (unsigned i = 0; i < SPAWNS; i++) {
        tdm_task *task;
        TDM_EXPECT(tdm_task_start(&task, executor, &(tdm_task_spec){.run = unit_nothing, .lane = lane}) == 0);
        TDM_EXPECT(tdm_join(&task, NULL) == 0);
    }
}

static void *spawn_for_the_pool(void *executor)
{
    spawn_and_join(executor, TDM_POOL);
    return NULL;
}

static void *spawn_for_the_loop(void *executor)
{
    spawn_and_join(executor, TDM_LOOP);
    return NULL;
}

static int spawn_on_the_loop(tdm_task *task, void *executor)
{
    (void) task;
    spawn_and_join(executor, TDM_LOOP);
    return 0;
}

static tdm_executor *small_one(unsigned loops, unsigned max_loop_tasks)
{
    tdm_executor *executor;
    const tdm_executor_options options = {
        .loops = loops, .workers = 2, .queue = SPAWNERS, .max_loop_tasks = max_loop_tasks};
    TDM_EXPECT(tdm_executor_create(&executor, &options) == 0);
    return executor;
}

static void have_threads_spawn(tdm_executor *executor, void *(*spawn)(void *executor))
{
    pthread_t threads[SPAWNERS];
    for (unsigned i = 0; i < SPAWNERS; i++)
        TDM_EXPECT(tdm_testing_thread_start(&threads[i], "spawner", spawn, executor) == 0);
    for (unsigned i = 0; i < SPAWNERS; i++)
        tdm_testing_thread_join(threads[i]);
    TDM_EXPECT(tdm_executor_destroy(&executor) == 0);
}

static void have_threads_spawn_for_the_pool(void *arg)
{
    (void) arg;
    have_threads_spawn(small_one(1, 0), spawn_for_the_pool);
}

static void have_threads_spawn_for_the_loop(void *arg)
{
    (void) arg;
    have_threads_spawn(small_one(1, 2 * SPAWNERS), spawn_for_the_loop); /* a place comes back a little after the join */
}

static void have_loops_spawn(void *arg)
{
    (void) arg;
    tdm_task *tasks[SPAWNERS];
    tdm_executor *executor = small_one(SPAWNERS, 64 * SPAWNERS); /* so few that each takes its places one by one */
    for (unsigned i = 0; i < SPAWNERS; i++)
        TDM_EXPECT(tdm_task_start(&tasks[i], executor, &(tdm_task_spec){.run = spawn_on_the_loop, .arg = executor}) ==
                   0);
    for (unsigned i = 0; i < SPAWNERS; i++)
        TDM_EXPECT(tdm_join(&tasks[i], NULL) == 0);
    TDM_EXPECT(tdm_executor_destroy(&executor) == 0);
}

START_TEST(nobody_is_refused_because_others_were_faster)
{
    ck_assert_int_eq(tdm_testing_run(NULL, 200, have_threads_spawn_for_the_pool, NULL), 0);
    ck_assert_int_eq(tdm_testing_run(NULL, 200, have_threads_spawn_for_the_loop, NULL), 0);
    ck_assert_int_eq(tdm_testing_run(NULL, 200, have_loops_spawn, NULL), 0);
}
END_TEST

int main(void)
{
    return unit_main("pools", (const TTest *const[]){a_pool_wants_a_name_of_its_own_and_sane_limits,
                                                     there_are_so_many_pools_and_no_more_and_none_after_the_close,
                                                     a_task_goes_into_a_pool_of_its_own_executor_on_the_pool_lane_only,
                                                     threads_come_on_demand_up_to_the_maximum_and_retire_to_the_minimum,
                                                     a_pool_whose_threads_all_come_and_go_loses_no_task,
                                                     threads_are_called_by_the_first_letters_of_the_pool,
                                                     the_executors_minimum_holds_for_its_two_pools,
                                                     a_full_queue_refuses_at_its_limit_and_other_pools_go_on,
                                                     each_pool_has_figures_of_its_own_and_the_lane_has_their_sum,
                                                     work_that_turns_long_after_brief_work_gets_all_the_workers,
                                                     work_is_not_left_lying_by_a_loop_that_is_held_after_it_brought_it,
                                                     a_loop_keeps_no_pool_of_another_executor_in_mind,
                                                     nobody_is_refused_because_others_were_faster, NULL});
}
