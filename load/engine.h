/* SPDX-License-Identifier: MIT */
/** @file
 *  The load threads: told what to send, they send it and count. Every call on one thread, the engine's owner; the
 *  threads are behind it. */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "load/result.h"

typedef struct load_engine load_engine;

/** What to do in one step. */
typedef struct load_job {
    const load_target *target;
    load_level level;
    load_arrivals arrivals;
    uint64_t requests; /**< measured requests; 0: by time */
    int64_t duration_ns, warmup_ns, ramp_ns;
    int64_t timeout_ns;    /**< for one request */
    unsigned pipeline;     /**< requests on their way on one connection, 1 … LOAD_PIPELINE_MAX */
    unsigned reconnect;    /**< requests that a connection carries before it is closed; 0: no limit */
    uint64_t seed;         /**< of Poisson arrivals and of values that are filled in */
    double batching;       /**< how much of a reply's latency may be waited to handle replies together; 0: none */
    const load_step *step; /**< handed to `log` */
    void (*log)(void *arg, const load_step *step, const load_record *records, size_t count); /**< or NULL */
    void *log_arg;
} load_job;

/** Start the threads. @return 0; a negative errno. */
int load_engine_create(load_engine **out, unsigned threads, int64_t connect_timeout_ns);
/** End them, and close every connection. NULL is accepted; *engine becomes NULL. */
void load_engine_destroy(load_engine **engine);

/** Open every connection of the job's level; those of the job before are kept if they lead to the same address.
 *  Begins. The job must live until load_engine_conclude(). @return 0; -ENOMEM. */
int load_engine_open(load_engine *engine, const load_job *job);
/** Send, and go on until the job is done. Begins. */
void load_engine_drive(load_engine *engine);
/** Is what was begun not over yet? */
bool load_engine_busy(const load_engine *engine);
/** A descriptor that becomes readable when it is over. */
int load_engine_fd(const load_engine *engine);
/** What is readable was noticed. */
void load_engine_noticed(load_engine *engine);
/** Stop where it is, soon; requests on their way are counted as unfinished. Any thread, and a signal handler. */
void load_engine_stop(load_engine *engine);

/** What the threads told last: counts and phase into *live, and the latencies since the last call added to `window`. */
void load_engine_look(load_engine *engine, load_live *live, tdm_histogram *window);
/** A histogram for load_engine_look(). @return 0; -ENOMEM. */
int load_engine_window(tdm_histogram **out);
/** When it is over: everything that was counted, into a step that is as load_step_init() left it. @return 0; -ENOMEM,
 *  or what else went wrong on the way. */
int load_engine_conclude(load_engine *engine, load_step *step);
/** Requests of the warm-up that promised tasks: how many tasks. */
uint64_t load_engine_warmup_tasks(const load_engine *engine);

#endif
