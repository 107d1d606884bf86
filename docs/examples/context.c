/* SPDX-License-Identifier: MIT */
/* A value that follows the work: set once, seen by every task that is started from there, in whatever lane. */
#include <stdio.h>

#include <tandem/tandem.h>

static const tdm_context_key tenant = {.name = "tenant", .logged = true};

static const char *current_tenant(void)
{
    const char *name = tdm_context_get(&tenant);
    return name ? name : "nobody";
}

static int charge(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_log_info("charging"); /* the line ends with: task=2 tenant=acme */
    printf("%s in the %s lane\n", current_tenant(), tdm_lane_name(tdm_task_lane(task)));
    return 0;
}

static int serve(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    tdm_context_mark mark = tdm_context_save();
    int err = tdm_context_set(&tenant, "acme", NULL);
    for (int lane = 0; !err && lane < TDM_LANES; lane++) {
        tdm_task *child;
        err = tdm_task_start(&child, NULL, &(tdm_task_spec){.name = "charge", .run = charge, .lane = (tdm_lane) lane});
        if (!err)
            err = tdm_join_shielded(&child, NULL);
    }
    tdm_context_restore(mark);
    printf("%s afterwards\n", current_tenant());
    return err;
}

int main(void)
{
    tdm_executor *executor;
    tdm_task *task;
    int err = tdm_executor_create(&executor, NULL);
    if (err)
        return 1;
    tdm_log_start(&(tdm_log_options){.level = TDM_LOG_WARNING}); /* so that nothing but our own lines is seen */
    err = tdm_task_start(&task, executor, &(tdm_task_spec){.name = "serve", .run = serve});
    if (!err)
        err = tdm_join(&task, NULL);
    tdm_executor_destroy(&executor);
    tdm_log_stop();
    return err ? 1 : 0;
}
