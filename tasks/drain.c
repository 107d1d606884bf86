/* SPDX-License-Identifier: MIT */
/* DESIGN: the orderly stop of the executor, in the order of docs/drain.md: refuse, wait, cancel, wait a little, close
 * the books. One thread drives it and asks each shard; a loop that a task holds is not waited for (round.h).
 * What runs on after the books are closed keeps its memory: nothing is freed under a thread that may still use it. */
#include <stdlib.h>

#include "tasks/executor.h"
#include "tasks/handler.h"
#include "tasks/task.h"
#include <tandem/clock.h>
#include <tandem/log.h>

/* For the last `drop` and the last handler to return, and a place in a batch to be given back. Long: what comes after is
 * a leak. */
static const double SETTLE_S = 2;

/* For a loop to begin what the drain asks of it. A loop that does not is held by a task. */
static const double PATIENCE_S = 1;

bool tdm__executor_is_finished(tdm_executor *executor)
{
    return atomic_load(&executor->closing) && !tdm__executor_outstanding(executor);
}

void tdm__executor_say_finished(tdm_executor *executor)
{
    tdm__lock(&executor->lock);
    tdm__cond_broadcast(&executor->quiet);
    tdm__unlock(&executor->lock);
    tdm__watch_notify(&executor->watch);
}

uint64_t tdm__executor_outstanding(tdm_executor *executor)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < TDM_LANES; i++) {
        uint64_t gone = atomic_load(&executor->tallies[i].gone); /* first, or it could pass the other */
        count += atomic_load(&executor->tallies[i].created) - gone;
    }
    return count;
}

void tdm_executor_close(tdm_executor *executor)
{
    atomic_store(&executor->closing, true);
    if (tdm__executor_is_finished(executor))
        tdm__executor_say_finished(executor);
}

void tdm_executor_hurry(tdm_executor *executor)
{
    tdm__lock(&executor->lock);
    executor->hurry = true;
    tdm__cond_broadcast(&executor->quiet);
    tdm__unlock(&executor->lock);
}

void tdm__executor_handler_gone(tdm_executor *executor)
{
    if (!atomic_load(&executor->closing))
        return;
    tdm__lock(&executor->lock);
    tdm__cond_broadcast(&executor->quiet);
    tdm__unlock(&executor->lock);
}

static bool has_tasks(tdm_executor *executor)
{
    return tdm__executor_outstanding(executor);
}

static bool is_in_use(tdm_executor *executor)
{
    return has_tasks(executor) || tdm__handlers_unfinished(executor);
}

/* While there is something, until the time is over or somebody is in a hurry. */
static void wait_while(tdm_executor *executor, bool (*something)(tdm_executor *executor), double seconds)
{
    int64_t deadline = tdm__deadline_in(seconds);
    bool in_time = true;
    tdm__lock(&executor->lock);
    while (something(executor) && !executor->hurry && in_time)
        in_time = tdm__cond_wait(&executor->quiet, &executor->lock, deadline);
    tdm__unlock(&executor->lock);
}

/* ---- what each shard does; on its owner ---- */

typedef struct shard_drain {
    tdm__message_list over;    /* dropped, and to be retired by the drain's thread */
    uint64_t cancelled_before; /* by users, until the drain called off the rest */
    bool called_off;
    tdm_totals lifetime; /* at the end */
} shard_drain;

static void call_off(tdm__shard *shard, shard_drain *part)
{
    const tdm__ledger *ledger = &shard->ledger;
    tdm_totals lifetime;
    tdm__shard_lifetime(shard, &lifetime);
    part->called_off = true;
    part->cancelled_before = lifetime.state[TDM_CANCELLED];
    for (tdm__row *row = tdm__ledger_newest(ledger), *next; row; row = next) {
        next = tdm__ledger_older(ledger, row);
        tdm_task *task = (tdm_task *) row, *over = NULL;
        if (row->state == TDM_QUEUED)
            tdm__task_drop(task, &over);
        else
            tdm__task_cancel(task, &over);
        if (over)
            tdm__message_list_add(&part->over, &over->exec.message);
    }
}

static void close_books(tdm__shard *shard, shard_drain *part)
{
    const tdm__ledger *ledger = &shard->ledger;
    for (tdm__row *row = tdm__ledger_newest(ledger), *next; row; row = next) {
        next = tdm__ledger_older(ledger, row);
        tdm_task *over = NULL;
        if (row->state == TDM_RUNNING)
            tdm__task_abandon((tdm_task *) row);
        else
            tdm__task_drop((tdm_task *) row, &over);
        if (over) /* it was on its way into a queue at call_off() */
            tdm__message_list_add(&part->over, &over->exec.message);
    }
    tdm__shard_lifetime(shard, &part->lifetime);
}

static void call_off_loop(tdm__loop *loop, void *arg)
{
    call_off(tdm__loop_shard(loop), arg);
}

static void close_books_of_loop(tdm__loop *loop, void *arg)
{
    close_books(tdm__loop_shard(loop), arg);
}

/* ---- all shards: the loops by a round, the pools under their locks ---- */

typedef struct drain {
    tdm_executor *executor;
    unsigned pool_count; /* none is added once the executor is closed */
    shard_drain loops[TDM_MAX_LOOPS], pools[TDM_MAX_POOLS];
} drain;

static void on_each_shard(drain *d, void (*on_loop)(tdm__loop *loop, void *arg),
                          void (*on_pool)(tdm__shard *shard, shard_drain *part))
{
    tdm__round_call_all(&d->executor->round, on_loop, d->loops, sizeof *d->loops,
                        tdm__deadline(tdm_ns_from_s(PATIENCE_S)));
    for (unsigned i = TDM__BACKGROUND; i < d->pool_count; i++) {
        tdm__pool *pool = d->executor->pools[i];
        tdm__pool_lock(pool);
        on_pool(tdm__pool_shard(pool), &d->pools[i]);
        tdm__pool_unlock(pool);
    }
}

static void retire_dropped(shard_drain *part)
{
    tdm__message *message;
    while ((message = tdm__message_list_take(&part->over)))
        tdm__task_over(tdm__task_of(tdm__exec_of(message)));
}

static void retire_all_dropped(drain *d)
{
    for (unsigned i = 0; i < d->executor->settings.loops; i++)
        retire_dropped(&d->loops[i]);
    for (unsigned i = TDM__BACKGROUND; i < d->pool_count; i++)
        retire_dropped(&d->pools[i]);
}

static void stop_the_rest(drain *d, double grace)
{
    atomic_store(&d->executor->dropping, true); /* first: what becomes ready from now on is dropped too */
    on_each_shard(d, call_off_loop, call_off);
    retire_all_dropped(d);
    tdm__watch_notify(&d->executor->watch); /* followers of what still runs have ended too */
    wait_while(d->executor, has_tasks, grace);
}

/* A loop that a task holds: it does nothing but that, so the counts it published are exact. */
static void close_books_from_outside(tdm__loop *loop, shard_drain *part)
{
    tdm_totals *t = &part->lifetime;
    tdm__shard_peek(tdm__loop_shard(loop), t);
    t->state[TDM_DROPPED] += t->state[TDM_QUEUED];
    t->state[TDM_ABANDONED] += t->state[TDM_RUNNING];
    t->state[TDM_QUEUED] = t->state[TDM_RUNNING] = 0;
}

static void add_up(const shard_drain *part, tdm_lane lane, tdm_drain_report *out)
{
    tdm_totals *into = &out->lanes[lane];
    into->accepted += part->lifetime.accepted;
    for (unsigned i = 0; i < TDM_STATES; i++)
        into->state[i] += part->lifetime.state[i];
    if (part->called_off)
        out->cancelled += part->lifetime.state[TDM_CANCELLED] - part->cancelled_before;
}

static void report(drain *d, tdm_drain_report *out)
{
    tdm_executor *executor = d->executor;
    *out = (tdm_drain_report){0};
    for (unsigned i = 0; i < executor->settings.loops; i++) {
        if (tdm__round_gave_up(&executor->round, i)) {
            out->stuck_loops++;
            close_books_from_outside(executor->loops[i], &d->loops[i]);
            tdm_log_error("loop %u does not answer: a task or a handler holds its thread %u", i,
                          tdm__loop_thread(executor->loops[i]));
        }
        add_up(&d->loops[i], TDM_LOOP, out);
    }
    for (unsigned i = TDM__BACKGROUND; i < d->pool_count; i++)
        add_up(&d->pools[i], TDM_POOL, out);
    for (unsigned i = 0; i < TDM_LANES; i++)
        out->lanes[i].rejected = atomic_load(&executor->rejected[i]);
}

int tdm_executor_drain(tdm_executor *executor, const tdm_drain_options *options, tdm_drain_report *out)
{
    const tdm_drain_options at_once = {0}, *o = options ? options : &at_once;
    drain d = {.executor = executor};
    tdm_drain_report r;
    uint64_t dropped = 0, abandoned = 0;
    tdm_executor_close(executor);
    d.pool_count = tdm__executor_pool_count(executor);
    wait_while(executor, has_tasks, o->timeout);
    if (has_tasks(executor))
        stop_the_rest(&d, o->grace);
    on_each_shard(&d, close_books_of_loop, close_books);
    retire_all_dropped(&d);
    tdm__watch_notify(&executor->watch);
    report(&d, &r);
    for (unsigned i = 0; i < TDM_LANES; i++) {
        dropped += r.lanes[i].state[TDM_DROPPED];
        abandoned += r.lanes[i].state[TDM_ABANDONED];
    }
    executor->drained = true;
    executor->abandoned = abandoned + r.stuck_loops; /* a handler may hold a loop, too */
    if (out)
        *out = r;
    return (int) (dropped + abandoned);
}

/* ---- after the drain ---- */

bool tdm__executor_settle(tdm_executor *executor)
{
    if (!executor->abandoned) {
        tdm__lock(&executor->lock);
        executor->hurry = false;
        tdm__unlock(&executor->lock);
        wait_while(executor, is_in_use, SETTLE_S);
    }
    return !is_in_use(executor);
}
