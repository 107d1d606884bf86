/* SPDX-License-Identifier: MIT */
/* DESIGN: all that is settled about a target before anything is measured. Names are resolved once, and the address
 * that accepted a first connection is the one that every later connection uses, so that a host with several addresses
 * (localhost: ::1 and 127.0.0.1) gives comparable figures and a dead target is reported at once, in one line. */
#include "load/target.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <tandem/tandem.h>

char *load_target_get(const load_target *target, const char *path)
{
    char *request = NULL;
    int size = asprintf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tandem-load/%s\r\nAccept: */*\r\n\r\n",
                        path, target->url.authority, tdm_version());
    return size < 0 ? NULL : request;
}

/* A round of turns in which each request stands as often as its weight says, spread as evenly as may be: each turn goes
 * to the one that is furthest behind its share. */
static int make_schedule(load_target *target)
{
    int64_t behind[LOAD_REQUESTS_MAX] = {0};
    for (unsigned i = 0; i < target->request_count; i++)
        target->schedule_size += target->requests[i].weight;
    target->schedule = malloc(target->schedule_size);
    if (!target->schedule)
        return -ENOMEM;
    for (unsigned turn = 0; turn < target->schedule_size; turn++) {
        unsigned next = 0;
        for (unsigned i = 0; i < target->request_count; i++) {
            behind[i] += target->requests[i].weight;
            next = behind[i] > behind[next] ? i : next;
        }
        behind[next] -= target->schedule_size;
        target->schedule[turn] = (uint8_t) next;
    }
    return 0;
}

int load_target_prepare(load_target *target, const load_request_form *form, char *why, size_t why_size)
{
    assert(target->request_count && target->request_count <= LOAD_REQUESTS_MAX);
    target->url = target->requests[0].url;
    for (load_request *r = target->requests; r < target->requests + target->request_count; r++) {
        const load_parts parts = {.method = form->method,
                                  .authority = r->url.authority,
                                  .target = r->url.target,
                                  .fields = form->fields,
                                  .body = form->body,
                                  .body_size = form->body_size};
        int err = load_template_compile(&r->template, &parts, why, why_size);
        if (err)
            return err;
    }
    return make_schedule(target);
}

void load_target_finish(load_target *target)
{
    for (load_request *r = target->requests; r < target->requests + target->request_count; r++) {
        load_url_finish(&r->url);
        free(r->label);
        load_template_destroy(&r->template);
    }
    free(target->requests);
    free(target->schedule);
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

static int reach_unix(load_target *target, const char *path, double timeout_s, char *why, size_t why_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(why, why_size, "the path of a Unix socket has at most %zu bytes: %s", sizeof address.sun_path - 1,
                 path);
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    memcpy(&target->address, &address, sizeof address);
    target->address_size = sizeof address;
    const struct addrinfo info = {
        .ai_family = AF_UNIX, .ai_addr = (struct sockaddr *) &target->address, .ai_addrlen = target->address_size};
    int err = try_address(&info, (int) (timeout_s * 1000) + 1);
    if (err)
        snprintf(why, why_size, "cannot connect to %s: %s", path, strerror(-err));
    return err;
}

static int reach_host(load_target *target, double timeout_s, char *why, size_t why_size)
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

int load_target_reach(load_target *target, const char *unix_path, double timeout_s, char *why, size_t why_size)
{
    return unix_path ? reach_unix(target, unix_path, timeout_s, why, why_size)
                     : reach_host(target, timeout_s, why, why_size);
}
