/* SPDX-License-Identifier: MIT */
/** @file
 *  What the tests of the executor share: one to try, tasks that wait where the test can see them, and waiting for facts
 *  (never for time). */
#ifndef TANDEM_TESTS_EXECUTOR_H
#define TANDEM_TESTS_EXECUTOR_H

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/unit/unit.h"
#include <tandem/clock.h>
#include <tandem/executor.h>
#include <tandem/ledger.h>

/** Wait until `condition` holds; a test in which it never does fails. */
#define UNIT_UNTIL(condition)                                                                                          \
    do {                                                                                                               \
        const int64_t unit_end = tdm_clock_ns() + 30 * TDM_NS_PER_S;                                                   \
        while (!(condition)) {                                                                                         \
            ck_assert_msg(tdm_clock_ns() < unit_end, "it never came true: %s", #condition);                            \
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);                                                    \
        }                                                                                                              \
    } while (0)

static inline tdm_executor *unit_executor(tdm_executor_options options)
{
    tdm_executor *executor = NULL;
    if (!options.workers)
        options.workers = 2;
    ck_assert_int_eq(tdm_executor_create(&executor, &options), 0);
    return executor;
}

/** Everything must have ended, or end in time. */
static inline void unit_destroy(tdm_executor *executor)
{
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    ck_assert_ptr_null(executor);
}

static inline uint64_t unit_spawn(tdm_executor *executor, tdm_lane lane, tdm_task_fn *run, void *arg)
{
    uint64_t id = 0;
    ck_assert_int_eq(tdm_spawn(executor, &(tdm_task_spec){.name = "unit", .run = run, .arg = arg, .lane = lane}, &id),
                     0);
    ck_assert_uint_gt(id, 0);
    return id;
}

static inline tdm_task_info unit_info(tdm_executor *executor, uint64_t id)
{
    tdm_task_info info;
    ck_assert_int_eq(tdm_task_get(executor, id, &info), 0);
    return info;
}

static inline tdm_task_info unit_await(tdm_executor *executor, uint64_t id, tdm_state state)
{
    tdm_task_info info;
    UNIT_UNTIL((info = unit_info(executor, id)).state == state);
    return info;
}

/** A task that says it has started and then holds its thread until it is let go: it computes, as far as the executor
 *  can see. On the loop lane it holds the loop. */
typedef struct unit_gate {
    sem_t started, go;
} unit_gate;

static inline void unit_gate_init(unit_gate *gate)
{
    sem_init(&gate->started, 0, 0);
    sem_init(&gate->go, 0, 0);
}

static inline void unit_sem_wait(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        ck_assert_int_eq(errno, EINTR);
}

static inline int unit_hold(tdm_task *task, void *arg)
{
    (void) task;
    unit_gate *gate = arg;
    sem_post(&gate->started);
    unit_sem_wait(&gate->go);
    return 0;
}

/** A task that waits until it is cancelled. */
static inline int unit_wait(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(3600);
}

static inline int unit_nothing(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return 0;
}

/** For `.drop` with an atomic counter as the argument. */
static inline void unit_count(void *arg)
{
    atomic_fetch_add((_Atomic int *) arg, 1);
}

/* Both lanes of a drain. */
static inline tdm_totals unit_sum(const tdm_drain_report *report)
{
    tdm_totals sum = {0};
    for (int lane = 0; lane < TDM_LANES; lane++) {
        sum.accepted += report->lanes[lane].accepted;
        sum.rejected += report->lanes[lane].rejected;
        for (int i = 0; i < TDM_STATES; i++)
            sum.state[i] += report->lanes[lane].state[i];
    }
    return sum;
}

static inline bool unit_adds_up(const tdm_totals *t)
{
    uint64_t sum = 0;
    for (int i = 0; i < TDM_STATES; i++)
        sum += t->state[i];
    return t->carried + t->accepted == sum;
}

#endif
