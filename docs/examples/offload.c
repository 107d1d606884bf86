/* SPDX-License-Identifier: MIT */
/* A function that computes for long runs on a pool of its own, while the loop goes on; one that is too slow is
 * asked to stop, and waited for. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <tandem/tandem.h>

static tdm_pool *hashing;

static int hash_password(tdm_task *task, void *arg)
{
    (void) task;
    uint32_t hash = 2166136261;
    for (int round = 0; round < 100000; round++)
        for (const char *c = arg; *c; c++)
            hash = (hash ^ (unsigned char) *c) * 16777619;
    return (int) (hash & 0xFFFF);
}

static int never_in_time(tdm_task *task, void *arg)
{
    (void) arg;
    while (!tdm_task_cancel_requested(task)) /* a thread cannot be stopped from outside, but it can ask */
        tdm_sleep(0.001);
    return 0;
}

static int sign_in(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    static char password[] = "correct horse battery staple";
    int hash;
    int err = tdm_offload(hash_password, password, &(tdm_offload_options){.pool = hashing, .name = "hash"}, &hash);
    if (err)
        return err;
    printf("hash %d\n", hash);

    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.01);
    err = tdm_offload(never_in_time, NULL, &(tdm_offload_options){.pool = hashing}, NULL);
    bool too_slow = tdm_timeout_end(&scope);
    printf("too slow: %s; its thread is free again\n", too_slow && err == -ETIMEDOUT ? "yes" : "no");
    return 0;
}

int main(void)
{
    tdm_executor *executor;
    int err = tdm_executor_create(&executor, NULL);
    if (err)
        return 1;
    err = tdm_pool_create(&hashing, executor, &(tdm_pool_options){.name = "hashing", .max_workers = 2});
    tdm_task *task;
    if (!err)
        err = tdm_task_start(&task, executor, &(tdm_task_spec){.name = "sign_in", .run = sign_in});
    if (!err)
        err = tdm_join(&task, NULL);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
