/* SPDX-License-Identifier: MIT */
/* Calls to a service that bears four at once and a hundred a second. */
#include <stdio.h>

#include <tandem/tandem.h>

enum { CALLS = 20 };

static tdm_limiter *limit;

static int call_service(void *arg)
{
    (void) arg;
    return tdm_sleep(0.002); /* the call itself */
}

static int call(tdm_task *task, void *arg)
{
    (void) task;
    return tdm_limiter_run(limit, call_service, arg); /* waits for its start, and gives the place back afterwards */
}

int main(void)
{
    tdm_executor *executor = NULL;
    int64_t begin = tdm_clock_ns();
    int err = tdm_limiter_create(&limit, &(tdm_limiter_options){.at_once = 4, .per_second = 100});
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    for (int i = 0; !err && i < CALLS; i++)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "call", .run = call, .lane = TDM_LOOP}, NULL);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    double seconds = tdm_s_from_ns(tdm_clock_ns() - begin);
    if (!err) /* the first comes at once, each further one a hundredth of a second later */
        printf("%d calls took at least %.2f s: %s\n", CALLS, (CALLS - 1) / 100.0,
               seconds >= (CALLS - 1) / 100.0 ? "yes" : "no");
    tdm_executor_destroy(&executor);
    tdm_limiter_destroy(&limit);
    return err ? 1 : 0;
}
