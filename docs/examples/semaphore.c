/* SPDX-License-Identifier: MIT */
/* Ten downloads of which no more than three run at once. Half of them are tasks of the loop and half of the worker
 * pool; the semaphore is the same for all. */
#include <stdatomic.h>
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_semaphore *slots;
static _Atomic int at_once, most, done;

static int download(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_semaphore_acquire(slots);
    if (err)
        return err; /* asked to stop while it waited: nothing was taken */
    int now = atomic_fetch_add(&at_once, 1) + 1;
    if (now > most)
        most = now;
    err = tdm_sleep(0.01); /* the download itself */
    atomic_fetch_sub(&at_once, 1);
    atomic_fetch_add(&done, 1);
    tdm_semaphore_release(slots, 1);
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_semaphore_create(&slots, &(tdm_semaphore_options){.permits = 3, .bounded = true});
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 8});
    for (int i = 0; !err && i < 10; i++) {
        tdm_lane lane = i % 2 ? TDM_POOL : TDM_LOOP;
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "download", .run = download, .lane = lane}, NULL);
    }
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("%d downloads, at most 3 at once: %s\n", done, most <= 3 ? "yes" : "no");
    tdm_executor_destroy(&executor);
    tdm_semaphore_destroy(&slots);
    return err ? 1 : 0;
}
