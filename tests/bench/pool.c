/* SPDX-License-Identifier: MIT */
/* DESIGN: no-op tasks of the pool lane and back to the loop that spawned them, so many in flight: the end of each, told on
 * the loop, spawns the next. Use: pool THREADS TASKS IN_FLIGHT. A tenth of the tasks runs before, to warm up. */
#include "tests/bench/common.h"
#include <tandem/tandem.h>

static struct {
    tdm_executor *executor;
    tdm_task_spec spec;
    uint64_t tasks, in_flight;
    uint64_t to_start, ended;
    int64_t end_ns;
    double per_second;
} all;

static int noop(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    return 0;
}

static void start_one(void)
{
    all.to_start--;
    int err = tdm_spawn(all.executor, &all.spec, NULL);
    if (err)
        bench_die("spawn", err);
}

static void back(const tdm_end *end, void *arg)
{
    (void) end;
    (void) arg;
    all.ended++;
    if (all.to_start)
        start_one();
    else
        all.end_ns = tdm_clock_ns();
}

/* @return when the last was back. */
static int64_t go_round(uint64_t n)
{
    all.to_start = n;
    all.ended = 0;
    for (uint64_t i = 0; i < all.in_flight && all.to_start; i++)
        start_one();
    while (all.ended < n)
        if (tdm_sleep(0.01) < 0)
            bench_die("the driver was stopped", 0);
    return all.end_ns;
}

static void drive(tdm_executor *executor, void *arg)
{
    (void) arg;
    all.executor = executor;
    go_round(all.tasks / 10);
    int64_t begin = tdm_clock_ns();
    all.per_second = (double) all.tasks / tdm_s_from_ns(go_round(all.tasks) - begin);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        bench_use("pool THREADS TASKS IN_FLIGHT");
    all.tasks = (uint64_t) bench_number(argv[2]);
    all.in_flight = (uint64_t) bench_number(argv[3]);
    all.spec = (tdm_task_spec){.name = "noop", .run = noop, .on_end = back, .lane = TDM_POOL};
    unsigned threads = (unsigned) bench_number(argv[1]); /* all from the start, as libuv and GLib have them */
    bench_on_loop(&(tdm_executor_options){.loops = 1, .workers = threads, .min_workers = threads}, drive, NULL);
    bench_print((bench_result[]){{"per_second", all.per_second}, {0}});
    return 0;
}
