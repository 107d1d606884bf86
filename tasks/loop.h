/* SPDX-License-Identifier: MIT */
/* A loop: one thread, one event_base, its fibers, its timers, its inbox.
 *
 * Thread: everything here is for the loop's own thread, except where a comment says "any thread". */
#ifndef TANDEM_TASKS_LOOP_H
#define TANDEM_TASKS_LOOP_H

#include <tandem/base.h>
#include <tandem/executor.h>

struct event_base;
typedef struct tdm__loop tdm__loop;

/* ---- the inbox: the one way into a loop from outside ---- */

/* A message is embedded in what it carries, so posting never allocates and never fails. From the post until `run` is
 * called the loop owns it. */
typedef struct tdm__message {
    struct tdm__message *next;
    void (*run)(struct tdm__message *message); /* on the loop's thread, outside any fiber */
} tdm__message;

/* Any thread. */
void tdm__loop_post(tdm__loop *loop, tdm__message *message);

/* Run `fn(loop, arg)` on the loop's thread, outside any fiber, and wait until it has returned. From the loop's own
 * thread it is called directly. Any thread that may block (not a fiber of another loop). */
void tdm__loop_call(tdm__loop *loop, void (*fn)(tdm__loop *loop, void *arg), void *arg);

/* ---- timers ---- */

/* A timer is embedded in what it wakes. Zeroed is "not armed". */
typedef struct tdm__timer {
    int64_t due_ns;
    size_t place; /* index in the heap + 1; 0: not armed */
    void (*run)(struct tdm__timer *timer);
} tdm__timer;

/* Arm, or arm again for another time. The loop does not own the timer: disarm it before it goes away.
 * @return 0; -ENOMEM (the timer is then not armed). */
int tdm__timer_arm(tdm__loop *loop, tdm__timer *timer, int64_t due_ns);
void tdm__timer_disarm(tdm__loop *loop, tdm__timer *timer);

/* ---- what a transport needs ---- */

struct event_base *tdm__loop_base(tdm__loop *loop);
unsigned tdm__loop_index(const tdm__loop *loop);         /* any thread */
uint32_t tdm__loop_thread(const tdm__loop *loop);        /* any thread */
tdm_executor *tdm__loop_executor(const tdm__loop *loop); /* any thread */
/* The loop whose thread is calling (on a fiber or not), or NULL. Any thread. */
tdm__loop *tdm__loop_current(void);
/* The loops of an executor: index 0 … settings->loops - 1. Any thread. */
tdm__loop *tdm__executor_loop(tdm_executor *executor, unsigned index);

#endif
