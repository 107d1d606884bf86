/* SPDX-License-Identifier: MIT */
/* A task starts another in each lane, waits for one with a limit, and looks at how both ended. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

static int add(tdm_task *task, void *arg)
{
    (void) task;
    const int *numbers = arg;
    return numbers[0] + numbers[1];
}

static int take_too_long(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(3600);
}

static int compare(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int numbers[] = {19, 23};
    tdm_task *sum, *slow;
    tdm_end end;
    int err = tdm_task_start(&sum, NULL, &(tdm_task_spec){.name = "add", .run = add, .arg = numbers, .lane = TDM_POOL});
    if (err)
        return err;
    err = tdm_join_shielded(&sum, &end); /* it uses our numbers, so it must have ended before we return */
    if (err)
        return err;
    printf("%s: %s with %d\n", end.name, tdm_state_name(end.state), end.result);

    err = tdm_task_start(&slow, NULL, &(tdm_task_spec){.name = "slow", .run = take_too_long});
    if (err)
        return err;
    if (tdm_join_for(&slow, 0.01, &end) == -ETIMEDOUT) /* the handle is still ours */
        tdm_task_stop(slow);
    err = tdm_join(&slow, &end);
    if (err) {
        tdm_task_detach(&slow); /* nobody waits for it any more */
        return err;
    }
    printf("%s: %s\n", end.name, tdm_state_name(end.state));
    return 0;
}

int main(void)
{
    tdm_executor *executor;
    tdm_task *task;
    int err = tdm_executor_create(&executor, NULL);
    if (err)
        return 1;
    err = tdm_task_start(&task, executor, &(tdm_task_spec){.name = "compare", .run = compare});
    if (!err)
        err = tdm_join(&task, NULL); /* any thread may join */
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
