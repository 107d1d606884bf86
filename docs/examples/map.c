/* SPDX-License-Identifier: MIT */
/* A thousand inputs, drawn one by one, through one function: at most twenty at once, and their results in order. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <tandem/tandem.h>

typedef struct sums {
    int drawn;
    long long total;
    bool in_order;
} sums;

static int next_number(void **item, void *arg)
{
    sums *s = arg;
    if (s->drawn == 1000)
        return 0; /* there are no more */
    int *number = malloc(sizeof *number);
    if (!number)
        return -ENOMEM;
    *number = s->drawn++;
    *item = number;
    return 1;
}

static int square(tdm_task *task, void *item) /* a task for each, in either lane */
{
    (void) task;
    int number = *(int *) item;
    int err = tdm_sleep(number % 3 * 0.001);
    return err ? err : number * number;
}

static int take(const tdm_map_result *result, void *arg) /* on the thread that called tdm_map(), one at a time */
{
    static uint64_t expected;
    sums *s = arg;
    s->in_order = s->in_order && result->index == expected++;
    s->total += result->end.result;
    return 0;
}

int main(void)
{
    tdm_executor *executor;
    sums s = {.in_order = true};
    int err = tdm_executor_create(&executor, NULL);
    if (err)
        return 1;
    err = tdm_map(&(tdm_map_options){.executor = executor,
                                     .next = next_number,
                                     .run = square,
                                     .result = take,
                                     .drop = free,
                                     .arg = &s,
                                     .at_once = 20,
                                     .ordered = true});
    if (!err)
        printf("%d squares, in order: %s; their sum is %lld\n", s.drawn, s.in_order ? "yes" : "no", s.total);
    tdm_executor_destroy(&executor);
    return err ? 1 : 0;
}
