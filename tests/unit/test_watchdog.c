/* SPDX-License-Identifier: MIT */
/* DESIGN: what holds a loop or a worker is named in the log while it does, once, with how long; and counted. */
#include <stdio.h>

#include "tests/unit/log_unit.h"
#include "tests/unit/place.h"
#include <tandem/evented.h>
#include <tandem/pool.h>
#include <tandem/stats.h>

/* Where the log goes, from here on. */
static int capture(void)
{
    int fd = unit_memory_file();
    write_directly_to(fd);
    return fd;
}

static int count(int fd, const char *what)
{
    char *text = unit_contents(fd);
    int found = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        found++;
    free(text);
    return found;
}

static tdm_stats stats_of(tdm_executor *executor)
{
    static tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    return stats;
}

static tdm_executor *watched(tdm_executor_options options)
{
    options.hold_limit = options.hold_limit == 0 ? 0.02 : options.hold_limit;
    return unit_executor(options);
}

/* ---- loops ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int block_in_a_mutex(tdm_task *task, void *arg)
{
    (void) task;
    sem_post(arg);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}

START_TEST(a_fiber_that_blocks_in_a_mutex_is_named_while_it_does_and_once_more_when_it_lets_go)
{
    int fd = capture();
    tdm_executor *executor = watched((tdm_executor_options){0});
    sem_t began;
    sem_init(&began, 0, 0);
    pthread_mutex_lock(&mutex);
    tdm_task_spec spec = {.name = "blocker", .run = block_in_a_mutex, .arg = &began};
    uint64_t id;
    ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
    unit_sem_wait(&began);
    UNIT_UNTIL(count(fd, "task 1 \"blocker\" has held loop 0")); /* it may never come back: it is named now */
    pthread_mutex_unlock(&mutex);
    unit_await(executor, id, TDM_DONE);
    UNIT_UNTIL(count(fd, "task 1 \"blocker\" held loop 0 for"));
    ck_assert_int_eq(count(fd, "goes on: nothing else runs there"), 1);
    ck_assert_uint_eq(stats_of(executor).loops[0].holds, 1);
    unit_destroy(executor);
}
END_TEST

static int compute(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    for (int64_t end = tdm_clock_ns() + 60 * 1000 * 1000; tdm_clock_ns() < end;)
        ;
    return 0;
}

static int compute_at_once(tdm_task *task, void *arg)
{
    compute(task, arg);
    tdm_task_finish(task, 0);
    return 0;
}

START_TEST(a_fiber_and_an_evented_callback_that_compute_are_named_with_how_long_and_counted)
{
    int fd = capture();
    tdm_executor *executor = watched((tdm_executor_options){0});
    uint64_t id;
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.name = "fiber", .run = compute}, &id), 0);
    unit_await(executor, id, TDM_DONE);
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.name = "callback", .start = compute_at_once}, &id), 0);
    unit_await(executor, id, TDM_DONE);
    ck_assert_int_eq(count(fd, "task 1 \"fiber\" held loop 0 for"), 1);
    ck_assert_int_eq(count(fd, "task 2 \"callback\" held loop 0 for"), 1);
    char *text = unit_contents(fd);
    double ms = strtod(strstr(text, "\"fiber\" held loop 0 for") + strlen("\"fiber\" held loop 0 for "), NULL);
    free(text);
    ck_assert_double_ge(ms, 60);
    ck_assert_uint_eq(stats_of(executor).loops[0].holds, 2);
    unit_destroy(executor);
}
END_TEST

static int wait_long(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(1.2);
}

START_TEST(a_task_that_waits_holds_nobody)
{
    int fd = capture();
    tdm_executor *executor = watched((tdm_executor_options){.hold_limit = 0.6});
    unit_await(executor, unit_spawn(executor, TDM_LOOP, wait_long, NULL), TDM_DONE);
    ck_assert_int_eq(count(fd, "\"unit\""), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(below_zero_no_loop_is_reported_and_workers_still_are)
{
    int fd = capture();
    tdm_executor *executor = watched((tdm_executor_options){.hold_limit = -1, .stuck_after = 0.02});
    unit_await(executor, unit_spawn(executor, TDM_LOOP, compute, NULL), TDM_DONE);
    unit_gate gate;
    unit_gate_init(&gate);
    uint64_t id = unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    UNIT_UNTIL(count(fd, "of the pool \"background\""));
    sem_post(&gate.go);
    unit_await(executor, id, TDM_DONE);
    ck_assert_int_eq(count(fd, "held loop"), 0);
    ck_assert_uint_eq(stats_of(executor).loops[0].holds, 0);
    unit_destroy(executor);
}
END_TEST

/* ---- workers ---- */

START_TEST(a_stuck_worker_is_reported_once_with_its_task_and_counted_by_its_pool)
{
    int fd = capture();
    tdm_executor *executor = watched((tdm_executor_options){.hold_limit = 10}); /* each limit has looks of its own */
    tdm_pool *pool;
    tdm_pool_options options = {.name = "slow", .max_workers = 2, .stuck_after = 0.02};
    ck_assert_int_eq(tdm_pool_create(&pool, executor, &options), 0);
    unit_gate gate;
    unit_gate_init(&gate);
    uint64_t id, quick;
    tdm_task_spec spec = {.name = "hanger", .run = unit_hold, .arg = &gate, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
    spec = (tdm_task_spec){.name = "quick", .run = unit_nothing, .lane = TDM_POOL, .pool = pool};
    ck_assert_int_eq(tdm_spawn(executor, &spec, &quick), 0);
    UNIT_UNTIL(count(fd, "task 1 \"hanger\" has held worker"));
    ck_assert_int_ge(count(fd, "of the pool \"slow\" for"), 1);
    UNIT_UNTIL(stats_of(executor).pools[2].stuck == 1);
    sem_post(&gate.go);
    unit_await(executor, id, TDM_DONE);
    unit_await(executor, quick, TDM_DONE);
    ck_assert_int_eq(count(fd, "\"hanger\" has held worker"), 1);
    ck_assert_uint_eq(stats_of(executor).pools[1].stuck, 0);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "watchdog",
        (const TTest *const[]){a_fiber_that_blocks_in_a_mutex_is_named_while_it_does_and_once_more_when_it_lets_go,
                               a_fiber_and_an_evented_callback_that_compute_are_named_with_how_long_and_counted,
                               a_task_that_waits_holds_nobody, below_zero_no_loop_is_reported_and_workers_still_are,
                               a_stuck_worker_is_reported_once_with_its_task_and_counted_by_its_pool, NULL});
}
