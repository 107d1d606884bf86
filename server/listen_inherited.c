/* SPDX-License-Identifier: MIT */
/* DESIGN: a socket that a supervisor opened and passed on (systemd's protocol: descriptors from 3 on, LISTEN_FDS of
 * them, meant for the process LISTEN_PID). It stays the supervisor's: it is neither barred nor emptied at the end, since
 * who waits in its queue is served by the next process. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <tandem/log.h>

#include "server/listen.h"

enum { FIRST = 3 };

typedef union name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
} name;

static int refused(int err, const char *why)
{
    tdm_log_error("cannot listen on an inherited socket: %s", why);
    return err;
}

static bool is_number(const char *text, long *out)
{
    char *end;
    errno = 0;
    *out = text && *text ? strtol(text, &end, 10) : -1;
    return text && *text && !*end && !errno;
}

static int look_for_it(void)
{
    long pid, count;
    if (!is_number(getenv("LISTEN_FDS"), &count))
        return refused(-ENOENT, "LISTEN_FDS is not set: none was passed");
    if (is_number(getenv("LISTEN_PID"), &pid) && pid != getpid())
        return refused(-ENOENT, "LISTEN_PID names another process");
    return count == 1 ? 0 : refused(-EINVAL, "LISTEN_FDS is not 1: exactly one is wanted");
}

static void make_url(int fd, tdm__listening *out)
{
    name address = {.any.sa_family = AF_UNSPEC};
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(fd, &address.any, &size))
        address.any.sa_family = AF_UNSPEC;
    if (address.any.sa_family == AF_INET && inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host))
        snprintf(out->url, sizeof out->url, "http://%s:%d", host, ntohs(address.v4.sin_port));
    else if (address.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host))
        snprintf(out->url, sizeof out->url, "http://[%s]:%d", host, ntohs(address.v6.sin6_port));
    else
        snprintf(out->url, sizeof out->url, "unix:%.*s", (int) sizeof address.un.sun_path, address.un.sun_path);
    out->tcp = host[0] != '\0';
}

int tdm__listen_inherited(int *fd, tdm__listening *out)
{
    const int on = 1;
    int err = look_for_it(), listens = 0;
    if (err)
        return err;
    socklen_t size = sizeof listens;
    if (getsockopt(FIRST, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens)
        return refused(-ENOTSOCK, "descriptor 3 is no listening socket");
    /* A copy: the descriptor that was passed stays as it is for whoever looks at it next. */
    *fd = fcntl(FIRST, F_DUPFD_CLOEXEC, FIRST + 1);
    int flags = *fd < 0 ? -1 : fcntl(*fd, F_GETFL);
    if (flags < 0 || fcntl(*fd, F_SETFL, flags | O_NONBLOCK)) {
        err = -errno;
        if (*fd >= 0)
            close(*fd);
        return refused(err, strerror(-err));
    }
    fcntl(FIRST, F_SETFD, FD_CLOEXEC); /* not for programs that this one starts */
    out->inherited = true;
    make_url(*fd, out);
    if (out->tcp && setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
        tdm_log_warning("cannot set TCP_NODELAY: %s", strerror(errno));
    return 0;
}
