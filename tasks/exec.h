/* SPDX-License-Identifier: MIT */
/* An execution: code of a user (a task or a handler) on its way through a lane, and its waits.
 *
 * On the loop lane it lives on one loop and runs on a fiber; on the pool lane it runs on a worker. It waits for one
 * thing at a time, and whatever may end that wait — completion, time, cancellation — competes in one atomic word. */
#ifndef TANDEM_TASKS_EXEC_H
#define TANDEM_TASKS_EXEC_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tasks/fiber.h"
#include "tasks/inbox.h"
#include "tasks/sync.h"
#include "tasks/timer.h"
#include <tandem/task.h>

struct pollfd;
struct tdm__loop;
typedef struct tdm__exec tdm__exec;

/* What a lane does with an execution, in this order. "Owner" is the loop's thread outside any fiber, or the worker
 * under its pool's lock. */
typedef struct tdm__exec_kind {
    bool (*begin)(tdm__exec *exec, int64_t now_ns);  /* owner; false: it is over already, go straight to `ended` */
    void (*run)(tdm__exec *exec);                    /* on the fiber, or on the worker without the lock */
    void (*finish)(tdm__exec *exec, int64_t now_ns); /* owner */
    void (*ended)(tdm__exec *exec);       /* the loop's thread, or the worker without the lock; may free it */
    const char *(*name)(tdm__exec *exec); /* for messages; lives as long as the process; safe in a signal handler */
    uint64_t (*request)(tdm__exec *exec); /* the id of the request that it belongs to; 0: none */
    bool is_task;                         /* it is the `exec` of a tdm_task; else of a handler */
} tdm__exec_kind;

/* Where a thread sleeps while it waits. */
typedef struct tdm__parking {
    pthread_mutex_t lock;
    tdm__cond cond;
    int *
        bell; /* it sleeps in poll(2): an eventfd to write, in place of `cond`; NULL: it does not. Guarded by the lock */
} tdm__parking;

struct tdm__exec {
    tdm__message message; /* links it in a loop's inbox or list, or in a pool's queue: one at a time */
    const tdm__exec_kind *kind;
    struct tdm__loop *loop; /* the loop it runs on; NULL: on a thread */
    union {
        tdm__fiber *fiber;               /* while it runs on a loop */
        _Atomic(tdm__parking *) parking; /* while it runs on a thread; written by that thread before any wait */
    };
    _Atomic int wait;    /* see wait.c */
    _Atomic bool cancel; /* asked to stop: every wait that is not shielded returns -ECANCELED */

    /* For its own thread of control alone. */
    bool ended_here;    /* the wait ended while it began: nobody else delivers a wake-up */
    bool shielded_wait; /* the current wait heeds neither cancellation nor scopes */
    uint8_t shields;    /* open shielded sections */
    struct tdm__context *context;
    union {
        struct {                        /* what can wait */
            struct tdm_timeout *scopes; /* open deadline scopes, innermost first */
            int64_t base_ns;            /* the task's own deadline; 0: none */
            int64_t scope_ns;           /* the earliest of both; 0: none */
            struct tdm__await *awaits;  /* whom it waits for, while it joins; guarded by the lock of join.c */
        };
        struct { /* an evented task */
            tdm__timer timer;
            int (*after)(struct tdm_task *task, void *arg);
        };
    };
};

/* The execution that a message of a lane belongs to. */
static inline tdm__exec *tdm__exec_of(tdm__message *message)
{
    return (tdm__exec *) message; /* an exec begins with its message */
}

/* What the calling thread is running, or NULL. */
tdm__exec *tdm__exec_current(void);
/* The same, or the evented task whose callback the calling loop is in: it cannot wait. */
tdm__exec *tdm__exec_inside(void);
void tdm__exec_set_current(tdm__exec *exec);
/* The same, but a thread that is neither a worker nor a loop gets one of its own to wait with.
 * NULL: on a loop's thread outside any fiber, where nothing may wait. */
tdm__exec *tdm__exec_to_wait(void);

/* ---- one wait ----
 *     tdm__wait_begin(exec, shielded);
 *     … tell whoever will call tdm__wake(exec, result) …
 *     result = tdm__wait_until(exec, deadline);   // then take back what was told
 * All on the exec's own thread of control. A wait that is not shielded also ends by tdm__exec_cancel() and by the
 * deadlines of open scopes. Objects that several wait for use tasks/waiters.h. */

/* The result of a wait whose own deadline came first. */
#define TDM__DUE (-ETIME)

#define tdm__wait_begin(exec, shielded) tdm__wait_begin_in(exec, shielded, __func__)
void tdm__wait_begin_in(tdm__exec *exec, bool shielded, const char *in);
/* @return the result of whoever was first: what tdm__wake() was given; TDM__DUE: `deadline_ns` has come (INT64_MAX:
 * none); -ECANCELED; -ETIMEDOUT: a scope's deadline; -ENOMEM: no room for its timer. */
int tdm__wait_until(tdm__exec *exec, int64_t deadline_ns);
/* The same on a thread, not on a fiber; also ends, with 0, when `poll_for` has something to report, and with what poll(2)
 * said if it fails. `bell`: an eventfd of this thread, not blocking; quiet when this returns. */
int tdm__wait_until_polled(tdm__exec *exec, struct pollfd *poll_for, int bell, int64_t deadline_ns);

/* On a thread: the result of a wait that begins now, if it would end before anything else can happen; else 0. */
int tdm__wait_look(tdm__exec *exec);

/* End the current wait with `result` (0 or a negative errno). The caller makes sure that `exec` cannot go away
 * meanwhile. Any thread. @return true: this call ended it; false: it had ended already. */
bool tdm__wake(tdm__exec *exec, int result);

/* Ask it to stop: its wait, and every later one, returns -ECANCELED. Any thread; `exec` must not go away meanwhile. */
void tdm__exec_cancel(tdm__exec *exec);
/* Was it, and does its wait heed that? Then it goes on, whatever it waits for. Any thread, as above. */
bool tdm__exec_is_being_stopped(const tdm__exec *exec);

/* ---- deadline scopes (timeout.c); on its own thread of control, or before it runs ---- */

/* The deadline below all scopes; 0: none. */
void tdm__exec_set_deadline(tdm__exec *exec, int64_t deadline_ns);
/* A wait has ended with -ETIMEDOUT: note whose deadline it was. */
void tdm__scope_fired(tdm__exec *exec);
/* For a call that looks once more after its wait has ended, and may have a result after all: then it was no scope's deadline
 * that ended it. Before the wait: the scope that it would note, if it has not fired before. NULL: none. `exec` may be NULL. */
struct tdm_timeout *tdm__scope_that_would_fire(tdm__exec *exec);
/* After a wait that ended with -ETIMEDOUT: take the note back. NULL is accepted. */
void tdm__scope_spare(struct tdm_timeout *scope);

/* `ns` from now, as a deadline; INT64_MAX stays that. */
int64_t tdm__deadline(int64_t ns);
/* The same for what a user gave in seconds. */
int64_t tdm__deadline_in(double seconds);

#endif
