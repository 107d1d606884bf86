/* SPDX-License-Identifier: MIT */
/* A balance that is read, thought about, and written, by tasks of both lanes. The mutex is held across the wait in the
 * middle: a fiber that wants it meanwhile yields, and its loop goes on. */
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_mutex *mutex;
static int balance; /* guarded by the mutex */

static int deposit(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_mutex_lock(mutex);
    if (err)
        return err; /* not locked */
    int before = balance;
    err = tdm_sleep(0.001); /* ask somebody whether that is right */
    if (!err)
        balance = before + 10;
    tdm_mutex_unlock(mutex);
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_mutex_create(&mutex);
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.loops = 2, .workers = 4});
    for (int i = 0; !err && i < 20; i++) {
        tdm_lane lane = i % 2 ? TDM_POOL : TDM_LOOP;
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "deposit", .run = deposit, .lane = lane}, NULL);
    }
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("20 deposits of 10: %d\n", balance);
    tdm_executor_destroy(&executor);
    tdm_mutex_destroy(&mutex);
    return err ? 1 : 0;
}
