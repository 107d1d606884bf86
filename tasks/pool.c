/* SPDX-License-Identifier: MIT */
/* DESIGN: one queue under one lock, and an intake before it: a lock-free stack of messages that are run under the lock by
 * whoever takes it next, so that a loop never waits for a worker to let go. What costs is waking threads, so at most
 * one wake-up is under way at any time: whoever brings work signals only when a worker sleeps and none has been signalled
 * and not yet come; the woken worker takes its execution and wakes the next if there is more. Workers sleep under a lock of
 * their own, the bed's, so that who calls one does not meet those that work. A worker takes a single execution at a
 * time, so that nothing waits behind a long one while another worker is free; it ends one and begins the next under one
 * hold of the lock. Transitions of tasks (begin, finish) run under the same lock, which makes it the lock of the pool's
 * shard.
 * While what is run is shorter than a wake-up takes, one worker does it faster than several that wake and hinder each
 * other: the others sleep, and one of them stands by, which looks again and again whether the work still goes on
 * (docs/decisions/0017-who-stands-by.md).
 * Threads beyond the minimum are started when work would wait, by whoever brings it or finds it, and retire after a while
 * without work. Counters that different threads write lie on different cache lines. */
#include "tasks/pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/loop.h"
#include "tasks/pool_workers.h"
#include "tasks/task.h"
#include <tandem/clock.h>

/* ---- places: accepted and not yet started ---- */

/* Sums, since more may have started than were accepted before: those who came after, while this thread was held up. */
bool tdm__pool_reserve(tdm__pool *pool)
{
    uint64_t before = atomic_fetch_add(&pool->accepted, 1), limit = pool->settings.limit;
    tdm__point();
    if (before < atomic_load_explicit(&pool->started_seen, memory_order_relaxed) + limit)
        return true;
    uint64_t started = atomic_load(&pool->started);
    atomic_store_explicit(&pool->started_seen, started, memory_order_relaxed);
    if (before < started + limit)
        return true;
    atomic_fetch_sub(&pool->accepted, 1);
    return false;
}

void tdm__pool_unreserve(tdm__pool *pool)
{
    atomic_fetch_sub(&pool->accepted, 1);
}

void tdm__pool_started(tdm__pool *pool)
{
    uint64_t started = atomic_load_explicit(&pool->started, memory_order_relaxed);
    atomic_store_explicit(&pool->started, started + 1, memory_order_release);
}

/* ---- the lock and the intake ---- */

static void take_in(tdm__pool *pool)
{
    tdm__message_list list = {0};
    tdm__message *message;
    tdm__inbox_take(&pool->intake, &list);
    while ((message = tdm__message_list_take(&list)))
        message->run(message);
}

void tdm__pool_lock(tdm__pool *pool)
{
    tdm__lock(&pool->lock);
    if (!tdm__inbox_is_empty(&pool->intake))
        take_in(pool);
}

/* Workers that work, or are about to. */
static unsigned awake(tdm__pool *pool)
{
    return atomic_load(&pool->active) - atomic_load(&pool->idle) - atomic_load(&pool->stand_by);
}

/* Is there a worker that should be fetched for what waits? A sleeping one if there is one, else a new one. */
static bool wants_worker(tdm__pool *pool)
{
    if (atomic_load(&pool->waking))
        return false;
    if (atomic_load(&pool->stand_by))
        return !awake(pool);
    return atomic_load(&pool->idle) || atomic_load(&pool->active) < pool->settings.max;
}

typedef enum summons { NOBODY, A_SLEEPER, WHO_STANDS_BY, A_NEW_ONE } summons;

/* Under the bed's lock, under which a worker that counts as idle does sleep, and clears `waking` when it wakes, for
 * whatever reason: so it is never left set with nobody on the way. */
static summons summon(tdm__pool *pool)
{
    if (!wants_worker(pool) || atomic_exchange(&pool->waking, true))
        return NOBODY;
    if (atomic_load(&pool->idle))
        return A_SLEEPER;
    return atomic_load(&pool->stand_by) ? WHO_STANDS_BY : A_NEW_ONE;
}

/* Without the lock. */
static void fetch_worker(tdm__pool *pool)
{
    tdm__lock(&pool->bed);
    summons whom = summon(pool);
    tdm__unlock(&pool->bed);
    if (whom == A_SLEEPER)
        tdm__cond_signal(&pool->wake);
    else if (whom == WHO_STANDS_BY)
        tdm__cond_signal(&pool->look);
    else if (whom == A_NEW_ONE)
        tdm__pool_start_worker(pool);
}

void tdm__pool_unlock(tdm__pool *pool)
{
    bool fetch = pool->first && wants_worker(pool);
    tdm__unlock(&pool->lock);
    if (fetch)
        fetch_worker(pool);
}

void tdm__pool_call_worker(tdm__pool *pool)
{
    if (wants_worker(pool))
        fetch_worker(pool);
}

/* A loop that brings more brief work calls for all of it at once. If that is long in coming, who stands by sees it. A loop
 * of another executor must not: its turn may outlast the pool. */
static bool may_call_later(tdm__pool *pool)
{
    tdm__loop *loop = atomic_load(&pool->stand_by) ? tdm__loop_current() : NULL;
    if (!loop || tdm__loop_executor(loop) != pool->executor)
        return false;
    tdm__turn *turn = tdm__loop_turn(loop);
    if (!turn->to_call)
        turn->to_call = pool;
    return turn->to_call == pool;
}

void tdm__pool_post(tdm__pool *pool, tdm__message *message)
{
    tdm__inbox_put(&pool->intake, message);
    if (wants_worker(pool) && !may_call_later(pool))
        fetch_worker(pool);
}

/* ---- the queue ---- */

void tdm__pool_push(tdm__pool *pool, tdm__exec *exec)
{
    tdm__message *message = &exec->message;
    message->next = NULL;
    message->previous = pool->last;
    if (pool->last)
        pool->last->next = message;
    else
        pool->first = message;
    pool->last = message;
    if (++pool->waiting > pool->waiting_peak)
        pool->waiting_peak = pool->waiting;
}

void tdm__pool_remove(tdm__pool *pool, tdm__exec *exec)
{
    assert(pool->waiting > 0);
    tdm__message *message = &exec->message;
    *(message->previous ? &message->previous->next : &pool->first) = message->next;
    *(message->next ? &message->next->previous : &pool->last) = message->previous;
    pool->waiting--;
}

/* ---- running ---- */

/* With the lock. What the watchdog sees of a worker. */
static void publish(tdm__worker *self, tdm__exec *exec, int64_t now_ns)
{
    atomic_store_explicit(&self->name, exec->kind->name(exec), memory_order_relaxed);
    atomic_store_explicit(&self->id, exec->kind->is_task ? tdm__task_of(exec)->row.id : 0, memory_order_relaxed);
    atomic_store_explicit(&self->since_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&self->runs, atomic_load_explicit(&self->runs, memory_order_relaxed) + 1,
                          memory_order_release); /* odd: it runs something */
}

static void publish_end(tdm__worker *self)
{
    atomic_store_explicit(&self->runs, atomic_load_explicit(&self->runs, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* With the lock: take the first that begins. Those that are over before they began go to *over. */
static tdm__exec *take(tdm__worker *self, int64_t now_ns, tdm__message_list *over)
{
    tdm__pool *pool = self->pool;
    while (pool->first) {
        tdm__exec *exec = tdm__exec_of(pool->first);
        tdm__pool_remove(pool, exec);
        if (exec->kind->begin(exec, now_ns)) {
            if (!pool->first && !tdm__inbox_is_empty(&pool->intake))
                take_in(pool); /* before this worker is busy for who knows how long: the next is woken for what came */
            pool->busy++;
            atomic_store(&exec->parking, &self->parking);
            self->innermost = exec;
            publish(self, exec, now_ns);
            return exec;
        }
        tdm__message_list_add(over, &exec->message);
    }
    return NULL;
}

static void say_over(tdm__message_list *over)
{
    tdm__message *message;
    while ((message = tdm__message_list_take(over))) {
        tdm__exec *exec = tdm__exec_of(message);
        exec->kind->ended(exec);
    }
}

static void call(tdm__exec *exec)
{
    tdm__exec *outer = tdm__exec_current();
    tdm__exec_set_current(exec);
    exec->kind->run(exec);
    tdm__exec_set_current(outer);
}

/* ---- standing by ---- */

enum {
    BRIEF_NS = 5 * 1000,      /* about what it costs to wake a thread */
    LOOK_NS = 200 * 1000,     /* how often who stands by looks */
    BACKLOG_NS = 1000 * 1000, /* so much waiting work is more than one worker's */
    REMEMBERED = 16           /* runs, by which the mean forgets */
};

/* With the lock. */
static void note_run(tdm__worker *self, int64_t ns)
{
    tdm__pool *pool = self->pool;
    self->accompanied = pool->last_ran && pool->last_ran != self;
    pool->last_ran = self;
    pool->runs++;
    pool->run_ns += (ns - pool->run_ns) / REMEMBERED;
}

/* With the lock. Is what is run so short that a further worker would cost more than it takes off the others? */
static bool is_brief(const tdm__pool *pool)
{
    return pool->run_ns < BRIEF_NS && (int64_t) pool->waiting * pool->run_ns < BACKLOG_NS && !pool->stop;
}

/* With the lock, under which nobody falls asleep: who else is awake will look at the queue before it sleeps, unless it
 * is held up by what it runs, which who stands by will see. */
static bool is_spare(const tdm__worker *self)
{
    return self->accompanied && is_brief(self->pool) && awake(self->pool) > 1 && !tdm__testing();
}

/* With the lock on entry and return, and meanwhile without: until this worker is needed. */
static void stand_by(tdm__worker *self)
{
    tdm__pool *pool = self->pool;
    uint64_t runs;
    atomic_store(&pool->stand_by, true);
    do {
        runs = pool->runs;
        tdm__lock(&pool->bed);
        tdm__unlock(&pool->lock);
        tdm__cond_wait(&pool->look, &pool->bed, tdm__deadline(LOOK_NS));
        atomic_store(&pool->waking, false);
        tdm__unlock(&pool->bed);
        tdm__lock(&pool->lock);
    } while (is_brief(pool) && runs != pool->runs && atomic_load(&pool->active) > 1);
    atomic_store(&pool->stand_by, false);
    self->accompanied = false;
}

/* With the lock on entry and return. Run one after another until the queue is empty. */
static void work(tdm__worker *self)
{
    tdm__pool *pool = self->pool;
    tdm__message_list over = {0};
    tdm__exec *exec = take(self, tdm__near_clock_now(&self->clock), &over);
    while (exec || over.first) {
        tdm__pool_unlock(pool); /* wakes the next worker if there is more */
        say_over(&over);
        if (exec)
            call(exec);
        tdm__lock(&pool->lock);
        if (!pool->first && !tdm__inbox_is_empty(&pool->intake))
            take_in(pool); /* not sooner: the line that others post to is left to them as long as there is work */
        int64_t now_ns = tdm__near_clock_now(&self->clock);
        if (exec) {
            pool->busy--;
            self->innermost = NULL;
            publish_end(self);
            note_run(self, now_ns - atomic_load_explicit(&self->since_ns, memory_order_relaxed));
            exec->kind->finish(exec, now_ns);
            tdm__message_list_add(&over, &exec->message);
        }
        exec = is_spare(self) ? NULL : take(self, now_ns, &over);
    }
}

void tdm__pool_run_inside(tdm__pool *pool, tdm__exec *exec)
{
    tdm__worker *self = tdm__worker_current();
    assert(self && self->pool == pool);
    tdm__pool_lock(pool);
    bool live = exec->kind->begin(exec, tdm_clock_ns());
    tdm__exec *outer = self->innermost;
    if (live) {
        atomic_store(&exec->parking, &self->parking);
        self->innermost = exec;
    }
    tdm__pool_unlock(pool);
    if (live) {
        tdm__await await = {.task = tdm__task_of(exec)};
        tdm__await_lie_beneath(outer, &await); /* who would wait for `outer` must see that `exec` has to end first */
        call(exec);
        tdm__await_forget(outer); /* before `exec` can be gone */
        tdm__pool_lock(pool);
        self->innermost = outer;
        exec->kind->finish(exec, tdm_clock_ns());
        tdm__pool_unlock(pool);
    }
    exec->kind->ended(exec);
}

static bool has_work(tdm__pool *pool)
{
    return !tdm__inbox_is_empty(&pool->intake) || pool->first || pool->stop;
}

/* With the lock on entry and return: sleep until there may be work. @return false: until the deadline came. */
static bool sleep_until_called(tdm__worker *self, int64_t deadline_ns)
{
    tdm__pool *pool = self->pool;
    bool in_time = true, spare = is_spare(self);
    tdm__lock(&pool->bed);
    atomic_fetch_add(&pool->idle, 1); /* before the look: whoever posts after the look sees an idle worker */
    atomic_store(&pool->waking, false);
    bool stay = !spare && has_work(pool);
    if (!stay) {
        tdm__unlock(&pool->lock);
        in_time = tdm__cond_wait(&pool->wake, &pool->bed, deadline_ns);
        atomic_store(&pool->waking, false); /* before the next look, for the same reason */
    }
    atomic_fetch_sub(&pool->idle, 1);
    tdm__unlock(&pool->bed);
    if (!stay)
        tdm__lock(&pool->lock);
    self->accompanied = false;
    return in_time;
}

/* With the lock: until there is work. @return false: the worker is to end. */
static bool rest(tdm__worker *self)
{
    tdm__pool *pool = self->pool;
    int64_t deadline_ns =
        atomic_load(&pool->active) > pool->settings.min ? tdm__deadline(pool->settings.idle_ns) : INT64_MAX;
    bool in_time = true;
    while (in_time && (is_spare(self) || !has_work(pool))) {
        if (is_spare(self) && !atomic_load(&pool->stand_by))
            stand_by(self);
        else
            in_time = sleep_until_called(self, deadline_ns);
    }
    if (!tdm__inbox_is_empty(&pool->intake))
        take_in(pool);
    return pool->first || (!pool->stop && (in_time || atomic_load(&pool->active) <= pool->settings.min));
}

/* With the lock. @return false: work has come from somebody who saw neither a worker asleep nor room for a new one; or
 * whoever started the worker has not written its thread down, which the next one in its place is to join. */
static bool leave(tdm__worker *self)
{
    tdm__pool *pool = self->pool;
    if (self->starting && !pool->stop)
        return false;
    atomic_fetch_sub(&pool->active, 1); /* before the look: whoever posts after the look sees the room */
    if (pool->stop || tdm__inbox_is_empty(&pool->intake))
        return true;
    atomic_fetch_add(&pool->active, 1);
    take_in(pool);
    return false;
}

void tdm__worker_main(tdm__worker *self)
{
    tdm__pool *pool = self->pool;
    tdm__pool_lock(pool);
    atomic_store(&pool->waking, false); /* it was started to be woken */
    do
        work(self);
    while (rest(self) || !leave(self));
    self->state = TDM__WORKER_ENDED;
    tdm__unlock(&pool->lock);
}

bool tdm__pool_all_run(tdm__pool *pool, bool (*what)(tdm__exec *exec, void *arg), void *arg)
{
    for (unsigned i = 0; i < pool->settings.max; i++) {
        tdm__worker *worker = &pool->workers[i];
        if (worker->state != TDM__WORKER_ALIVE || !worker->innermost || !what(worker->innermost, arg))
            return false;
    }
    return true;
}

unsigned *tdm__pool_joining(tdm__pool *pool)
{
    return &pool->joining;
}

unsigned tdm__pool_workers(const tdm__pool *pool)
{
    return pool->settings.max;
}

tdm__exec *tdm__pool_running(tdm__pool *pool, unsigned worker)
{
    if (worker >= pool->settings.max)
        return NULL;
    tdm__pool_lock(pool);
    tdm__exec *exec = pool->workers[worker].innermost;
    tdm__pool_unlock(pool);
    return exec;
}

/* ---- figures ---- */

tdm__shard *tdm__pool_shard(tdm__pool *pool)
{
    return &pool->shard;
}

unsigned tdm__pool_limit(const tdm__pool *pool)
{
    return pool->settings.limit;
}

tdm_executor *tdm__pool_executor(const tdm__pool *pool)
{
    return pool->executor;
}

const char *tdm_pool_name(const tdm_pool *pool)
{
    return pool->settings.name;
}

int64_t tdm__pool_stuck_ns(const tdm__pool *pool)
{
    return pool->settings.stuck_ns;
}

void tdm__pool_detached(tdm__pool *pool, int more)
{
    assert(more > 0 || pool->detached);
    pool->detached = (unsigned) ((int) pool->detached + more);
}

void tdm__pool_stats(tdm__pool *pool, tdm_pool_stats *out)
{
    unsigned active = atomic_load(&pool->active);
    *out = (tdm_pool_stats){
        .name = pool->settings.name,
        .workers = pool->settings.max,
        .threads = active,
        .busy = pool->busy,
        .busy_detached = pool->detached,
        .idle = active > pool->busy ? active - pool->busy : 0,
        .queue = pool->waiting,
        .reserved = atomic_load(&pool->accepted) - atomic_load(&pool->started),
        .queue_limit = pool->settings.limit,
        .queue_peak = pool->waiting_peak,
        .stuck = pool->stuck,
    };
    tdm__summarize(pool->shard.queue_wait, &out->queue_wait);
    tdm__summarize(pool->shard.run_time, &out->run_time);
}

void tdm__pool_reset(tdm__pool *pool)
{
    pool->waiting_peak = pool->waiting;
    tdm__shard_reset(&pool->shard);
}
