/* SPDX-License-Identifier: MIT */
/** @file
 *  What the tests of waiting calls share: running a call on a fiber, on a worker or on a plain thread, cancelling it
 *  there, and putting two ends of one wait in an order of the test's choice. */
#ifndef TANDEM_TESTS_PLACE_H
#define TANDEM_TESTS_PLACE_H

#include "tasks/loop.h"
#include "tests/unit/executor.h"
#include <tandem/timeout.h>

typedef enum unit_place { UNIT_LOOP, UNIT_POOL, UNIT_THREAD, UNIT_PLACES } unit_place;

/** Something that runs in a place. Must outlive unit_result(). */
typedef struct unit_call {
    int (*fn)(void *arg);
    void *arg;
    unit_place place;
    uint64_t id; /* of its task; not on a plain thread */
    pthread_t thread;
    int result;
    _Atomic bool returned;
    sem_t end;
} unit_call;

static inline void unit_call_end(void *arg)
{
    unit_call *call = arg;
    call->returned = true;
    sem_post(&call->end);
}

static inline int unit_call_task(tdm_task *task, void *arg)
{
    (void) task;
    unit_call *call = arg;
    call->result = call->fn(call->arg);
    return 0;
}

static inline void *unit_call_thread(void *arg)
{
    unit_call_task(NULL, arg);
    unit_call_end(arg);
    return NULL;
}

static inline void unit_start(tdm_executor *executor, unit_call *call, unit_place place, int (*fn)(void *arg),
                              void *arg)
{
    *call = (unit_call){.fn = fn, .arg = arg, .place = place, .result = -ECANCELED}; /* if it never runs */
    sem_init(&call->end, 0, 0);
    if (place == UNIT_THREAD) {
        ck_assert_int_eq(pthread_create(&call->thread, NULL, unit_call_thread, call), 0);
        return;
    }
    tdm_task_spec spec = {.name = "unit",
                          .run = unit_call_task,
                          .arg = call,
                          .drop = unit_call_end,
                          .lane = place == UNIT_LOOP ? TDM_LOOP : TDM_POOL};
    ck_assert_int_eq(tdm_spawn(executor, &spec, &call->id), 0);
}

/** Wait until it has returned. @return what it returned. */
static inline int unit_result(unit_call *call)
{
    unit_sem_wait(&call->end);
    if (call->place == UNIT_THREAD)
        ck_assert_int_eq(pthread_join(call->thread, NULL), 0);
    return call->result;
}

/** Ask its task to stop. When this returns, the tie with its wait is decided. From anywhere but its own worker. */
static inline void unit_cancel(tdm_executor *executor, unit_call *call)
{
    ck_assert_int_ne(call->place, UNIT_THREAD);
    int err = tdm_task_cancel(executor, call->id);
    ck_assert(err == 0 || err == -EALREADY);
}

static inline int unit_run(tdm_executor *executor, unit_place place, int (*fn)(void *arg), void *arg)
{
    unit_call call;
    unit_start(executor, &call, place, fn, arg);
    return unit_result(&call);
}

/** Run `fn(arg)` on the first loop's thread, outside any fiber. @return what it returned. */
typedef struct unit_callback {
    int (*fn)(void *arg);
    void *arg;
    int result;
} unit_callback;

static inline void unit_callback_run(tdm__loop *loop, void *arg)
{
    (void) loop;
    unit_callback *callback = arg;
    callback->result = callback->fn(callback->arg);
}

static inline int unit_in_callback(tdm_executor *executor, int (*fn)(void *arg), void *arg)
{
    unit_callback callback = {.fn = fn, .arg = arg};
    tdm__loop_call(tdm__executor_loop(executor, 0), unit_callback_run, &callback);
    return callback.result;
}

/** Hold the calling thread until the clock has passed `ns`. On a fiber: no timer of its loop runs meanwhile. */
static inline void unit_hold_until(int64_t ns)
{
    while (tdm_clock_ns() <= ns)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/** The task that calls this has been asked to stop when it returns: no wait of it is needed for that. */
static inline void unit_cancel_myself(tdm_executor *executor)
{
    ck_assert_int_eq(tdm_task_cancel(executor, tdm_task_id(tdm_task_current())), 0);
}

/** Two ends of the waits of tasks on the first loop, in an order of the test's choice: `first` and `second` run on that
 *  loop one after the other, and no fiber between them. */
typedef struct unit_order {
    void (*first)(void *arg), (*second)(void *arg);
    void *arg;
} unit_order;

static inline int unit_order_run(void *arg)
{
    unit_order *order = arg;
    order->first(order->arg);
    order->second(order->arg);
    return 0;
}

static inline void unit_in_order(tdm_executor *executor, void (*first)(void *arg), void (*second)(void *arg), void *arg)
{
    ck_assert_int_eq(unit_run(executor, UNIT_LOOP, unit_order_run, &(unit_order){first, second, arg}), 0);
}

/** A deadline and something else that would end the same wait, in an order of the test's choice. On one loop, in one
 *  turn: `first` begins to wait with UNIT_BRIEF seconds, then `next` waits for ever, then the loop is held until the time
 *  is over. `meet` runs then: before the loop has looked at its timers, or (`after`) when the timer has ended the wait
 *  of `first` and before `first` goes on. */
#define UNIT_BRIEF 0.005

typedef struct unit_deadline {
    tdm_executor *executor;
    int (*wait_briefly)(void *arg), (*wait)(void *arg);
    void (*meet)(void *arg);
    void *arg;
    bool after;
    unit_call first, next, meeter;
} unit_deadline;

static inline int unit_deadline_meeter(void *arg)
{
    unit_deadline *d = arg;
    int err = tdm_sleep(UNIT_BRIEF); /* it began before `first`, so it is resumed before `first` */
    d->meet(d->arg);
    return err;
}

static inline int unit_deadline_run(void *arg)
{
    unit_deadline *d = arg;
    if (d->after)
        unit_start(d->executor, &d->meeter, UNIT_LOOP, unit_deadline_meeter, d);
    unit_start(d->executor, &d->first, UNIT_LOOP, d->wait_briefly, d->arg);
    unit_start(d->executor, &d->next, UNIT_LOOP, d->wait, d->arg);
    int err = tdm_yield(); /* they are ahead of us, in the same turn */
    unit_hold_until(tdm_clock_ns() + tdm_ns_from_s(UNIT_BRIEF));
    if (!d->after)
        d->meet(d->arg);
    return err;
}

/** Afterwards unit_result() of `first` and `next` tell how it went. */
static inline void unit_meet_deadline(unit_deadline *d)
{
    ck_assert_int_eq(unit_run(d->executor, UNIT_LOOP, unit_deadline_run, d), 0);
    if (d->after)
        ck_assert_int_eq(unit_result(&d->meeter), 0);
}

#endif
