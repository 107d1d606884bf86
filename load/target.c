/* SPDX-License-Identifier: MIT */
/* DESIGN: all that is settled about a target before anything is measured. Names are resolved once, and the address
 * that accepted a first connection is the one that every later connection uses, so that a host with several addresses
 * (localhost: ::1 and 127.0.0.1) gives comparable figures and a dead target is reported at once, in one line. */
#include "load/target.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tandem/tandem.h>

char *load_target_get(const load_target *target, const char *path)
{
    char *request = NULL;
    int size = asprintf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tandem-load/%s\r\nAccept: */*\r\n\r\n",
                        path, target->url.authority, tdm_version());
    return size < 0 ? NULL : request;
}

int load_target_prepare(load_target *target)
{
    target->url = target->requests[0].url;
    for (load_request *r = target->requests; r < target->requests + target->request_count; r++) {
        r->text = load_target_get(target, r->url.target);
        if (!r->text)
            return -ENOMEM;
        r->size = strlen(r->text);
    }
    return 0;
}

void load_target_finish(load_target *target)
{
    for (load_request *r = target->requests; r < target->requests + target->request_count; r++) {
        load_url_finish(&r->url);
        free(r->label);
        free(r->text);
    }
    free(target->requests);
    free(target->label);
    free(target->levels);
    *target = (load_target){0};
}

static int await_connect(int fd, int timeout_ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    int n = poll(&waiting, 1, timeout_ms);
    if (n < 0)
        return -errno;
    if (n == 0)
        return -ETIMEDOUT;
    int err = 0;
    socklen_t size = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 ? -errno : -err;
}

static int try_address(const struct addrinfo *info, int timeout_ms)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = connect(fd, info->ai_addr, info->ai_addrlen) < 0 ? -errno : 0;
    if (err == -EINPROGRESS)
        err = await_connect(fd, timeout_ms);
    close(fd);
    return err;
}

int load_target_reach(load_target *target, double timeout_s, char *why, size_t why_size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(target->url.host, target->url.port, &hints, &found);
    if (failure) {
        snprintf(why, why_size, "cannot find the host %s: %s", target->url.host, gai_strerror(failure));
        return -EHOSTUNREACH;
    }
    int err = -EHOSTUNREACH;
    for (const struct addrinfo *info = found; info && err; info = info->ai_next) {
        if (info->ai_addrlen > sizeof target->address)
            continue;
        err = try_address(info, (int) (timeout_s * 1000) + 1);
        if (err)
            continue;
        memcpy(&target->address, info->ai_addr, info->ai_addrlen);
        target->address_size = info->ai_addrlen;
    }
    freeaddrinfo(found);
    if (err)
        snprintf(why, why_size, "cannot connect to %s: %s", target->url.authority, strerror(-err));
    return err;
}
