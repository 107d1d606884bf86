/* SPDX-License-Identifier: MIT */
/* Three ways to wait for several: for all, for each as it completes, and for the first. */
#include <stdio.h>

#include <tandem/tandem.h>

static int fetch(tdm_task *task, void *arg) /* something that takes so many milliseconds */
{
    (void) task;
    int ms = *(const int *) arg;
    int err = tdm_sleep(ms * 1e-3);
    return err ? err : ms;
}

static int spawn_three(tdm_group *group)
{
    static int ms[] = {60, 20, 40}; /* they outlive this function, as the children do */
    for (int i = 0; i < 3; i++) {
        tdm_task_spec spec = {.name = "fetch", .run = fetch, .arg = &ms[i]};
        int index = tdm_group_spawn(group, &spec);
        if (index < 0)
            return index;
    }
    return 0;
}

static int for_all(tdm_group *group)
{
    int err = tdm_group_wait(group); /* 0, or the first error */
    const tdm_end *ends;
    unsigned count = tdm_group_ends(group, &ends);
    printf("all:");
    for (unsigned i = 0; i < count; i++)
        printf(" %d", ends[i].result);
    printf("\n");
    return err;
}

static int as_completed(tdm_group *group)
{
    tdm_end end;
    int there;
    printf("as completed:");
    while ((there = tdm_group_next(group, &end, NULL)) == 1)
        printf(" %d", end.result);
    printf("\n");
    return there;
}

static int for_the_first(tdm_group *group)
{
    int err = tdm_group_wait(group); /* the others have been cancelled, and have ended */
    if (!err)
        printf("first: number %d\n", tdm_group_first(group));
    return err;
}

static int with_group(tdm_executor *executor, tdm_group_policy policy, int (*wait)(tdm_group *group))
{
    tdm_group *group;
    int err = tdm_group_open(&group, &(tdm_group_options){.executor = executor, .policy = policy});
    if (err)
        return err;
    err = spawn_three(group);
    if (!err)
        err = wait(group);
    int closed = tdm_group_close(&group); /* cancels and waits for what is left */
    return err ? err : closed;
}

int main(void)
{
    tdm_executor *executor;
    int err = tdm_executor_create(&executor, NULL);
    if (err)
        return 1;
    err = with_group(executor, TDM_FAIL_FAST, for_all);
    if (!err)
        err = with_group(executor, TDM_COLLECT, as_completed);
    if (!err)
        err = with_group(executor, TDM_FIRST_DONE, for_the_first);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
