/* SPDX-License-Identifier: MIT */
/* The threads of a pool, and the pool as its two files see it. */
#ifndef TANDEM_TASKS_POOL_WORKERS_H
#define TANDEM_TASKS_POOL_WORKERS_H

#include "tasks/pool.h"
#include "tasks/ticks.h"

typedef enum tdm__worker_state {
    TDM__WORKER_NONE,  /* a slot without a thread */
    TDM__WORKER_ALIVE, /* it runs, or is being started */
    TDM__WORKER_ENDED  /* its thread has left the pool, and is to be joined */
} tdm__worker_state;

typedef struct tdm__worker {
    tdm__pool *pool;  /* constant */
    pthread_t thread; /* guarded by the pool's lock, as is `state` */
    tdm__worker_state state;
    tdm__exec *innermost; /* what it runs; guarded by the pool's lock */
    tdm__parking parking;
    bool starting;         /* `thread` is still to be written: nobody can join it; guarded by the pool's lock */
    bool accompanied;      /* between its last two runs another worker ended one; guarded by the pool's lock */
    tdm__near_clock clock; /* the worker's own */

    /* Written by the worker, read by the watchdog. */
    _Atomic uint64_t runs; /* odd while it runs something */
    _Atomic(const char *) name;
    _Atomic uint64_t id;
    _Atomic int64_t since_ns;
    _Atomic uint32_t thread_id;
    uint64_t reported; /* the value of `runs` that was reported; the watchdog's alone */
} tdm__worker;

struct tdm_pool {
    tdm__pool_settings settings; /* constant */
    tdm_executor *executor;      /* constant */
    unsigned joining;            /* executions with a note; guarded by the lock of join.c */

    /* Written by whoever brings work. */
    _Alignas(64) tdm__inbox intake;
    _Atomic uint64_t accepted;     /* places taken, ever */
    _Atomic uint64_t started_seen; /* `started`, as somebody who was near the limit saw it */

    /* Written when workers fall asleep, wake, come and go. */
    _Alignas(64) _Atomic unsigned idle; /* asleep, or about to be; rises and falls under the bed's lock */
    _Atomic unsigned active;            /* threads */
    _Atomic bool waking;                /* a worker was signalled or started, and has not come yet */
    _Atomic bool stand_by;              /* a worker stands by; it does not count as idle */

    pthread_mutex_t bed;  /* what workers sleep under, and are called under; taken after `lock` */
    tdm__cond wake, look; /* for the sleeping ones; for the one that stands by */

    _Alignas(64) pthread_mutex_t lock; /* guards everything below */
    tdm__cond settled;                 /* no slot's thread is being started any more */
    _Atomic uint64_t started;          /* places given back by a start, ever; read without the lock */
    tdm__message *first, *last;        /* the queue, of executions */
    uint64_t waiting, waiting_peak;
    unsigned busy, detached;
    tdm__worker *last_ran; /* whose run ended last; NULL: nobody's */
    uint64_t runs;         /* ended, ever */
    int64_t run_ns;        /* how long one takes, of late: a mean that forgets */
    unsigned starting;     /* slots whose thread is being started */
    uint64_t stuck;        /* reports of the watchdog */
    bool stop;
    tdm__shard shard;
    tdm__worker workers[];
};

/* The thread of a worker, from its first look at the queue to its end. */
void tdm__worker_main(tdm__worker *self);
tdm__worker *tdm__worker_current(void);

/* Start one more, if there may be more: it comes as the one that was woken. Without the lock; `waking` was set by the
 * caller and is cleared if no thread can be had (the log says so, once in a while). */
void tdm__pool_start_worker(tdm__pool *pool);

#endif
