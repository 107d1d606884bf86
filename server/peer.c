/* SPDX-License-Identifier: MIT */
/* DESIGN: an epoll instance of our own, nested in the loop's base as one event. The library's own events on the same
 * sockets are left as they are: edge and level triggering do not mix in one event_base, and its EV_CLOSED is not told
 * of a reset. The end of a peer is watched edge-triggered, so that a FIN is heard once and the reset after it again.
 * Events are taken one at a time, because handling one may close the socket that the next one is about. */
#include "server/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <event2/event.h>

#define AT_ONCE 64 /* then the loop gets its turn */

struct tdm__peers {
    int fd;
    struct event *event;
    tdm__peer_fn *fn;
};

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    (void) what;
    tdm__peers *peers = arg;
    struct epoll_event event;
    for (int i = 0; i < AT_ONCE && epoll_wait(fd, &event, 1, 0) == 1; i++) {
        if (event.events & (EPOLLERR | EPOLLHUP))
            peers->fn(event.data.ptr, TDM__PEER_GONE);
        else if (event.events & EPOLLIN)
            peers->fn(event.data.ptr, TDM__PEER_DATA);
        else
            peers->fn(event.data.ptr, TDM__PEER_HALF);
    }
}

int tdm__peers_create(tdm__peers **out, struct event_base *base, tdm__peer_fn *fn)
{
    tdm__peers *peers = calloc(1, sizeof *peers);
    if (!peers)
        return -ENOMEM;
    peers->fn = fn;
    peers->fd = epoll_create1(EPOLL_CLOEXEC);
    if (peers->fd < 0) {
        int err = -errno;
        free(peers);
        return err;
    }
    peers->event = event_new(base, peers->fd, EV_READ | EV_PERSIST, on_ready, peers);
    if (!peers->event || event_add(peers->event, NULL)) {
        tdm__peers_destroy(&peers);
        return -ENOMEM;
    }
    *out = peers;
    return 0;
}

void tdm__peers_destroy(tdm__peers **peers)
{
    if (!*peers)
        return;
    if ((*peers)->event)
        event_free((*peers)->event);
    close((*peers)->fd);
    free(*peers);
    *peers = NULL;
}

int tdm__peer_watch(tdm__peers *peers, int fd, bool data, void *what)
{
    struct epoll_event event = {.events = data ? EPOLLIN : EPOLLRDHUP | EPOLLET, .data.ptr = what};
    return epoll_ctl(peers->fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void tdm__peer_forget(tdm__peers *peers, int fd)
{
    epoll_ctl(peers->fd, EPOLL_CTL_DEL, fd, NULL);
}
