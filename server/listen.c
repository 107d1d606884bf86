/* SPDX-License-Identifier: MIT */
/* DESIGN: several loops listen on one port with SO_REUSEPORT, and then the kernel would let a second process of the
 * same user share the port in silence. So a plain socket tries the address first: if that fails, the port is in use.
 * With port 0 the try also finds the port that all of them then take. The try is bound and never listens: a client
 * that it let in would be reset when it closes. A Unix socket (listen_unix.c) and one that was passed to the process
 * (listen_inherited.c) cannot be shared so: all loops accept from the one. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tandem/log.h>

#define TRIES 5 /* for port 0: between the try and the sockets that share the port somebody may take it */

enum { TRY = 0, LISTEN = 1, SHARED = 2 };

static int open_socket(const struct sockaddr *address, socklen_t size, int how, unsigned backlog)
{
    const int on = 1;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        ((how & SHARED) && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) || bind(fd, address, size) ||
        ((how & LISTEN) && listen(fd, (int) backlog))) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *) address)->sin6_port
                                                : ((const struct sockaddr_in *) address)->sin_port);
}

/* One socket without sharing; the address then holds the port it got. */
static int open_plain(struct sockaddr_storage *address, socklen_t size, int how, unsigned backlog)
{
    int fd = open_socket((const struct sockaddr *) address, size, how, backlog);
    socklen_t room = sizeof *address;
    if (fd >= 0 && getsockname(fd, (struct sockaddr *) address, &room)) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int open_shared(struct sockaddr_storage *address, socklen_t size, unsigned count, int *fds, unsigned backlog)
{
    int probe = open_plain(address, size, TRY, backlog);
    if (probe < 0)
        return probe;
    close(probe);
    for (unsigned i = 0; i < count; i++) {
        fds[i] = open_socket((const struct sockaddr *) address, size, LISTEN | SHARED, backlog);
        if (fds[i] >= 0)
            continue;
        int err = fds[i];
        while (i--)
            close(fds[i]);
        return err;
    }
    return 0;
}

static int open_all(const struct addrinfo *info, unsigned count, int *fds, int *port, unsigned backlog)
{
    int err = 0;
    for (int i = 0; i < TRIES; i++) {
        struct sockaddr_storage address = {0};
        memcpy(&address, info->ai_addr, info->ai_addrlen);
        bool any_port = port_of(&address) == 0;
        if (count == 1) {
            fds[0] = open_plain(&address, info->ai_addrlen, LISTEN, backlog);
            err = fds[0] < 0 ? fds[0] : 0;
        } else {
            err = open_shared(&address, info->ai_addrlen, count, fds, backlog);
        }
        *port = port_of(&address);
        if (err != -EADDRINUSE || !any_port)
            break;
    }
    return err;
}

static int errno_of_resolver(int code)
{
    switch (code) {
    case EAI_SYSTEM:
        return -errno;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SERVICE:
        return -EINVAL;
    default:
        return -EADDRNOTAVAIL;
    }
}

/* "[::1]" is also taken for "::1". */
static void strip_brackets(const char *host, char *out, size_t size)
{
    size_t n = strlen(host);
    bool brackets = n > 2 && host[0] == '[' && host[n - 1] == ']';
    snprintf(out, size, "%.*s", (int) (brackets ? n - 2 : n), brackets ? host + 1 : host);
}

static int open_tcp(const tdm__listen_options *options, unsigned count, int *fds, tdm__listening *out)
{
    const char *host = options->host, *port = options->port;
    char name[256];
    strip_brackets(host, name, sizeof name);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int code = getaddrinfo(name, port, &hints, &list);
    if (code) {
        int err = errno_of_resolver(code);
        tdm_log_error("cannot listen on %s port %s: %s", host, port,
                      code == EAI_SYSTEM ? strerror(-err) : gai_strerror(code));
        return err;
    }
    /* The next address only where this one is none of ours: a port in use is an error, not a wish for another. */
    int err = -EADDRNOTAVAIL, bound = 0;
    for (const struct addrinfo *info = list; info && (err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT);
         info = info->ai_next)
        err = open_all(info, count, fds, &bound, options->backlog);
    freeaddrinfo(list);
    if (err) {
        tdm_log_error("cannot listen on %s port %s: %s", host, port, strerror(-err));
        return err;
    }
    bool six = strchr(name, ':');
    snprintf(out->url, sizeof out->url, six ? "http://[%s]:%d" : "http://%s:%d", name, bound);
    out->tcp = true;
    return 0;
}

/* More descriptors of the one socket. */
static int share(int *fds, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
        if (fds[i] >= 0)
            continue;
        int err = -errno;
        while (i--)
            close(fds[i]);
        return err;
    }
    return 0;
}

int tdm__listen_open(const tdm__listen_options *options, unsigned count, int *fds, tdm__listening *out)
{
    *out = (tdm__listening){.path = NULL};
    if (!options->inherit && !options->unix_path)
        return open_tcp(options, count, fds, out);
    int err = options->inherit ? tdm__listen_inherited(fds, out) : tdm__listen_unix(options, fds, out);
    if (err)
        return err;
    err = share(fds, count);
    if (err) {
        tdm__listen_leave(out);
        tdm_log_error("cannot listen on %s from %u loops: %s", out->url, count, strerror(-err));
    }
    return err;
}

/* A connection inherits its listener's filter, so only what opens one is dropped: segments with SYN and without ACK. */
int tdm__listen_bar(int fd)
{
    enum { TCP_FLAGS_AT = 13, SYN = 0x02, ACK = 0x10 };
    struct sock_filter no_syn[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_AT),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = sizeof no_syn / sizeof *no_syn, .filter = no_syn};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) ? -errno : 0;
}

bool tdm__listen_waiting(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 0) > 0 && (poller.revents & POLLIN);
}
