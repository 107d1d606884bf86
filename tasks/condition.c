/* SPDX-License-Identifier: MIT */
/* DESIGN: a list of waiters, and its lock. The mutex is let go of while that lock is held and before the waiter is in
 * the list; a signal for a change made under the mutex comes later than that, and has to wait for the lock, so it finds
 * the waiter. Getting the mutex back is shielded: the caller goes on in a section that counts on it. */
#include <tandem/condition.h>

#include <assert.h>
#include <stdlib.h>

#include "tasks/mutex.h"
#include "tasks/waiters.h"

struct tdm_condition {
    pthread_mutex_t lock; /* guards the list; a mutex's lock may be taken under it */
    tdm__waiters waiters;
};

int tdm_condition_create(tdm_condition **out)
{
    tdm_condition *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return 0;
}

void tdm_condition_destroy(tdm_condition **slot)
{
    tdm_condition *c = *slot;
    if (!c)
        return;
    *slot = NULL;
    tdm__lock(&c->lock); /* whoever woke the caller may still hold it */
    assert(!c->waiters.first);
    tdm__unlock(&c->lock);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int wait(tdm_condition *c, tdm_mutex *mutex, int64_t deadline_ns)
{
    if (!tdm__mutex_is_mine(mutex))
        return -EPERM;
    if (!tdm__exec_to_wait())
        return -EDEADLK;
    tdm__waiter self;
    tdm__lock(&c->lock);
    int err = tdm_mutex_unlock(mutex);
    assert(!err);
    err = tdm__waiters_wait(&c->waiters, &self, &c->lock, deadline_ns, "tdm_condition_wait");
    tdm__mutex_lock_shielded(mutex);
    return tdm__timed(err);
}

int tdm_condition_wait(tdm_condition *c, tdm_mutex *mutex)
{
    return wait(c, mutex, INT64_MAX);
}

int tdm_condition_wait_for(tdm_condition *c, tdm_mutex *mutex, double seconds)
{
    return wait(c, mutex, tdm__deadline_in(seconds));
}

int tdm_condition_wait_until(tdm_condition *c, tdm_mutex *mutex, bool (*holds)(void *arg), void *arg, double seconds)
{
    if (!tdm__mutex_is_mine(mutex))
        return -EPERM;
    int64_t deadline_ns = tdm__deadline_in(seconds);
    struct tdm_timeout *scope = tdm__scope_that_would_fire(tdm__exec_to_wait());
    int err = 0;
    while (!holds(arg)) {
        if (err)
            return err; /* a wait that failed is followed by one last look */
        err = wait(c, mutex, deadline_ns);
    }
    if (err == -ETIMEDOUT)
        tdm__scope_spare(scope); /* it holds: nobody was too late */
    return 0;
}

void tdm_condition_signal(tdm_condition *c)
{
    tdm__lock(&c->lock);
    tdm__waiters_wake(&c->waiters, 0);
    tdm__unlock(&c->lock);
}

void tdm_condition_broadcast(tdm_condition *c)
{
    tdm__lock(&c->lock);
    tdm__waiters_wake_all(&c->waiters, 0);
    tdm__unlock(&c->lock);
}

unsigned tdm_condition_waiting(tdm_condition *c)
{
    tdm__lock(&c->lock);
    unsigned count = c->waiters.count;
    tdm__unlock(&c->lock);
    return count;
}
