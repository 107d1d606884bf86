/* SPDX-License-Identifier: MIT */
/* DESIGN: one queue, one lock, one condition. What costs is waking threads, so at most one wake-up is under way at any
 * time: whoever fills the queue signals only when no worker has been signalled and not yet come; the woken worker takes
 * its execution and wakes the next if there is more. A worker takes a single execution at a time, so that nothing waits
 * behind a long one while another worker is free. The transitions of tasks (begin, finish) run under the same lock,
 * which makes it the lock of the pool's shard. */
#include "tasks/pool.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <tandem/clock.h>

#include "tasks/thread.h"

typedef struct worker {
    tdm__pool *pool;
    pthread_t thread;
    tdm__parking parking;
} worker;

struct tdm__pool {
    const char *name;
    unsigned worker_count;
    uint64_t limit;
    _Atomic uint64_t reserved; /* accepted and not yet started */

    pthread_mutex_t lock; /* guards everything below */
    tdm__cond wake;
    tdm__exec *first, *last; /* the queue */
    uint64_t waiting, waiting_peak;
    unsigned idle, busy;
    bool waking; /* a worker was signalled and has not come yet */
    bool stop;
    tdm__shard shard;
    worker workers[];
};

bool tdm__pool_reserve(tdm__pool *pool)
{
    if (atomic_fetch_add(&pool->reserved, 1) < pool->limit)
        return true;
    atomic_fetch_sub(&pool->reserved, 1);
    return false;
}

void tdm__pool_unreserve(tdm__pool *pool)
{
    uint64_t before = atomic_fetch_sub(&pool->reserved, 1);
    assert(before > 0);
}

void tdm__pool_lock(tdm__pool *pool)
{
    tdm__lock(&pool->lock);
}

void tdm__pool_unlock(tdm__pool *pool)
{
    tdm__unlock(&pool->lock);
}

/* ---- the queue ---- */

static tdm__exec *next_of(tdm__exec *exec)
{
    return (tdm__exec *) exec->message.next; /* an exec begins with its message */
}

static void wake_one(tdm__pool *pool)
{
    if (!pool->first || !pool->idle || pool->waking)
        return;
    pool->waking = true;
    tdm__cond_signal(&pool->wake);
}

void tdm__pool_push(tdm__pool *pool, tdm__exec *exec)
{
    exec->message.next = NULL;
    exec->previous = pool->last;
    if (pool->last)
        pool->last->message.next = &exec->message;
    else
        pool->first = exec;
    pool->last = exec;
    if (++pool->waiting > pool->waiting_peak)
        pool->waiting_peak = pool->waiting;
    wake_one(pool);
}

void tdm__pool_remove(tdm__pool *pool, tdm__exec *exec)
{
    assert(pool->waiting > 0);
    tdm__exec *next = next_of(exec);
    if (exec->previous)
        exec->previous->message.next = exec->message.next;
    else
        pool->first = next;
    if (next)
        next->previous = exec->previous;
    else
        pool->last = exec->previous;
    pool->waiting--;
}

/* ---- workers ---- */

/* With the lock held on entry and return.
 * @param now_ns the clock if it was just read, else 0. @return the same for the next one. */
static int64_t run_one(worker *self, tdm__exec *exec, int64_t now_ns)
{
    tdm__pool *pool = self->pool;
    bool live = exec->kind->begin(exec, now_ns ? now_ns : tdm_clock_ns());
    if (live) {
        pool->busy++;
        atomic_store(&exec->parking, &self->parking);
        tdm__unlock(&pool->lock);
        tdm__exec_set_current(exec);
        exec->kind->run(exec);
        tdm__exec_set_current(NULL);
        tdm__lock(&pool->lock);
        pool->busy--;
        now_ns = tdm_clock_ns();
        exec->kind->finish(exec, now_ns);
    }
    tdm__unlock(&pool->lock);
    exec->kind->ended(exec);
    tdm__lock(&pool->lock);
    return now_ns;
}

static void *worker_main(void *arg)
{
    worker *self = arg;
    tdm__pool *pool = self->pool;
    int64_t now_ns = 0;
    tdm__lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->stop) {
            pool->idle++;
            tdm__cond_wait(&pool->wake, &pool->lock, INT64_MAX);
            pool->idle--;
            pool->waking = false;
            now_ns = 0;
        }
        tdm__exec *exec = pool->first;
        if (!exec)
            break;
        tdm__pool_remove(pool, exec);
        wake_one(pool);
        now_ns = run_one(self, exec, now_ns);
    }
    tdm__unlock(&pool->lock);
    return NULL;
}

/* ---- life ---- */

static void stop_workers(tdm__pool *pool, unsigned started)
{
    tdm__lock(&pool->lock);
    assert(!pool->first);
    pool->stop = true;
    tdm__cond_broadcast(&pool->wake);
    tdm__unlock(&pool->lock);
    for (unsigned i = 0; i < started; i++) {
        tdm__thread_join(pool->workers[i].thread);
        pthread_mutex_destroy(&pool->workers[i].parking.lock);
        tdm__cond_finish(&pool->workers[i].parking.cond);
    }
}

static void pool_free(tdm__pool *pool)
{
    tdm__shard_finish(&pool->shard);
    tdm__cond_finish(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static int start_worker(tdm__pool *pool, unsigned index)
{
    char name[32];
    worker *self = &pool->workers[index];
    self->pool = pool;
    pthread_mutex_init(&self->parking.lock, NULL);
    tdm__cond_init(&self->parking.cond);
    snprintf(name, sizeof name, "tdm-%.5s-%u", pool->name, index);
    int err = tdm__thread_start(&self->thread, name, worker_main, self);
    if (err) {
        pthread_mutex_destroy(&self->parking.lock);
        tdm__cond_finish(&self->parking.cond);
    }
    return err;
}

int tdm__pool_create(tdm__pool **out, const char *name, unsigned workers, unsigned limit, unsigned ledger,
                     tdm__gauge *gauge)
{
    tdm__pool *pool = calloc(1, sizeof *pool + workers * sizeof(worker));
    if (!pool)
        return -ENOMEM;
    pool->name = name;
    pool->worker_count = workers;
    pool->limit = limit;
    pthread_mutex_init(&pool->lock, NULL);
    tdm__cond_init(&pool->wake);
    unsigned started = 0;
    int err = tdm__shard_init(&pool->shard, TDM_POOL, gauge, ledger);
    while (!err && started < workers) {
        err = start_worker(pool, started);
        started += !err;
    }
    if (err) {
        stop_workers(pool, started);
        pool_free(pool);
        return err;
    }
    *out = pool;
    return 0;
}

void tdm__pool_destroy(tdm__pool **slot)
{
    tdm__pool *pool = *slot;
    if (!pool)
        return;
    *slot = NULL;
    stop_workers(pool, pool->worker_count);
    pool_free(pool);
}

tdm__shard *tdm__pool_shard(tdm__pool *pool)
{
    return &pool->shard;
}

void tdm__pool_stats(tdm__pool *pool, tdm_pool_stats *out)
{
    *out = (tdm_pool_stats){
        .name = pool->name,
        .workers = pool->worker_count,
        .busy = pool->busy,
        .idle = pool->worker_count - pool->busy,
        .queue = pool->waiting,
        .reserved = atomic_load(&pool->reserved),
        .queue_limit = pool->limit,
        .queue_peak = pool->waiting_peak,
    };
}

void tdm__pool_reset(tdm__pool *pool)
{
    pool->waiting_peak = pool->waiting;
    tdm__shard_reset(&pool->shard);
}
