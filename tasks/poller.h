/* SPDX-License-Identifier: MIT */
/* Where a loop sleeps: libevent's base with two descriptors of ours in it, one that wakes it and one that is a clock. For
 * the loop's thread alone, but for tdm__poller_wake(). */
#ifndef TANDEM_TASKS_POLLER_H
#define TANDEM_TASKS_POLLER_H

#include <tandem/base.h>

struct event;
struct event_base;

typedef struct tdm__poller {
    struct event_base *base;
    struct event *wake_event, *timer_event;
    int wake_fd, timer_fd;
    bool woken;      /* `wake_event` has been seen */
    int64_t told_ns; /* the deadline that the clock is set to; INT64_MAX: none; 0: it has gone off */
} tdm__poller;

/* @return 0; -ENOMEM; what the kernel said of a descriptor. */
int tdm__poller_init(tdm__poller *poller);
/* Also of one whose init failed, or that is zeroed. */
void tdm__poller_finish(tdm__poller *poller);

/* End the poll that is under way, or the next one. Any thread. */
void tdm__poller_wake(tdm__poller *poller);
/* Run what is ready; with `block`, first sleep until something is or `next_ns` has come (INT64_MAX: for ever). */
void tdm__poller_poll(tdm__poller *poller, bool block, int64_t next_ns);

#endif
