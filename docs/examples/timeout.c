/* SPDX-License-Identifier: MIT */
/* A page that has to be there in 20 ms, part by part; and a farewell that is said in any case. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

static int parts, farewells;

static int fetch_part(double seconds)
{
    int err = tdm_sleep(seconds); /* knows nothing of any deadline */
    parts += err == 0;
    return err;
}

static int fetch_page(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    tdm_timeout limit;
    tdm_timeout_begin(&limit, 0.02);
    int err = fetch_part(0.001);
    if (!err)
        err = fetch_part(3600); /* this one hangs */
    if (tdm_timeout_end(&limit))
        printf("too slow, after %d part\n", parts); /* this limit, and no other */
    return err == -ETIMEDOUT ? 0 : err;
}

static int leave_politely(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = tdm_sleep(3600); /* until it is asked to stop */
    tdm_shield shield;
    tdm_shield_begin(&shield);
    farewells += tdm_sleep(0.001) == 0; /* waits all the same */
    tdm_shield_end(&shield);
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "page", .run = fetch_page, .lane = TDM_LOOP}, NULL);
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "leave", .run = leave_politely, .lane = TDM_LOOP}, NULL);
    if (executor) /* after half a second what still waits is asked to stop */
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 0.5, .grace = 30}, NULL);
    if (!err)
        printf("farewells: %d\n", farewells);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
