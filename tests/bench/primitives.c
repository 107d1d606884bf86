/* SPDX-License-Identifier: MIT */
/* DESIGN: one figure at a time: primitives FIGURE N THREADS. The same shapes as in primitives_asyncio.py, from the same
 * numbers: callers in flight. A tenth of the work runs before, to warm up. Whoever works is a
 * task on a fiber of the loop. */
#include <string.h>

#include "tests/bench/common.h"
#include <tandem/tandem.h>

enum { IN_FLIGHT = 1024 };

static tdm_executor *executor;

/* What the tasks of one round share; all on one loop. */
typedef struct round_of_work {
    uint64_t each; /* how often each of them */
    uint64_t ended;
} round_of_work;

static void must(int err, const char *what)
{
    if (err < 0)
        bench_die(what, err);
}

static void spawn_one(tdm_task_fn *run, round_of_work *work)
{
    must(tdm_spawn(executor, &(tdm_task_spec){.name = "worker", .run = run, .arg = work}, NULL), "spawn");
}

/* ---- group3 ---- */

static int noop(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    return 0;
}

static void group3(uint64_t n)
{
    const tdm_task_spec child = {.name = "child", .run = noop};
    for (uint64_t i = 0; i < n; i++) {
        tdm_group *group;
        must(tdm_group_open(&group, NULL), "group");
        for (int k = 0; k < 3; k++)
            must(tdm_group_spawn(group, &child), "child");
        must(tdm_group_wait(group), "wait");
        must(tdm_group_close(&group), "close");
    }
}

/* ---- offload_1024 ---- */

/* A blocking function is a task of the pool lane, and the caller joins it. */
static int call_offload(tdm_task *task, void *arg)
{
    (void) task;
    round_of_work *work = arg;
    for (uint64_t i = 0; i < work->each; i++) {
        tdm_task *blocking;
        must(tdm_task_start(&blocking, executor, &(tdm_task_spec){.name = "blocking", .run = noop, .lane = TDM_POOL}),
             "offload");
        must(tdm_join(&blocking, NULL), "join");
    }
    work->ended++;
    return 0;
}

static void offload_1024(uint64_t n)
{
    round_of_work work = {.each = n / IN_FLIGHT};
    for (int i = 0; i < IN_FLIGHT; i++)
        spawn_one(call_offload, &work);
    while (work.ended < IN_FLIGHT)
        must(tdm_sleep(0.001), "sleep");
}

/* ---- the program ---- */

static const struct figure {
    const char *name;
    void (*work)(uint64_t n);
} FIGURES[] = {
    {"group3", group3},
    {"offload_1024", offload_1024},
};

typedef struct measured {
    const struct figure *figure;
    uint64_t n;
    double seconds;
} measured;

static void drive(tdm_executor *on, void *arg)
{
    measured *self = arg;
    executor = on;
    self->figure->work(self->n / 10 > IN_FLIGHT ? self->n / 10 : IN_FLIGHT);
    int64_t begin = tdm_clock_ns();
    self->figure->work(self->n);
    self->seconds = tdm_s_from_ns(tdm_clock_ns() - begin);
}

int main(int argc, char **argv)
{
    measured self = {0};
    for (size_t i = 0; argc == 4 && i < sizeof FIGURES / sizeof FIGURES[0]; i++)
        if (strcmp(argv[1], FIGURES[i].name) == 0)
            self.figure = &FIGURES[i];
    if (!self.figure)
        bench_use("primitives group3|offload_1024 N THREADS");
    self.n = (uint64_t) bench_number(argv[2]);
    unsigned threads = (unsigned) bench_number(argv[3]);
    bench_on_loop(&(tdm_executor_options){.loops = 1, .workers = threads}, drive, &self);
    bench_print((bench_result[]){
        {"per_second", (double) self.n / self.seconds}, {"ns", self.seconds * 1e9 / (double) self.n}, {0}});
    return 0;
}
