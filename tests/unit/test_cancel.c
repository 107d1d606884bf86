/* SPDX-License-Identifier: MIT */
/* DESIGN: a request to stop, met by a task in every state it can be in; and `drop`, once for each way to end. */
#include "tasks/batch.h"
#include "tasks/executor.h"
#include "tests/unit/executor.h"

START_TEST(a_waiting_task_ends_as_cancelled_in_either_lane)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        uint64_t id = unit_spawn(executor, (tdm_lane) lane, unit_wait, NULL);
        unit_await(executor, id, TDM_RUNNING);
        ck_assert_int_eq(tdm_task_cancel(executor, id), 0);
        tdm_task_info info = unit_await(executor, id, TDM_CANCELLED); /* not after its hour */
        ck_assert(info.cancel_requested);
        ck_assert_int_eq(info.error, -ECANCELED);
        ck_assert_int_eq(tdm_task_cancel(executor, id), -EALREADY);
    }
    unit_destroy(executor);
}
END_TEST

typedef struct computing {
    unit_gate gate;
    bool asked;
    int first, second;
} computing;

static int compute_then_wait(tdm_task *task, void *arg)
{
    computing *c = arg;
    unit_hold(task, &c->gate);
    c->asked = tdm_task_cancel_requested(task);
    c->first = tdm_sleep(3600);
    c->second = tdm_sleep(0);
    return c->second;
}

START_TEST(a_computing_task_stays_running_and_its_next_waits_are_cancelled)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    computing c = {.asked = false};
    unit_gate_init(&c.gate);
    uint64_t id = unit_spawn(executor, TDM_POOL, compute_then_wait, &c);
    unit_sem_wait(&c.gate.started);
    ck_assert_int_eq(tdm_task_cancel(executor, id), 0);
    ck_assert_int_eq(tdm_task_cancel(executor, id), 0); /* asking twice is no error */
    tdm_task_info info = unit_info(executor, id);
    ck_assert_int_eq(info.state, TDM_RUNNING);
    ck_assert(info.cancel_requested);
    sem_post(&c.gate.go);
    unit_await(executor, id, TDM_CANCELLED);
    ck_assert(c.asked);
    ck_assert_int_eq(c.first, -ECANCELED);
    ck_assert_int_eq(c.second, -ECANCELED); /* every later wait says so too */
    unit_destroy(executor);
}
END_TEST

static int cancel_oneself(tdm_task *task, void *arg)
{
    if (tdm_task_cancel(arg, tdm_task_id(task)) || !tdm_task_cancel_requested(task))
        return -EIO;
    return tdm_sleep(3600) == -ECANCELED && tdm_sleep(0) == -ECANCELED ? 0 : -EIO;
}

START_TEST(a_task_that_was_asked_to_stop_and_returns_0_is_done)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        uint64_t id = unit_spawn(executor, (tdm_lane) lane, cancel_oneself, executor);
        ck_assert(unit_await(executor, id, TDM_DONE).cancel_requested);
    }
    unit_destroy(executor);
}
END_TEST

static int say_it_ran(tdm_task *task, void *arg)
{
    (void) task;
    atomic_fetch_add((_Atomic int *) arg, 1000);
    return 0;
}

static void start_batch(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__batch_start(arg, &(tdm__outcome){0});
}

START_TEST(a_queued_task_ends_as_cancelled_and_never_runs)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        unit_gate gate;
        unit_gate_init(&gate);
        _Atomic int counter = 0;
        tdm_task_spec spec = {.run = say_it_ran, .arg = &counter, .drop = unit_count, .lane = (tdm_lane) lane};
        uint64_t held = unit_spawn(executor, TDM_POOL, unit_hold, &gate), id;
        unit_sem_wait(&gate.started);
        if (lane == TDM_POOL) {
            ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
        } else { /* on the loop a task is queued for as long as its turn in a sequence has not come */
            tdm__batch batch = {0};
            uint64_t first;
            ck_assert_int_eq(tdm__batch_add(&batch, executor, &(tdm_task_spec){.run = unit_nothing, .lane = TDM_POOL}),
                             0);
            ck_assert_int_eq(tdm__batch_add(&batch, executor, &spec), 0);
            tdm__batch_accept(&batch, executor, tdm__executor_loop(executor, 0), 0, &first, &id);
            tdm__loop_call(tdm__executor_loop(executor, 0), start_batch, &batch);
        }
        ck_assert_int_eq(tdm_task_cancel(executor, id), 0);
        tdm_task_info info = unit_info(executor, id);
        ck_assert_int_eq(info.state, TDM_CANCELLED);
        ck_assert_uint_eq(info.thread, 0);
        ck_assert_int_eq(info.started_ns, 0);
        ck_assert_int_eq(tdm_task_cancel(executor, id), -EALREADY);
        sem_post(&gate.go);
        unit_await(executor, held, TDM_DONE);
        UNIT_UNTIL(counter == 1); /* dropped, not run */
    }
    unit_destroy(executor);
}
END_TEST

START_TEST(unknown_ids_and_forgotten_ones_are_told_apart)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.ledger = 1});
    tdm_task_info info;
    ck_assert_int_eq(tdm_task_cancel(executor, 0), -ENOENT);
    ck_assert_int_eq(tdm_task_cancel(executor, 1), -ENOENT);
    ck_assert_int_eq(tdm_task_get(executor, UINT64_MAX, &info), -ENOENT);
    uint64_t first = unit_spawn(executor, TDM_LOOP, unit_nothing, NULL);
    unit_await(executor, first, TDM_DONE);
    uint64_t second = unit_spawn(executor, TDM_LOOP, unit_nothing, NULL);
    unit_await(executor, second, TDM_DONE);
    ck_assert_int_eq(tdm_task_cancel(executor, first), -ESTALE);
    ck_assert_int_eq(tdm_task_get(executor, first, &info), -ESTALE);
    ck_assert_int_eq(tdm_task_cancel(executor, second), -EALREADY);
    ck_assert_int_eq(tdm_task_cancel(executor, second + 1), -ENOENT);
    unit_destroy(executor);
}
END_TEST

typedef struct ring {
    tdm_executor *executor;
    uint64_t victim;
} ring;

static int cancel_victim(tdm_task *task, void *arg)
{
    (void) task;
    ring *r = arg;
    return tdm_task_cancel(r->executor, r->victim);
}

START_TEST(a_task_on_any_loop_cancels_tasks_of_every_other)
{
    enum { LOOPS = 3 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = LOOPS});
    for (int lane = 0; lane < TDM_LANES; lane++)
        for (int i = 0; i < LOOPS * LOOPS; i++) { /* dealt out in turn: each loop meets each */
            ring r = {.executor = executor};
            r.victim = unit_spawn(executor, (tdm_lane) (i % TDM_LANES), unit_wait, NULL);
            unit_await(executor, r.victim, TDM_RUNNING);
            unit_await(executor, unit_spawn(executor, (tdm_lane) lane, cancel_victim, &r), TDM_DONE);
            unit_await(executor, r.victim, TDM_CANCELLED);
        }
    unit_destroy(executor);
}
END_TEST

/* Completion and cancellation meet in every order that threads come to. */
static int nap(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.0002);
}

START_TEST(drop_is_called_exactly_once_though_ending_and_cancelling_race)
{
    enum { ROUNDS = 400 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    static _Atomic int drops[ROUNDS][TDM_LANES];
    uint64_t seed = 3;
    for (int i = 0; i < ROUNDS; i++)
        for (int lane = 0; lane < TDM_LANES; lane++) {
            tdm_task_spec spec = {.run = nap, .arg = &drops[i][lane], .drop = unit_count, .lane = (tdm_lane) lane};
            uint64_t id;
            ck_assert_int_eq(tdm_spawn(executor, &spec, &id), 0);
            for (uint64_t spin = unit_random(&seed) % 20000; spin; spin--)
                atomic_signal_fence(memory_order_seq_cst);
            int err = tdm_task_cancel(executor, id);
            ck_assert(err == 0 || err == -EALREADY);
        }
    unit_destroy(executor);
    for (int i = 0; i < ROUNDS; i++)
        for (int lane = 0; lane < TDM_LANES; lane++)
            ck_assert_int_eq(drops[i][lane], 1);
}
END_TEST

int main(void)
{
    return unit_main("cancel",
                     (const TTest *const[]){a_waiting_task_ends_as_cancelled_in_either_lane,
                                            a_computing_task_stays_running_and_its_next_waits_are_cancelled,
                                            a_task_that_was_asked_to_stop_and_returns_0_is_done,
                                            a_queued_task_ends_as_cancelled_and_never_runs,
                                            unknown_ids_and_forgotten_ones_are_told_apart,
                                            a_task_on_any_loop_cancels_tasks_of_every_other,
                                            drop_is_called_exactly_once_though_ending_and_cancelling_race, NULL});
}
