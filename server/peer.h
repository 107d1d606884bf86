/* SPDX-License-Identifier: MIT */
/* Watching sockets for what the transport's library does not look at: that a client left while its reply is awaited,
 * and what still comes on a connection that we have ended.
 *
 * Thread: all of it on the loop's thread. */
#ifndef TANDEM_SERVER_PEER_H
#define TANDEM_SERVER_PEER_H

#include <stdbool.h>

struct event_base;
typedef struct tdm__peers tdm__peers;

typedef enum tdm__peer_event {
    TDM__PEER_HALF, /* it sent a FIN: closed, or closed for writing; nobody can tell which */
    TDM__PEER_GONE, /* reset */
    TDM__PEER_DATA, /* something can be read, or the end */
} tdm__peer_event;

typedef void tdm__peer_fn(void *what, tdm__peer_event event);

/* @return 0; or a negative errno. */
int tdm__peers_create(tdm__peers **out, struct event_base *base, tdm__peer_fn *fn);
/* NULL is accepted. Closes only what it opened. */
void tdm__peers_destroy(tdm__peers **peers);

/* Begin to watch `fd`, for its end (each event once), or for data (again and again). @return 0; or a negative errno. */
int tdm__peer_watch(tdm__peers *peers, int fd, bool data, void *what);
/* Stop watching it; before it is closed. */
void tdm__peer_forget(tdm__peers *peers, int fd);

#endif
