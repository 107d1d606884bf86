/* SPDX-License-Identifier: MIT */
/* DESIGN: a waiter arms its word and enters the list under the object's lock, and a waker takes it out and tries its
 * word under the same lock; so a waiter that is in the list can be woken, and one that was woken by somebody else leaves
 * the list itself before its memory goes. */
#include "tasks/waiters.h"

#include <assert.h>

static void add(tdm__waiters *list, tdm__waiter *waiter)
{
    waiter->next = NULL;
    waiter->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = waiter;
    list->last = waiter;
    waiter->queued = true;
    list->count++;
}

static void take_out(tdm__waiters *list, tdm__waiter *waiter)
{
    *(waiter->previous ? &waiter->previous->next : &list->first) = waiter->next;
    *(waiter->next ? &waiter->next->previous : &list->last) = waiter->previous;
    waiter->queued = false;
    list->count--;
}

static int enter_and_wait(tdm__waiters *list, tdm__waiter *self, pthread_mutex_t *lock, int64_t deadline_ns,
                          bool shielded, const char *in)
{
    self->exec = tdm__exec_to_wait();
    self->queued = false;
    if (!self->exec) {
        tdm__unlock(lock);
        return -EDEADLK;
    }
    tdm__wait_begin_in(self->exec, shielded, in);
    if (!self->exec->ended_here)
        add(list, self);
    tdm__unlock(lock);
    int result = tdm__wait_until(self->exec, deadline_ns);
    if (result) { /* perhaps not by a waker */
        tdm__lock(lock);
        if (self->queued)
            take_out(list, self);
        tdm__unlock(lock);
    }
    return result;
}

int tdm__waiters_wait(tdm__waiters *list, tdm__waiter *self, pthread_mutex_t *lock, int64_t deadline_ns, const char *in)
{
    return enter_and_wait(list, self, lock, deadline_ns, false, in);
}

int tdm__waiters_wait_shielded(tdm__waiters *list, tdm__waiter *self, pthread_mutex_t *lock, const char *in)
{
    return enter_and_wait(list, self, lock, INT64_MAX, true, in);
}

bool tdm__waiter_wake(tdm__waiters *list, tdm__waiter *waiter, int result)
{
    assert(waiter->queued);
    take_out(list, waiter);
    return tdm__wake(waiter->exec, result);
}

tdm__waiter *tdm__waiters_wake(tdm__waiters *list, int result)
{
    while (list->first) {
        tdm__waiter *waiter = list->first;
        if (tdm__waiter_wake(list, waiter, result))
            return waiter;
    }
    return NULL;
}

void tdm__waiters_wake_all(tdm__waiters *list, int result)
{
    while (tdm__waiters_wake(list, result))
        ;
}
