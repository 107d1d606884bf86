/* SPDX-License-Identifier: MIT */
/* Replies that are written while they are made: a long table, and a clock that ticks as server-sent events.
 *
 *     curl -N http://127.0.0.1:8000/primes?below=100
 *     curl -N http://127.0.0.1:8000/ticks?period=1 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

struct primes {
    int64_t below;
};

static const tdm_param primes_params[] = {
    {.name = "below",
     .type = TDM_INT,
     .offset = offsetof(struct primes, below),
     .fallback = "1000",
     .range = TDM_RANGE(2, 10000000)},
    {0},
};

static bool is_prime(int64_t n)
{
    for (int64_t i = 2; i * i <= n; i++) {
        if (n % i == 0)
            return false;
    }
    return true;
}

/* A client that reads slowly makes the writes wait; one that leaves ends them. */
static int get_primes(tdm_request *req)
{
    const struct primes *params = tdm_request_params(req);
    int err = tdm_stream_begin(req, 200, "text/csv; charset=utf-8", TDM_LENGTH_UNKNOWN);
    for (int64_t n = 2; n < params->below && !err; n++) {
        char line[32];
        if (is_prime(n))
            err = tdm_stream_write(req, line, (size_t) snprintf(line, sizeof line, "%lld\n", (long long) n));
    }
    return err ? err : tdm_stream_end(req);
}

struct ticks {
    double period;
    int64_t count;
};

static const tdm_param ticks_params[] = {
    {.name = "period",
     .type = TDM_FLOAT,
     .offset = offsetof(struct ticks, period),
     .fallback = "1",
     .range = TDM_RANGE(0.01, 60)},
    {.name = "count",
     .type = TDM_INT,
     .offset = offsetof(struct ticks, count),
     .fallback = "10",
     .range = TDM_RANGE(1, 100000)},
    {0},
};

/* A browser that comes back says which tick it saw last, and goes on after it. */
static int get_ticks(tdm_request *req)
{
    const struct ticks *params = tdm_request_params(req);
    const char *last = tdm_events_last_id(req);
    int64_t seen = last ? strtoll(last, NULL, 10) : 0;
    if (seen >= params->count)
        return tdm_reply_empty(req, 204); /* there is no more: a browser comes back no more either */
    int err = tdm_events_begin(req, NULL);
    for (int64_t i = seen > 0 ? seen + 1 : 1; i <= params->count && !err; i++) {
        char id[24];
        snprintf(id, sizeof id, "%lld", (long long) i);
        err = tdm_events_send(req, &(tdm_stream_event){.id = id, .name = "tick", .data = id});
        if (!err)
            err = tdm_sleep(params->period);
    }
    return err;
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (tdm_app_create(&app, &(tdm_app_options){.name = "events", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int err = tdm_app_route(app, &(tdm_route){.method = "GET",
                                              .path = "/primes",
                                              .run = get_primes,
                                              .lane = TDM_POOL, /* it computes */
                                              .params = primes_params,
                                              .params_size = sizeof(struct primes),
                                              .reply_type = "text/csv",
                                              .summary = "Prime numbers, one a line"});
    if (!err)
        err = tdm_app_route(app, &(tdm_route){.method = "GET",
                                              .path = "/ticks",
                                              .run = get_ticks,
                                              .params = ticks_params,
                                              .params_size = sizeof(struct ticks),
                                              .reply_type = "text/event-stream",
                                              .summary = "A clock that ticks"});
    int status = err < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
