/* SPDX-License-Identifier: MIT */
/* A server that refuses twice before it answers. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

static int attempts, answers;

static int fetch(void *arg)
{
    (void) arg;
    attempts++;
    int err = tdm_sleep(0.001); /* the way there */
    if (err)
        return err;
    return attempts < 3 ? -ECONNREFUSED : 0;
}

static void tell(const tdm_retry_event *event, void *arg)
{
    (void) arg;
    printf("attempt %u failed\n", event->attempt);
}

static int fetch_patiently(tdm_task *task, void *arg)
{
    (void) task;
    tdm_retry_policy policy = {.attempts = 5, .within = 10.0, .pause = 0.01, .on_retry = tell};
    int err = tdm_retry(&policy, fetch, arg); /* pauses of up to 10 ms, 20 ms, …, at random */
    answers += err == 0;
    return err;
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "fetch", .run = fetch_patiently, .lane = TDM_LOOP}, NULL);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("%d answer after %d attempts\n", answers, attempts);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
