/* SPDX-License-Identifier: MIT */
/* DESIGN: condition variables and poll(2) with deadlines on the monotonic clock; nothing else. It is a file of its own because all
 * that blocks a thread of the executor passes through here. */
#include "tasks/sync.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <time.h>

#include <tandem/clock.h>

void tdm__cond_init(tdm__cond *cond)
{
    int err = pthread_cond_init(&cond->cond, NULL); /* allocates nothing, so it cannot fail */
    assert(!err);
    (void) err;
}

void tdm__cond_finish(tdm__cond *cond)
{
    pthread_cond_destroy(&cond->cond);
}

bool tdm__cond_wait(tdm__cond *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        pthread_cond_wait(&cond->cond, lock);
        return true;
    }
    if (deadline_ns < 0)
        deadline_ns = 0;
    struct timespec until = {.tv_sec = deadline_ns / TDM_NS_PER_S, .tv_nsec = deadline_ns % TDM_NS_PER_S};
    return pthread_cond_clockwait(&cond->cond, lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT;
}

void tdm__cond_signal(tdm__cond *cond)
{
    pthread_cond_signal(&cond->cond);
}

void tdm__cond_broadcast(tdm__cond *cond)
{
    pthread_cond_broadcast(&cond->cond);
}

int tdm__poll(struct pollfd *fds, unsigned count, int64_t deadline_ns)
{
    for (unsigned i = 0; i < count; i++)
        fds[i].revents = 0; /* an error leaves them as they were */
    int64_t left_ns = deadline_ns == INT64_MAX ? 0 : deadline_ns - tdm_clock_ns();
    if (left_ns < 0)
        left_ns = 0;
    struct timespec left = {.tv_sec = left_ns / TDM_NS_PER_S, .tv_nsec = left_ns % TDM_NS_PER_S};
    int reported = ppoll(fds, count, deadline_ns == INT64_MAX ? NULL : &left, NULL);
    return reported >= 0 ? reported : errno == EINTR ? 1 : -errno;
}
