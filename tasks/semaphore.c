/* SPDX-License-Identifier: MIT */
/* DESIGN: one word says how many permits are free, or AWAITED: none is, and somebody may wait. While it is a number,
 * permits are taken and given back by compare-and-swap alone. Only under the lock does it become AWAITED, or a number
 * again; so a waiter that is in the list cannot be overtaken, and a release that could wake somebody takes the lock.
 * A permit is handed over by ending the wait of its new owner (waiters.h decides the tie), never put down for others to
 * snatch. A list that a cancellation has emptied leaves AWAITED behind; the next release finds nobody and clears it. */
#include <tandem/semaphore.h>

#include <assert.h>
#include <stdlib.h>

#include "tasks/waiters.h"

enum { AWAITED = -1 };

struct tdm_semaphore {
    _Atomic int64_t word; /* see above */
    int64_t limit;        /* most that may be free; constant */
    pthread_mutex_t lock; /* guards what follows, and changes of `word` from and to AWAITED */
    tdm__waiters waiters;
};

int tdm_semaphore_create(tdm_semaphore **out, const tdm_semaphore_options *options)
{
    if (options->permits > TDM_SEMAPHORE_MAX)
        return -EINVAL;
    tdm_semaphore *s = calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    atomic_init(&s->word, options->permits);
    s->limit = options->bounded ? options->permits : TDM_SEMAPHORE_MAX;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return 0;
}

void tdm_semaphore_destroy(tdm_semaphore **slot)
{
    tdm_semaphore *s = *slot;
    if (!s)
        return;
    *slot = NULL;
    tdm__lock(&s->lock); /* whoever woke the caller may still hold it */
    assert(!s->waiters.first);
    tdm__unlock(&s->lock);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool take(tdm_semaphore *s)
{
    int64_t free_now = atomic_load_explicit(&s->word, memory_order_relaxed);
    while (free_now > 0)
        if (atomic_compare_exchange_weak_explicit(&s->word, &free_now, free_now - 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* With the lock held: no permit is free, and let whoever gives one back come here. @return false: one is free. */
static bool announce_waiter(tdm_semaphore *s)
{
    int64_t none = 0;
    return atomic_compare_exchange_strong_explicit(&s->word, &none, AWAITED, memory_order_relaxed,
                                                   memory_order_relaxed) ||
           none == AWAITED;
}

static int acquire(tdm_semaphore *s, int64_t deadline_ns)
{
    tdm__lock(&s->lock);
    while (!announce_waiter(s))
        if (take(s)) {
            tdm__unlock(&s->lock);
            return 0;
        }
    tdm__waiter self;
    return tdm__timed(tdm__waiters_wait(&s->waiters, &self, &s->lock, deadline_ns, "tdm_semaphore_acquire"));
}

int tdm_semaphore_acquire(tdm_semaphore *s)
{
    return take(s) ? 0 : acquire(s, INT64_MAX);
}

int tdm_semaphore_acquire_for(tdm_semaphore *s, double seconds)
{
    return take(s) ? 0 : acquire(s, tdm__deadline_in(seconds));
}

int tdm_semaphore_try_acquire(tdm_semaphore *s)
{
    return take(s) ? 0 : -EAGAIN;
}

/* With the lock held, where somebody may wait. */
static int hand_over(tdm_semaphore *s, unsigned permits)
{
    if (permits > s->limit)
        return -EOVERFLOW;
    while (permits && tdm__waiters_wake(&s->waiters, 0))
        permits--;
    if (!s->waiters.first)
        atomic_store_explicit(&s->word, permits, memory_order_release);
    return 0;
}

int tdm_semaphore_release(tdm_semaphore *s, unsigned permits)
{
    int64_t free_now = atomic_load_explicit(&s->word, memory_order_relaxed);
    for (;;) {
        while (free_now != AWAITED) {
            if (permits > s->limit - free_now)
                return -EOVERFLOW;
            if (atomic_compare_exchange_weak_explicit(&s->word, &free_now, free_now + permits, memory_order_release,
                                                      memory_order_relaxed))
                return 0;
        }
        tdm__lock(&s->lock);
        free_now = atomic_load_explicit(&s->word, memory_order_relaxed);
        if (free_now == AWAITED) {
            int err = hand_over(s, permits);
            tdm__unlock(&s->lock);
            return err;
        }
        tdm__unlock(&s->lock);
    }
}

unsigned tdm_semaphore_free(const tdm_semaphore *s)
{
    int64_t free_now = atomic_load_explicit(&s->word, memory_order_relaxed);
    return free_now > 0 ? (unsigned) free_now : 0;
}

unsigned tdm_semaphore_waiting(tdm_semaphore *s)
{
    tdm__lock(&s->lock);
    unsigned count = s->waiters.count;
    tdm__unlock(&s->lock);
    return count;
}
