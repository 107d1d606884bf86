/* SPDX-License-Identifier: MIT */
/* DESIGN: a loop takes turns. In one turn it takes what came into its inbox, then at most `turn_limit` messages (a
 * message is also how a fiber is started or resumed) and as many due timers, and then polls libevent once; it blocks
 * there only when nothing is left to do. So no flood of one kind can hold up the sockets.
 * libevent knows two descriptors of ours: the eventfd that wakes the loop, written only while it sleeps, and a timerfd
 * set to the next deadline of our own heap (libevent's own timers read a coarse clock and come up to 5 ms late). The
 * timerfd is never read: setting it anew makes it quiet. The base is used by this thread alone and needs no locks.
 * Executions that find no stack wait in `starved` and are retried when a fiber has ended, and every few milliseconds:
 * memory can come back without a fiber's end, and there may be no fiber. */
#include "tasks/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tasks/overrun.h"
#include "tasks/sanitizer.h"
#include "tasks/thread.h"
#include <event2/event.h>
#include <tandem/clock.h>
#include <tandem/log.h>

struct tdm__loop {
    tdm_executor *executor;
    struct event_base *base;
    struct event *wake_event, *timer_event;
    pthread_t thread;
    unsigned index, turn_limit;
    uint32_t thread_id; /* written before the creator goes on; then any thread reads it */
    int wake_fd, timer_fd;

    tdm__inbox inbox;      /* any thread */
    _Atomic bool sleeping; /* the loop may block in its poll: whoever fills the inbox must wake it */
    _Atomic bool stop;

    tdm__message_list todo;    /* messages taken from the inbox, and those of our own thread */
    tdm__message_list starved; /* executions that found no stack */
    int64_t retry_ns;          /* while there are any: when to look for a stack again */
    tdm__timers timers;
    int64_t told_ns; /* the deadline that libevent knows; INT64_MAX: none */
    tdm__fibers fibers;
    tdm__shard shard;
    tdm_histogram *handler_times;
    uint64_t turns;
    int64_t now_ns; /* the clock as last read, while `now_is_fresh`: no user's code has run since */
    bool now_is_fresh;
};

enum { RETRY_NS = 10000000 }; /* soon for a task that has to wait for memory, and seldom for a loop that has none */

static _Thread_local tdm__loop *current;

tdm__loop *tdm__loop_current(void)
{
    return current;
}

/* ---- executions ---- */

/* One reading of the clock serves the end of one fiber and the start of the next. */
static int64_t fresh_now(tdm__loop *loop)
{
    if (!loop->now_is_fresh)
        loop->now_ns = tdm_clock_ns();
    loop->now_is_fresh = true;
    return loop->now_ns;
}

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
    loop->now_is_fresh = false;
    if (!over)
        return;
    exec->kind->finish(exec, fresh_now(loop));
    exec->kind->ended(exec);
    retry_starved(loop);
}

static void start_on(tdm__loop *loop, tdm__exec *exec, tdm__fiber *fiber)
{
    if (!exec->kind->begin(exec, fresh_now(loop))) {
        tdm__fiber_give_back(&loop->fibers, fiber);
        exec->kind->ended(exec);
        retry_starved(loop);
        return;
    }
    exec->fiber = fiber;
    tdm__exec_set_current(exec);
    after_fiber(loop, exec, tdm__fiber_run(&loop->fibers, fiber, fiber_code, exec));
}

static void start_exec(tdm__message *message)
{
    tdm__exec *exec = (tdm__exec *) message;
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
    tdm__exec *exec = (tdm__exec *) message;
    tdm__loop *loop = exec->loop;
    tdm__exec_set_current(exec);
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
    loop->now_is_fresh = false;
    start_on(loop, exec, fiber);
    return 0;
}

void tdm__loop_enqueue(tdm__loop *loop, tdm__exec *exec)
{
    assert(loop == current);
    exec->loop = loop;
    exec->message.run = start_exec;
    tdm__message_list_add(&loop->todo, &exec->message);
}

void tdm__loop_resume(tdm__loop *loop, tdm__exec *exec)
{
    exec->message.run = resume_exec;
    if (loop == current)
        tdm__message_list_add(&loop->todo, &exec->message);
    else
        tdm__loop_post(loop, &exec->message);
}

void tdm__loop_suspend(tdm__loop *loop, tdm__exec *exec)
{
    assert(loop == current && exec == tdm__exec_current());
    tdm__fiber_suspend(&loop->fibers);
    assert(exec == tdm__exec_current());
}

/* ---- from outside ---- */

static void wake(tdm__loop *loop)
{
    const uint64_t one = 1;
    if (tdm__testing())
        tdm__baton_wake(loop, false);
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ; /* EAGAIN: the counter is full, so it wakes anyway */
}

void tdm__loop_post(tdm__loop *loop, tdm__message *message)
{
    tdm__point();
    bool was_empty = tdm__inbox_put(&loop->inbox, message);
    tdm__point();
    if (was_empty && atomic_load(&loop->sleeping))
        wake(loop);
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
    return loop->starved.first && loop->retry_ns < next ? loop->retry_ns : next;
}

static void tell_next_deadline(tdm__loop *loop)
{
    int64_t next = next_deadline(loop);
    if (next == loop->told_ns)
        return;
    loop->told_ns = next;
    struct itimerspec at = {0}; /* zero: off */
    if (next != INT64_MAX) {
        next = next > 0 ? next : 1;
        at.it_value = (struct timespec){.tv_sec = next / TDM_NS_PER_S, .tv_nsec = next % TDM_NS_PER_S};
    }
    int err = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(err == 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void) fd, (void) what;
    ((tdm__loop *) arg)->told_ns =
        0; /* it has gone off: it must be set anew, even to nothing; the turn does the work */
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void) what, (void) arg;
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ; /* EAGAIN: somebody woke us twice for one message */
}

/* ---- turns ---- */

static void run_messages(tdm__loop *loop)
{
    tdm__inbox_take(&loop->inbox, &loop->todo);
    for (unsigned i = 0; i < loop->turn_limit; i++) {
        if (tdm__testing())
            tdm__message_list_draw(&loop->todo, resume_exec);
        tdm__message *message = tdm__message_list_take(&loop->todo);
        if (!message)
            break;
        void (*run)(tdm__message * message) = message->run;
        tdm__point();
        run(message);
        if (run != start_exec)
            loop->now_is_fresh = false;
    }
}

static void run_timers(tdm__loop *loop)
{
    int64_t now = fresh_now(loop);
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

/* Besides our own two. */
static bool has_descriptors(const tdm__loop *loop)
{
    return event_base_get_num_events(loop->base, EVENT_BASE_COUNT_ADDED) > 2;
}

static void poll_once(tdm__loop *loop)
{
    loop->turns++;
    bool busy =
        loop->todo.first || next_deadline(loop) <= tdm_clock_ns() || tdm__fibers_trim(&loop->fibers, loop->turn_limit);
    if (!busy) {
        if (!tdm__testing())
            tell_next_deadline(loop);
        atomic_store(&loop->sleeping, true);
        busy = !tdm__inbox_is_empty(&loop->inbox) || loop->stop;
    }
    if (!busy && tdm__testing()) {
        tdm__baton_idle(loop, next_deadline(loop), has_descriptors(loop), __func__);
        busy = true;
    }
    loop->now_is_fresh = false; /* it may sleep now, and then callbacks run */
    int err = event_base_loop(loop->base, EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0));
    assert(err >= 0);
    atomic_store(&loop->sleeping, false);
    loop->now_is_fresh = false;
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
    while (!loop->stop) {
        if (tdm__choose(2)) /* in testing mode: now and then messages come before timers */
            run_messages(loop);
        run_timers(loop);
        look_for_stack(loop);
        run_messages(loop);
        poll_once(loop);
    }
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
    if (loop->wake_event)
        event_free(loop->wake_event);
    if (loop->timer_event)
        event_free(loop->timer_event);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    tdm__timers_finish(&loop->timers);
    tdm__fibers_finish(&loop->fibers);
    tdm__shard_finish(&loop->shard);
    tdm_histogram_destroy(&loop->handler_times);
    free(loop);
}

static int make_base(tdm__loop *loop)
{
    struct event_config *config = event_config_new();
    if (!config)
        return -ENOMEM;
    /* Not under TSan: it takes the late removal of a closed socket's number, which finds nothing, for a race. */
    int flags = EVENT_BASE_FLAG_NOLOCK | (TDM__TSAN ? 0 : EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    int err = event_config_set_flag(config, flags);
    loop->base = err ? NULL : event_base_new_with_config(config);
    event_config_free(config);
    if (!loop->base)
        return -ENOMEM;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return -errno;
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd < 0)
        return -errno;
    loop->wake_event = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    loop->timer_event = event_new(loop->base, loop->timer_fd, EV_READ | EV_PERSIST, on_timer, loop);
    if (!loop->wake_event || !loop->timer_event)
        return -ENOMEM;
    return event_add(loop->wake_event, NULL) < 0 || event_add(loop->timer_event, NULL) < 0 ? -ENOMEM : 0;
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

int tdm__loop_create(tdm__loop **out, tdm_executor *executor, unsigned index, unsigned turn_limit, unsigned ledger,
                     tdm__gauge *gauge)
{
    tdm__loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return -ENOMEM;
    loop->executor = executor;
    loop->index = index;
    loop->turn_limit = turn_limit;
    loop->told_ns = INT64_MAX;
    loop->wake_fd = loop->timer_fd = -1;
    tdm__fibers_init(&loop->fibers);
    int err = tdm__shard_init(&loop->shard, TDM_LOOP, gauge, ledger);
    if (!err)
        err = tdm__durations_create(&loop->handler_times);
    if (!err)
        err = make_base(loop);
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
    loop_free(loop);
}

struct event_base *tdm__loop_base(tdm__loop *loop)
{
    return loop->base;
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
    };
}
