/* SPDX-License-Identifier: MIT */
/* Tasks that must not begin before the program is ready, in both lanes; and a caller with little patience. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_event *ready;
static _Atomic int served;

static int serve(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_event_wait(ready); /* returns at once when it is set already */
    if (!err)
        atomic_fetch_add(&served, 1);
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_event_create(&ready);
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    for (int i = 0; !err && i < 4; i++) {
        tdm_lane lane = i % 2 ? TDM_POOL : TDM_LOOP;
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "serve", .run = serve, .lane = lane}, NULL);
    }
    if (!err && tdm_event_wait_for(ready, 0.01) == -ETIMEDOUT)
        printf("not ready yet, %d served\n", served);
    if (!err)
        tdm_event_set(ready); /* from any thread, also from a callback */
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("ready, %d served\n", served);
    tdm_executor_destroy(&executor);
    tdm_event_destroy(&ready);
    return err ? 1 : 0;
}
