/* SPDX-License-Identifier: MIT */
/* DESIGN: a pool has a slot for each thread that it may have. A thread that retires leaves its slot to be joined by
 * whoever starts the next one there, or by the end of the pool. Starting one on demand may fail: then those that are
 * there go on, and there is always one, since the minimum is one and the creation of the pool fails without it. */
#include "tasks/pool_workers.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/task_memory.h"
#include "tasks/thread.h"
#include <tandem/clock.h>
#include <tandem/log.h>

static _Thread_local tdm__worker *current;

tdm__worker *tdm__worker_current(void)
{
    return current;
}

tdm__pool *tdm__pool_current(void)
{
    return current ? current->pool : NULL;
}

/* ---- starting ---- */

static void *run(void *arg)
{
    tdm__worker *self = arg;
    current = self;
    atomic_store(&self->thread_id, tdm_thread_id());
    tdm__task_memory_keep();
    tdm__worker_main(self);
    tdm__task_memory_release();
    return NULL;
}

/* With the lock. @return a free slot, counted as active; NULL: all are in use. */
static tdm__worker *claim_slot(tdm__pool *pool, bool *join)
{
    if (pool->stop)
        return NULL;
    for (unsigned i = 0; i < pool->settings.max; i++) {
        tdm__worker *worker = &pool->workers[i];
        if (worker->state == TDM__WORKER_ALIVE)
            continue;
        assert(!worker->starting); /* whoever is to be joined must be known */
        *join = worker->state == TDM__WORKER_ENDED;
        worker->state = TDM__WORKER_ALIVE;
        worker->starting = true;
        pool->starting++;
        atomic_fetch_add(&pool->active, 1);
        return worker;
    }
    return NULL;
}

static int start(tdm__worker *worker)
{
    char name[32];
    tdm__pool *pool = worker->pool;
    snprintf(name, sizeof name, "tdm-%.5s-%u", pool->settings.name, (unsigned) (worker - pool->workers));
    pthread_t thread;
    int err = tdm__thread_start(&thread, name, run, worker);
    tdm__lock(&pool->lock);
    worker->starting = false;
    if (err) {
        worker->state = TDM__WORKER_NONE;
        atomic_fetch_sub(&pool->active, 1);
    } else {
        worker->thread = thread;
    }
    if (!--pool->starting && pool->stop)
        tdm__cond_broadcast(&pool->settled); /* the end of the pool waits for it */
    tdm__unlock(&pool->lock);
    return err;
}

static int start_one(tdm__pool *pool)
{
    bool join = false;
    tdm__lock(&pool->lock);
    tdm__worker *worker = claim_slot(pool, &join);
    pthread_t ended = worker && join ? worker->thread : pthread_self();
    tdm__unlock(&pool->lock);
    if (!worker)
        return -EBUSY;
    if (join)
        tdm__thread_join(ended); /* it has left the pool: this takes no time */
    return start(worker);
}

void tdm__pool_start_worker(tdm__pool *pool)
{
    int err = start_one(pool);
    if (!err)
        return;
    atomic_store(&pool->waking, false);
    if (err == -EBUSY)
        return;
    static _Atomic int64_t said_ns;
    int64_t now_ns = tdm_clock_ns(), before_ns = atomic_load(&said_ns);
    if ((!before_ns || now_ns - before_ns > 10 * TDM_NS_PER_S) &&
        atomic_compare_exchange_strong(&said_ns, &before_ns, now_ns))
        tdm_log_warning("no thread could be started for the pool \"%s\" (%s): it goes on with %u", pool->settings.name,
                        strerror(-err), atomic_load(&pool->active));
}

/* ---- life ---- */

void tdm__pool_stop(tdm__pool *pool)
{
    tdm__lock(&pool->lock);
    assert(!pool->first);
    pool->stop = true;
    while (pool->starting)
        tdm__cond_wait(&pool->settled, &pool->lock, INT64_MAX);
    tdm__unlock(&pool->lock);
    tdm__lock(&pool->bed); /* who has looked before is asleep now */
    tdm__cond_broadcast(&pool->wake);
    tdm__cond_broadcast(&pool->look);
    tdm__unlock(&pool->bed);
    for (unsigned i = 0; i < pool->settings.max; i++) { /* none is started any more */
        tdm__lock(&pool->lock);
        bool started = pool->workers[i].state != TDM__WORKER_NONE;
        tdm__unlock(&pool->lock);
        if (started)
            tdm__thread_join(pool->workers[i].thread);
    }
}

static void pool_free(tdm__pool *pool)
{
    for (unsigned i = 0; i < pool->settings.max; i++) {
        pthread_mutex_destroy(&pool->workers[i].parking.lock);
        tdm__cond_finish(&pool->workers[i].parking.cond);
    }
    tdm__shard_finish(&pool->shard);
    tdm__cond_finish(&pool->wake);
    tdm__cond_finish(&pool->look);
    tdm__cond_finish(&pool->settled);
    pthread_mutex_destroy(&pool->bed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static size_t size_of(unsigned workers)
{
    size_t size = sizeof(tdm__pool) + workers * sizeof(tdm__worker), line = _Alignof(tdm__pool);
    return (size + line - 1) / line * line;
}

int tdm__pool_create(tdm__pool **out, tdm_executor *executor, const tdm__pool_settings *settings)
{
    tdm__pool *pool = aligned_alloc(_Alignof(tdm__pool), size_of(settings->max));
    if (!pool)
        return -ENOMEM;
    memset(pool, 0, size_of(settings->max));
    pool->settings = *settings;
    pool->executor = executor;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->bed, NULL);
    tdm__cond_init(&pool->settled);
    tdm__cond_init(&pool->wake);
    tdm__cond_init(&pool->look);
    pool->run_ns = TDM_NS_PER_S; /* not brief before it was seen to be */
    for (unsigned i = 0; i < settings->max; i++) {
        pool->workers[i].pool = pool;
        pthread_mutex_init(&pool->workers[i].parking.lock, NULL);
        tdm__cond_init(&pool->workers[i].parking.cond);
    }
    int err = tdm__shard_init(&pool->shard, TDM_POOL, settings->gauge, settings->ledger);
    for (unsigned i = 0; i < settings->min && !err; i++)
        err = start_one(pool);
    if (err) {
        tdm__pool_stop(pool);
        pool_free(pool);
        return err;
    }
    *out = pool;
    return 0;
}

void tdm__pool_destroy(tdm__pool **slot)
{
    tdm__pool *pool = *slot;
    *slot = NULL;
    if (pool)
        pool_free(pool);
}

/* ---- the watchdog's look ---- */

bool tdm__pool_next_stuck(tdm__pool *pool, unsigned *from, tdm__stuck *out)
{
    int64_t now_ns = tdm_clock_ns();
    for (; *from < pool->settings.max; ++*from) {
        tdm__worker *worker = &pool->workers[*from];
        uint64_t runs = atomic_load_explicit(&worker->runs, memory_order_acquire);
        int64_t ns = now_ns - atomic_load_explicit(&worker->since_ns, memory_order_relaxed);
        if (!(runs & 1) || runs == worker->reported || ns < pool->settings.stuck_ns)
            continue;
        *out = (tdm__stuck){
            .worker = *from,
            .thread = atomic_load_explicit(&worker->thread_id, memory_order_relaxed),
            .name = atomic_load_explicit(&worker->name, memory_order_relaxed),
            .id = atomic_load_explicit(&worker->id, memory_order_relaxed),
            .seconds = tdm_s_from_ns(ns),
        };
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&worker->runs, memory_order_relaxed) != runs)
            continue; /* it went on meanwhile: it is not stuck */
        worker->reported = runs;
        ++*from;
        tdm__pool_lock(pool);
        pool->stuck++;
        tdm__pool_unlock(pool);
        return true;
    }
    return false;
}
