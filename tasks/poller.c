/* SPDX-License-Identifier: MIT */
/* DESIGN: libevent knows two descriptors of ours: the eventfd that wakes the loop, and a timerfd set to the next deadline
 * of the loop's own heap (libevent's own timers read a coarse clock and come up to 5 ms late). The timerfd is never read:
 * setting it anew makes it quiet. The base is used by one thread alone and needs no locks. */
#include "tasks/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tasks/baton.h"
#include "tasks/sanitizer.h"
#include <event2/event.h>
#include <tandem/clock.h>

void tdm__poller_wake(tdm__poller *poller)
{
    const uint64_t one = 1;
    if (tdm__testing())
        tdm__baton_wake(poller, false);
    while (write(poller->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ; /* EAGAIN: the counter is full, so it wakes anyway */
}

static void tell(tdm__poller *poller, int64_t next_ns)
{
    if (next_ns == poller->told_ns)
        return;
    poller->told_ns = next_ns;
    struct itimerspec at = {0}; /* zero: off */
    if (next_ns != INT64_MAX) {
        next_ns = next_ns > 0 ? next_ns : 1;
        at.it_value = (struct timespec){.tv_sec = next_ns / TDM_NS_PER_S, .tv_nsec = next_ns % TDM_NS_PER_S};
    }
    int err = timerfd_settime(poller->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(err == 0);
    (void) err;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void) fd, (void) what;
    ((tdm__poller *) arg)->told_ns = 0; /* it must be set anew, even to nothing; the turn does the work */
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void) what;
    uint64_t count;
    ((tdm__poller *) arg)->woken = true;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ; /* EAGAIN: somebody woke us twice for one message */
}

/* Besides our own two. */
static bool has_descriptors(const tdm__poller *poller)
{
    return event_base_get_num_events(poller->base, EVENT_BASE_COUNT_ADDED) > 2;
}

void tdm__poller_poll(tdm__poller *poller, bool block, int64_t next_ns)
{
    if (block && tdm__testing()) {
        tdm__baton_idle(poller, next_ns, has_descriptors(poller), __func__);
        block = false;
    }
    if (block)
        tell(poller, next_ns);
    int err = event_base_loop(poller->base, EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK));
    assert(err >= 0);
    (void) err;
}

static int make_base(tdm__poller *poller)
{
    struct event_config *config = event_config_new();
    if (!config)
        return -ENOMEM;
    /* Not under TSan: it takes the late removal of a closed socket's number, which finds nothing, for a race. */
    int flags = EVENT_BASE_FLAG_NOLOCK | (TDM__TSAN ? 0 : EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    int err = event_config_set_flag(config, flags);
    poller->base = err ? NULL : event_base_new_with_config(config);
    event_config_free(config);
    return poller->base ? 0 : -ENOMEM;
}

/* libevent keeps what it is told until it polls, and only writes a warning if the kernel does not take it then. A loop that
 * cannot be woken would be a loop that hangs: so each event must come once. */
static int try_events(tdm__poller *poller)
{
    tdm__poller_wake(poller);
    tell(poller, 1); /* long ago */
    tdm__poller_poll(poller, false, 0);
    return poller->woken && !poller->told_ns ? 0 : -ENOMEM;
}

int tdm__poller_init(tdm__poller *poller)
{
    *poller = (tdm__poller){.wake_fd = -1, .timer_fd = -1, .told_ns = INT64_MAX};
    int err = make_base(poller);
    if (err)
        return err;
    poller->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller->wake_fd < 0)
        return -errno;
    poller->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (poller->timer_fd < 0)
        return -errno;
    poller->wake_event = event_new(poller->base, poller->wake_fd, EV_READ | EV_PERSIST, on_wake, poller);
    poller->timer_event = event_new(poller->base, poller->timer_fd, EV_READ | EV_PERSIST, on_timer, poller);
    if (!poller->wake_event || !poller->timer_event)
        return -ENOMEM;
    if (event_add(poller->wake_event, NULL) < 0 || event_add(poller->timer_event, NULL) < 0)
        return -ENOMEM;
    return try_events(poller);
}

void tdm__poller_finish(tdm__poller *poller)
{
    if (!poller->base)
        return; /* nothing was made after it */
    if (poller->wake_event)
        event_free(poller->wake_event);
    if (poller->timer_event)
        event_free(poller->timer_event);
    event_base_free(poller->base);
    if (poller->wake_fd >= 0)
        close(poller->wake_fd);
    if (poller->timer_fd >= 0)
        close(poller->timer_fd);
}
