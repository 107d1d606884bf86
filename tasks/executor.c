/* SPDX-License-Identifier: MIT */
/* DESIGN: the executor owns the loops, the two pools and the admission counters, starts them in an order that can be
 * undone, and takes them down again. It also knows how to ask every shard a question: a loop's on its thread, the
 * pool's under its lock. Nothing of a task's life is decided here. */
#include "tasks/executor.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tasks/handler.h"
#include "tasks/overrun.h"
#include "tasks/stack.h"
#include "tasks/task.h"
#include <tandem/clock.h>
#include <tandem/log.h>

enum {
    DEFAULT_LOOPS = 1,
    DEFAULT_QUEUE = 10000,
    DEFAULT_LOOP_TASKS = 100000,
    DEFAULT_LEDGER = 100000,
    DEFAULT_TURN = 256,
    DEFAULT_IDLE_S = 10,
    DEFAULT_STUCK_S = 60,
    MOST_AUTO_WORKERS = 32,
    SPARE_WORKERS = 4, /* more than cores: workers wait more than they compute */
};

static const double DEFAULT_HOLD_S = 0.1;

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
    to->min_workers = or_default(to->min_workers, 1);
    to->queue = or_default(to->queue, DEFAULT_QUEUE);
    to->max_loop_tasks = or_default(to->max_loop_tasks, DEFAULT_LOOP_TASKS);
    to->ledger = or_default(to->ledger, DEFAULT_LEDGER);
    to->turn_limit = or_default(to->turn_limit, DEFAULT_TURN);
    to->hold_limit = to->hold_limit == 0 ? DEFAULT_HOLD_S : to->hold_limit;
    to->stuck_after = to->stuck_after > 0 ? to->stuck_after : DEFAULT_STUCK_S;
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
    tdm__watchdog_destroy(&executor->watchdog);
    for (unsigned i = 0; i < TDM_MAX_POOLS; i++) /* all first: a worker of one may be bringing work to another */
        if (executor->pools[i])
            tdm__pool_stop(executor->pools[i]);
    for (unsigned i = 0; i < TDM_MAX_POOLS; i++)
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
    tdm__loop_settings settings = {.executor = executor,
                                   .turn_limit = s->turn_limit,
                                   .ledger = s->ledger,
                                   .hold_ns = tdm_ns_from_s(s->hold_limit),
                                   .gauge = &executor->gauges[TDM_LOOP]};
    int err = 0;
    for (; settings.index < s->loops && !err; settings.index++)
        err = tdm__loop_create(&executor->loops[settings.index], &settings);
    return err;
}

/* ---- pools ---- */

/* @return 0; -EINVAL. */
static int settle_pool(tdm_executor *executor, const tdm_pool_options *o, unsigned ledger, tdm__pool_settings *to)
{
    *to = (tdm__pool_settings){
        .name = o->name,
        .min = or_default(o->min_workers, 1),
        .max = or_default(o->max_workers, auto_workers()),
        .limit = or_default(o->queue, DEFAULT_QUEUE),
        .ledger = ledger,
        .idle_ns = tdm_ns_from_s(o->idle_timeout > 0 ? o->idle_timeout : DEFAULT_IDLE_S),
        .stuck_ns = tdm_ns_from_s(o->stuck_after > 0 ? o->stuck_after : DEFAULT_STUCK_S),
        .gauge = &executor->gauges[TDM_POOL],
    };
    if (to->min > to->max)
        tdm_log_error("pool `%s`: min_workers is %u, which is more than its %u workers", to->name ? to->name : "",
                      to->min, to->max);
    return !to->name || !*to->name || to->max > TDM_MAX_WORKERS || to->min > to->max ? -EINVAL : 0;
}

unsigned tdm__executor_pool_count(const tdm_executor *executor)
{
    return atomic_load(&executor->pool_count);
}

tdm_pool *tdm_pool_find(tdm_executor *executor, const char *name)
{
    for (unsigned i = 0; i < tdm__executor_pool_count(executor); i++)
        if (strcmp(tdm_pool_name(executor->pools[i]), name) == 0)
            return executor->pools[i];
    return NULL;
}

/* With the executor's lock. */
static int add_pool(tdm_executor *executor, const tdm__pool_settings *settings)
{
    unsigned count = tdm__executor_pool_count(executor);
    if (atomic_load(&executor->closing))
        return -ESHUTDOWN;
    if (tdm_pool_find(executor, settings->name))
        return -EEXIST;
    if (count == TDM_MAX_POOLS)
        return -ENOSPC;
    int err = tdm__pool_create(&executor->pools[count], executor, settings);
    if (!err)
        atomic_store(&executor->pool_count, count + 1);
    return err;
}

int tdm_pool_create(tdm_pool **out, tdm_executor *executor, const tdm_pool_options *options)
{
    tdm__pool_settings settings;
    int err = settle_pool(executor, options, executor->settings.ledger, &settings);
    if (err)
        return err;
    tdm__pool *background = executor->pools[TDM__BACKGROUND];
    tdm__pool_lock(background);
    if (executor->gauges[TDM_POOL].exclusive) /* once: other pools' workers read it under their own locks */
        executor->gauges[TDM_POOL].exclusive = false;
    tdm__pool_unlock(background);
    tdm__lock(&executor->lock);
    err = add_pool(executor, &settings);
    tdm__unlock(&executor->lock);
    if (!err)
        *out = tdm_pool_find(executor, settings.name);
    return err;
}

static int start_pools(tdm_executor *executor)
{
    const tdm_executor_options *s = &executor->settings;
    tdm_pool_options options = {.name = "handlers",
                                .max_workers = s->workers,
                                .min_workers = s->min_workers,
                                .queue = s->queue,
                                .stuck_after = s->stuck_after};
    tdm__pool_settings settings;
    int err = settle_pool(executor, &options, 1, &settings);
    if (!err)
        err = add_pool(executor, &settings);
    options.name = "background";
    if (!err)
        err = settle_pool(executor, &options, s->ledger, &settings);
    if (!err)
        err = add_pool(executor, &settings);
    return err;
}

/* ---- life ---- */

int tdm_executor_create(tdm_executor **out, const tdm_executor_options *options)
{
    tdm_executor *executor = aligned_alloc(_Alignof(tdm_executor), sizeof *executor);
    if (!executor)
        return -ENOMEM;
    memset(executor, 0, sizeof *executor);
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
    executor->stack_limit = tdm__stack_limit();
    executor->lot = tdm__places_lot(executor->settings.max_loop_tasks, executor->settings.loops);
    err = start_loops(executor);
    if (!err)
        err = start_pools(executor);
    if (!err)
        err = tdm__watchdog_create(&executor->watchdog, executor);
    tdm__round_init(&executor->round, executor->loops, executor->settings.loops);
    if (err) {
        tear_down(executor);
        return err;
    }
    tdm__testing_count_executors(1);
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
    if (executor->settings.debug)
        tdm__handles_report(executor);
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
    return executor->settings.loops + tdm__executor_pool_count(executor) - TDM__BACKGROUND;
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
    for (unsigned i = TDM__BACKGROUND; i < tdm__executor_pool_count(executor); i++) {
        tdm__pool *pool = executor->pools[i];
        tdm__pool_lock(pool);
        fn(tdm__pool_shard(pool), arg);
        tdm__pool_unlock(pool);
    }
    return 0;
}
