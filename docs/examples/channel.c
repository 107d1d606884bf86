/* SPDX-License-Identifier: MIT */
/* Numbers go from one task of the loop to three of the worker pool, and the sums of those to main: no more than four
 * lie in between, however fast the sender is. */
#include <errno.h>
#include <stdio.h>

#include <tandem/tandem.h>

enum { WORKERS = 3 };

static tdm_channel *numbers, *sums;

static int send_numbers(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int err = 0;
    for (int i = 1; !err && i <= 1000; i++)
        err = tdm_channel_send(numbers, &i); /* waits while four lie there */
    tdm_channel_close(numbers);
    return err;
}

static int add_numbers(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    int number, err;
    long sum = 0;
    while ((err = tdm_channel_receive(numbers, &number)) == 0)
        sum += number;
    return err == -EPIPE ? tdm_channel_send(sums, &sum) : err; /* -EPIPE: closed, and nothing is left */
}

int main(void)
{
    tdm_executor *executor = NULL;
    int err = tdm_channel_create(&numbers, &(tdm_channel_options){.item_size = sizeof(int), .capacity = 4});
    if (!err)
        err = tdm_channel_create(&sums, &(tdm_channel_options){.item_size = sizeof(long)}); /* hand to hand */
    if (!err)
        err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = WORKERS});
    for (int i = 0; !err && i < WORKERS; i++)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "add", .run = add_numbers, .lane = TDM_POOL}, NULL);
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "send", .run = send_numbers, .lane = TDM_LOOP}, NULL);
    long total = 0;
    for (int i = 0; !err && i < WORKERS; i++) {
        long sum;
        err = tdm_channel_receive_for(sums, &sum, 30); /* main is a thread like any other */
        if (!err)
            total += sum;
    }
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("1 + ... + 1000 = %ld\n", total);
    tdm_executor_destroy(&executor);
    tdm_channel_destroy(&numbers);
    tdm_channel_destroy(&sums);
    return err ? 1 : 0;
}
