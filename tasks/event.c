/* SPDX-License-Identifier: MIT */
/* DESIGN: a flag that can be read without the lock, and a list of those who came while it was not set. It is changed
 * under the lock, and a waiter looks at it again there before it enters the list; so whoever is in the list when it is
 * set is woken, whatever happens to the flag afterwards. */
#include <tandem/event.h>

#include <assert.h>
#include <stdlib.h>

#include "tasks/waiters.h"

struct tdm_event {
    _Atomic bool set;     /* changed under the lock */
    pthread_mutex_t lock; /* guards the list */
    tdm__waiters waiters;
};

int tdm_event_create(tdm_event **out)
{
    tdm_event *event = calloc(1, sizeof *event);
    if (!event)
        return -ENOMEM;
    pthread_mutex_init(&event->lock, NULL);
    *out = event;
    return 0;
}

void tdm_event_destroy(tdm_event **slot)
{
    tdm_event *event = *slot;
    if (!event)
        return;
    *slot = NULL;
    tdm__lock(&event->lock); /* whoever let the caller go may still hold it */
    assert(!event->waiters.first);
    tdm__unlock(&event->lock);
    pthread_mutex_destroy(&event->lock);
    free(event);
}

void tdm_event_set(tdm_event *event)
{
    tdm__lock(&event->lock);
    atomic_store_explicit(&event->set, true, memory_order_release);
    tdm__waiters_wake_all(&event->waiters, 0);
    tdm__unlock(&event->lock);
}

void tdm_event_clear(tdm_event *event)
{
    tdm__lock(&event->lock);
    atomic_store_explicit(&event->set, false, memory_order_relaxed);
    tdm__unlock(&event->lock);
}

bool tdm_event_is_set(const tdm_event *event)
{
    return atomic_load_explicit(&event->set, memory_order_acquire);
}

static int wait(tdm_event *event, int64_t deadline_ns)
{
    tdm__lock(&event->lock);
    if (tdm_event_is_set(event)) {
        tdm__unlock(&event->lock);
        return 0;
    }
    tdm__waiter self;
    return tdm__timed(tdm__waiters_wait(&event->waiters, &self, &event->lock, deadline_ns, "tdm_event_wait"));
}

int tdm_event_wait(tdm_event *event)
{
    return tdm_event_is_set(event) ? 0 : wait(event, INT64_MAX);
}

int tdm_event_wait_for(tdm_event *event, double seconds)
{
    return tdm_event_is_set(event) ? 0 : wait(event, tdm__deadline_in(seconds));
}

unsigned tdm_event_waiting(tdm_event *event)
{
    tdm__lock(&event->lock);
    unsigned count = event->waiters.count;
    tdm__unlock(&event->lock);
    return count;
}
