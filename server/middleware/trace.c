/* SPDX-License-Identifier: MIT */
/* DESIGN: request ids, so that the lines of one request can be found in the logs of all who had a part in it. What a
 * client brings is taken only if it is plain enough to stand in a log line and a header field. Ids of our own need to
 * be unique, not secret: each thread draws them from a generator that the kernel seeded. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <tandem/clock.h>

#include "server/request.h"

#define ID_MAX 128
#define TRACEPARENT_SIZE 55 /* "00-TRACE(32)-SPAN(16)-FLAGS(2)" */

/* splitmix64 */
static uint64_t draw(void)
{
    static _Thread_local uint64_t state;
    static _Thread_local bool seeded;
    if (!seeded) {
        if (getrandom(&state, sizeof state, GRND_NONBLOCK) != sizeof state)
            state = (uint64_t) tdm_clock_ns() ^ (uint64_t) (uintptr_t) &state;
        seeded = true;
    }
    uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static bool is_hex(const char *text, size_t size)
{
    return strspn(text, "0123456789abcdef") >= size;
}

static bool is_zero(const char *text, size_t size)
{
    return strspn(text, "0") >= size;
}

/* The trace id in a W3C traceparent of whatever version. */
static bool is_traceparent(const char *text)
{
    size_t size = strlen(text);
    if (size < TRACEPARENT_SIZE || (size > TRACEPARENT_SIZE && (memcmp(text, "00", 2) == 0 || text[55] != '-')))
        return false;
    return is_hex(text, 2) && memcmp(text, "ff", 2) != 0 && text[2] == '-' && is_hex(text + 3, 32) &&
           !is_zero(text + 3, 32) && text[35] == '-' && is_hex(text + 36, 16) && !is_zero(text + 36, 16) &&
           text[52] == '-' && is_hex(text + 53, 2);
}

static bool is_plain_id(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+=@";
    size_t size = strlen(text);
    return size > 0 && size <= ID_MAX && strspn(text, plain) == size;
}

static const char *new_id(tdm_request *req)
{
    char *id = tdm__arena_alloc(&req->arena, 33);
    if (id)
        snprintf(id, 33, "%016llx%016llx", (unsigned long long) draw(), (unsigned long long) draw());
    return id;
}

static int arrive(tdm_request *req, void *arg)
{
    const tdm_request_ids_options *options = arg;
    const char *parent = options->distrust ? NULL : tdm_request_header(req, "traceparent");
    const char *given = options->distrust ? NULL : tdm_request_header(req, "X-Request-ID");
    if (parent && is_traceparent(parent))
        req->trace = tdm__arena_copy(&req->arena, parent + 3, 32);
    else if (given && is_plain_id(given))
        req->trace = given;
    else
        req->trace = new_id(req);
    return req->trace ? 0 : -ENOMEM;
}

static int after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    (void) reply, (void) arg;
    return req->trace ? tdm_reply_header(req, "X-Request-ID", req->trace) : 0;
}

tdm_middleware tdm_request_ids(const tdm_request_ids_options *options)
{
    tdm_request_ids_options *kept = calloc(1, sizeof *kept);
    if (kept && options)
        *kept = *options;
    return (tdm_middleware){.name = "request_ids",
                            .arg = kept,
                            .arrive = arrive,
                            .after = after,
                            .drop = free,
                            .error = kept ? 0 : -ENOMEM};
}
