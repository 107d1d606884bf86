/* SPDX-License-Identifier: MIT */
/* DESIGN: one no-op task of the pool lane and back to the loop that spawned it, a pause, the next: how long from before
 * the call that spawns it to when the loop is told of its end. Use: wake THREADS TIMES PAUSE_MS. The first tenth does
 * not count. */
#include <stdlib.h>

#include "tests/bench/common.h"
#include <tandem/tandem.h>

static struct {
    tdm_task_spec spec;
    size_t times, done;
    double pause;
    int64_t sent_ns, *took_ns;
} all;

static int noop(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    return 0;
}

static void back(const tdm_end *end, void *arg)
{
    (void) end;
    (void) arg;
    all.took_ns[all.done++] = tdm_clock_ns() - all.sent_ns;
}

static void drive(tdm_executor *executor, void *arg)
{
    (void) arg;
    for (size_t sent = 0; sent < all.times; sent++) {
        while (tdm_sleep(all.pause) == 0 && all.done < sent)
            ;
        all.sent_ns = tdm_clock_ns();
        int err = tdm_spawn(executor, &all.spec, NULL);
        if (err)
            bench_die("spawn", err);
    }
    while (all.done < all.times)
        if (tdm_sleep(all.pause) < 0)
            bench_die("the driver was stopped", 0);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        bench_use("wake THREADS TIMES PAUSE_MS");
    all.times = (size_t) bench_number(argv[2]);
    all.pause = bench_number(argv[3]) / 1e3;
    all.took_ns = calloc(all.times, sizeof *all.took_ns);
    if (!all.took_ns)
        bench_die("no memory for the times", 0);
    all.spec = (tdm_task_spec){.name = "noop", .run = noop, .on_end = back, .lane = TDM_POOL};
    unsigned threads = (unsigned) bench_number(argv[1]); /* all from the start, as libuv and GLib have them */
    bench_on_loop(&(tdm_executor_options){.loops = 1, .workers = threads, .min_workers = threads}, drive, NULL);
    size_t skipped = all.times / 10, n = all.times - skipped;
    bench_print((bench_result[]){
        {"p50_ns", (double) bench_percentile(all.took_ns + skipped, n, 0.50)},
        {"p99_ns", (double) bench_percentile(all.took_ns + skipped, n, 0.99)},
        {0},
    });
    free(all.took_ns);
    return 0;
}
