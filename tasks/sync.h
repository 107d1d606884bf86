/* SPDX-License-Identifier: MIT */
/* The one seam through which the executor's threads block on each other, so that a test can put its own order and its
 * own time in the place of the kernel's (tandem/testing.h). A loop's poll is the other place where a thread sleeps. */
#ifndef TANDEM_TASKS_SYNC_H
#define TANDEM_TASKS_SYNC_H

#include <pthread.h>

#include <tandem/base.h>

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

/* With `lock` held, which is let go of meanwhile. Wakes up without cause now and then, as condition variables do.
 * @param deadline_ns on the monotonic clock; INT64_MAX: none. @return false: the deadline has passed. */
bool tdm__cond_wait(tdm__cond *cond, pthread_mutex_t *lock, int64_t deadline_ns);

/* Any thread, with the lock or without. */
void tdm__cond_signal(tdm__cond *cond);
void tdm__cond_broadcast(tdm__cond *cond);

/* Sleep in poll(2). Comes back without cause now and then.
 * @return 0: the deadline has passed; above 0: look at what was reported, if anything; or a negative errno. */
int tdm__poll(struct pollfd *fds, unsigned count, int64_t deadline_ns);

#endif
