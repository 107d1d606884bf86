/* SPDX-License-Identifier: MIT */
/* DESIGN: those who wait form one queue, and its first has the turn: it alone waits for a place and for the clock, and
 * takes the start itself, at the time that it reads then. So no start is booked ahead for somebody who comes late or
 * is cancelled: starts are spaced by when they happened, not by when they should have. The one with the turn hands it
 * to the next when it has started, and also when it gives up.
 * The rate is the generic cell rate algorithm: `due_ns` is when the start after the last would come if all were spaced
 * evenly, and a start may be ahead of that by the tolerance, which is the burst. The interval is rounded up to a whole
 * nanosecond, so that a second never holds one start too many. */
#include <tandem/limiter.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "tasks/waiters.h"
#include <tandem/clock.h>

struct tdm_limiter {
    unsigned at_once;     /* 0: no limit; constant */
    int64_t interval_ns;  /* between starts; 0: no limit; constant */
    int64_t tolerance_ns; /* how far ahead of `due_ns` a start may be; constant */

    pthread_mutex_t lock; /* guards what follows */
    unsigned running;
    int64_t due_ns;
    bool turn_taken;    /* somebody waits in `turn`, or is on its way there or away */
    tdm__waiters queue; /* for the turn */
    tdm__waiters turn;  /* the one that has it, for a place; its deadline is the clock's */
};

static int set_rate(tdm_limiter *l, double per_second, unsigned burst)
{
    if (per_second == 0)
        return burst ? -EINVAL : 0;
    double interval_s = 1 / per_second;
    if (!(interval_s >= TDM_LIMITER_MIN_INTERVAL && interval_s <= TDM_LIMITER_MAX_INTERVAL) ||
        burst > TDM_LIMITER_MAX_BURST)
        return -EINVAL;
    double interval_ns = ceil(1e9 / per_second);
    double tolerance_ns = interval_ns * (burst ? burst - 1 : 0);
    l->interval_ns = (int64_t) interval_ns;
    l->tolerance_ns = tolerance_ns < 0x1p62 ? (int64_t) tolerance_ns : INT64_C(1) << 62;
    return 0;
}

int tdm_limiter_create(tdm_limiter **out, const tdm_limiter_options *options)
{
    if (!options->at_once && options->per_second == 0)
        return -EINVAL;
    tdm_limiter *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    int err = set_rate(l, options->per_second, options->burst);
    if (err) {
        free(l);
        return err;
    }
    l->at_once = options->at_once;
    l->due_ns = INT64_MIN / 2; /* long ago */
    pthread_mutex_init(&l->lock, NULL);
    *out = l;
    return 0;
}

void tdm_limiter_destroy(tdm_limiter **slot)
{
    tdm_limiter *l = *slot;
    if (!l)
        return;
    *slot = NULL;
    tdm__lock(&l->lock); /* whoever woke the caller may still hold it */
    assert(!l->turn_taken && !l->queue.first);
    tdm__unlock(&l->lock);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- all with the lock held ---- */

static bool has_place(const tdm_limiter *l)
{
    return !l->at_once || l->running < l->at_once;
}

/* When the rate allows the next start. */
static int64_t next_start(const tdm_limiter *l)
{
    return l->interval_ns ? l->due_ns - l->tolerance_ns : INT64_MIN;
}

/* @return false: not now. */
static bool start(tdm_limiter *l)
{
    if (!has_place(l))
        return false;
    if (l->interval_ns) {
        int64_t now = tdm_clock_ns();
        if (now < next_start(l))
            return false;
        l->due_ns = (l->due_ns > now ? l->due_ns : now) + l->interval_ns;
    }
    if (l->at_once)
        l->running++;
    return true;
}

static void pass_turn(tdm_limiter *l)
{
    l->turn_taken = tdm__waiters_wake(&l->queue, 0) != NULL;
}

/* ---- waiting: with the lock held on entry and return ---- */

static int wait_for_turn(tdm_limiter *l, int64_t deadline_ns)
{
    tdm__waiter self;
    if (!l->turn_taken) {
        l->turn_taken = true;
        return 0;
    }
    int err = tdm__waiters_wait(&l->queue, &self, &l->lock, deadline_ns, "tdm_limiter_acquire");
    tdm__lock(&l->lock);
    return err;
}

/* With the turn: until there is a place, then until it is time. */
static int wait_for_start(tdm_limiter *l, int64_t deadline_ns)
{
    int err = 0;
    while (!err && !start(l)) {
        tdm__waiter self;
        int64_t next_ns = has_place(l) ? next_start(l) : INT64_MAX;
        err = tdm__waiters_wait(&l->turn, &self, &l->lock, next_ns < deadline_ns ? next_ns : deadline_ns,
                                "tdm_limiter_acquire");
        if (err == TDM__DUE && next_ns < deadline_ns)
            err = 0; /* it is time; look again */
        tdm__lock(&l->lock);
    }
    return err;
}

static int acquire(tdm_limiter *l, int64_t deadline_ns)
{
    tdm__lock(&l->lock);
    int err = wait_for_turn(l, deadline_ns);
    if (!err) {
        err = wait_for_start(l, deadline_ns);
        pass_turn(l);
    }
    tdm__unlock(&l->lock);
    return tdm__timed(err);
}

int tdm_limiter_acquire(tdm_limiter *l)
{
    return acquire(l, INT64_MAX);
}

int tdm_limiter_acquire_for(tdm_limiter *l, double seconds)
{
    return acquire(l, tdm__deadline_in(seconds));
}

int tdm_limiter_try_acquire(tdm_limiter *l)
{
    tdm__lock(&l->lock);
    bool started = !l->turn_taken && start(l);
    tdm__unlock(&l->lock);
    return started ? 0 : -EAGAIN;
}

int tdm_limiter_release(tdm_limiter *l)
{
    if (!l->at_once)
        return 0;
    tdm__lock(&l->lock);
    int err = l->running ? 0 : -EOVERFLOW;
    if (!err && l->running-- == l->at_once) /* else who has the turn waits for the clock */
        tdm__waiters_wake(&l->turn, 0);
    tdm__unlock(&l->lock);
    return err;
}

int tdm_limiter_run(tdm_limiter *l, int (*run)(void *arg), void *arg)
{
    int result = tdm_limiter_acquire(l);
    if (result)
        return result;
    result = run(arg);
    int err = tdm_limiter_release(l);
    return err ? err : result;
}

unsigned tdm_limiter_running(tdm_limiter *l)
{
    tdm__lock(&l->lock);
    unsigned running = l->running;
    tdm__unlock(&l->lock);
    return running;
}

unsigned tdm_limiter_waiting(tdm_limiter *l)
{
    tdm__lock(&l->lock);
    unsigned count = l->queue.count + l->turn.count;
    tdm__unlock(&l->lock);
    return count;
}
