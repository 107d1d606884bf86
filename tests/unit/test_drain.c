/* SPDX-License-Identifier: MIT */
/* DESIGN: the orderly stop with tasks in every state. A task that will not stop holds a gate, so that the test decides
 * when it goes on; after -EBUSY the executor still stands, and is taken down once the gate is open (so that leak checks
 * see a clean end). */
#include "tasks/batch.h"
#include "tasks/executor.h"
#include "tests/unit/executor.h"

static int short_sleep(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.01);
}

static void check_end(const tdm_totals *t)
{
    ck_assert(unit_adds_up(t));
    ck_assert_uint_eq(t->state[TDM_QUEUED], 0);
    ck_assert_uint_eq(t->state[TDM_RUNNING], 0);
}

START_TEST(what_ends_in_time_is_waited_for)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 1});
    for (int i = 0; i < 20; i++)
        unit_spawn(executor, (tdm_lane) (i % TDM_LANES), short_sleep, NULL);
    tdm_drain_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, &report), 0);
    tdm_totals t = unit_sum(&report);
    check_end(&t);
    ck_assert_uint_eq(t.accepted, 20);
    ck_assert_uint_eq(t.state[TDM_DONE], 20);
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = unit_nothing}, NULL), -ESHUTDOWN);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

START_TEST(a_closed_executor_refuses_and_caller_keeps_arg)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_executor_close(executor);
    tdm_executor_close(executor);
    _Atomic int drops = 0;
    for (int lane = 0; lane < TDM_LANES; lane++) {
        tdm_task_spec spec = {.run = unit_nothing, .arg = &drops, .drop = unit_count, .lane = (tdm_lane) lane};
        tdm__batch batch = {0};
        ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), -ESHUTDOWN);
        ck_assert_int_eq(tdm__batch_add(&batch, executor, &spec), -ESHUTDOWN);
    }
    ck_assert_int_eq(drops, 0);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert(stats.draining);
    unit_destroy(executor);
}
END_TEST

START_TEST(after_the_timeout_waits_are_cancelled_and_the_queue_is_dropped)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 2});
    _Atomic int drops = 0;
    uint64_t ids[10];
    for (int i = 0; i < 10; i++) { /* in the pool two run and three are queued */
        tdm_task_spec spec = {.run = unit_wait, .arg = &drops, .drop = unit_count, .lane = (tdm_lane) (i % TDM_LANES)};
        ck_assert_int_eq(tdm_spawn(executor, &spec, &ids[i]), 0);
    }
    unit_await(executor, ids[3], TDM_RUNNING);
    for (int i = 0; i < 10; i += 2)
        unit_await(executor, ids[i], TDM_RUNNING);
    tdm_drain_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.01, .grace = 30}, &report), 3);
    tdm_totals t = unit_sum(&report);
    check_end(&t);
    ck_assert_uint_eq(t.state[TDM_CANCELLED], 7);
    ck_assert_uint_eq(t.state[TDM_DROPPED], 3);
    tdm_task_info info = unit_info(executor, ids[9]);
    ck_assert_int_eq(info.state, TDM_DROPPED);
    ck_assert_ptr_nonnull(info.reason);
    ck_assert_int_eq(drops, 10);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

static void start_sequence(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__batch_start(arg, &(tdm__outcome){0});
}

START_TEST(what_will_not_stop_is_abandoned_and_its_followers_are_dropped)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 2}), *again = executor;
    unit_gate gate;
    unit_gate_init(&gate);
    _Atomic int drops = 0;
    tdm_task_spec holding = {.run = unit_hold, .arg = &gate, .lane = TDM_POOL};
    tdm_task_spec follower = {.run = unit_nothing, .arg = &drops, .drop = unit_count};
    tdm__batch batch = {0};
    uint64_t first, last;
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &holding), 0);
    for (int i = 0; i < 4; i++) {
        follower.lane = (tdm_lane) (i % TDM_LANES);
        ck_assert_int_eq(tdm__batch_add(&batch, executor, &follower), 0);
    }
    tdm__batch_accept(&batch, executor, tdm__executor_loop(executor, 0), 1, &first, &last);
    tdm__loop_call(tdm__executor_loop(executor, 0), start_sequence, &batch);
    unit_sem_wait(&gate.started);
    tdm_drain_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.01, .grace = 0.01}, &report), 5);
    tdm_totals t = unit_sum(&report);
    check_end(&t);
    ck_assert_uint_eq(t.state[TDM_ABANDONED], 1);
    ck_assert_uint_eq(t.state[TDM_DROPPED], 4);
    tdm_task_info info = unit_info(executor, first);
    ck_assert_int_eq(info.state, TDM_ABANDONED);
    ck_assert(info.cancel_requested);
    ck_assert_ptr_nonnull(info.reason);
    ck_assert_int_eq(tdm_task_cancel(executor, first), -EALREADY);
    ck_assert_int_eq(tdm_executor_destroy(&executor), -EBUSY);
    ck_assert_int_eq(drops, 0);
    sem_post(&gate.go);
    UNIT_UNTIL(drops == 4);
    UNIT_UNTIL(tdm__executor_outstanding(again) == 0);
    ck_assert_int_eq(unit_info(again, first).state, TDM_ABANDONED); /* its late end changes no books */
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(again, &stats), 0);
    for (int lane = 0; lane < TDM_LANES; lane++)
        check_end(&stats.lanes[lane].lifetime);
    ck_assert_int_eq(tdm_executor_destroy(&again), 0);
}
END_TEST

/* A task that does not yield holds its loop: the drain must come back all the same, with the other loop's work done. */
START_TEST(a_task_that_holds_its_loop_does_not_hold_the_drain)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 1}), *again = executor;
    unit_gate gate;
    unit_gate_init(&gate);
    _Atomic int drops = 0;
    unit_spawn(executor, TDM_LOOP, unit_hold, &gate); /* on loop 0 */
    unit_sem_wait(&gate.started);
    for (int i = 0; i < 4; i++) /* in turn on loops 1, 0, 1, 0: two of them never arrive */
        ck_assert_int_eq(
            tdm_spawn(executor, &(tdm_task_spec){.run = short_sleep, .arg = &drops, .drop = unit_count}, NULL), 0);
    UNIT_UNTIL(drops == 2);
    tdm_drain_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.01, .grace = 0.01}, &report), 3);
    ck_assert_uint_eq(report.stuck_loops, 1);
    tdm_totals t = unit_sum(&report);
    check_end(&t);
    ck_assert_uint_eq(t.accepted, 5);
    ck_assert_uint_eq(t.state[TDM_ABANDONED], 1);
    ck_assert_uint_eq(t.state[TDM_DROPPED], 2);
    ck_assert_uint_eq(t.state[TDM_DONE], 2);
    ck_assert_int_eq(tdm_executor_destroy(&executor), -EBUSY);
    sem_post(&gate.go);
    UNIT_UNTIL(tdm__executor_outstanding(again) == 0);
    ck_assert_int_eq(drops, 4);
    ck_assert_int_eq(tdm_executor_destroy(&again), 0);
}
END_TEST

typedef struct draining {
    tdm_executor *executor;
    int result;
    double timeout;
} draining;

static void *drain_for_hours(void *arg)
{
    draining *d = arg;
    d->result = tdm_executor_drain(d->executor, &(tdm_drain_options){.timeout = d->timeout, .grace = 3600}, NULL);
    return NULL;
}

START_TEST(hurry_ends_a_drain_at_once)
{
    draining d = {.executor = unit_executor((tdm_executor_options){0}), .timeout = 3600};
    tdm_executor *executor = d.executor;
    unit_gate gate;
    unit_gate_init(&gate);
    unit_spawn(executor, TDM_POOL, unit_hold, &gate);
    unit_sem_wait(&gate.started);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, drain_for_hours, &d), 0);
    UNIT_UNTIL(executor->closing);
    tdm_executor_hurry(executor);
    pthread_join(thread, NULL);
    ck_assert_int_eq(d.result, 1);
    sem_post(&gate.go);
    UNIT_UNTIL(tdm__executor_outstanding(executor) == 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

static void *wait_for_an_end(void *arg)
{
    tdm_cursor cursor = {""};
    tdm_task_info rows[4];
    draining *d = arg;
    d->result = tdm_task_ended(d->executor, &cursor, rows, 4, 3600, NULL);
    return NULL;
}

START_TEST(who_waits_for_an_end_hears_of_the_dropped_before_the_grace_is_over)
{
    draining d = {.executor = unit_executor((tdm_executor_options){.workers = 1})}, watcher = d;
    tdm_executor *executor = d.executor;
    unit_gate gate;
    unit_gate_init(&gate);
    tdm__batch batch = {0};
    uint64_t first, last;
    tdm_task_spec holding = {.run = unit_hold, .arg = &gate, .lane = TDM_POOL};
    tdm_task_spec follower = {.run = unit_nothing, .lane = TDM_POOL};
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &holding), 0);
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &follower), 0);
    tdm__batch_accept(&batch, executor, tdm__executor_loop(executor, 0), 1, &first, &last);
    tdm__batch_start(&batch, &(tdm__outcome){0});
    unit_sem_wait(&gate.started);
    pthread_t watching, thread;
    ck_assert_int_eq(pthread_create(&watching, NULL, wait_for_an_end, &watcher), 0);
    UNIT_UNTIL(executor->watch.count == 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, drain_for_hours, &d), 0);
    pthread_join(watching, NULL);
    ck_assert_int_ge(watcher.result, 1);
    sem_post(&gate.go);
    pthread_join(thread, NULL);
    UNIT_UNTIL(tdm__executor_outstanding(executor) == 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

START_TEST(destroy_after_all_tasks_ended_frees_everything_without_a_drain)
{
    for (int round = 0; round < 100; round++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
        tdm_cursor cursor = {""};
        tdm_task_info row;
        unit_spawn(executor, (tdm_lane) (round % TDM_LANES), unit_nothing, NULL);
        ck_assert_int_eq(tdm_task_ended(executor, &cursor, &row, 1, 30, NULL), 1);
        ck_assert_int_eq(tdm_executor_destroy(&executor), 0); /* nothing was abandoned */
    }
}
END_TEST

static void slow_drop(void *arg)
{
    unit_gate *gate = arg;
    sem_post(&gate->started);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* longer than the way to destroy() */
}

START_TEST(destroy_waits_for_the_last_drop)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
    unit_gate holder, dropped;
    unit_gate_init(&holder);
    unit_gate_init(&dropped);
    tdm_task_spec queued = {.run = unit_nothing, .arg = &dropped, .drop = slow_drop, .lane = TDM_POOL};
    tdm__batch batch = {0};
    uint64_t first, last;
    ck_assert_int_eq(
        tdm__batch_add(&batch, executor, &(tdm_task_spec){.run = unit_hold, .arg = &holder, .lane = TDM_POOL}), 0);
    ck_assert_int_eq(tdm__batch_add(&batch, executor, &queued), 0);
    tdm__batch_accept(&batch, executor, tdm__executor_loop(executor, 0), 1, &first, &last);
    ck_assert_int_eq(tdm_task_cancel(executor, last), 0); /* a stone: its arg is dropped when its turn comes */
    tdm__batch_start(&batch, &(tdm__outcome){0});
    unit_sem_wait(&holder.started);
    sem_post(&holder.go);
    unit_sem_wait(&dropped.started);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

START_TEST(destroy_without_a_drain_drops_what_has_not_started)
{
    for (int round = 0; round < 50; round++) {
        tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
        _Atomic int drops = 0;
        for (int i = 0; i < 100; i++) {
            tdm_task_spec spec = {
                .run = unit_nothing, .arg = &drops, .drop = unit_count, .lane = (tdm_lane) (i % TDM_LANES)};
            ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0);
        }
        tdm_executor *kept = executor;
        int err = tdm_executor_destroy(&executor);
        if (err) { /* one was caught while it ran */
            ck_assert_int_eq(err, -EBUSY);
            UNIT_UNTIL(tdm__executor_outstanding(kept) == 0);
            ck_assert_int_eq(tdm_executor_destroy(&kept), 0);
        }
        ck_assert_int_eq(drops, 100);
    }
}
END_TEST

START_TEST(without_options_a_drain_waits_for_nothing)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    _Atomic int drops = 0;
    tdm_task_spec spec = {.run = unit_wait, .arg = &drops, .drop = unit_count};
    ck_assert_int_eq(tdm_spawn(executor, &spec, NULL), 0);
    int lost = tdm_executor_drain(executor, NULL, NULL);
    ck_assert(lost == 0 || lost == 1); /* it may have ended as cancelled */
    UNIT_UNTIL(drops == 1);
    UNIT_UNTIL(tdm__executor_outstanding(executor) == 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

int main(void)
{
    return unit_main("drain", (const TTest *const[]){
                                  what_ends_in_time_is_waited_for, a_closed_executor_refuses_and_caller_keeps_arg,
                                  after_the_timeout_waits_are_cancelled_and_the_queue_is_dropped,
                                  what_will_not_stop_is_abandoned_and_its_followers_are_dropped,
                                  a_task_that_holds_its_loop_does_not_hold_the_drain, hurry_ends_a_drain_at_once,
                                  who_waits_for_an_end_hears_of_the_dropped_before_the_grace_is_over,
                                  destroy_after_all_tasks_ended_frees_everything_without_a_drain,
                                  destroy_waits_for_the_last_drop, destroy_without_a_drain_drops_what_has_not_started,
                                  without_options_a_drain_waits_for_nothing, NULL});
}
