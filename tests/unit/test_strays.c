/* SPDX-License-Identifier: MIT */
/* What comes at an awkward moment: into a drain, into an end, just when a time is over; and what is counted and
 * told of it. Mostly in testing mode, where the moment is drawn from a seed. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "tests/unit/virtual.h"
#include <tandem/context.h>
#include <tandem/event.h>
#include <tandem/evented.h>
#include <tandem/join.h>
#include <tandem/map.h>
#include <tandem/offload.h>
#include <tandem/pool.h>
#include <tandem/stats.h>

static _Atomic int dropped, ended, ran;

static void count_end(const tdm_end *end, void *arg)
{
    (void) end, (void) arg;
    ended++;
}

static void count_drop(void *arg)
{
    (void) arg;
    dropped++;
}

static tdm_executor *make(unsigned workers, unsigned queue)
{
    tdm_executor *executor;
    TDM_EXPECT(tdm_executor_create(&executor, &(tdm_executor_options){.workers = workers, .queue = queue}) == 0);
    return executor;
}

/* ---- into a drain ---- */

static void *spawn_late(void *executor)
{
    tdm_task *task;
    tdm_end end;
    const tdm_task_spec spec = {
        .run = unit_nothing, .arg = executor, .drop = count_drop, .on_end = count_end, .lane = TDM_POOL};
    int err = tdm_task_start(&task, executor, &spec);
    if (err == -ESHUTDOWN)
        return NULL;
    TDM_EXPECT(err == 0);
    TDM_EXPECT(tdm_join(&task, &end) == 0);
    TDM_EXPECT(ended == 1 && dropped == 1);
    TDM_EXPECT(end.ran ? end.state == TDM_DONE || end.state == TDM_ABANDONED : end.state == TDM_DROPPED);
    return NULL;
}

static void drain_at_once(void *arg)
{
    (void) arg;
    pthread_t thread;
    tdm_executor *executor = make(1, 10);
    ended = dropped = 0;
    TDM_EXPECT(tdm_testing_thread_start(&thread, "late", spawn_late, executor) == 0);
    tdm_executor_drain(executor, NULL, NULL);
    tdm_testing_thread_join(thread);
    tdm_testing_settle(); /* an abandoned task's worker has let go of it */
    TDM_EXPECT(tdm_executor_destroy(&executor) == 0);
}

START_TEST(what_is_on_its_way_into_a_queue_when_a_drain_ends_is_dropped_and_over)
{
    ck_assert_int_eq(tdm_testing_run(NULL, 2000, drain_at_once, NULL), 0);
}
END_TEST

/* ---- workers that come and go at once ---- */

static tdm_event *let_go;

static int wait_for_it(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_event_wait(let_go);
}

static _Atomic bool slow;

/* In place of the C library's, which a thread that starts another calls before it writes down whom it has started. */
int pthread_setname_np(pthread_t thread, const char *name)
{
    (void) thread, (void) name;
    if (slow)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return 0;
}

typedef struct bringer {
    tdm_executor *executor;
    tdm_pool *pool;
} bringer;

static void *bring_brief_work(void *arg)
{
    const bringer *b = arg;
    for (int i = 0; i < 10; i++) {
        tdm_task *task;
        const tdm_task_spec spec = {.run = unit_nothing, .lane = TDM_POOL, .pool = b->pool};
        ck_assert_int_eq(tdm_task_start(&task, b->executor, &spec), 0);
        ck_assert_int_eq(tdm_join(&task, NULL), 0);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); /* the worker may have left by now */
    }
    return NULL;
}

START_TEST(a_worker_leaves_once_its_thread_is_known)
{
    bringer b = {.executor = unit_executor((tdm_executor_options){0})};
    pthread_t threads[3];
    const tdm_pool_options options = {.name = "hasty", .min_workers = 1, .max_workers = 2, .idle_timeout = 0.0001};
    ck_assert_int_eq(tdm_pool_create(&b.pool, b.executor, &options), 0);
    ck_assert_int_eq(tdm_event_create(&let_go), 0);
    ck_assert_int_eq(
        tdm_spawn(b.executor, &(tdm_task_spec){.run = wait_for_it, .lane = TDM_POOL, .pool = b.pool}, NULL), 0);
    slow = true; /* a worker has come, worked and rested long before it is known who it is */
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, bring_brief_work, &b), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    tdm_event_set(let_go);
    unit_destroy(b.executor);
    tdm_event_destroy(&let_go);
}
END_TEST

/* ---- just when a time is over ---- */

static int yield_for_ever(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = 0;
    while (!err)
        err = tdm_yield();
    return err;
}

START_TEST(who_returns_what_its_deadline_said_has_timed_out)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int i = 0; i < 200; i++) {
        tdm_task *task;
        tdm_end end;
        const tdm_task_spec spec = {.run = yield_for_ever, .lane = i % 2 ? TDM_POOL : TDM_LOOP, .deadline = 0.001};
        ck_assert_int_eq(tdm_task_start(&task, executor, &spec), 0);
        ck_assert_int_eq(tdm_join(&task, &end), 0);
        if (!end.ran)
            continue; /* the machine was too busy to start it in its time */
        ck_assert_int_eq(end.result, -ETIMEDOUT);
        ck_assert_str_eq(tdm_state_name(end.state), "timed_out");
    }
    unit_destroy(executor);
}
END_TEST

/* ---- cancelled before it began ---- */

static int note_run(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    ran++;
    return 0;
}

static int offload_it(tdm_task *task, void *result)
{
    (void) task;
    return tdm_offload(note_run, NULL, NULL, result);
}

START_TEST(an_offload_that_somebody_cancels_in_the_queue_has_not_run)
{
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = 1}), 0);
    tdm_executor *executor = make(1, 10);
    int result = 7;
    tdm_task *task;
    tdm_end end;
    ck_assert_int_eq(tdm_event_create(&let_go), 0);
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = wait_for_it, .lane = TDM_POOL}, NULL), 0);
    tdm_testing_advance(1);
    ck_assert_int_eq(tdm_task_start(&task, executor, &(tdm_task_spec){.run = offload_it, .arg = &result}), 0);
    tdm_testing_advance(1);
    tdm_task_info row = unit_info(executor, tdm_task_id(task) + 1);
    ck_assert_str_eq(row.name, "offload");
    ck_assert_int_eq(row.state, TDM_QUEUED);
    ck_assert_int_eq(tdm_task_cancel(executor, row.id), 0);
    ck_assert_int_eq(tdm_join(&task, &end), 0);
    ck_assert_int_eq(end.result, -ECANCELED);
    ck_assert_int_eq(result, 7);
    tdm_event_set(let_go);
    virtual_end(executor);
    ck_assert_int_eq(ran, 0);
    tdm_event_destroy(&let_go);
}
END_TEST

START_TEST(a_task_that_is_stopped_before_it_began_was_asked_to)
{
    for (int lane = 0; lane < TDM_LANES; lane++) {
        ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = 1}), 0);
        tdm_executor *executor = make(1, 10);
        tdm_task *task;
        tdm_end end;
        ck_assert_int_eq(tdm_task_start(&task, executor, &(tdm_task_spec){.run = note_run, .lane = (tdm_lane) lane}),
                         0);
        uint64_t id = tdm_task_id(task);
        tdm_task_stop(task);
        ck_assert_int_eq(tdm_join(&task, &end), 0);
        ck_assert_int_eq(end.state, TDM_CANCELLED);
        ck_assert(!end.ran);
        ck_assert(unit_info(executor, id).cancel_requested);
        virtual_end(executor);
    }
    ck_assert_int_eq(ran, 0);
}
END_TEST

/* ---- what goes along ---- */

static const tdm_context_key key = {.name = "key"};

static int save_and_restore(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_context_mark mark = tdm_context_save();
    tdm_context_restore(mark);
    tdm_task_finish(task, tdm_context_get(&key) ? 0 : -ENOENT);
    return 0;
}

static int set_and_spawn(tdm_task *task, void *executor)
{
    (void) task;
    static char value[] = "value";
    int err = tdm_context_set(&key, value, count_drop);
    return err ? err : tdm_spawn(executor, &(tdm_task_spec){.start = save_and_restore}, NULL);
}

START_TEST(a_mark_in_an_evented_task_keeps_nothing)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    uint64_t id = unit_spawn(executor, TDM_LOOP, set_and_spawn, executor);
    unit_await(executor, id, TDM_DONE);
    unit_await(executor, id + 1, TDM_DONE);
    unit_destroy(executor);
    ck_assert_int_eq(dropped, 1);
}
END_TEST

/* ---- maps ---- */

enum { INPUTS = 10 };

static int64_t starts_ns[INPUTS];
static int drawn;

static int next(void **item, void *arg)
{
    (void) arg;
    *item = starts_ns + drawn;
    return drawn++ < INPUTS;
}

static int note_start(tdm_task *task, void *item)
{
    (void) task;
    *(int64_t *) item = tdm_clock_ns();
    return tdm_sleep(0.01);
}

START_TEST(a_map_that_waits_for_room_was_refused_nothing)
{
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = 1}), 0);
    tdm_executor *executor = make(1, 1);
    const tdm_map_options options = {
        .executor = executor, .next = next, .run = note_start, .lane = TDM_POOL, .at_once = 4};
    ck_assert_int_eq(tdm_map(&options), 0);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_eq(stats.lanes[TDM_POOL].lifetime.accepted, INPUTS);
    ck_assert_uint_eq(stats.lanes[TDM_POOL].lifetime.rejected, 0);
    virtual_end(executor);
}
END_TEST

START_TEST(a_map_starts_no_more_in_a_second_than_it_may)
{
    ck_assert_int_eq(tdm_testing_begin(&(tdm_testing_options){.seed = 1}), 0);
    tdm_executor *executor = make(1, 10);
    const tdm_map_options options = {.executor = executor, .next = next, .run = note_start, .per_second = 3};
    ck_assert_int_eq(tdm_map(&options), 0);
    for (int i = 3; i < INPUTS; i++)
        ck_assert_int_ge(starts_ns[i] - starts_ns[i - 3], TDM_NS_PER_S);
    virtual_end(executor);
}
END_TEST

int main(void)
{
    return unit_main("strays", (const TTest *const[]){
                                   what_is_on_its_way_into_a_queue_when_a_drain_ends_is_dropped_and_over,
                                   a_worker_leaves_once_its_thread_is_known,
                                   who_returns_what_its_deadline_said_has_timed_out,
                                   an_offload_that_somebody_cancels_in_the_queue_has_not_run,
                                   a_task_that_is_stopped_before_it_began_was_asked_to,
                                   a_mark_in_an_evented_task_keeps_nothing,
                                   a_map_that_waits_for_room_was_refused_nothing,
                                   a_map_starts_no_more_in_a_second_than_it_may,
                                   NULL,
                               });
}
