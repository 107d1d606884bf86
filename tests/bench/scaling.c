/* SPDX-License-Identifier: MIT */
/* DESIGN: what a task costs when N are in flight: the CPU time of the process for a task's whole life, which is spawned,
 * started, put to sleep, woken in its time, ended, written into the ledger. Use:
 *   scaling evented|fiber waves N WAVES SECONDS   N tasks that all sleep at once, and all end, again and again; a wave
 *                                                 before the first does not count
 *   scaling evented|fiber churn N ENDS NAP_S      always N, each with a nap of its own of up to NAP_S seconds, so short that
 *                                                 the loop is never idle; each that ends spawns the next. ENDS / 4 ends
 *                                                 do not count */
#include <string.h>

#include "tests/bench/common.h"
#include <tandem/tandem.h>

enum { CHUNK = 1000 }; /* the loop turns after so many, as asyncio's does in the same bench */

static struct {
    tdm_executor *executor;
    tdm_task_spec spec;
    bool churn;
    uint64_t n, times; /* waves or ends */
    double seconds;
    uint64_t asleep, ended;
    int64_t cpu_ns;
} all;

static void start_one(void)
{
    int err = tdm_spawn(all.executor, &all.spec, NULL);
    if (err)
        bench_die("spawn", err);
}

static void start_all(void)
{
    for (uint64_t i = 0; i < all.n; i++) {
        start_one();
        if (i % CHUNK == CHUNK - 1)
            bench_turn_until(&all.asleep, i + 1);
    }
    bench_turn_until(&all.asleep, all.n);
}

static void wait_for_the_last(uint64_t n)
{
    while (all.ended < n)
        if (tdm_sleep(0.02) < 0)
            bench_die("the driver was stopped", 0);
}

/* ---- one task ---- */

static double lie_down(void)
{
    static double phase;
    all.asleep++;
    if (!all.churn) {
        if (all.ended)
            bench_die("one ended before all were asleep: more seconds are wanted", 0);
        return all.seconds;
    }
    phase += 0.618033988749895; /* the golden section: spread evenly, in no order */
    phase -= phase >= 1;
    return all.seconds * phase;
}

static void get_up(void)
{
    all.ended++;
    if (!all.churn)
        return;
    if (all.ended == all.times / 4)
        all.cpu_ns = -bench_cpu_ns();
    if (all.ended == all.times / 4 + all.times)
        all.cpu_ns += bench_cpu_ns();
    if (all.ended < all.times / 4 + all.times)
        start_one();
}

static int on_fiber(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    int err = tdm_sleep(lie_down());
    get_up();
    return err;
}

static int evented_end(tdm_task *task, void *arg)
{
    (void) arg;
    get_up();
    tdm_task_finish(task, 0);
    return 0;
}

static int evented_start(tdm_task *task, void *arg)
{
    (void) arg;
    return tdm_task_after(task, lie_down(), evented_end);
}

/* ---- many ---- */

static void wave(void)
{
    all.asleep = all.ended = 0;
    start_all();
    if (tdm_sleep(all.seconds) < 0)
        bench_die("the driver was stopped", 0);
    wait_for_the_last(all.n);
}

static void drive(tdm_executor *executor, void *arg)
{
    (void) arg;
    all.executor = executor;
    if (all.churn) {
        start_all();
        wait_for_the_last(all.n + all.times / 4 + all.times - 1); /* the last that counts spawns none */
        return;
    }
    wave();
    int64_t begin = bench_cpu_ns();
    for (uint64_t i = 0; i < all.times; i++)
        wave();
    all.cpu_ns = bench_cpu_ns() - begin;
}

int main(int argc, char **argv)
{
    all.churn = argc == 6 && strcmp(argv[2], "churn") == 0;
    if (argc != 6 || (!all.churn && strcmp(argv[2], "waves") != 0))
        bench_use("scaling evented|fiber waves|churn N WAVES|ENDS SECONDS");
    all.n = (uint64_t) bench_number(argv[3]);
    all.times = (uint64_t) bench_number(argv[4]);
    all.seconds = bench_number(argv[5]);
    all.spec = (tdm_task_spec){.name = "sleeper"};
    if (bench_is_evented(argv[1]))
        all.spec.start = evented_start;
    else
        all.spec.run = on_fiber;
    /* One that ends is still there when it spawns the next. */
    bench_on_loop(&(tdm_executor_options){.loops = 1, .max_loop_tasks = (unsigned) all.n + 2}, drive, NULL);
    uint64_t tasks = all.churn ? all.times : all.n * all.times;
    bench_print((bench_result[]){{"cpu_ns", (double) all.cpu_ns / (double) tasks}, {0}});
    return 0;
}
