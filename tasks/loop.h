/* SPDX-License-Identifier: MIT */
/* A loop: one thread, one event_base, its fibers, its timers, its inbox, and the shard of the tasks that live on it.
 *
 * Thread: everything here is for the loop's own thread, except where a comment says "any thread". */
#ifndef TANDEM_TASKS_LOOP_H
#define TANDEM_TASKS_LOOP_H

#include "tasks/exec.h"
#include "tasks/hold.h"
#include "tasks/inbox.h"
#include "tasks/shard.h"
#include "tasks/timer.h"
#include "tasks/turn.h"
#include <tandem/base.h>
#include <tandem/executor.h>

struct event_base;
typedef struct tdm__loop tdm__loop;

typedef struct tdm__loop_settings {
    tdm_executor *executor;
    unsigned index, turn_limit, ledger;
    int64_t hold_ns; /* what holds the loop longer is reported; 0: nothing is */
    tdm__gauge *gauge;
} tdm__loop_settings;

/* Start the thread. @return 0; -ENOMEM; -EAGAIN; what the kernel said of an eventfd. */
int tdm__loop_create(tdm__loop **out, const tdm__loop_settings *settings);
/* Stop the thread and free the loop. No fiber may be live. NULL is accepted. From outside. */
void tdm__loop_destroy(tdm__loop **loop);

/* ---- from outside ---- */

/* The message is the loop's until its `run` is called. Any thread. */
void tdm__loop_post(tdm__loop *loop, tdm__message *message);

/* Run `fn(loop, arg)` on the loop's thread, outside any fiber, and wait until it has returned. From the loop's own
 * thread it is called directly. On a fiber of another loop it yields, on other threads it blocks. It cannot be
 * cancelled. Any thread. */
void tdm__loop_call(tdm__loop *loop, void (*fn)(tdm__loop *loop, void *arg), void *arg);

/* On a fiber of a loop: wait until the loop has run every message that was posted to it before this call. Elsewhere a
 * no-op. It cannot be cancelled. Any thread. */
void tdm__loop_catch_up(void);

/* ---- timers ---- */

/* Arm, or arm again for another time. The loop does not own the timer: disarm it before it goes away.
 * @return 0; -ENOMEM: the timer is not armed. */
int tdm__timer_arm(tdm__loop *loop, tdm__timer *timer, int64_t due_ns);
void tdm__timer_disarm(tdm__loop *loop, tdm__timer *timer);

/* ---- time ---- */

/* The clock, at most some microseconds old: cheaper than to read it. */
int64_t tdm__loop_now(tdm__loop *loop);
/* The clock for what is spawned here: as it was when this turn began, or the fiber that runs went on, or one of the last
 * fifteen tasks was spawned. */
int64_t tdm__loop_spawn_now(tdm__loop *loop);
/* The clock as it was when this turn began, or later: for what takes no time. */
int64_t tdm__loop_turn_now(tdm__loop *loop);

/* ---- executions ---- */

/* Call `run(message)` in this turn or the next, outside any fiber. */
void tdm__loop_add(tdm__loop *loop, tdm__message *message, void (*run)(tdm__message *message));
/* A callback of an evented task begins. @return the one inside which it runs, or NULL: tdm__loop_leave() wants it. */
tdm__exec *tdm__loop_enter(tdm__loop *loop, tdm__exec *exec);
void tdm__loop_leave(tdm__loop *loop, tdm__exec *outer);
/* The evented task whose callback runs, or NULL. */
tdm__exec *tdm__loop_entered(const tdm__loop *loop);

/* Run `exec` on a fiber: at once if called outside any fiber, up to its first wait; else in this turn or the next.
 * @return 0; -EAGAIN: no fiber can be had (only when called outside any fiber). */
int tdm__loop_run(tdm__loop *loop, tdm__exec *exec);
/* Start `exec` on a fiber as soon as there is one, in order. */
void tdm__loop_enqueue(tdm__loop *loop, tdm__exec *exec);
/* Resume a suspended fiber in its turn. Any thread: the caller has won its wait. */
void tdm__loop_resume(tdm__loop *loop, tdm__exec *exec);
/* On `exec`'s fiber: yield until resumed. */
void tdm__loop_suspend(tdm__loop *loop, tdm__exec *exec);

/* ---- what a transport and the executor need ---- */

tdm__turn *tdm__loop_turn(tdm__loop *loop); /* on its thread */

struct event_base *tdm__loop_base(tdm__loop *loop);
struct tdm__fds **tdm__loop_fds(tdm__loop *loop); /* fd.c keeps it */
tdm__shard *tdm__loop_shard(tdm__loop *loop);
tdm_histogram *tdm__loop_handler_times(tdm__loop *loop); /* run times of handlers, in the window */
unsigned tdm__loop_index(const tdm__loop *loop);         /* any thread */
uint32_t tdm__loop_thread(const tdm__loop *loop);        /* any thread */
tdm_executor *tdm__loop_executor(const tdm__loop *loop); /* any thread */
/* The loop whose thread is calling (on a fiber or not), or NULL. Any thread. */
tdm__loop *tdm__loop_current(void);
/* The loops of an executor: index 0 … settings->loops - 1. Any thread. */
tdm__loop *tdm__executor_loop(tdm_executor *executor, unsigned index);
/* Does something hold the loop for longer than the limit, and was not reported for it? For the watchdog. */
bool tdm__loop_look(tdm__loop *loop, tdm__hold *out);
/* The stack of the fiber that runs on the calling thread, or NULL. Safe in a signal handler. */
const tdm__stack *tdm__loop_running_stack(void);
void tdm__loop_stats(tdm__loop *loop, tdm_loop_stats *out);

#endif
