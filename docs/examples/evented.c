/* SPDX-License-Identifier: MIT */
/* Ninety thousand alarms at once, none of which has a stack: each is a callback, a timer, and an end. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>

#include <tandem/tandem.h>

enum { ALARMS = 90000 }; /* of the 100,000 that an executor takes if not told otherwise */

static _Atomic int rung, cancelled;

static int ring(tdm_task *task, void *arg)
{
    (void) arg;
    rung++;
    tdm_task_finish(task, 0); /* this is its end */
    return 0;
}

static int wind(tdm_task *task, void *arg)
{
    (void) arg;
    return tdm_task_after(task, 0.05, ring); /* returns at once; the task goes on */
}

static void switched_off(tdm_task *task, void *arg)
{
    (void) arg;
    cancelled++;
    tdm_task_finish(task, -ECANCELED);
}

static int wait_for_ever(tdm_task *task, void *arg)
{
    (void) task;
    tdm_event_set(arg); /* it has begun: one that is stopped before never knows */
    return 0;           /* from here on it is in nobody's hands but ours */
}

int main(void)
{
    tdm_executor *executor = NULL;
    tdm_event *begun = NULL;
    int err = tdm_event_create(&begun);
    if (!err)
        err = tdm_executor_create(&executor, NULL);
    for (int i = 0; !err && i < ALARMS; i++)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "alarm", .start = wind}, NULL);
    tdm_task *last = NULL;
    tdm_task_spec spec = {.name = "last", .start = wait_for_ever, .on_cancel = switched_off, .arg = begun};
    if (!err)
        err = tdm_task_start(&last, executor, &spec);
    if (!err)
        err = tdm_event_wait(begun);
    if (!err)
        err = tdm_task_stop(last);
    if (!err)
        err = tdm_join(&last, NULL);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 60}, NULL);
    if (!err)
        printf("%d alarms rang, %d was switched off\n", rung, cancelled);
    tdm_executor_destroy(&executor);
    tdm_event_destroy(&begun);
    return err ? 1 : 0;
}
