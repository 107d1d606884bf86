/* SPDX-License-Identifier: MIT */
/* DESIGN: the numbers, asked for while other threads change them. */
#include "tasks/executor.h"
#include "tests/unit/executor.h"

enum { THREADS = 4, EACH = 400 };

typedef struct busy {
    tdm_executor *executor;
    int number;
    _Atomic int *running;
    _Atomic int *refused;
} busy;

static int nap(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.0005);
}

static void *spawn_and_cancel(void *arg)
{
    busy *b = arg;
    uint64_t seed = (uint64_t) b->number;
    for (int i = 0; i < EACH; i++) {
        uint64_t id;
        tdm_task_spec spec = {.run = nap, .lane = (tdm_lane) (unit_random(&seed) % TDM_LANES)};
        int err = tdm_spawn(b->executor, &spec, &id);
        ck_assert(err == 0 || err == -EAGAIN);
        if (err)
            atomic_fetch_add(b->refused, 1);
        else if (unit_random(&seed) % 2)
            err = tdm_task_cancel(b->executor, id);
        ck_assert(err == 0 || err == -EAGAIN || err == -EALREADY);
    }
    atomic_fetch_sub(b->running, 1);
    return NULL;
}

static void check_snapshot(const tdm_stats *stats, tdm_totals *before)
{
    for (int lane = 0; lane < TDM_LANES; lane++) {
        const tdm_lane_stats *l = &stats->lanes[lane];
        ck_assert(unit_adds_up(&l->window));
        ck_assert(unit_adds_up(&l->lifetime));
        ck_assert_uint_eq(l->lifetime.carried, 0);
        ck_assert_uint_ge(l->lifetime.accepted, before[lane].accepted);
        ck_assert_uint_ge(l->lifetime.rejected, l->window.rejected);
        ck_assert_double_ge(l->mean, 0);
        for (int s = TDM_DONE; s < TDM_STATES; s++)
            ck_assert_uint_ge(l->lifetime.state[s], before[lane].state[s]);
        before[lane] = l->lifetime;
    }
}

/* @return how many snapshots were taken. */
static int watch_while_running(tdm_executor *executor, _Atomic int *running, bool reset)
{
    tdm_totals before[TDM_LANES] = {0};
    tdm_stats stats;
    int snapshots = 0;
    for (; *running; snapshots++) {
        ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
        check_snapshot(&stats, before);
        if (reset && snapshots % 3 == 0)
            ck_assert_int_eq(tdm_stats_reset(executor), 0);
    }
    return snapshots;
}

START_TEST(the_law_holds_in_every_snapshot_while_threads_spawn_and_cancel)
{
    for (int reset = 0; reset <= 1; reset++) {
        tdm_executor *executor =
            unit_executor((tdm_executor_options){.loops = 2, .workers = 4, .queue = 20, .max_loop_tasks = 20});
        _Atomic int running = THREADS, refused = 0;
        pthread_t threads[THREADS];
        busy b[THREADS];
        for (int i = 0; i < THREADS; i++) {
            b[i] = (busy){executor, i, &running, &refused};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, spawn_and_cancel, &b[i]), 0);
        }
        ck_assert_int_gt(watch_while_running(executor, &running, reset), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        tdm_drain_report report;
        ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, &report), 0);
        tdm_totals t = unit_sum(&report);
        ck_assert(unit_adds_up(&t));
        ck_assert_uint_eq(t.accepted + t.rejected, THREADS * EACH);
        ck_assert_uint_eq(t.rejected, (uint64_t) refused);
        ck_assert_uint_eq(t.state[TDM_DONE] + t.state[TDM_CANCELLED], t.accepted);
        ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    }
}
END_TEST

START_TEST(a_new_window_carries_the_unfinished_and_forgets_the_rest)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1, .queue = 2});
    unit_gate gate;
    unit_gate_init(&gate);
    for (int lane = 0; lane < TDM_LANES; lane++)
        unit_await(executor, unit_spawn(executor, (tdm_lane) lane, unit_nothing, NULL), TDM_DONE);
    uint64_t sleeper = unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    unit_await(executor, sleeper, TDM_RUNNING);
    unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = unit_nothing, .lane = TDM_POOL}, NULL),
                         i < 2 ? 0 : -EAGAIN);
    ck_assert_int_eq(tdm_stats_reset(executor), 0);
    tdm_stats s;
    ck_assert_int_eq(tdm_stats_get(executor, &s), 0);
    const tdm_lane_stats *loop = &s.lanes[TDM_LOOP], *pool = &s.lanes[TDM_POOL];
    ck_assert_uint_eq(loop->window.carried, 1);
    ck_assert_uint_eq(loop->window.state[TDM_RUNNING], 1);
    ck_assert_uint_eq(loop->window.accepted, 0);
    ck_assert_uint_eq(loop->peak, 1);
    ck_assert_uint_eq(pool->window.carried, 3);
    ck_assert_uint_eq(pool->window.state[TDM_QUEUED], 2);
    ck_assert_uint_eq(pool->window.rejected, 0);
    ck_assert_uint_eq(pool->lifetime.rejected, 1);
    ck_assert_uint_eq(pool->lifetime.accepted, 4);
    ck_assert_uint_eq(pool->lifetime.state[TDM_DONE], 1);
    ck_assert_uint_eq(pool->run_time.count, 0);
    ck_assert_uint_eq(pool->queue_wait.count, 0);
    ck_assert_double_eq_tol(loop->mean, 1, 1e-6); /* it ran for the whole window */
    ck_assert_double_lt(s.window, s.uptime);
    ck_assert_uint_eq(s.loop_count, 1);
    ck_assert_uint_eq(s.loops[0].tasks, 1);
    ck_assert_uint_eq(s.loops[0].fibers, 1);
    ck_assert_uint_eq(s.loops[0].timers, 1);
    ck_assert_uint_eq(s.loops[0].thread, unit_info(executor, sleeper).thread);
    ck_assert_int_eq(tdm_task_cancel(executor, sleeper), 0);
    sem_post(&gate.go);
    UNIT_UNTIL(tdm_stats_get(executor, &s) == 0 && s.lanes[TDM_POOL].window.state[TDM_DONE] == 3);
    ck_assert_uint_eq(s.lanes[TDM_POOL].lifetime.state[TDM_DONE], 4);
    ck_assert_uint_eq(s.lanes[TDM_POOL].run_time.count, 3);
    ck_assert_uint_eq(s.lanes[TDM_POOL].queue_wait.count, 2);
    unit_destroy(executor);
}
END_TEST

START_TEST(peak_counts_what_runs_at_once_over_all_loops)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 3});
    uint64_t ids[30];
    for (int i = 0; i < 30; i++)
        ids[i] = unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    for (int i = 0; i < 30; i++)
        unit_await(executor, ids[i], TDM_RUNNING);
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(tdm_task_cancel(executor, ids[i]), 0);
    for (int i = 0; i < 30; i++)
        unit_await(executor, ids[i], TDM_CANCELLED);
    tdm_stats s;
    ck_assert_int_eq(tdm_stats_get(executor, &s), 0);
    ck_assert_uint_eq(s.lanes[TDM_LOOP].peak, 30);
    ck_assert_uint_eq(s.lanes[TDM_POOL].peak, 0);
    uint64_t stacks = 0;
    for (unsigned i = 0; i < s.loop_count; i++)
        stacks += s.loops[i].stacks;
    ck_assert_uint_eq(stacks, 30);
    ck_assert_int_eq(tdm_stats_reset(executor), 0);
    ck_assert_int_eq(tdm_stats_get(executor, &s), 0);
    ck_assert_uint_eq(s.lanes[TDM_LOOP].peak, 0);
    unit_destroy(executor);
}
END_TEST

typedef struct resets {
    tdm_executor *executor;
    _Atomic bool stop;
} resets;

static void *reset_again_and_again(void *arg)
{
    resets *r = arg;
    while (!r->stop)
        ck_assert_int_eq(tdm_stats_reset(r->executor), 0);
    return NULL;
}

static void *be_refused_again_and_again(void *arg)
{
    resets *r = arg;
    while (!r->stop)
        ck_assert_int_eq(tdm_spawn(r->executor, &(tdm_task_spec){.run = unit_wait, .lane = TDM_LOOP}, NULL), -EAGAIN);
    return NULL;
}

START_TEST(rejections_in_a_window_are_never_more_than_in_the_lifetime)
{
    resets r = {.executor = unit_executor((tdm_executor_options){.max_loop_tasks = 1})};
    uint64_t only = unit_spawn(r.executor, TDM_LOOP, unit_wait, NULL);
    pthread_t resetting, refused;
    ck_assert_int_eq(pthread_create(&resetting, NULL, reset_again_and_again, &r), 0);
    ck_assert_int_eq(pthread_create(&refused, NULL, be_refused_again_and_again, &r), 0);
    uint64_t wrong = 0;
    for (int i = 0; i < 1500; i++) {
        tdm_stats s;
        ck_assert_int_eq(tdm_stats_get(r.executor, &s), 0);
        wrong += s.lanes[TDM_LOOP].window.rejected > s.lanes[TDM_LOOP].lifetime.rejected;
    }
    r.stop = true;
    pthread_join(resetting, NULL);
    pthread_join(refused, NULL);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_int_eq(tdm_task_cancel(r.executor, only), 0);
    unit_destroy(r.executor);
}
END_TEST

int main(void)
{
    return unit_main("stats", (const TTest *const[]){the_law_holds_in_every_snapshot_while_threads_spawn_and_cancel,
                                                     a_new_window_carries_the_unfinished_and_forgets_the_rest,
                                                     peak_counts_what_runs_at_once_over_all_loops,
                                                     rejections_in_a_window_are_never_more_than_in_the_lifetime, NULL});
}
