/* SPDX-License-Identifier: MIT */
/* DESIGN: N tasks asleep at once on one loop. They fall due one after another, evenly over SPREAD seconds, SECONDS after
 * the first was started; by then all should be asleep: `spare_s` says how long before. Use: million evented|fiber N SECONDS
 * SPREAD. Where the executor bears fewer (before Linux 6.13 guard pages run out), N is what it bears. Each task puts its
 * lateness into a place of its own, whose pages are there before the first task is. */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/common.h"
#include <tandem/tandem.h>

enum { CHUNK = 1000 }; /* the loop turns after so many, as asyncio's does in the same bench */

typedef struct sleeper {
    int64_t due_ns, late_ns;
} sleeper;

static struct {
    tdm_task_spec spec;
    sleeper *sleepers;
    uint64_t n, asleep, ended;
    double seconds, spread;
    int64_t begin_ns, asleep_ns;
    double bytes;
} all;

static double seconds_left(const sleeper *self)
{
    return tdm_s_from_ns(self->due_ns - tdm_clock_ns());
}

static void woken(sleeper *self)
{
    self->late_ns = tdm_clock_ns() - self->due_ns;
    all.ended++;
}

static int sleep_on_fiber(tdm_task *task, void *arg)
{
    (void) task;
    all.asleep++;
    int err = tdm_sleep(seconds_left(arg));
    woken(arg);
    return err;
}

static int get_up(tdm_task *task, void *arg)
{
    woken(arg);
    tdm_task_finish(task, 0);
    return 0;
}

static int lie_down(tdm_task *task, void *arg)
{
    all.asleep++;
    return tdm_task_after(task, seconds_left(arg), get_up);
}

static void start_all(tdm_executor *executor)
{
    int64_t first_due_ns = all.begin_ns + tdm_ns_from_s(all.seconds);
    double gap_ns = all.spread * 1e9 / (double) all.n;
    for (uint64_t i = 0; i < all.n; i++) {
        all.sleepers[i].due_ns = first_due_ns + (int64_t) (gap_ns * (double) i);
        all.spec.arg = &all.sleepers[i];
        int err = tdm_spawn(executor, &all.spec, NULL);
        if (err)
            bench_die("spawn", err);
        if (i % CHUNK == CHUNK - 1)
            bench_turn_until(&all.asleep, i + 1);
    }
    bench_turn_until(&all.asleep, all.n);
}

static void drive(tdm_executor *executor, void *arg)
{
    (void) arg;
    uint64_t borne = tdm_executor_settings(executor)->max_loop_tasks - 1; /* the driver is one */
    if (all.n > borne)
        all.n = borne;
    uint64_t before = bench_resident_bytes();
    all.begin_ns = tdm_clock_ns();
    start_all(executor);
    all.asleep_ns = tdm_clock_ns();
    all.bytes = (double) (bench_resident_bytes() - before) / (double) all.n;
    while (all.ended < all.n)
        if (tdm_sleep(0.1) < 0)
            bench_die("the driver was stopped", 0);
}

static void report(void)
{
    int64_t *late = calloc(all.n, sizeof *late);
    if (!late)
        bench_die("no memory for the lateness", 0);
    for (uint64_t i = 0; i < all.n; i++)
        late[i] = all.sleepers[i].late_ns;
    bench_print((bench_result[]){
        {"tasks", (double) all.n},
        {"bytes", all.bytes},
        {"start_rate", (double) all.n / tdm_s_from_ns(all.asleep_ns - all.begin_ns)},
        {"spare_s", all.seconds - tdm_s_from_ns(all.asleep_ns - all.begin_ns)},
        {"late_p50_ns", (double) bench_percentile(late, all.n, 0.5)},
        {"late_p99_ns", (double) bench_percentile(late, all.n, 0.99)},
        {"late_max_ns", (double) bench_percentile(late, all.n, 1)},
        {0},
    });
    free(late);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        bench_use("million evented|fiber N SECONDS SPREAD");
    all.n = (uint64_t) bench_number(argv[2]);
    all.seconds = bench_number(argv[3]);
    all.spread = bench_number(argv[4]);
    all.spec = (tdm_task_spec){.name = "sleeper"};
    if (bench_is_evented(argv[1]))
        all.spec.start = lie_down;
    else
        all.spec.run = sleep_on_fiber;
    all.sleepers = calloc(all.n, sizeof *all.sleepers);
    if (!all.sleepers)
        bench_die("no memory for the sleepers", 0);
    memset(all.sleepers, 1, all.n * sizeof *all.sleepers);
    bench_on_loop(&(tdm_executor_options){.loops = 1, .max_loop_tasks = (unsigned) all.n + 1}, drive, NULL);
    report();
    free(all.sleepers);
    return 0;
}
