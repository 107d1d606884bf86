/* SPDX-License-Identifier: MIT */
/* DESIGN: what a task costs when N are in flight: waves of N tasks that all sleep at once, and the CPU time of the
 * process for a wave, by N. That is a whole life: spawned, started, put to sleep, woken in its time, ended, written into
 * the ledger. Use: scaling evented|fiber N WAVES SECONDS. A wave before the first does not count. */
#include "tests/bench/common.h"
#include <tandem/tandem.h>

enum { CHUNK = 1000 }; /* the loop turns after so many, as asyncio's does in the same bench */

static struct {
    tdm_task_spec spec;
    uint64_t n, waves, asleep, ended;
    double seconds;
    int64_t cpu_ns;
} all;

static void one_more_asleep(void)
{
    if (all.ended)
        bench_die("one ended before all were asleep: more seconds are wanted", 0);
    all.asleep++;
}

static int sleep_on_fiber(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    one_more_asleep();
    int err = tdm_sleep(all.seconds);
    all.ended++;
    return err;
}

static int get_up(tdm_task *task, void *arg)
{
    (void) arg;
    all.ended++;
    tdm_task_finish(task, 0);
    return 0;
}

static int lie_down(tdm_task *task, void *arg)
{
    (void) arg;
    one_more_asleep();
    return tdm_task_after(task, all.seconds, get_up);
}

/* @return the CPU time it took. */
static int64_t wave(tdm_executor *executor)
{
    all.asleep = all.ended = 0;
    int64_t begin = bench_cpu_ns();
    for (uint64_t i = 0; i < all.n; i++) {
        int err = tdm_spawn(executor, &all.spec, NULL);
        if (err)
            bench_die("spawn", err);
        if (i % CHUNK == CHUNK - 1)
            bench_turn_until(&all.asleep, i + 1);
    }
    bench_turn_until(&all.asleep, all.n);
    while (all.ended < all.n)
        if (tdm_sleep(all.seconds / 8) < 0)
            bench_die("the driver was stopped", 0);
    return bench_cpu_ns() - begin;
}

static void drive(tdm_executor *executor, void *arg)
{
    (void) arg;
    wave(executor);
    for (uint64_t i = 0; i < all.waves; i++)
        all.cpu_ns += wave(executor);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        bench_use("scaling evented|fiber N WAVES SECONDS");
    all.n = (uint64_t) bench_number(argv[2]);
    all.waves = (uint64_t) bench_number(argv[3]);
    all.seconds = bench_number(argv[4]);
    all.spec = (tdm_task_spec){.name = "sleeper"};
    if (bench_is_evented(argv[1]))
        all.spec.start = lie_down;
    else
        all.spec.run = sleep_on_fiber;
    bench_on_loop(&(tdm_executor_options){.loops = 1, .max_loop_tasks = (unsigned) all.n + 1}, drive, NULL);
    bench_print((bench_result[]){{"cpu_ns", (double) all.cpu_ns / (double) (all.n * all.waves)}, {0}});
    return 0;
}
