/* SPDX-License-Identifier: MIT */
/* A session with a server that must be told goodbye, and the goodbye takes a moment: also when the task is cancelled in
 * the middle of its work. */
#include <stdatomic.h>
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_event *working;
static _Atomic int open_sessions, goodbyes;

static int log_in(void *arg)
{
    (void) arg;
    int err = tdm_sleep(0.001);
    if (err)
        return err; /* nothing is open, so nothing will be closed */
    atomic_fetch_add(&open_sessions, 1);
    return 0;
}

static int work(void *arg)
{
    (void) arg;
    tdm_event_set(working);
    return tdm_sleep(3600); /* long; it will be cancelled */
}

static int log_out(void *arg, int result)
{
    (void) arg, (void) result;
    int err = tdm_sleep(0.001); /* waits, though the task was asked to stop */
    if (!err)
        atomic_fetch_add(&goodbyes, 1);
    atomic_fetch_sub(&open_sessions, 1);
    return err;
}

static int session(tdm_task *task, void *arg)
{
    (void) task;
    tdm_scope scope = {.acquire = log_in, .body = work, .release = log_out, .arg = arg, .release_within = 5.0};
    return tdm_scope_run(&scope, NULL);
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_event_create(&working);
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    uint64_t id = 0;
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "session", .run = session, .lane = TDM_LOOP}, &id);
    if (!err)
        err = tdm_event_wait_for(working, 30);
    if (!err)
        err = tdm_task_cancel(executor, id);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("goodbyes: %d, left open: %d\n", goodbyes, open_sessions);
    tdm_executor_destroy(&executor);
    tdm_event_destroy(&working);
    return err ? 1 : 0;
}
