/* SPDX-License-Identifier: MIT */
/* DESIGN: epoll, edge-triggered, each descriptor registered once for both directions: a kept connection costs no call
 * but its reads and writes. Waits have nanoseconds where the kernel has epoll_pwait2; elsewhere the milliseconds are
 * rounded down and the rest is spent looking, so that a deadline is met either way. A source may close others while a
 * batch of events is told; what the batch still holds for them is crossed out. */
#include "load/poller.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <tandem/clock.h>

enum { EVENTS = 256 };

struct load_poller {
    int fd;
    bool coarse;     /* no epoll_pwait2 here */
    int told, found; /* of `events`: those told so far, and all */
    struct epoll_event events[EVENTS];
};

int load_poller_create(load_poller **out)
{
    load_poller *poll = calloc(1, sizeof *poll);
    if (!poll)
        return -ENOMEM;
    poll->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll->fd < 0) {
        int err = -errno;
        free(poll);
        return err;
    }
    *out = poll;
    return 0;
}

void load_poller_destroy(load_poller **poll)
{
    if (!*poll)
        return;
    close((*poll)->fd);
    free(*poll);
    *poll = NULL;
}

static int control(load_poller *poll, int how, int fd, load_source *source)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = source};
    return epoll_ctl(poll->fd, how, fd, &event) < 0 ? -errno : 0;
}

int load_poller_add(load_poller *poll, int fd, load_source *source)
{
    return control(poll, EPOLL_CTL_ADD, fd, source);
}

int load_poller_again(load_poller *poll, int fd, load_source *source)
{
    return control(poll, EPOLL_CTL_MOD, fd, source);
}

void load_poller_forget(load_poller *poll, const load_source *source)
{
    for (int i = poll->told; i < poll->found; i++)
        if (poll->events[i].data.ptr == source)
            poll->events[i].data.ptr = NULL;
}

/* Without fine waits: all but the last millisecond asleep, the rest awake. */
static int wait_coarsely(load_poller *poll, int64_t span_ns)
{
    int64_t until_ns = tdm_clock_ns() + span_ns;
    for (int64_t left_ns = span_ns;; left_ns = until_ns - tdm_clock_ns()) {
        int ms = left_ns > 0 ? (int) (left_ns / 1000000 < 1000 ? left_ns / 1000000 : 1000) : 0;
        int n = epoll_wait(poll->fd, poll->events, EVENTS, ms);
        if (n != 0 || left_ns <= 0)
            return n < 0 ? -errno : n;
    }
}

static int wait_finely(load_poller *poll, int64_t span_ns)
{
    const struct timespec span = {.tv_sec = span_ns / TDM_NS_PER_S, .tv_nsec = span_ns % TDM_NS_PER_S};
    int n = epoll_pwait2(poll->fd, poll->events, EVENTS, &span, NULL);
    if (n >= 0 || errno != ENOSYS)
        return n < 0 ? -errno : n;
    poll->coarse = true;
    return wait_coarsely(poll, span_ns);
}

int load_poller_find(load_poller *poll, int64_t span_ns)
{
    int n = span_ns <= 0 || poll->coarse ? wait_coarsely(poll, span_ns) : wait_finely(poll, span_ns);
    poll->found = n > 0 ? n : 0;
    return n;
}

void load_poller_tell(load_poller *poll)
{
    for (poll->told = 0; poll->told < poll->found;) {
        const struct epoll_event *event = &poll->events[poll->told++];
        load_source *source = event->data.ptr;
        if (source)
            source->ready(source, event->events);
    }
    poll->told = poll->found = 0;
}
