/* SPDX-License-Identifier: MIT */
/** @file
 *  Waiting for sockets, with deadlines of a few microseconds. One thread; no locks. */
#ifndef LOAD_POLLER_H
#define LOAD_POLLER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct load_poller load_poller;

/** What waits: embedded in whatever owns the descriptor. */
typedef struct load_source {
    void (*ready)(struct load_source *source, uint32_t events); /**< EPOLLIN, EPOLLOUT, EPOLLRDHUP, … */
} load_source;

/** @return 0; a negative errno. */
int load_poller_create(load_poller **out);
/** Sources that are still there are forgotten. NULL is accepted; *poll becomes NULL. */
void load_poller_destroy(load_poller **poll);

/** Be told of every change of a descriptor (edge-triggered, both directions): whoever is told reads until there is no
 *  more. The source must live until the descriptor is closed. @return 0; a negative errno. */
int load_poller_add(load_poller *poll, int fd, load_source *source);
/** The source has left something unread: tell it again, after the others. @return 0; a negative errno. */
int load_poller_again(load_poller *poll, int fd, load_source *source);
/** A source is about to go: it is not told of what was found and not yet told. Its descriptor is closed next. */
void load_poller_forget(load_poller *poll, const load_source *source);

/** Wait until something happens or the time is over. A span of 0 or less only looks.
 *  @return how many sources are to be told; 0; -EINTR; another negative errno. */
int load_poller_find(load_poller *poll, int64_t span_ns);
/** Tell the sources that were found. */
void load_poller_tell(load_poller *poll);

#endif
