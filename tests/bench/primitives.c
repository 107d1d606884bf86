/* SPDX-License-Identifier: MIT */
/* DESIGN: one figure at a time: primitives FIGURE N THREADS. The same shapes as in primitives_asyncio.py, from the same
 * numbers: takers, permits, callers in flight, places. A tenth of the work runs before, to warm up. Whoever works is a
 * task on a fiber of the loop. */
#include <string.h>

#include "tests/bench/common.h"
#include <tandem/tandem.h>

enum { TAKERS = 16, PERMITS = 4, IN_FLIGHT = 1024, CAPACITY = 128 };

static tdm_executor *executor;

/* What the tasks of one round share; all on one loop. */
typedef struct round_of_work {
    uint64_t each; /* how often each of them */
    uint64_t ended;
    tdm_semaphore *semaphore;
    tdm_channel *channel;
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

/* ---- semaphore ---- */

static int take_permits(tdm_task *task, void *arg)
{
    (void) task;
    round_of_work *work = arg;
    for (uint64_t i = 0; i < work->each; i++) {
        must(tdm_semaphore_acquire(work->semaphore), "acquire");
        must(tdm_yield(), "yield");
        must(tdm_semaphore_release(work->semaphore, 1), "release");
    }
    work->ended++;
    return 0;
}

static void semaphore(uint64_t n)
{
    round_of_work work = {.each = n / TAKERS};
    must(tdm_semaphore_create(&work.semaphore, &(tdm_semaphore_options){.permits = PERMITS}), "semaphore");
    for (int i = 0; i < TAKERS; i++)
        spawn_one(take_permits, &work);
    bench_turn_until(&work.ended, TAKERS);
    tdm_semaphore_destroy(&work.semaphore);
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

static int call_offload(tdm_task *task, void *arg)
{
    (void) task;
    round_of_work *work = arg;
    for (uint64_t i = 0; i < work->each; i++)
        must(tdm_offload(noop, NULL, NULL, NULL), "offload");
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

/* ---- channel ---- */

static int receive_all(tdm_task *task, void *arg)
{
    (void) task;
    round_of_work *work = arg;
    for (uint64_t i = 0, item; i < work->each; i++) {
        must(tdm_channel_receive(work->channel, &item), "receive");
        if (item != i)
            bench_die("an item came out of order", 0);
    }
    work->ended++;
    return 0;
}

static void channel(uint64_t n)
{
    round_of_work work = {.each = n};
    must(tdm_channel_create(&work.channel, &(tdm_channel_options){.item_size = sizeof n, .capacity = CAPACITY}),
         "channel");
    spawn_one(receive_all, &work);
    for (uint64_t i = 0; i < n; i++)
        must(tdm_channel_send(work.channel, &i), "send");
    bench_turn_until(&work.ended, 1);
    tdm_channel_destroy(&work.channel);
}

/* ---- limiter ---- */

/* At most so many at once and so many a second that nobody waits: both limits are kept account of. */
static void limiter(uint64_t n)
{
    tdm_limiter *limiter;
    must(tdm_limiter_create(&limiter, &(tdm_limiter_options){.at_once = PERMITS, .per_second = 1e9}), "limiter");
    for (uint64_t i = 0; i < n; i++) {
        must(tdm_limiter_acquire(limiter), "acquire");
        must(tdm_limiter_release(limiter), "release");
    }
    tdm_limiter_destroy(&limiter);
}

/* ---- the program ---- */

static const struct figure {
    const char *name;
    void (*work)(uint64_t n);
} FIGURES[] = {
    {"semaphore", semaphore}, {"group3", group3},   {"offload_1024", offload_1024},
    {"channel", channel},     {"limiter", limiter},
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
        bench_use("primitives semaphore|group3|offload_1024|channel|limiter N THREADS");
    self.n = (uint64_t) bench_number(argv[2]);
    unsigned threads = (unsigned) bench_number(argv[3]);
    bench_on_loop(&(tdm_executor_options){.loops = 1, .workers = threads}, drive, &self);
    bench_print((bench_result[]){
        {"per_second", (double) self.n / self.seconds}, {"ns", self.seconds * 1e9 / (double) self.n}, {0}});
    return 0;
}
