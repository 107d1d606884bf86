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

bool tdm__cond_wait_in(tdm__cond *cond, pthread_mutex_t *lock, int64_t deadline_ns, const char *in)
{
    if (tdm__testing())
        return tdm__baton_cond_wait(cond, lock, deadline_ns, in);
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
    if (tdm__testing())
        tdm__baton_wake(cond, false);
    else
        pthread_cond_signal(&cond->cond);
}

void tdm__cond_broadcast(tdm__cond *cond)
{
    if (tdm__testing())
        tdm__baton_wake(cond, true);
    else
        pthread_cond_broadcast(&cond->cond);
}

/* Look, and let others go on until there is something to see. */
static int poll_by_turns(struct pollfd *fds, unsigned count, int64_t deadline_ns)
{
    const struct timespec none = {0};
    int reported;
    while ((reported = ppoll(fds, count, &none, NULL)) == 0 && tdm_clock_ns() < deadline_ns)
        tdm__baton_idle(fds, deadline_ns, true, "tdm__poll");
    return reported >= 0 ? reported : errno == EINTR ? 1 : -errno;
}

int tdm__poll(struct pollfd *fds, unsigned count, int64_t deadline_ns)
{
    for (unsigned i = 0; i < count; i++)
        fds[i].revents = 0; /* an error leaves them as they were */
    if (tdm__testing())
        return poll_by_turns(fds, count, deadline_ns);
    int64_t left_ns = deadline_ns == INT64_MAX ? 0 : deadline_ns - tdm_clock_ns();
    if (left_ns < 0)
        left_ns = 0;
    struct timespec left = {.tv_sec = left_ns / TDM_NS_PER_S, .tv_nsec = left_ns % TDM_NS_PER_S};
    int reported = ppoll(fds, count, deadline_ns == INT64_MAX ? NULL : &left, NULL);
    return reported >= 0 ? reported : errno == EINTR ? 1 : -errno;
}
