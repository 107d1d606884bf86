/* SPDX-License-Identifier: MIT */
/* DESIGN: the turns of a loop: calls from outside, and a fair share for each kind of work while another floods it. */
#include "tasks/loop.h"
#include "tasks/sanitizer.h"
#include "tasks/ticks.h"

#include <event2/event.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/virtual.h"

typedef struct called {
    uint32_t thread;
    bool on_fiber;
    int count;
} called;

static void note_call(tdm__loop *loop, void *arg)
{
    called *c = arg;
    c->thread = tdm_thread_id();
    c->on_fiber = tdm__loop_running_stack() != NULL;
    c->count++;
    ck_assert_ptr_eq(tdm__loop_current(), loop);
}

START_TEST(a_call_runs_on_the_loops_thread_before_it_returns)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2});
    ck_assert_ptr_null(tdm__loop_current());
    for (unsigned i = 0; i < 2000; i++) {
        called c = {0};
        tdm__loop *loop = tdm__executor_loop(executor, i % 2);
        tdm__loop_call(loop, note_call, &c);
        ck_assert_int_eq(c.count, 1);
        ck_assert_uint_eq(c.thread, tdm__loop_thread(loop));
        ck_assert(!c.on_fiber);
    }
    unit_destroy(executor);
}
END_TEST

static int call_every_loop(tdm_task *task, void *arg)
{
    (void) task;
    tdm_executor *executor = arg;
    for (unsigned i = 0; i < 300; i++) {
        called c = {0};
        tdm__loop_call(tdm__executor_loop(executor, i % 3), note_call, &c);
        if (c.count != 1 || c.thread != tdm__loop_thread(tdm__executor_loop(executor, i % 3)))
            return -EIO;
    }
    return 0;
}

START_TEST(fibers_and_workers_call_all_loops_at_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 3, .workers = 3});
    uint64_t ids[12];
    for (int i = 0; i < 12; i++)
        ids[i] = unit_spawn(executor, (tdm_lane) (i % TDM_LANES), call_every_loop, executor);
    for (int i = 0; i < 12; i++)
        unit_await(executor, ids[i], TDM_DONE);
    unit_destroy(executor);
}
END_TEST

typedef struct flood {
    tdm_executor *executor;
    _Atomic bool stop;
    _Atomic uint64_t rounds;
} flood;

static int respawn(tdm_task *task, void *arg)
{
    (void) task;
    flood *f = arg;
    atomic_fetch_add(&f->rounds, 1);
    if (f->stop)
        return 0;
    return tdm_spawn(f->executor, &(tdm_task_spec){.run = respawn, .arg = f, .lane = TDM_LOOP}, NULL);
}

static int yield_for_ever(tdm_task *task, void *arg)
{
    (void) task;
    flood *f = arg;
    while (!f->stop) {
        atomic_fetch_add(&f->rounds, 1);
        if (tdm_sleep(0))
            return -ECANCELED;
    }
    return 0;
}

static int short_sleep(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(0.002);
}

/* While `fn` floods the loop, timers, messages from outside and new tasks get their turns. */
static void check_fairness(tdm_task_fn *fn)
{
    flood f = {.executor = unit_executor((tdm_executor_options){.turn_limit = 8})};
    for (int i = 0; i < 20; i++)
        unit_spawn(f.executor, TDM_LOOP, fn, &f);
    UNIT_UNTIL(f.rounds > 1000);
    for (int i = 0; i < 20; i++) {
        called c = {0};
        tdm__loop_call(tdm__executor_loop(f.executor, 0), note_call, &c);
        unit_await(f.executor, unit_spawn(f.executor, TDM_LOOP, short_sleep, NULL), TDM_DONE);
    }
    uint64_t before = f.rounds;
    UNIT_UNTIL(f.rounds > before); /* and it floods still */
    f.stop = true;
    unit_destroy(f.executor);
}

START_TEST(tasks_that_respawn_themselves_for_ever_stop_neither_timers_nor_messages)
{
    check_fairness(respawn);
}
END_TEST

START_TEST(tasks_that_yield_for_ever_stop_neither_timers_nor_messages)
{
    check_fairness(yield_for_ever);
}
END_TEST

typedef struct turn {
    tdm__message message;
    tdm__loop *loop;
    uint64_t number;
} turn;

static void note_turn(tdm__message *message)
{
    turn *t = (turn *) message;
    tdm_loop_stats stats;
    tdm__loop_stats(t->loop, &stats);
    t->number = stats.turns;
}

typedef struct timed {
    tdm__timer timer;
    turn turn;
} timed;

static void note_timer(tdm__timer *timer)
{
    note_turn(&((timed *) timer)->turn.message);
}

enum { MESSAGES = 100, LIMIT = 7 };

static void post_many(tdm__loop *loop, void *arg)
{
    turn *turns = arg;
    for (int i = 0; i < MESSAGES; i++) {
        turns[i] = (turn){.message.run = note_turn, .loop = loop};
        tdm__loop_post(loop, &turns[i].message);
    }
}

static void arm_many(tdm__loop *loop, void *arg)
{
    timed *timers = arg;
    for (int i = 0; i < MESSAGES; i++) {
        timers[i] = (timed){.timer.run = note_timer, .turn.loop = loop};
        ck_assert_int_eq(tdm__timer_arm(loop, &timers[i].timer, i + 1), 0);
    }
}

static void check_turns(const uint64_t *numbers)
{
    for (int i = LIMIT; i < MESSAGES; i++) {
        ck_assert_uint_gt(numbers[i], 0);
        ck_assert_uint_ge(numbers[i], numbers[i - 1]);
        ck_assert_uint_gt(numbers[i], numbers[i - LIMIT]); /* no turn took more than LIMIT */
    }
    ck_assert_uint_eq(numbers[MESSAGES - 1], numbers[MESSAGES - 1 - LIMIT] + 1); /* and no turn was wasted */
}

START_TEST(a_turn_takes_no_more_than_its_limit)
{
    static turn turns[MESSAGES];
    static timed timers[MESSAGES];
    uint64_t numbers[MESSAGES];
    tdm_executor *executor = unit_executor((tdm_executor_options){.turn_limit = LIMIT});
    tdm__loop *loop = tdm__executor_loop(executor, 0);
    called c = {0};
    tdm__loop_call(loop, post_many, turns);
    tdm__loop_call(loop, note_call, &c); /* comes behind them */
    for (int i = 0; i < MESSAGES; i++)
        numbers[i] = turns[i].number;
    check_turns(numbers);
    tdm__loop_call(loop, arm_many, timers);
    tdm_loop_stats stats = {.timers = 1};
    for (tdm_stats s; stats.timers; stats = s.loops[0])
        ck_assert_int_eq(tdm_stats_get(executor, &s), 0);
    for (int i = 0; i < MESSAGES; i++)
        numbers[i] = timers[i].turn.number;
    check_turns(numbers);
    unit_destroy(executor);
}
END_TEST

/* ---- a loop with work left polls at times ---- */

typedef struct watched {
    uint64_t polls, turns, ticks; /* while a fiber kept the loop busy */
} watched;

static void on_poll(int fd, short what, void *arg)
{
    (void) fd, (void) what;
    ((watched *) arg)->polls++;
}

/* It always has something to report, so it is called by every poll. */
static struct event *watch_polls(tdm__loop *loop, watched *w, int fd)
{
    struct event *event = event_new(tdm__loop_base(loop), fd, EV_WRITE | EV_PERSIST, on_poll, w);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(event_add(event, NULL), 0);
    return event;
}

static int keep_busy(tdm_task *task, void *arg)
{
    (void) task;
    watched *w = arg;
    tdm__loop *loop = tdm__loop_current();
    int ends[2];
    tdm_loop_stats before, after;
    ck_assert_int_eq(pipe(ends), 0);
    struct event *event = watch_polls(loop, w, ends[1]);
    ck_assert_int_eq(tdm_yield(), 0);
    tdm__loop_stats(loop, &before);
    uint64_t polls = w->polls, begin = tdm__ticks();
    do {
        for (int i = 0; i < 1000; i++)
            ck_assert_int_eq(tdm_yield(), 0);
        w->ticks = tdm__ticks() - begin;
    } while (begin && w->ticks < 20 * TDM__TICKS_BETWEEN_POLLS);
    tdm__loop_stats(loop, &after);
    w->polls -= polls;
    w->turns = after.turns - before.turns;
    event_free(event);
    return close(ends[0]) | close(ends[1]);
}

START_TEST(while_a_fiber_yields_the_sockets_get_their_polls_and_not_one_every_turn)
{
    watched w = {0};
    tdm_executor *executor = unit_executor((tdm_executor_options){.turn_limit = 1});
    unit_await(executor, unit_spawn(executor, TDM_LOOP, keep_busy, &w), TDM_DONE);
    ck_assert_uint_ge(w.turns, 1000);
    ck_assert_uint_ge(w.polls, 1);
    if (w.ticks) /* else there is no such counter, and it polls every turn */
        ck_assert_uint_le(w.polls, w.ticks / TDM__TICKS_BETWEEN_POLLS + 2);
    unit_destroy(executor);
}
END_TEST

static int sleep_for(tdm_task *task, void *arg)
{
    (void) task;
    int64_t before = tdm_clock_ns();
    int err = tdm_sleep(*(double *) arg);
    return err ? err : tdm_clock_ns() - before >= tdm_ns_from_s(*(double *) arg) ? 0 : -ETIME;
}

START_TEST(no_sleep_is_too_short_and_long_ones_do_not_delay_short_ones)
{
    static double seconds[] = {0.03, 0.001, 0.02, 0.0001, 0.01, 0.005};
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    uint64_t hour = unit_spawn(executor, TDM_LOOP, unit_wait, NULL), ids[60];
    for (int i = 0; i < 60; i++)
        ids[i] = unit_spawn(executor, TDM_LOOP, sleep_for, &seconds[i % 6]);
    for (int i = 0; i < 60; i++)
        unit_await(executor, ids[i], TDM_DONE);
    ck_assert_int_eq(tdm_task_cancel(executor, hour), 0);
    unit_destroy(executor);
}
END_TEST

START_TEST(ten_thousand_tasks_wait_on_one_loop)
{
    enum { MANY = 10000 };
    static double seconds = 0.05;
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int count = TDM__SANITIZED ? MANY / 10 : MANY;
    for (int i = 0; i < count; i++)
        unit_spawn(executor, TDM_LOOP, sleep_for, &seconds);
    tdm_drain_report report;
    ck_assert_int_eq(tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 50}, &report), 0);
    tdm_totals t = unit_sum(&report);
    ck_assert_uint_eq(t.state[TDM_DONE], (uint64_t) count);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
END_TEST

/* ---- memory ---- */

static size_t resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%lu %lu", &all, &resident), 2);
    fclose(f);
    return resident * (size_t) sysconf(_SC_PAGESIZE);
}

static int use_the_stack(tdm_task *task, void *arg)
{
    volatile char mine[20000];
    for (size_t i = 0; i < sizeof mine; i++)
        mine[i] = 1;
    return sleep_for(task, arg);
}

static void a_thousand_sleep_at_once(tdm_executor *executor)
{
    static double seconds = 1;
    for (int i = 0; i < 1000; i++)
        unit_spawn(executor, TDM_LOOP, use_the_stack, &seconds);
    tdm_testing_advance(1.5);
}

START_TEST(stacks_used_of_late_keep_their_memory_and_an_idle_loop_gives_it_back)
{
    tdm_executor *executor = virtual_begin(1, 1);
    size_t before = resident_bytes(), whole = (size_t) 1000 * 20000;
    for (int round = 0; round < 3; round++) {
        a_thousand_sleep_at_once(executor);
        ck_assert_uint_ge(resident_bytes(), before + whole);
        tdm_testing_advance(8); /* soon needed again */
    }
    ck_assert_uint_ge(resident_bytes(), before + whole);
    tdm_testing_advance(tdm_s_from_ns(2 * TDM__FIBERS_SPAN_NS));
    if (!TDM__SANITIZED) /* they keep memory of their own for every stack */
        ck_assert_uint_le(resident_bytes(), before + whole / 4);
    a_thousand_sleep_at_once(executor);
    virtual_end(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "loop", (const TTest *const[]){
                    a_call_runs_on_the_loops_thread_before_it_returns, fibers_and_workers_call_all_loops_at_once,
                    tasks_that_respawn_themselves_for_ever_stop_neither_timers_nor_messages,
                    tasks_that_yield_for_ever_stop_neither_timers_nor_messages, a_turn_takes_no_more_than_its_limit,
                    while_a_fiber_yields_the_sockets_get_their_polls_and_not_one_every_turn,
                    no_sleep_is_too_short_and_long_ones_do_not_delay_short_ones, ten_thousand_tasks_wait_on_one_loop,
                    stacks_used_of_late_keep_their_memory_and_an_idle_loop_gives_it_back, NULL});
}
