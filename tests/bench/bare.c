/* SPDX-License-Identifier: MIT */
/* DESIGN: the physical limit that servers are measured against: one thread, one epoll, a fixed 200 reply for whatever
 * ends in an empty line. It parses nothing and knows no body, so nothing that speaks HTTP can be much faster; it is no
 * server. It stops on SIGTERM. Prints `bare listening on http://127.0.0.1:PORT`. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* As long as what tandemd answers to GET /, so that both send about the same. */
static const char REPLY[] = "HTTP/1.1 200 OK\r\n"
                            "Date: Mon, 23 Nov 2026 00:00:00 GMT\r\n"
                            "Content-Type: application/json\r\n"
                            "Tandem-Tasks: 1000001-1000003\r\n"
                            "Content-Length: 4\r\n\r\n\"ok\"";

enum { EVENTS = 256, BYTES = 16384, MAX_FD = 65536 };

/* How much of the "\r\n\r\n" that ends a head a connection has seen; indexed by fd. */
static unsigned char seen[MAX_FD];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on_any_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *) &address, size) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *) &address, &size) < 0)
        die("listen");
    printf("bare listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int epoll, int listener)
{
    int fd;
    /* cppcheck-suppress nullPointer ; whose address it is does not matter */
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= MAX_FD || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("accept");
        seen[fd] = 0;
    }
}

/* Count the heads that end in these bytes. */
static int heads(int fd, const char *bytes, ssize_t size)
{
    static const char END[] = "\r\n\r\n";
    unsigned char at = seen[fd];
    int count = 0;
    for (ssize_t i = 0; i < size; i++) {
        if (bytes[i] == END[at])
            at++;
        else
            at = bytes[i] == '\r';
        if (at == sizeof END - 1) {
            count++;
            at = 0;
        }
    }
    seen[fd] = at;
    return count;
}

static void serve(int fd)
{
    static char bytes[BYTES];
    ssize_t size = read(fd, bytes, sizeof bytes);
    if (size < 0 && errno == EAGAIN)
        return;
    for (int left = size > 0 ? heads(fd, bytes, size) : 0; left > 0; left--)
        if (send(fd, REPLY, sizeof REPLY - 1, MSG_NOSIGNAL) < 0)
            size = 0;
    if (size <= 0)
        close(fd);
}

int main(void)
{
    int listener = listen_on_any_port(), epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll");
    for (;;) {
        int n = epoll_wait(epoll, ready, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(ready[i].data.fd);
        }
    }
}
