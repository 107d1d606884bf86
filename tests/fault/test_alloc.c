/* SPDX-License-Identifier: MIT */
/* DESIGN: one scenario from creation to destruction, run again and again; in run N the Nth thing that is asked of the
 * system (memory, a mapping, a thread, an eventfd) is refused. Each run must come to an end, with an error or without,
 * and must give back all it took: allocations and mappings are counted. libevent allocates through the same functions.
 * The other tests refuse stacks for as long as they like. */
#include <limits.h>
#include <stdio.h>

#include "tasks/executor.h"
#include "tasks/stack.h"
#include "tests/fault/refuse.h"
#include "tests/unit/executor.h"
#include <tandem/evented.h>

/* ---- the Nth refusal ---- */

static _Atomic int drops;

static int nap(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.0002);
}

/* Check allocates too, and would be refused: what is wrong is kept until nothing is. */
static const char *broken;
#define EXPECT(condition) (void) ((condition) || broken || (broken = #condition))

static void ask_all_there_is_to_ask(tdm_executor *executor)
{
    tdm_stats stats;
    tdm_task_info rows[8];
    uint64_t next;
    tdm_cursor cursor = {""};
    int err = tdm_task_list(executor, &(tdm_task_query){0}, rows, 8, &next);
    EXPECT(err >= 0 || err == -ENOMEM);
    err = tdm_stats_get(executor, &stats);
    EXPECT(err == 0 || err == -ENOMEM);
    EXPECT(tdm_stats_reset(executor) == 0);
    EXPECT(tdm_cursor_now(executor, &cursor) == 0);
    err = tdm_task_ended(executor, &cursor, rows, 8, 0.0005, NULL);
    EXPECT(err >= 0 || err == -ENOMEM);
}

static void live_a_life(void)
{
    tdm_executor *executor = NULL;
    int accepted = 0;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.loops = 2, .workers = 2, .ledger = 2});
    if (err) {
        EXPECT(!executor);
        EXPECT(err == -ENOMEM || err == -EAGAIN || err == -EMFILE);
        return;
    }
    drops = 0;
    for (int i = 0; i < 8; i++) {
        tdm_task_spec spec = {.run = nap, .arg = &drops, .drop = unit_count, .lane = (tdm_lane) (i % TDM_LANES)};
        err = tdm_spawn(executor, &spec, NULL);
        EXPECT(err == 0 || err == -ENOMEM);
        accepted += err == 0;
    }
    ask_all_there_is_to_ask(executor);
    tdm_drain_report report;
    EXPECT(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 20}, &report) == 0);
    tdm_totals t = unit_sum(&report);
    EXPECT(unit_adds_up(&t));
    EXPECT(t.accepted == (uint64_t) accepted);
    EXPECT(drops == accepted);
    EXPECT(tdm_executor_destroy(&executor) == 0);
}

START_TEST(whatever_is_refused_nothing_leaks_and_nothing_hangs)
{
    refuse_in_libevent();
    live_a_life(); /* what is made once in a process */
    ck_assert_ptr_null(broken);
    long runs = 0;
    do {
        asked = live = 0;
        refuse_at = ++runs;
        alarm(20);
        live_a_life();
        long leaked = live;
        refuse_at = 0;
        ck_assert_msg(!broken, "when request %ld was refused: not so: %s", runs, broken);
        ck_assert_msg(leaked == 0, "%ld leaked when request %ld was refused", leaked, runs);
    } while (asked >= runs && runs < 2000);
    alarm(0);
    ck_assert_int_gt(runs, 30);   /* the faults did happen */
    ck_assert_int_lt(runs, 2000); /* and one run met none */
}
END_TEST

/* ---- the ledger ---- */

static void push_without_memory(tdm__ring *ring, uint64_t first, uint64_t last)
{
    no_memory = true; /* Check would be refused, too */
    for (uint64_t id = first; id <= last; id++)
        tdm__ring_push(ring, &(tdm__row){.id = id}, TDM_DONE, 1);
    no_memory = false;
}

static void check_ring(const tdm__ring *ring, uint64_t ended, uint64_t forgotten)
{
    ck_assert_uint_eq(ring->ended, ended);
    ck_assert_uint_eq(tdm__ring_forgotten(ring), forgotten);
    for (uint64_t id = 1; id <= ended; id++)
        ck_assert(!tdm__ring_find(ring, id) == (id <= forgotten));
}

START_TEST(without_memory_the_ledger_is_shorter_until_there_is_some_again)
{
    enum { CHUNK = 512, LIMIT = 4 * CHUNK };
    tdm__ring ring;
    ck_assert_int_eq(tdm__ring_init(&ring, LIMIT), 0);
    push_without_memory(&ring, 1, 10);
    check_ring(&ring, 10, 10);
    uint64_t id = 11;
    for (; id <= 10 + CHUNK; id++)
        tdm__ring_push(&ring, &(tdm__row){.id = id}, TDM_DONE, 1);
    check_ring(&ring, 10 + CHUNK, 10);
    push_without_memory(&ring, id, id + 2 * CHUNK - 1); /* two laps */
    id += 2 * CHUNK;
    check_ring(&ring, id - 1, id - 1 - CHUNK);
    tdm__ring_push(&ring, &(tdm__row){.id = id}, TDM_DONE, 1); /* in a second chunk: nothing is forgotten for it */
    check_ring(&ring, id, id - 1 - CHUNK);
    id++;
    for (uint64_t last = id + 3 * CHUNK; id < last; id++)
        tdm__ring_push(&ring, &(tdm__row){.id = id}, TDM_DONE, 1);
    check_ring(&ring, id - 1, id - 1 - LIMIT);
    for (uint64_t last = id + LIMIT; id < last; id++)
        tdm__ring_push(&ring, &(tdm__row){.id = id}, TDM_DONE, 1);
    check_ring(&ring, id - 1, id - 1 - LIMIT);
    tdm__ring_finish(&ring);
}
END_TEST

START_TEST(without_memory_for_its_index_the_ledger_still_finds_every_live_task)
{
    enum { ROWS = 3000 };
    static tdm__row rows[ROWS];
    tdm__ledger ledger;
    ck_assert_int_eq(tdm__ledger_init(&ledger, 1), 0);
    no_memory = true;
    for (uint64_t i = 0; i < ROWS; i++) {
        rows[i].id = i + 1;
        tdm__ledger_add(&ledger, &rows[i]);
    }
    no_memory = false;
    for (uint64_t i = 0; i < ROWS; i++)
        ck_assert_ptr_eq(tdm__ledger_find_live(&ledger, i + 1), &rows[i]);
    for (uint64_t i = 0; i < ROWS; i++)
        tdm__ledger_end(&ledger, &rows[i], TDM_DONE, 1);
    ck_assert_uint_eq(ledger.live_count, 0);
    tdm__ledger_finish(&ledger);
}
END_TEST

/* ---- stacks ---- */

START_TEST(tasks_that_find_no_stack_start_when_there_is_one_again)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    uint64_t ids[3];
    no_stacks = true;
    for (int i = 0; i < 3; i++)
        ids[i] = unit_spawn(executor, TDM_LOOP, unit_nothing, NULL);
    UNIT_UNTIL(stacks_refused > 0);
    ck_assert_int_eq(unit_info(executor, ids[0]).state, TDM_QUEUED);
    ck_assert_int_eq(tdm_task_cancel(executor, ids[0]), 0);
    ck_assert_int_eq(unit_info(executor, ids[0]).state, TDM_CANCELLED);
    no_stacks = false; /* no fiber lives whose end could tell the loop */
    for (int i = 1; i < 3; i++)
        unit_await(executor, ids[i], TDM_DONE);
    unit_destroy(executor);
}
END_TEST

START_TEST(tasks_that_find_no_stack_need_not_wait_for_the_fibers_that_live)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    uint64_t ids[1000], count = 1;
    ids[0] = unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    unit_await(executor, ids[0], TDM_RUNNING);
    no_stacks = true; /* when the first slab is full */
    for (; !stacks_refused && count < 1000; count++) {
        ids[count] = unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
        unit_info(executor, ids[count]); /* by then its loop has tried to start it */
    }
    ck_assert_uint_lt(count, 1000);
    ck_assert_int_eq(unit_info(executor, ids[count - 1]).state, TDM_QUEUED);
    no_stacks = false;
    unit_await(executor, ids[count - 1], TDM_RUNNING);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_int_eq(tdm_task_cancel(executor, ids[i]), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_cancelled_task_does_not_keep_the_stack_from_those_behind_it)
{
    no_guard_install = true;
    guards_left = 2; /* one is spent to see whether there are any */
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    guards_left = 1;
    uint64_t holder = unit_spawn(executor, TDM_LOOP, unit_wait, NULL), ids[4];
    unit_await(executor, holder, TDM_RUNNING);
    for (int i = 0; i < 4; i++)
        ids[i] = unit_spawn(executor, TDM_LOOP, unit_nothing, NULL);
    UNIT_UNTIL(stacks_refused > 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(tdm_task_cancel(executor, ids[i]), 0);
    ck_assert_int_eq(tdm_task_cancel(executor, holder), 0);
    unit_await(executor, ids[3], TDM_DONE);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_eq(stats.loops[0].stacks, 1);
    unit_destroy(executor);
}
END_TEST

static int finish_at_once(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

START_TEST(where_a_guard_costs_a_mapping_fewer_loop_tasks_are_admitted)
{
    unsigned long maps = 0;
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu", &maps), 1);
    fclose(f);
    no_guard_install = true;
    tdm_executor *executor = unit_executor((tdm_executor_options){.max_loop_tasks = UINT32_MAX}); /* the first one */
    ck_assert_uint_le(executor->stack_limit, maps / 2);
    ck_assert_uint_ge(executor->stack_limit, maps / 4);
    for (int i = 0; i < 200; i++)
        unit_spawn(executor, TDM_LOOP, nap, NULL);
    UNIT_UNTIL(tdm__executor_outstanding(executor) == 0);
    executor->stack_limit = 2;
    unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    unit_spawn(executor, TDM_LOOP, unit_wait, NULL);
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.run = nap}, NULL), -EAGAIN);
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.start = finish_at_once}, NULL), 0); /* it needs no stack */
    tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.01, .grace = 10}, NULL);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

int main(void)
{
    return unit_main("fault-alloc",
                     (const TTest *const[]){whatever_is_refused_nothing_leaks_and_nothing_hangs,
                                            without_memory_the_ledger_is_shorter_until_there_is_some_again,
                                            without_memory_for_its_index_the_ledger_still_finds_every_live_task,
                                            tasks_that_find_no_stack_start_when_there_is_one_again,
                                            tasks_that_find_no_stack_need_not_wait_for_the_fibers_that_live,
                                            a_cancelled_task_does_not_keep_the_stack_from_those_behind_it,
                                            where_a_guard_costs_a_mapping_fewer_loop_tasks_are_admitted, NULL});
}
