/* SPDX-License-Identifier: MIT */
/* DESIGN: questions to an executor whose tasks live on several loops and in the pool: the answers must look as if there
 * were one ledger. */
#include <stdio.h>

#include "tasks/executor.h"
#include "tests/unit/executor.h"

enum { LOOPS = 3, TASKS = 120 };

static tdm_executor *with_tasks(uint64_t *ids, unsigned count)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = LOOPS});
    for (unsigned i = 0; i < count; i++)
        ids[i] = unit_spawn(executor, i % 4 ? TDM_LOOP : TDM_POOL, unit_nothing, NULL);
    for (unsigned i = 0; i < count; i++)
        unit_await(executor, ids[i], TDM_DONE);
    return executor;
}

START_TEST(a_list_over_all_shards_is_complete_and_newest_first)
{
    uint64_t ids[TASKS];
    tdm_executor *executor = with_tasks(ids, TASKS);
    for (unsigned limit = 1; limit <= TASKS + 1; limit += limit < 8 ? 1 : 37) {
        tdm_task_query query = {0};
        unsigned seen = 0;
        do {
            tdm_task_info rows[TASKS + 1];
            uint64_t next;
            int count = tdm_task_list(executor, &query, rows, limit, &next);
            ck_assert_int_ge(count, 0);
            ck_assert_int_le(count, (int) limit);
            for (int i = 0; i < count; i++)
                ck_assert_uint_eq(rows[i].id, ids[TASKS - 1 - seen++]);
            query.before = next;
        } while (query.before);
        ck_assert_uint_eq(seen, TASKS);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(a_list_can_be_narrowed_by_lane_and_state)
{
    uint64_t ids[TASKS], next;
    tdm_executor *executor = with_tasks(ids, TASKS);
    uint64_t waiting = unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    unit_await(executor, waiting, TDM_RUNNING);
    tdm_task_info rows[TASKS + 1];
    tdm_task_query query = {.lanes = 1u << TDM_POOL};
    ck_assert_int_eq(tdm_task_list(executor, &query, rows, TASKS + 1, &next), TASKS / 4);
    ck_assert_uint_eq(next, 0);
    query = (tdm_task_query){.states = 1u << TDM_RUNNING};
    ck_assert_int_eq(tdm_task_list(executor, &query, rows, TASKS + 1, &next), 1);
    ck_assert_uint_eq(rows[0].id, waiting);
    query.lanes = 1u << TDM_POOL;
    ck_assert_int_eq(tdm_task_list(executor, &query, rows, TASKS + 1, &next), 0);
    ck_assert_int_eq(tdm_task_list(executor, &query, rows, 0, &next), -EINVAL);
    ck_assert_int_eq(tdm_task_cancel(executor, waiting), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(the_ended_stream_tells_every_end_once_and_in_order_of_time)
{
    uint64_t ids[TASKS];
    tdm_executor *executor = with_tasks(ids, TASKS);
    for (unsigned limit = 1; limit < 200; limit = limit * 3 + 1) {
        tdm_cursor cursor = {""};
        bool seen[TASKS + 1] = {false};
        int64_t before = 0;
        unsigned total = 0;
        for (int count = 1; count > 0; total += (unsigned) count) {
            tdm_task_info rows[200];
            uint64_t missed = 9;
            count = tdm_task_ended(executor, &cursor, rows, limit, 0, &missed);
            ck_assert_int_ge(count, 0);
            ck_assert_uint_eq(missed, 0);
            for (int i = 0; i < count; i++) {
                ck_assert(!seen[rows[i].id]);
                seen[rows[i].id] = true;
                ck_assert_int_ge(rows[i].ended_ns, before);
                before = rows[i].ended_ns;
            }
        }
        ck_assert_uint_eq(total, TASKS);
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(cursor_now_is_before_what_ends_later_and_after_what_ended)
{
    uint64_t ids[8], missed;
    tdm_executor *executor = with_tasks(ids, 8);
    tdm_cursor cursor;
    tdm_task_info rows[9];
    ck_assert_int_eq(tdm_cursor_now(executor, &cursor), 0);
    ck_assert_int_eq(tdm_task_ended(executor, &cursor, rows, 9, 0, &missed), 0);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        uint64_t id = unit_spawn(executor, (tdm_lane) lane, unit_nothing, NULL);
        ck_assert_int_eq(tdm_task_ended(executor, &cursor, rows, 9, 30, &missed), 1);
        ck_assert_uint_eq(rows[0].id, id);
    }
    ck_assert_int_eq(tdm_task_ended(executor, &cursor, rows, 9, 0.001, NULL), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(rows_forgotten_behind_a_cursor_are_counted_as_missed)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.ledger = 4});
    tdm_cursor cursor;
    ck_assert_int_eq(tdm_cursor_now(executor, &cursor), 0);
    for (int i = 0; i < 10; i++)
        unit_await(executor, unit_spawn(executor, TDM_LOOP, unit_nothing, NULL), TDM_DONE);
    for (int i = 0; i < 5; i++)
        unit_await(executor, unit_spawn(executor, TDM_POOL, unit_nothing, NULL), TDM_DONE);
    tdm_task_info rows[20];
    uint64_t missed;
    ck_assert_int_eq(tdm_task_ended(executor, &cursor, rows, 20, 0, &missed), 8);
    ck_assert_uint_eq(missed, 6 + 1);
    ck_assert_int_eq(tdm_task_ended(executor, &cursor, rows, 20, 0, &missed), 0);
    ck_assert_uint_eq(missed, 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(what_is_not_a_cursor_of_this_executor_is_invalid)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    tdm_executor *other = unit_executor((tdm_executor_options){.loops = 2});
    tdm_cursor good, theirs, bad;
    tdm_task_info row;
    ck_assert_int_eq(tdm_cursor_now(executor, &good), 0);
    ck_assert_int_eq(tdm_cursor_now(other, &theirs), 0);
    ck_assert_int_eq(tdm_task_ended(executor, &theirs, &row, 1, 0, NULL), -EINVAL);
    static const char *const wrong[] = {"x", ".", "0", "0.0.0.0", " ", "-1", "start"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(bad.text, sizeof bad.text, "%s", wrong[i]);
        ck_assert_int_eq(tdm_task_ended(executor, &bad, &row, 1, 0, NULL), -EINVAL);
    }
    static const char *const tails[] = {".0", ".", "z", "1" /* a place that has not been yet */, "fffffffffffffffff"};
    for (unsigned i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(bad.text, sizeof bad.text, "%s%s", good.text, tails[i]);
        ck_assert_int_eq(tdm_task_ended(executor, &bad, &row, 1, 0, NULL), -EINVAL);
    }
    bad = good;
    *strrchr(bad.text, '.') = '\0'; /* one shard too few */
    ck_assert_int_eq(tdm_task_ended(executor, &bad, &row, 1, 0, NULL), -EINVAL);
    ck_assert_int_eq(tdm_task_ended(executor, &good, &row, 0, 0, NULL), -EINVAL);
    ck_assert_int_eq(tdm_task_ended(executor, &good, &row, 1, 0, NULL), 0);
    unit_destroy(executor);
    unit_destroy(other);
}
END_TEST

START_TEST(a_waiter_is_woken_by_the_first_end_and_no_end_is_lost)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    tdm_cursor cursor;
    ck_assert_int_eq(tdm_cursor_now(executor, &cursor), 0);
    for (int round = 0; round < 1000; round++) {
        uint64_t id = unit_spawn(executor, (tdm_lane) (round % TDM_LANES), unit_nothing, NULL);
        tdm_task_info row;
        ck_assert_int_eq(tdm_task_ended(executor, &cursor, &row, 1, 40, NULL), 1); /* a lost wake-up takes 40 s */
        ck_assert_uint_eq(row.id, id);
    }
    unit_destroy(executor);
}
END_TEST

static int follow(tdm_task *task, void *arg)
{
    (void) task;
    tdm_cursor cursor;
    tdm_task_info row;
    int err = tdm_cursor_now(arg, &cursor);
    return err ? err : tdm_task_ended(arg, &cursor, &row, 1, 3600, NULL);
}

START_TEST(waiting_for_an_end_works_on_tasks_and_ends_by_their_cancellation)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = LOOPS, .workers = 4});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        uint64_t lonely = unit_spawn(executor, (tdm_lane) lane, follow, executor);
        UNIT_UNTIL(executor->watch.count == 1);
        ck_assert_int_eq(tdm_task_cancel(executor, lonely), 0);
        ck_assert_int_eq(unit_await(executor, lonely, TDM_CANCELLED).error, -ECANCELED);
        uint64_t watchers[LOOPS];
        for (int i = 0; i < LOOPS; i++)
            watchers[i] = unit_spawn(executor, (tdm_lane) lane, follow, executor);
        UNIT_UNTIL(executor->watch.count == LOOPS);
        unit_spawn(executor, TDM_LOOP, unit_nothing, NULL);
        for (int i = 0; i < LOOPS; i++)
            unit_await(executor, watchers[i], TDM_DONE);
    }
    unit_destroy(executor);
}
END_TEST

typedef struct late {
    tdm_executor *executor;
    unit_gate gate;
    uint64_t id;
    int found, cancelled;
} late;

static int look_for_id(tdm_task *task, void *arg)
{
    late *l = arg;
    tdm_task_info info;
    unit_hold(task, &l->gate); /* meanwhile the test spawns a task that this loop cannot take in */
    l->found = tdm_task_get(l->executor, l->id, &info);
    l->cancelled = tdm_task_cancel(l->executor, l->id);
    return 0;
}

START_TEST(a_fiber_finds_a_task_that_is_still_on_its_way_to_its_loop)
{
    late l = {.executor = unit_executor((tdm_executor_options){0})};
    unit_gate_init(&l.gate);
    uint64_t id = unit_spawn(l.executor, TDM_LOOP, look_for_id, &l);
    unit_sem_wait(&l.gate.started);
    l.id = unit_spawn(l.executor, TDM_LOOP, unit_wait, NULL);
    sem_post(&l.gate.go);
    unit_await(l.executor, id, TDM_DONE);
    ck_assert_int_eq(l.found, 0);
    ck_assert_int_eq(l.cancelled, 0);
    unit_await(l.executor, l.id, TDM_CANCELLED);
    unit_destroy(l.executor);
}
END_TEST

typedef struct foreign {
    tdm_executor *asked;
    int result;
} foreign;

static void ask_outside_a_fiber(tdm__loop *loop, void *arg)
{
    (void) loop;
    foreign *f = arg;
    tdm_task_info info;
    f->result = tdm_task_get(f->asked, 1, &info);
}

START_TEST(asking_a_loop_of_others_outside_a_fiber_is_refused)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    tdm_executor *other = unit_executor((tdm_executor_options){.loops = 1});
    foreign f = {.asked = executor};
    tdm__loop_call(tdm__executor_loop(executor, 0), ask_outside_a_fiber, &f);
    ck_assert_int_eq(f.result, -EDEADLK); /* it would wait for the executor's other loop */
    f.asked = other;
    tdm__loop_call(tdm__executor_loop(executor, 0), ask_outside_a_fiber, &f);
    ck_assert_int_eq(f.result, -EDEADLK); /* the only loop, but not this one */
    tdm__loop_call(tdm__executor_loop(other, 0), ask_outside_a_fiber, &f);
    ck_assert_int_eq(f.result, -ENOENT); /* its own and only loop need not be waited for */
    unit_destroy(executor);
    unit_destroy(other);
}
END_TEST

int main(void)
{
    return unit_main("query", (const TTest *const[]){a_list_over_all_shards_is_complete_and_newest_first,
                                                     a_list_can_be_narrowed_by_lane_and_state,
                                                     the_ended_stream_tells_every_end_once_and_in_order_of_time,
                                                     cursor_now_is_before_what_ends_later_and_after_what_ended,
                                                     rows_forgotten_behind_a_cursor_are_counted_as_missed,
                                                     what_is_not_a_cursor_of_this_executor_is_invalid,
                                                     a_waiter_is_woken_by_the_first_end_and_no_end_is_lost,
                                                     waiting_for_an_end_works_on_tasks_and_ends_by_their_cancellation,
                                                     a_fiber_finds_a_task_that_is_still_on_its_way_to_its_loop,
                                                     asking_a_loop_of_others_outside_a_fiber_is_refused, NULL});
}
