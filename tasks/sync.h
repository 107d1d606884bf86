/* SPDX-License-Identifier: MIT */
/* The one seam through which the executor's threads block on each other, so that a test can put its own order and its
 * own time in the place of the kernel's (tandem/testing.h). A loop's poll is the other place where a thread sleeps.
 *
 * A thread that gives way in testing mode must hold no lock, since the others run real code. So every lock of the executor
 * is taken by tdm__lock(), which counts them, and before and after which is a point; tdm__point() elsewhere is for steps
 * that need no lock, and does nothing under one. */
#ifndef TANDEM_TASKS_SYNC_H
#define TANDEM_TASKS_SYNC_H

#include <pthread.h>

#include "tasks/baton.h"

struct pollfd;

typedef struct tdm__cond {
    pthread_cond_t cond;
} tdm__cond;

#define TDM__COND_INITIALIZER                                                                                          \
    {                                                                                                                  \
        PTHREAD_COND_INITIALIZER                                                                                       \
    }

void tdm__cond_init(tdm__cond *cond);
void tdm__cond_finish(tdm__cond *cond);

/* With `lock` held, and no other, which is let go of meanwhile. Wakes up without cause now and then, as condition
 * variables do. @param deadline_ns on the monotonic clock; INT64_MAX: none. @return false: the deadline has passed. */
#define tdm__cond_wait(cond, lock, deadline_ns) tdm__cond_wait_in(cond, lock, deadline_ns, __func__)
bool tdm__cond_wait_in(tdm__cond *cond, pthread_mutex_t *lock, int64_t deadline_ns, const char *in);

/* Any thread, with the lock or without. */
void tdm__cond_signal(tdm__cond *cond);
void tdm__cond_broadcast(tdm__cond *cond);

/* Sleep in poll(2). Comes back without cause now and then.
 * @return 0: the deadline has passed; above 0: look at what was reported, if anything; or a negative errno. */
int tdm__poll(struct pollfd *fds, unsigned count, int64_t deadline_ns);

static inline void tdm__lock(pthread_mutex_t *lock)
{
    tdm__point();
    pthread_mutex_lock(lock);
    if (tdm__testing())
        tdm__baton_held(1);
}

static inline void tdm__unlock(pthread_mutex_t *lock)
{
    pthread_mutex_unlock(lock);
    if (tdm__testing()) {
        tdm__baton_held(-1);
        tdm__baton_give_way();
    }
}

#endif
