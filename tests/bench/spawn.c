/* SPDX-License-Identifier: MIT */
/* DESIGN: no-op tasks of the loop lane, spawned on the loop that runs them, in batches between which the loop turns.
 * Use: spawn evented|fiber TASKS BATCH. The first ten batches do not count. */
#include "tests/bench/common.h"
#include <tandem/tandem.h>

typedef struct spawner {
    tdm_task_spec spec;
    uint64_t tasks, batch;
    uint64_t ended;
    double per_second;
} spawner;

static int noop_on_fiber(tdm_task *task, void *arg)
{
    (void) task;
    ((spawner *) arg)->ended++;
    return 0;
}

static int noop_evented(tdm_task *task, void *arg)
{
    ((spawner *) arg)->ended++;
    tdm_task_finish(task, 0);
    return 0;
}

static void spawn(tdm_executor *executor, spawner *self, uint64_t n)
{
    self->ended = 0;
    for (uint64_t started = 0; started < n;) {
        for (uint64_t i = 0; i < self->batch; i++) {
            int err = tdm_spawn(executor, &self->spec, NULL);
            if (err)
                bench_die("spawn", err);
        }
        started += self->batch;
        bench_turn_until(&self->ended, started);
    }
}

static void drive(tdm_executor *executor, void *arg)
{
    spawner *self = arg;
    spawn(executor, self, 10 * self->batch);
    int64_t begin = tdm_clock_ns();
    spawn(executor, self, self->tasks);
    self->per_second = (double) self->tasks / tdm_s_from_ns(tdm_clock_ns() - begin);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        bench_use("spawn evented|fiber TASKS BATCH");
    spawner self = {.tasks = (uint64_t) bench_number(argv[2]), .batch = (uint64_t) bench_number(argv[3])};
    self.spec = (tdm_task_spec){.name = "noop", .arg = &self};
    if (bench_is_evented(argv[1]))
        self.spec.start = noop_evented;
    else
        self.spec.run = noop_on_fiber;
    bench_on_loop(&(tdm_executor_options){.loops = 1}, drive, &self);
    bench_print((bench_result[]){{"per_second", self.per_second}, {0}});
    return 0;
}
