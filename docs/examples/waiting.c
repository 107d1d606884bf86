/* SPDX-License-Identifier: MIT */
/* One function that sleeps, works in slices, and stops when it is asked to; in both lanes. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include <tandem/tandem.h>

static _Atomic int slices, stopped;

static int work(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_sleep(0.001); /* the loop goes on; a worker blocks */
    for (int i = 0; !err && i < 100; i++) {
        atomic_fetch_add(&slices, 1); /* a slice of a long computation */
        err = tdm_yield();            /* let others have a turn, and see whether we should stop */
    }
    if (!err)
        err = tdm_sleep(TDM_FOREVER); /* until somebody asks us to stop */
    if (err == -ECANCELED)
        atomic_fetch_add(&stopped, 1); /* no wait of ours will succeed from here on */
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    uint64_t ids[TDM_LANES];
    for (int lane = 0; !err && lane < TDM_LANES; lane++)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "work", .run = work, .lane = (tdm_lane) lane}, &ids[lane]);
    while (!err && slices < TDM_LANES * 100)
        err = tdm_sleep(0.001); /* main is a thread, and may wait too */
    for (int lane = 0; !err && lane < TDM_LANES; lane++)
        err = tdm_task_cancel(executor, ids[lane]);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("%d slices, %d stopped when asked\n", slices, stopped);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
