/* SPDX-License-Identifier: MIT */
/* DESIGN: handlers, started from their loop's thread as a transport starts them. */
#include "tasks/handler.h"

#include "tasks/executor.h"
#include "tests/unit/executor.h"

typedef struct probe {
    tdm__handler handler; /* first */
    tdm_lane lane;
    int (*body)(struct probe *probe);
    int started; /* what tdm__handler_start() returned */
    uint32_t ran_on, ended_on;
    bool ended_on_fiber;
    unit_gate gate;
    _Atomic int ended;
} probe;

static int probe_run(tdm__handler *handler)
{
    probe *p = (probe *) handler;
    p->ran_on = tdm_thread_id();
    return p->body(p);
}

static void probe_ended(tdm__handler *handler)
{
    probe *p = (probe *) handler;
    p->ended_on = tdm_thread_id();
    p->ended_on_fiber = tdm__loop_running_stack() != NULL;
    atomic_fetch_add(&p->ended, 1);
}

static void start_probe(tdm__loop *loop, void *arg)
{
    probe *p = arg;
    p->handler.run = probe_run;
    p->handler.ended = probe_ended;
    p->handler.name = "probe";
    p->started = tdm__handler_start(loop, p->lane, &p->handler);
}

static void cancel_probe(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__handler_cancel(&((probe *) arg)->handler);
}

static void on_loop(tdm_executor *executor, void (*fn)(tdm__loop *, void *), probe *p)
{
    tdm__loop_call(tdm__executor_loop(executor, 0), fn, p);
}

static int body_returns_5(probe *p)
{
    ck_assert_ptr_null(tdm_task_current()); /* a handler is not a task */
    return p->lane == TDM_LOOP ? 5 : tdm_sleep(0.001) + 5;
}

static int body_waits(probe *p)
{
    sem_post(&p->gate.started);
    return tdm_sleep(3600);
}

static int body_holds(probe *p)
{
    return unit_hold(NULL, &p->gate);
}

START_TEST(ended_is_called_once_on_the_loops_thread_in_both_lanes)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    uint32_t loop_thread = tdm__loop_thread(tdm__executor_loop(executor, 0));
    for (int lane = 0; lane < TDM_LANES; lane++) {
        probe p = {.lane = (tdm_lane) lane, .body = body_returns_5};
        on_loop(executor, start_probe, &p);
        ck_assert_int_eq(p.started, 0);
        if (lane == TDM_LOOP)
            ck_assert_int_eq(p.ended, 1); /* it never waited: all of it happened inside the call */
        UNIT_UNTIL(p.ended == 1);
        ck_assert_int_eq(p.handler.result, 5);
        ck_assert_uint_eq(p.ended_on, loop_thread);
        ck_assert(!p.ended_on_fiber);
        ck_assert_int_eq(p.ran_on == loop_thread, lane == TDM_LOOP);
    }
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_eq(stats.handlers.started, 2);
    ck_assert_uint_eq(stats.handlers.ended, 2);
    ck_assert_uint_eq(stats.handlers.failed, 0);
    ck_assert_uint_eq(stats.handlers.running, 0);
    ck_assert_uint_eq(stats.handlers.queued, 0);
    ck_assert_uint_eq(stats.handlers.peak, 1);
    ck_assert_uint_eq(stats.handlers.run_time.count, 2);
    ck_assert_uint_eq(stats.lanes[TDM_LOOP].lifetime.accepted, 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(cancelling_a_handler_wakes_its_sleep)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    for (int lane = 0; lane < TDM_LANES; lane++) {
        probe p = {.lane = (tdm_lane) lane, .body = body_waits};
        unit_gate_init(&p.gate);
        on_loop(executor, start_probe, &p);
        unit_sem_wait(&p.gate.started);
        ck_assert_int_eq(p.ended, 0);
        on_loop(executor, cancel_probe, &p);
        UNIT_UNTIL(p.ended == 1);
        ck_assert_int_eq(p.handler.result, -ECANCELED);
    }
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_eq(stats.handlers.failed, 2);
    unit_destroy(executor);
}
END_TEST

START_TEST(full_handlers_pool_refuses_and_a_queued_handler_sees_its_cancellation)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.workers = 1, .queue = 1});
    probe holder = {.lane = TDM_POOL, .body = body_holds}, queued = {.lane = TDM_POOL, .body = body_waits};
    probe refused = {.lane = TDM_POOL, .body = body_waits};
    unit_gate_init(&holder.gate);
    unit_gate_init(&queued.gate);
    on_loop(executor, start_probe, &holder);
    unit_sem_wait(&holder.gate.started);
    on_loop(executor, start_probe, &queued);
    on_loop(executor, start_probe, &refused);
    ck_assert_int_eq(queued.started, 0);
    ck_assert_int_eq(refused.started, -EAGAIN);
    tdm_stats stats;
    ck_assert_int_eq(tdm_stats_get(executor, &stats), 0);
    ck_assert_uint_eq(stats.handlers.rejected, 1);
    ck_assert_uint_eq(stats.handlers.started, 2);
    ck_assert_uint_eq(stats.handlers.queued, 1);
    ck_assert_uint_eq(stats.handlers.running, 1);
    ck_assert_uint_eq(stats.pools[TDM__HANDLERS].queue, 1);
    ck_assert_uint_eq(stats.pools[TDM__BACKGROUND].busy, 0); /* the kinds of work do not share workers */
    unit_await(executor, unit_spawn(executor, TDM_POOL, unit_nothing, NULL), TDM_DONE);
    on_loop(executor, cancel_probe, &queued);
    ck_assert_uint_eq(tdm__handlers_unfinished(executor), 2);
    sem_post(&holder.gate.go);
    UNIT_UNTIL(holder.ended == 1 && queued.ended == 1);
    ck_assert_int_eq(queued.handler.result, -ECANCELED);
    ck_assert_int_eq(refused.ended, 0);
    unit_destroy(executor);
}
END_TEST

static probe inner;

static int body_starts_another(probe *p)
{
    start_probe(p->handler.home, &inner);
    return inner.ended; /* on a fiber the other one starts in the loop's next turn, never inside this one */
}

START_TEST(a_handler_started_on_a_fiber_starts_in_the_next_turn)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    probe outer = {.lane = TDM_LOOP, .body = body_starts_another};
    inner.body = body_returns_5;
    on_loop(executor, start_probe, &outer);
    ck_assert_int_eq(outer.ended, 1);
    ck_assert_int_eq(outer.handler.result, 0);
    UNIT_UNTIL(inner.ended == 1);
    ck_assert_int_eq(inner.handler.result, 5);
    unit_destroy(executor);
}
END_TEST

START_TEST(unfinished_handlers_keep_the_executor_alive)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0}), *again = executor;
    probe p = {.lane = TDM_LOOP, .body = body_waits};
    unit_gate_init(&p.gate);
    on_loop(executor, start_probe, &p);
    ck_assert_int_eq(tdm_executor_destroy(&executor), -EBUSY);
    ck_assert_ptr_null(executor);
    on_loop(again, cancel_probe, &p);
    UNIT_UNTIL(p.ended == 1);
    ck_assert_int_eq(tdm_executor_destroy(&again), 0);
}
END_TEST

/* It waits a little when asked to go: destroying at once must wait for it, not give up. */
static int body_goes_soon(probe *p)
{
    sem_post(&p->gate.started);
    unit_sem_wait(&p->gate.go);
    tdm_sleep(0.02);
    return 0;
}

START_TEST(destroy_waits_for_a_handler_that_is_on_its_way_out)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    probe p = {.lane = TDM_POOL, .body = body_goes_soon};
    unit_gate_init(&p.gate);
    on_loop(executor, start_probe, &p);
    unit_sem_wait(&p.gate.started);
    sem_post(&p.gate.go);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
    ck_assert_int_eq(p.ended, 1);
}
END_TEST

int main(void)
{
    return unit_main("handler",
                     (const TTest *const[]){ended_is_called_once_on_the_loops_thread_in_both_lanes,
                                            cancelling_a_handler_wakes_its_sleep,
                                            full_handlers_pool_refuses_and_a_queued_handler_sees_its_cancellation,
                                            a_handler_started_on_a_fiber_starts_in_the_next_turn,
                                            unfinished_handlers_keep_the_executor_alive,
                                            destroy_waits_for_a_handler_that_is_on_its_way_out, NULL});
}
