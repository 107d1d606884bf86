/* SPDX-License-Identifier: MIT */
/* DESIGN: the executor owns the loops, the two pools and the admission counters, starts them in an order that can be
 * undone, and takes them down again. It also knows how to ask every shard a question: a loop's on its thread, the
 * pool's under its lock. Nothing of a task's life is decided here. */
#include "tasks/executor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tasks/handler.h"
#include "tasks/overrun.h"
#include "tasks/stack.h"
#include <tandem/clock.h>

enum {
    DEFAULT_LOOPS = 1,
    DEFAULT_QUEUE = 10000,
    DEFAULT_LOOP_TASKS = 100000,
    DEFAULT_LEDGER = 100000,
    DEFAULT_TURN = 256,
    MOST_AUTO_WORKERS = 32,
    SPARE_WORKERS = 4, /* more than cores: workers wait more than they compute */
};

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static unsigned auto_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long workers = (cores > 0 ? cores : 1) + SPARE_WORKERS;
    return workers > MOST_AUTO_WORKERS ? MOST_AUTO_WORKERS : (unsigned) workers;
}

static int resolve(tdm_executor_options *to, const tdm_executor_options *from)
{
    *to = from ? *from : (tdm_executor_options){0};
    to->loops = or_default(to->loops, DEFAULT_LOOPS);
    to->workers = or_default(to->workers, auto_workers());
    to->queue = or_default(to->queue, DEFAULT_QUEUE);
    to->max_loop_tasks = or_default(to->max_loop_tasks, DEFAULT_LOOP_TASKS);
    to->ledger = or_default(to->ledger, DEFAULT_LEDGER);
    to->turn_limit = or_default(to->turn_limit, DEFAULT_TURN);
    return to->loops > TDM_MAX_LOOPS || to->workers > TDM_MAX_WORKERS ? -EINVAL : 0;
}

const tdm_executor_options *tdm_executor_settings(const tdm_executor *executor)
{
    return &executor->settings;
}

tdm__loop *tdm__executor_loop(tdm_executor *executor, unsigned index)
{
    assert(index < executor->settings.loops);
    return executor->loops[index];
}

/* ---- life ---- */

static void tear_down(tdm_executor *executor)
{
    for (unsigned i = 0; i < TDM__POOLS; i++)
        tdm__pool_destroy(&executor->pools[i]);
    for (unsigned i = 0; i < executor->settings.loops; i++)
        tdm__loop_destroy(&executor->loops[i]);
    tdm__round_finish(&executor->round);
    tdm__watch_finish(&executor->watch);
    tdm__cond_finish(&executor->quiet);
    pthread_mutex_destroy(&executor->lock);
    free(executor);
}

static int start_loops(tdm_executor *executor)
{
    const tdm_executor_options *s = &executor->settings;
    int err = 0;
    for (unsigned i = 0; i < s->loops && !err; i++)
        err = tdm__loop_create(&executor->loops[i], executor, i, s->turn_limit, s->ledger, &executor->gauges[TDM_LOOP]);
    return err;
}

static int start_pools(tdm_executor *executor)
{
    const tdm_executor_options *s = &executor->settings;
    int err = tdm__pool_create(&executor->pools[TDM__HANDLERS], "handlers", s->workers, s->queue, 1,
                               &executor->gauges[TDM_POOL]);
    if (!err)
        err = tdm__pool_create(&executor->pools[TDM__BACKGROUND], "background", s->workers, s->queue, s->ledger,
                               &executor->gauges[TDM_POOL]);
    return err;
}

int tdm_executor_create(tdm_executor **out, const tdm_executor_options *options)
{
    tdm_executor *executor = calloc(1, sizeof *executor);
    if (!executor)
        return -ENOMEM;
    int err = resolve(&executor->settings, options);
    if (err) {
        free(executor);
        return err;
    }
    executor->start_ns = tdm_clock_ns();
    executor->epoch = (uint64_t) tdm_clock_wall_ns() ^ (uint64_t) getpid() << 40;
    executor->next_id = 1;
    executor->gauges[TDM_LOOP].exclusive = executor->settings.loops == 1;
    executor->gauges[TDM_POOL].exclusive = true; /* by the lock of `background` */
    pthread_mutex_init(&executor->lock, NULL);
    tdm__cond_init(&executor->quiet);
    tdm__watch_init(&executor->watch);
    tdm__overrun_install();
    err = start_loops(executor);
    if (!err)
        err = start_pools(executor);
    tdm__round_init(&executor->round, executor->loops, executor->settings.loops);
    if (err) {
        tear_down(executor);
        return err;
    }
    tdm__testing_count_executors(1);
    uint64_t stacks = tdm__stack_limit();
    if (executor->settings.max_loop_tasks > stacks)
        executor->settings.max_loop_tasks = (unsigned) stacks;
    *out = executor;
    return 0;
}

int tdm_executor_destroy(tdm_executor **slot)
{
    tdm_executor *executor = *slot;
    if (!executor)
        return 0;
    *slot = NULL;
    if (!executor->drained)
        tdm_executor_drain(executor, &(tdm_drain_options){0}, NULL);
    if (!tdm__executor_settle(executor))
        return -EBUSY;
    tear_down(executor);
    tdm__testing_count_executors(-1);
    return 0;
}

/* ---- each shard in turn ---- */

typedef struct visit {
    void (*fn)(tdm__shard *shard, void *arg);
    void *arg;
} visit;

static void visit_loop(tdm__loop *loop, void *arg)
{
    visit *v = arg;
    v->fn(tdm__loop_shard(loop), v->arg);
}

unsigned tdm__executor_shard_count(const tdm_executor *executor)
{
    return executor->settings.loops + 1;
}

bool tdm__executor_can_ask(const tdm_executor *executor)
{
    bool own = executor->settings.loops == 1 && executor->loops[0] == tdm__loop_current();
    return own || tdm__exec_to_wait();
}

int tdm__executor_each_shard(tdm_executor *executor, void (*fn)(tdm__shard *shard, void *arg), void *arg)
{
    if (!tdm__executor_can_ask(executor))
        return -EDEADLK;
    visit v = {fn, arg};
    for (unsigned i = 0; i < executor->settings.loops; i++)
        tdm__loop_call(executor->loops[i], visit_loop, &v);
    tdm__pool *pool = executor->pools[TDM__BACKGROUND];
    tdm__pool_lock(pool);
    fn(tdm__pool_shard(pool), arg);
    tdm__pool_unlock(pool);
    return 0;
}
