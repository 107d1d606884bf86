/* SPDX-License-Identifier: MIT */
/* DESIGN: the orderly stop of the executor, in the order of docs/drain.md: refuse, wait, cancel, wait a little, close
 * the books. One thread drives it and asks each shard in turn; it needs no lock but the one it sleeps under.
 * What runs on after the books are closed keeps its memory: nothing is freed under a thread that may still use it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "tasks/executor.h"
#include "tasks/handler.h"
#include "tasks/task.h"
#include <tandem/clock.h>

/* For the last `drop` to return, and a place in a batch to be given back. Long: what comes after is a leak. */
static const double SETTLE_S = 5;

bool tdm__executor_is_finished(tdm_executor *executor)
{
    return atomic_load(&executor->closing) && !atomic_load(&executor->outstanding);
}

/* Those who wait for the last task, or for the next end of one, need not wait any more. */
static void say_finished(tdm_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    pthread_cond_broadcast(&executor->quiet);
    pthread_mutex_unlock(&executor->lock);
    tdm__watch_notify(&executor->watch);
}

void tdm__executor_task_gone(tdm_executor *executor)
{
    if (atomic_fetch_sub(&executor->outstanding, 1) == 1 && atomic_load(&executor->closing))
        say_finished(executor);
}

void tdm_executor_close(tdm_executor *executor)
{
    atomic_store(&executor->closing, true);
    if (tdm__executor_is_finished(executor))
        say_finished(executor);
}

void tdm_executor_hurry(tdm_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    executor->hurry = true;
    pthread_cond_broadcast(&executor->quiet);
    pthread_mutex_unlock(&executor->lock);
}

/* Until no task is left, the time is over, or somebody is in a hurry. */
static void wait_quiet(tdm_executor *executor, double seconds)
{
    int64_t deadline = tdm__deadline(tdm_ns_from_s(seconds));
    struct timespec until = {.tv_sec = deadline / TDM_NS_PER_S, .tv_nsec = deadline % TDM_NS_PER_S};
    int err = 0;
    pthread_mutex_lock(&executor->lock);
    while (atomic_load(&executor->outstanding) && !executor->hurry && err != ETIMEDOUT)
        err = pthread_cond_clockwait(&executor->quiet, &executor->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&executor->lock);
}

/* ---- what each shard does; on its owner ---- */

/* `row` or the first older one that is live: ending a task may forget an ended row, but never touches a live one. */
static tdm__row *live_from(tdm__row *row)
{
    while (row && !row->live)
        row = row->older;
    return row;
}

static void call_off(tdm__shard *shard, void *arg)
{
    tdm_task **over_list = arg;
    tdm__row *next;
    for (tdm__row *row = live_from(shard->ledger.newest); row; row = next) {
        next = live_from(row->older);
        tdm_task *task = (tdm_task *) row, *over = NULL;
        if (row->info.state == TDM_QUEUED)
            tdm__task_drop(task, &over);
        else
            tdm__task_cancel(task, &over);
        if (over) {
            over->drain_next = *over_list;
            *over_list = over;
        }
    }
}

static void close_books(tdm__shard *shard, void *arg)
{
    (void) arg;
    tdm__row *next;
    for (tdm__row *row = live_from(shard->ledger.newest); row; row = next) {
        next = live_from(row->older);
        tdm_task *over = NULL;
        if (row->info.state == TDM_RUNNING)
            tdm__task_abandon((tdm_task *) row);
        else
            tdm__task_drop((tdm_task *) row, &over);
        assert(!over); /* what was in a queue is gone since call_off() */
    }
}

static void count_abandoned(tdm__shard *shard, void *arg)
{
    *(uint64_t *) arg += shard->lifetime.state[TDM_ABANDONED];
}

bool tdm__executor_settle(tdm_executor *executor)
{
    uint64_t abandoned = 0;
    tdm__executor_each_shard(executor, count_abandoned, &abandoned);
    if (!abandoned && !tdm__handlers_unfinished(executor)) {
        pthread_mutex_lock(&executor->lock);
        executor->hurry = false;
        pthread_mutex_unlock(&executor->lock);
        wait_quiet(executor, SETTLE_S);
    }
    return !atomic_load(&executor->outstanding) && !tdm__handlers_unfinished(executor);
}

static void add_lifetime(tdm__shard *shard, void *arg)
{
    tdm_totals *out = arg;
    out->accepted += shard->lifetime.accepted;
    for (unsigned i = 0; i < TDM_STATES; i++)
        out->state[i] += shard->lifetime.state[i];
}

int tdm_executor_drain(tdm_executor *executor, const tdm_drain_options *options, tdm_totals *out)
{
    tdm_totals totals = {0};
    tdm_executor_close(executor);
    wait_quiet(executor, options->timeout);
    if (atomic_load(&executor->outstanding)) {
        tdm_task *over = NULL;
        atomic_store(&executor->dropping, true); /* first: what becomes ready from now on is dropped too */
        tdm__executor_each_shard(executor, call_off, &over);
        while (over) {
            tdm_task *task = over;
            over = task->drain_next;
            tdm__task_over(task);
        }
        tdm__watch_notify(&executor->watch); /* followers of what still runs have ended too */
        wait_quiet(executor, options->grace);
        tdm__executor_each_shard(executor, close_books, NULL);
        tdm__watch_notify(&executor->watch);
    }
    executor->drained = true;
    tdm__executor_each_shard(executor, add_lifetime, &totals);
    for (unsigned i = 0; i < TDM_LANES; i++)
        totals.rejected += atomic_load(&executor->rejected[i]);
    if (out)
        *out = totals;
    return (int) (totals.state[TDM_DROPPED] + totals.state[TDM_ABANDONED]);
}
