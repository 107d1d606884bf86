/* SPDX-License-Identifier: MIT */
/* DESIGN: the experiment this project grew from. `/` answers at once and leaves tasks behind that each wait, as `sync`
 * tasks on the pool or as `async` tasks on the loop: one function, two lanes. `/sleep` waits in the handler itself. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>
#include <tandem/log.h>

#include "server/daemon/routes.h"

#define MAX_PERIOD 3600
#define MAX_COUNT 1000

struct root_params {
    int64_t as_async, count;
    double period;
};

static const tdm_param root_params[] = {
    {.name = "as_async", .type = TDM_INT, .offset = offsetof(struct root_params, as_async), .fallback = "0"},
    {.name = "count",
     .type = TDM_INT,
     .offset = offsetof(struct root_params, count),
     .fallback = "3",
     .range = TDM_RANGE(0, MAX_COUNT)},
    {.name = "period",
     .type = TDM_FLOAT,
     .offset = offsetof(struct root_params, period),
     .fallback = "3",
     .range = TDM_RANGE(0, MAX_PERIOD)},
    {0},
};

struct nap {
    int64_t index;
    double period;
};

static int take_nap(tdm_task *task, void *arg)
{
    const struct nap *nap = arg;
    int err = tdm_sleep(nap->period);
    if (err)
        return err;
    tdm_log_info("%lld %s end", (long long) nap->index, tdm_task_name(task));
    return 0;
}

static int add_nap(tdm_request *req, const struct root_params *params, int64_t index)
{
    struct nap *nap = malloc(sizeof *nap);
    if (!nap)
        return -ENOMEM;
    *nap = (struct nap){.index = index, .period = params->period};
    bool async = params->as_async != 0;
    int err = tdm_background(req, &(tdm_task_spec){
                                      .name = async ? "async" : "sync",
                                      .run = take_nap,
                                      .arg = nap,
                                      .drop = free,
                                      .lane = async ? TDM_LOOP : TDM_POOL,
                                  });
    if (err)
        free(nap);
    return err;
}

static int get_root(tdm_request *req)
{
    const struct root_params *params = tdm_request_params(req);
    tdm_log_info("main thread: %u", (unsigned) tdm_thread_id());
    bool starts = strcmp(tdm_request_method(req), "HEAD") != 0;
    for (int64_t i = 0; starts && i < params->count; i++) {
        int err = add_nap(req, params, i);
        if (err)
            return err;
    }
    return tdm_reply_json_text(req, 200, "\"ok\"");
}

struct sleep_params {
    double period;
    int lane;
};

static const char *const lanes[] = {"loop", "pool", NULL};
_Static_assert(TDM_LOOP == 0 && TDM_POOL == 1, "the lanes' names are in the enum's order");

static const tdm_param sleep_params[] = {
    {.name = "period",
     .type = TDM_FLOAT,
     .offset = offsetof(struct sleep_params, period),
     .fallback = "0.2",
     .range = TDM_RANGE(0, MAX_PERIOD)},
    {.name = "lane",
     .type = TDM_ENUM,
     .offset = offsetof(struct sleep_params, lane),
     .fallback = "loop",
     .choices = lanes},
    {0},
};

static tdm_lane lane_of_sleep(const void *params)
{
    return (tdm_lane) ((const struct sleep_params *) params)->lane;
}

static int get_sleep(tdm_request *req)
{
    const struct sleep_params *params = tdm_request_params(req);
    int err = tdm_sleep(params->period);
    return err ? err : tdm_reply_empty(req, 200);
}

static const char *const tags[] = {"experiment", NULL};

static const tdm_route routes[] = {
    {.method = "GET",
     .path = "/",
     .run = get_root,
     .params = root_params,
     .params_size = sizeof(struct root_params),
     .tags = tags,
     .summary = "Answer at once, and leave tasks behind that each wait"},
    {.method = "GET",
     .path = "/sleep",
     .run = get_sleep,
     .params = sleep_params,
     .params_size = sizeof(struct sleep_params),
     .choose_lane = lane_of_sleep,
     .tags = tags,
     .summary = "Wait in the handler itself, in either lane"},
};

int routes_experiment(tdm_app *app)
{
    return routes_add(app, routes, sizeof routes / sizeof routes[0]);
}
