/* SPDX-License-Identifier: MIT */
/* Those who wait for an object that any thread may change: first in, first out, under the object's own lock. The tie
 * between a wake-up, a cancellation and a deadline is decided by the waiter's word (wait.c); a waiter that was woken by
 * something else is skipped, so a wake-up is never swallowed. */
#ifndef TANDEM_TASKS_WAITERS_H
#define TANDEM_TASKS_WAITERS_H

#include "tasks/exec.h"

/* On the waiter's stack; the object's user may embed it at the head of a struct of its own. Guarded by the lock. */
typedef struct tdm__waiter {
    tdm__exec *exec;
    struct tdm__waiter *next, *previous;
    bool queued;
} tdm__waiter;

typedef struct tdm__waiters {
    tdm__waiter *first, *last;
    unsigned count; /* those included that something else has woken and that are about to leave */
} tdm__waiters;

/* With `lock` held; it is released on return. Enter the list, at its end, and wait.
 * @param in the call of the user's that waits, for reports: "tdm_mutex_lock"
 * @return 0 (or what tdm__waiters_wake() was given): woken, and out of the list by the waker's hand; TDM__DUE,
 * -ECANCELED, -ETIMEDOUT, -ENOMEM as tdm__wait_until(); -EDEADLK: nothing may wait here. `self` is in no list then. */
int tdm__waiters_wait(tdm__waiters *list, tdm__waiter *self, pthread_mutex_t *lock, int64_t deadline_ns,
                      const char *in);
/* The same, ended by nothing but a wake-up. */
int tdm__waiters_wait_shielded(tdm__waiters *list, tdm__waiter *self, pthread_mutex_t *lock, const char *in);

/* All with the lock held. Wake the first that still waits, and take it out. @return it; NULL: nobody waits.
 * It may run on at once: only its address may be used. */
tdm__waiter *tdm__waiters_wake(tdm__waiters *list, int result);
void tdm__waiters_wake_all(tdm__waiters *list, int result);
/* Wake this one. @return false: something else was first. It is out of the list either way. */
bool tdm__waiter_wake(tdm__waiters *list, tdm__waiter *waiter, int result);

/* The result of a wait, as a call with a time of its own tells it. */
static inline int tdm__timed(int result)
{
    return result == TDM__DUE ? -ETIMEDOUT : result;
}

#endif
