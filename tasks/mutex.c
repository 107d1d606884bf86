/* SPDX-License-Identifier: MIT */
/* DESIGN: a word says FREE, HELD, or AWAITED: held, and somebody may wait. While nobody waits, locking and unlocking are
 * a compare-and-swap each. The word becomes AWAITED, or anything else from there, only under the lock; unlocking then
 * hands the mutex over by ending the wait of its next owner (waiters.h decides the tie), and it is FREE only if nobody
 * is left. The owner is an execution, or a thread; it is written by the owner itself, and compared with oneself only, so
 * a value that is out of date cannot be mistaken for one's own. */
#include "tasks/mutex.h"

#include <assert.h>
#include <stdlib.h>

#include "tasks/waiters.h"

enum { FREE, HELD, AWAITED };

struct tdm_mutex {
    _Atomic int word;            /* see above */
    _Atomic(const void *) owner; /* NULL: none, or it is on its way to its next */
    pthread_mutex_t lock;        /* guards the list */
    tdm__waiters waiters;
};

/* Who is calling: the execution, or else the thread. */
static const void *myself(void)
{
    static _Thread_local char thread;
    const tdm__exec *exec = tdm__exec_inside();
    return exec ? (const void *) exec : &thread;
}

int tdm_mutex_create(tdm_mutex **out)
{
    tdm_mutex *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    pthread_mutex_init(&m->lock, NULL);
    *out = m;
    return 0;
}

void tdm_mutex_destroy(tdm_mutex **slot)
{
    tdm_mutex *m = *slot;
    if (!m)
        return;
    *slot = NULL;
    tdm__lock(&m->lock); /* whoever handed it to the caller may still hold it */
    assert(atomic_load(&m->word) == FREE && !m->waiters.first);
    tdm__unlock(&m->lock);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static int own(tdm_mutex *m)
{
    atomic_store_explicit(&m->owner, myself(), memory_order_relaxed);
    return 0;
}

static bool change(tdm_mutex *m, int from, int to)
{
    return atomic_compare_exchange_strong_explicit(&m->word, &from, to, memory_order_acq_rel, memory_order_relaxed);
}

bool tdm__mutex_is_mine(tdm_mutex *m)
{
    return atomic_load_explicit(&m->owner, memory_order_relaxed) == myself();
}

/* With the lock held. @return true: it was free, and is taken; false: whoever unlocks it will come here. */
static bool take_or_announce(tdm_mutex *m)
{
    for (;;) {
        if (change(m, FREE, HELD))
            return true;
        if (change(m, HELD, AWAITED) || atomic_load(&m->word) == AWAITED)
            return false;
    }
}

static int lock(tdm_mutex *m, int64_t deadline_ns)
{
    tdm__waiter self;
    if (tdm__mutex_is_mine(m))
        return -EDEADLK;
    tdm__lock(&m->lock);
    if (take_or_announce(m)) {
        tdm__unlock(&m->lock);
        return own(m);
    }
    int err = tdm__waiters_wait(&m->waiters, &self, &m->lock, deadline_ns, "tdm_mutex_lock");
    return err ? tdm__timed(err) : own(m);
}

int tdm_mutex_lock(tdm_mutex *m)
{
    return change(m, FREE, HELD) ? own(m) : lock(m, INT64_MAX);
}

int tdm_mutex_lock_for(tdm_mutex *m, double seconds)
{
    return change(m, FREE, HELD) ? own(m) : lock(m, tdm__deadline_in(seconds));
}

int tdm_mutex_try_lock(tdm_mutex *m)
{
    return change(m, FREE, HELD) ? own(m) : -EAGAIN;
}

void tdm__mutex_lock_shielded(tdm_mutex *m)
{
    tdm__waiter self;
    tdm__lock(&m->lock);
    if (take_or_announce(m)) {
        tdm__unlock(&m->lock);
    } else {
        int err = tdm__waiters_wait_shielded(&m->waiters, &self, &m->lock, "tdm_condition_wait");
        assert(!err);
        (void) err;
    }
    own(m);
}

static void hand_over(tdm_mutex *m)
{
    tdm__lock(&m->lock);
    bool handed = tdm__waiters_wake(&m->waiters, 0);
    atomic_store_explicit(&m->word, !handed ? FREE : m->waiters.first ? AWAITED : HELD, memory_order_release);
    tdm__unlock(&m->lock);
}

int tdm_mutex_unlock(tdm_mutex *m)
{
    if (!tdm__mutex_is_mine(m))
        return -EPERM;
    atomic_store_explicit(&m->owner, NULL, memory_order_relaxed);
    if (!change(m, HELD, FREE))
        hand_over(m);
    return 0;
}

unsigned tdm_mutex_waiting(tdm_mutex *m)
{
    tdm__lock(&m->lock);
    unsigned count = m->waiters.count;
    tdm__unlock(&m->lock);
    return count;
}
