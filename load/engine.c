/* SPDX-License-Identifier: MIT */
/* DESIGN: the load threads as one. The engine's thread gives orders and waits for an eventfd; it touches what belongs
 * to a thread only while that thread has nothing to do. Connections are shared out evenly, and stay with their thread
 * from step to step. Signals go to the engine's thread, never to a load thread. */
#include "load/engine.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <tandem/clock.h>

#include "load/worker.h"

#define HEAD_START_NS (INT64_C(2) * 1000 * 1000) /* until all threads are awake */

struct load_engine {
    load_worker *workers;
    unsigned count;
    int done_fd;
    atomic_uint busy; /* workers that are carrying out an order */
    atomic_bool stop;
    const load_job *job;
    int64_t start_ns;                /* the same for all threads, so that they take turns as planned */
    pthread_mutex_t log_lock;        /* held while the job's `log` runs */
    struct sockaddr_storage address; /* where the connections lead */
    socklen_t address_size;
};

/* ---- from the threads ---- */

void load_engine_worker_done(load_engine *engine)
{
    const uint64_t one = 1;
    if (atomic_fetch_sub(&engine->busy, 1) == 1 && write(engine->done_fd, &one, sizeof one) < 0)
        abort(); /* it holds 2^64 - 2 */
}

bool load_engine_stopped(const load_engine *engine)
{
    return atomic_load_explicit(&engine->stop, memory_order_relaxed);
}

int64_t load_engine_start_ns(const load_engine *engine)
{
    return engine->start_ns;
}

void load_engine_log(load_engine *engine, const load_record *records, unsigned count)
{
    pthread_mutex_lock(&engine->log_lock);
    engine->job->log(engine->job->log_arg, engine->job->step, records, count);
    pthread_mutex_unlock(&engine->log_lock);
}

/* ---- life ---- */

static int start_threads(load_engine *engine, int64_t connect_timeout_ns)
{
    sigset_t all, before;
    int err = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < engine->count && !err; i++) {
        engine->workers[i].shared.connect_timeout_ns = connect_timeout_ns;
        err = load_worker_start(&engine->workers[i], engine, i, engine->count);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

int load_engine_create(load_engine **out, unsigned threads, int64_t connect_timeout_ns)
{
    load_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return -ENOMEM;
    pthread_mutex_init(&engine->log_lock, NULL);
    engine->workers = calloc(threads, sizeof *engine->workers);
    engine->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = engine->done_fd < 0 ? -errno : engine->workers ? 0 : -ENOMEM;
    if (!err) {
        engine->count = threads;
        err = start_threads(engine, connect_timeout_ns);
    }
    if (err)
        load_engine_destroy(&engine);
    *out = engine;
    return err;
}

void load_engine_destroy(load_engine **engine)
{
    load_engine *e = *engine;
    if (!e)
        return;
    for (unsigned i = 0; e->workers && i < e->count; i++)
        if (e->workers[i].engine)
            load_worker_finish(&e->workers[i]);
    if (e->done_fd >= 0)
        close(e->done_fd);
    pthread_mutex_destroy(&e->log_lock);
    free(e->workers);
    free(e);
    *engine = NULL;
}

/* ---- a job ---- */

static void leave_other_address(load_engine *engine, const load_target *target)
{
    if (engine->address_size == target->address_size &&
        !memcmp(&engine->address, &target->address, engine->address_size))
        return;
    for (unsigned i = 0; i < engine->count; i++)
        load_slots_close(&engine->workers[i]);
    engine->address = target->address;
    engine->address_size = target->address_size;
}

static int prepare_buffers(load_worker *w)
{
    const load_target *target = w->job->target;
    size_t most = 0;
    for (unsigned i = 0; i < target->request_count; i++) {
        size_t size = load_template_size_max(target->requests[i].template);
        most = size > most ? size : most;
    }
    assert(most > 0); /* every target has a request */
    free(w->scratch);
    w->scratch = malloc(most * w->job->pipeline);
    if (w->job->log && !w->records)
        w->records = calloc(LOAD_RECORDS, sizeof *w->records);
    return w->scratch && (!w->job->log || w->records) ? 0 : -ENOMEM;
}

static int prepare_worker(load_engine *engine, load_worker *w)
{
    unsigned connections = engine->job->level.connections, share = connections / engine->count;
    unsigned more = connections % engine->count, mine = share + (w->index < more);
    unsigned first = w->index * share + (w->index < more ? w->index : more);
    w->job = engine->job;
    w->news = (load_news){.phase = LOAD_PHASE_OPENING, .window = w->news.window};
    tdm_histogram_reset(w->news.window);
    load_tally_finish(&w->tally);
    int err = load_tally_init(&w->tally, engine->job->target, &engine->job->level);
    if (!err)
        err = load_slots_fit(w, mine, first);
    if (!err)
        err = prepare_buffers(w);
    w->tally.thread.connections = mine;
    return err;
}

static void order_all(load_engine *engine, load_order order)
{
    atomic_store(&engine->busy, engine->count);
    for (unsigned i = 0; i < engine->count; i++)
        load_worker_order(&engine->workers[i], order);
}

int load_engine_open(load_engine *engine, const load_job *job)
{
    assert(!load_engine_busy(engine) && job->level.connections > 0);
    engine->job = job;
    leave_other_address(engine, job->target);
    for (unsigned i = 0; i < engine->count; i++) {
        int err = prepare_worker(engine, &engine->workers[i]);
        if (err)
            return err;
    }
    order_all(engine, LOAD_ORDER_OPEN);
    return 0;
}

void load_engine_drive(load_engine *engine)
{
    assert(!load_engine_busy(engine));
    engine->start_ns = tdm_clock_ns() + (engine->job->level.rate > 0 ? HEAD_START_NS : 0);
    order_all(engine, LOAD_ORDER_DRIVE);
}

bool load_engine_busy(const load_engine *engine)
{
    return atomic_load(&engine->busy) > 0;
}

int load_engine_fd(const load_engine *engine)
{
    return engine->done_fd;
}

void load_engine_noticed(load_engine *engine)
{
    uint64_t count;
    (void) !read(engine->done_fd, &count, sizeof count);
}

void load_engine_stop(load_engine *engine)
{
    atomic_store(&engine->stop, true);
}

/* ---- what came of it ---- */

int load_engine_window(tdm_histogram **out)
{
    return load_tally_window(out);
}

void load_engine_look(load_engine *engine, load_live *live, tdm_histogram *window)
{
    live->phase = LOAD_PHASE_AWAITING;
    for (unsigned i = 0; i < engine->count; i++) {
        load_worker *w = &engine->workers[i];
        pthread_mutex_lock(&w->lock);
        const load_news *news = &w->news;
        if (news->phase < live->phase)
            live->phase = news->phase;
        live->made += news->made;
        live->succeeded += news->succeeded;
        live->rejected += news->rejected;
        live->failed += news->failed;
        live->connections_open += news->connections_open;
        int err = tdm_histogram_merge(window, news->window);
        tdm_histogram_reset(w->news.window);
        pthread_mutex_unlock(&w->lock);
        assert(!err);
        (void) err;
    }
}

int load_engine_conclude(load_engine *engine, load_step *step)
{
    assert(!load_engine_busy(engine));
    int err = 0;
    step->threads = calloc(engine->count, sizeof *step->threads);
    if (!step->threads)
        return -ENOMEM;
    for (unsigned i = 0; i < engine->count && !err; i++) {
        load_tally *tally = &engine->workers[i].tally;
        err = load_tally_merge(step, tally);
        step->threads[step->thread_count++] = tally->thread;
        if (tally->part.wall_ns > step->wall_ns)
            step->wall_ns = tally->part.wall_ns;
        if (tally->part.cpu_share > step->cpu_share)
            step->cpu_share = tally->part.cpu_share;
        step->target_gone = step->target_gone || tally->part.target_gone;
    }
    return err;
}

uint64_t load_engine_warmup_tasks(const load_engine *engine)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < engine->count; i++)
        sum += engine->workers[i].tally.warmup_tasks;
    return sum;
}
