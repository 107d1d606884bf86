/* SPDX-License-Identifier: MIT */
/* DESIGN: a loop takes turns. In one turn it takes what came into its inbox, then at most `turn_limit` messages (a
 * message is also how a fiber is started or resumed) and as many due timers, and then polls libevent once; it blocks
 * there only when nothing is left to do. So no flood of one kind can hold up the sockets. While work is left it polls
 * only now and then (TDM__TICKS_BETWEEN_POLLS): where tasks are short, the system call costs as much as the turn's work.
 * Executions that find no stack wait in `starved` and are retried when a fiber has ended, and every few milliseconds:
 * memory can come back without a fiber's end, and there may be no fiber. */
#include "tasks/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/fd.h"
#include "tasks/overrun.h"
#include "tasks/poller.h"
#include "tasks/task.h"
#include "tasks/task_memory.h"
#include "tasks/thread.h"
#include "tasks/ticks.h"
#include <tandem/clock.h>
#include <tandem/log.h>
#include <tandem/wait.h>

struct tdm__loop {
    tdm_executor *executor;
    tdm__poller poller;
    tdm__fds *fds; /* what its fibers wait for; NULL until the first does */
    pthread_t thread;
    unsigned index, turn_limit;
    uint32_t thread_id; /* written before the creator goes on; then any thread reads it */

    _Alignas(64) tdm__inbox inbox; /* any thread; it shares its line with nothing that the loop writes all the time */
    _Atomic bool sleeping;         /* the loop may block in its poll: whoever fills the inbox must wake it */
    _Atomic bool stop;
    _Atomic uint64_t let_go; /* posts that found the inbox empty and touch the loop no more */

    _Alignas(64) tdm__message_list todo; /* messages taken from the inbox, and those of our own thread */
    uint64_t taken;                      /* times that the inbox was not empty: as many posts found it so */
    tdm__message_list starved;           /* executions that found no stack */
    int64_t retry_ns;                    /* while there are any: when to look for a stack again */
    tdm__timers timers;
    tdm__fibers fibers;
    tdm__shard shard;
    tdm_histogram *handler_times;
    uint64_t turns;
    tdm__near_clock clock;
    uint64_t polled_ticks;
    unsigned spawned; /* tasks accepted on this thread, ever */
    tdm__turn turn;
    tdm__exec *entered; /* the evented task whose callback runs */
    tdm__held held;
};

enum { RETRY_NS = 10000000 }; /* soon for a task that has to wait for memory, and seldom for a loop that has none */

static _Thread_local tdm__loop *current;

tdm__loop *tdm__loop_current(void)
{
    return current;
}

/* ---- time ---- */

int64_t tdm__loop_now(tdm__loop *loop)
{
    return tdm__near_clock_now(&loop->clock);
}

int64_t tdm__loop_spawn_now(tdm__loop *loop)
{
    enum { READ_EVERY = 16 }; /* a task in a burst is spawned in little more than the time that a reading takes */
    return loop->spawned++ % READ_EVERY ? tdm__loop_turn_now(loop) : tdm__loop_now(loop);
}

int64_t tdm__loop_turn_now(tdm__loop *loop)
{
    return loop->clock.ticks ? loop->clock.ns : tdm__loop_now(loop);
}

/* ---- what runs, for the watchdog ---- */

static void publish(tdm__loop *loop, tdm__exec *exec)
{
    const tdm__row *row = exec->kind->is_task ? &tdm__task_of(exec)->row : NULL;
    tdm__held_begin(&loop->held, row ? row->id : 0, row ? row->name : exec->kind->name(exec), loop->clock.ns);
}

static void publish_end(tdm__loop *loop)
{
    if (tdm__held_end(&loop->held, loop->clock.ns))
        tdm__held_report(&loop->held, loop->index, loop->clock.ns);
}

bool tdm__loop_look(tdm__loop *loop, tdm__hold *out)
{
    return tdm__held_look(&loop->held, out);
}

tdm__exec *tdm__loop_enter(tdm__loop *loop, tdm__exec *exec)
{
    tdm__exec *outer = loop->entered;
    loop->entered = exec;
    if (!outer)
        publish(loop, exec);
    return outer;
}

void tdm__loop_leave(tdm__loop *loop, tdm__exec *outer)
{
    loop->entered = outer;
    if (!outer)
        publish_end(loop);
}

tdm__exec *tdm__loop_entered(const tdm__loop *loop)
{
    return loop->entered;
}

/* ---- executions ---- */

static void fiber_code(void *arg)
{
    tdm__exec *exec = arg;
    exec->kind->run(exec);
}

/* A fiber has come free: one execution that found none may try again. */
static void retry_starved(tdm__loop *loop)
{
    tdm__message *message = tdm__message_list_take(&loop->starved);
    if (message)
        tdm__message_list_add(&loop->todo, message);
}

static void after_fiber(tdm__loop *loop, tdm__exec *exec, bool over)
{
    tdm__exec_set_current(NULL);
    int64_t now_ns = tdm__loop_now(loop);
    publish_end(loop);
    if (!over)
        return;
    exec->kind->finish(exec, now_ns);
    exec->kind->ended(exec);
    retry_starved(loop);
}

static void start_on(tdm__loop *loop, tdm__exec *exec, tdm__fiber *fiber)
{
    if (!exec->kind->begin(exec, tdm__loop_turn_now(loop))) {
        tdm__fiber_give_back(&loop->fibers, fiber);
        exec->kind->ended(exec);
        retry_starved(loop);
        return;
    }
    exec->fiber = fiber;
    tdm__exec_set_current(exec);
    publish(loop, exec);
    after_fiber(loop, exec, tdm__fiber_run(&loop->fibers, fiber, fiber_code, exec));
}

static void start_exec(tdm__message *message)
{
    tdm__exec *exec = tdm__exec_of(message);
    tdm__loop *loop = exec->loop;
    tdm__fiber *fiber = tdm__fiber_take(&loop->fibers);
    if (fiber) {
        start_on(loop, exec, fiber);
        return;
    }
    if (!loop->starved.first)
        loop->retry_ns = tdm_clock_ns() + RETRY_NS;
    tdm__message_list_add(&loop->starved, message);
}

static void resume_exec(tdm__message *message)
{
    tdm__exec *exec = tdm__exec_of(message);
    tdm__loop *loop = exec->loop;
    tdm__exec_set_current(exec);
    publish(loop, exec);
    after_fiber(loop, exec, tdm__fiber_resume(&loop->fibers, exec->fiber));
}

int tdm__loop_run(tdm__loop *loop, tdm__exec *exec)
{
    exec->loop = loop;
    if (loop->fibers.current) {
        tdm__loop_enqueue(loop, exec);
        return 0;
    }
    tdm__fiber *fiber = tdm__fiber_take(&loop->fibers);
    if (!fiber)
        return -EAGAIN;
    start_on(loop, exec, fiber);
    return 0;
}

void tdm__loop_enqueue(tdm__loop *loop, tdm__exec *exec)
{
    assert(loop == current);
    if (exec->loop != loop) /* of a task it was set before others could see it, and they read it */
        exec->loop = loop;
    exec->message.run = start_exec;
    tdm__message_list_add(&loop->todo, &exec->message);
}

void tdm__loop_add(tdm__loop *loop, tdm__message *message, void (*run)(tdm__message *message))
{
    assert(loop == current);
    message->run = run;
    tdm__message_list_add(&loop->todo, message);
}

void tdm__loop_resume(tdm__loop *loop, tdm__exec *exec)
{
    exec->message.run = resume_exec;
    if (loop == current) {
        __builtin_prefetch(exec->fiber, 1);
        tdm__message_list_add(&loop->todo, &exec->message);
    } else
        tdm__loop_post(loop, &exec->message);
}

void tdm__loop_suspend(tdm__loop *loop, tdm__exec *exec)
{
    assert(loop == current && exec == tdm__exec_current());
    tdm__fiber_suspend(&loop->fibers);
    assert(exec == tdm__exec_current());
}

/* ---- from outside ---- */

void tdm__loop_post(tdm__loop *loop, tdm__message *message)
{
    tdm__point();
    bool was_empty = tdm__inbox_put(&loop->inbox, message);
    tdm__point();
    if (!was_empty)
        return; /* the message may be over by now, and the loop with it */
    if (atomic_load(&loop->sleeping))
        tdm__poller_wake(&loop->poller);
    atomic_fetch_add(&loop->let_go, 1);
}

/* ---- timers ---- */

int tdm__timer_arm(tdm__loop *loop, tdm__timer *timer, int64_t due_ns)
{
    assert(loop == current);
    return tdm__timers_arm(&loop->timers, timer, due_ns);
}

void tdm__timer_disarm(tdm__loop *loop, tdm__timer *timer)
{
    assert(loop == current);
    tdm__timers_disarm(&loop->timers, timer);
}

static int64_t next_deadline(const tdm__loop *loop)
{
    int64_t next = tdm__timers_next(&loop->timers);
    if (loop->starved.first && loop->retry_ns < next)
        next = loop->retry_ns;
    return loop->fibers.trim_ns < next ? loop->fibers.trim_ns : next;
}

/* ---- turns ---- */

/* With a million fibers each is in no cache; what the next one needs comes while this one runs. */
static void look_ahead(const tdm__loop *loop)
{
    const tdm__message *next = loop->todo.first;
    if (next && next->run == resume_exec)
        tdm__fiber_expect(((const tdm__exec *) next)->fiber);
}

static void run_messages(tdm__loop *loop)
{
    tdm__loop_now(loop); /* once for all that takes no time */
    loop->taken += tdm__inbox_take(&loop->inbox, &loop->todo);
    for (unsigned i = 0; i < loop->turn_limit; i++) {
        if (tdm__testing())
            tdm__message_list_draw(&loop->todo, resume_exec);
        tdm__message *message = tdm__message_list_take(&loop->todo);
        if (!message)
            break;
        tdm__point();
        look_ahead(loop);
        message->run(message);
    }
    tdm__turn_call_worker(&loop->turn);
}

static void run_timers(tdm__loop *loop)
{
    int64_t now = tdm__loop_now(loop);
    for (unsigned i = 0; i < loop->turn_limit; i++) {
        tdm__timer *timer = tdm__timers_take(&loop->timers, now);
        if (!timer)
            break;
        timer->run(timer);
    }
}

static void look_for_stack(tdm__loop *loop)
{
    if (!loop->starved.first || loop->retry_ns > tdm_clock_ns())
        return;
    tdm__fiber *fiber = tdm__fiber_take(&loop->fibers);
    if (!fiber) {
        loop->retry_ns = tdm_clock_ns() + RETRY_NS;
        return;
    }
    tdm__fiber_give_back(&loop->fibers, fiber); /* the first of the starved will take it */
    retry_starved(loop);
}

/* A turn is not to be long for it. */
static void give_back_stacks(tdm__loop *loop)
{
    enum { MOST = 64 };
    if (loop->fibers.trim_ns <= tdm__loop_turn_now(loop))
        tdm__fibers_trim(&loop->fibers, tdm__loop_turn_now(loop), MOST);
}

static void poll_once(tdm__loop *loop)
{
    loop->turns++;
    tdm__turn_end(loop->executor, &loop->turn);
    bool busy = loop->todo.first || next_deadline(loop) <= tdm_clock_ns();
    if (!busy) {
        atomic_store(&loop->sleeping, true);
        busy = !tdm__inbox_is_empty(&loop->inbox) || loop->stop;
    } else if (!tdm__ticks_passed(&loop->polled_ticks, TDM__TICKS_BETWEEN_POLLS)) {
        return;
    }
    loop->clock.ticks = 0; /* it may sleep now */
    tdm__poller_poll(&loop->poller, !busy, busy ? 0 : next_deadline(loop));
    atomic_store(&loop->sleeping, false);
    loop->clock.ticks = 0;
}

const tdm__stack *tdm__loop_running_stack(void)
{
    return current && current->fibers.current ? tdm__fiber_stack(current->fibers.current) : NULL;
}

static void *loop_main(void *arg)
{
    tdm__loop *loop = arg;
    current = loop;
    tdm__overrun_watch_thread();
    loop->thread_id = tdm_thread_id();
    tdm__task_memory_keep();
    while (!loop->stop) {
        if (tdm__choose(2)) /* in testing mode: now and then messages come before timers */
            run_messages(loop);
        run_timers(loop);
        look_for_stack(loop);
        run_messages(loop);
        give_back_stacks(loop);
        poll_once(loop);
    }
    tdm__task_memory_release();
    tdm__overrun_unwatch_thread();
    return NULL;
}

/* ---- life ---- */

static void stop_loop(tdm__loop *loop, void *arg)
{
    (void) arg;
    loop->stop = true;
}

static void loop_free(tdm__loop *loop)
{
    tdm__fds_destroy(&loop->fds);
    tdm__poller_finish(&loop->poller);
    tdm__timers_finish(&loop->timers);
    tdm__fibers_finish(&loop->fibers);
    tdm__shard_finish(&loop->shard);
    tdm_histogram_destroy(&loop->handler_times);
    free(loop);
}

static void nothing(tdm__loop *loop, void *arg)
{
    (void) loop, (void) arg;
}

static int start_thread(tdm__loop *loop)
{
    char name[32];
    snprintf(name, sizeof name, "tdm-loop-%u", loop->index);
    int err = tdm__thread_start(&loop->thread, name, loop_main, loop);
    if (!err)
        tdm__loop_call(loop, nothing, NULL); /* from here on thread_id can be read */
    return err;
}

int tdm__loop_create(tdm__loop **out, const tdm__loop_settings *settings)
{
    tdm__loop *loop = aligned_alloc(_Alignof(tdm__loop), sizeof *loop);
    if (!loop)
        return -ENOMEM;
    memset(loop, 0, sizeof *loop);
    loop->executor = settings->executor;
    loop->index = settings->index;
    loop->turn_limit = settings->turn_limit;
    loop->held.limit_ns = settings->hold_ns;
    tdm__fibers_init(&loop->fibers);
    int err = tdm__shard_init(&loop->shard, TDM_LOOP, settings->gauge, settings->ledger);
    if (!err)
        err = tdm__durations_create(&loop->handler_times);
    if (!err)
        err = tdm__poller_init(&loop->poller);
    if (!err)
        err = start_thread(loop);
    if (err) {
        loop_free(loop);
        return err;
    }
    *out = loop;
    return 0;
}

void tdm__loop_destroy(tdm__loop **slot)
{
    tdm__loop *loop = *slot;
    if (!loop)
        return;
    *slot = NULL;
    tdm__loop_call(loop, stop_loop, NULL);
    tdm__thread_join(loop->thread);
    loop->taken += tdm__inbox_take(&loop->inbox, &loop->todo);
    while (atomic_load(&loop->let_go) != loop->taken) /* a thread that is not ours is still in tdm__loop_post() */
        tdm_yield();                                  /* of a thread: there is no fiber here */
    loop_free(loop);
}

struct event_base *tdm__loop_base(tdm__loop *loop)
{
    return loop->poller.base;
}

tdm__fds **tdm__loop_fds(tdm__loop *loop)
{
    return &loop->fds;
}

tdm__shard *tdm__loop_shard(tdm__loop *loop)
{
    return &loop->shard;
}

tdm_histogram *tdm__loop_handler_times(tdm__loop *loop)
{
    return loop->handler_times;
}

unsigned tdm__loop_index(const tdm__loop *loop)
{
    return loop->index;
}

tdm__turn *tdm__loop_turn(tdm__loop *loop)
{
    return &loop->turn;
}

uint32_t tdm__loop_thread(const tdm__loop *loop)
{
    return loop->thread_id;
}

tdm_executor *tdm__loop_executor(const tdm__loop *loop)
{
    return loop->executor;
}

void tdm__loop_stats(tdm__loop *loop, tdm_loop_stats *out)
{
    *out = (tdm_loop_stats){
        .thread = loop->thread_id,
        .turns = loop->turns,
        .fibers = loop->fibers.live_count,
        .stacks = loop->fibers.stacks.made,
        .timers = loop->timers.count,
        .tasks = tdm__shard_unfinished(&loop->shard),
        .holds = atomic_load_explicit(&loop->held.count, memory_order_relaxed),
    };
}
