/* SPDX-License-Identifier: MIT */
/* A stock that is taken from in threes and filled one by one: who takes waits until there is enough. */
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_mutex *mutex;
static tdm_condition *changed;
static int stock, taken; /* guarded by the mutex */

static int take_three(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_mutex_lock(mutex);
    if (err)
        return err;
    while (!err && stock < 3)
        err = tdm_condition_wait(changed, mutex); /* lets go of the mutex, and has it again whatever `err` is */
    if (!err) {
        stock -= 3;
        taken += 3;
    }
    tdm_mutex_unlock(mutex);
    return err;
}

static int fill(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = 0;
    for (int i = 0; !err && i < 9; i++) {
        err = tdm_mutex_lock(mutex);
        if (err)
            break;
        stock++;
        tdm_condition_broadcast(changed);
        tdm_mutex_unlock(mutex);
        err = tdm_sleep(0.001);
    }
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_mutex_create(&mutex);
    if (!err)
        err = tdm_condition_create(&changed);
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    for (int i = 0; !err && i < 3; i++) {
        tdm_lane lane = i % 2 ? TDM_POOL : TDM_LOOP;
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "take", .run = take_three, .lane = lane}, NULL);
    }
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "fill", .run = fill, .lane = TDM_POOL}, NULL);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("taken: %d, left: %d\n", taken, stock);
    tdm_executor_destroy(&executor);
    tdm_condition_destroy(&changed);
    tdm_mutex_destroy(&mutex);
    return err ? 1 : 0;
}
