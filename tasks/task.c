/* SPDX-License-Identifier: MIT */
/* DESIGN: a task passes through the hands of its owner (see task.h) and nobody else's. Whoever ends a task hands the
 * turn to the next in the sequence, which may live in another lane: then it is posted or pushed there. The walk over
 * tasks that are over already (skipped, cancelled, dropped) is a loop, not a recursion: a request may have thousands.
 * A place in a queue is held until the task is gone from memory, so that the limits bound memory too; only a pool's
 * place is given back when the task starts. */
#include "tasks/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/executor.h"
#include <tandem/clock.h>
#include <tandem/log.h>

static tdm_task *task_of(tdm__exec *exec)
{
    return exec->task;
}

static tdm__pool *pool_of(const tdm_task *task)
{
    return task->executor->pools[TDM__BACKGROUND];
}

/* ---- places ---- */

static int reserve(tdm_executor *executor, tdm_lane lane)
{
    atomic_fetch_add(&executor->outstanding, 1);
    int err = 0;
    if (atomic_load(&executor->closing)) {
        err = -ESHUTDOWN;
    } else if (lane == TDM_POOL) {
        if (!tdm__pool_reserve(executor->pools[TDM__BACKGROUND]))
            err = -EAGAIN;
    } else if (atomic_fetch_add(&executor->loop_tasks, 1) >= executor->settings.max_loop_tasks) {
        atomic_fetch_sub(&executor->loop_tasks, 1);
        err = -EAGAIN;
    }
    if (err) {
        atomic_fetch_add(&executor->rejected[lane], 1);
        tdm__executor_task_gone(executor);
    }
    return err;
}

/* A place in the pool was given back when the task started. */
static void unreserve(const tdm_task *task)
{
    if (task->row.lane == TDM_LOOP)
        atomic_fetch_sub(&task->executor->loop_tasks, 1);
    else if (!task->row.started_ns)
        tdm__pool_unreserve(pool_of(task));
}

static void task_free(tdm_task *task)
{
    tdm_executor *executor = task->executor;
    unreserve(task);
    free(task);
    tdm__executor_task_gone(executor);
}

static const tdm__exec_kind task_kind;

int tdm__task_create(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec)
{
    if (!spec->run || (unsigned) spec->lane >= TDM_LANES || (unsigned) spec->when > TDM_WHEN_ALWAYS)
        return -EINVAL;
    int err = reserve(executor, spec->lane);
    if (err)
        return err;
    tdm_task *task = calloc(1, sizeof *task);
    *out = task;
    if (!task) {
        if (spec->lane == TDM_LOOP)
            atomic_fetch_sub(&executor->loop_tasks, 1);
        else
            tdm__pool_unreserve(executor->pools[TDM__BACKGROUND]);
        tdm__executor_task_gone(executor);
        return -ENOMEM;
    }
    task->executor = executor;
    task->run = spec->run;
    task->arg = spec->arg;
    task->drop = spec->drop;
    task->when = spec->when;
    task->row.lane = (uint8_t) spec->lane;
    task->row.name = spec->name ? spec->name : "task";
    task->exec.kind = &task_kind;
    task->exec.task = task;
    task->exec.name = task->row.name;
    return 0;
}

static void drop_arg(tdm_task *task)
{
    if (task->drop)
        task->drop(task->arg);
    task->drop = NULL;
}

void tdm__task_discard(tdm_task *task, bool with_arg)
{
    if (with_arg)
        drop_arg(task);
    task_free(task);
}

/* ---- acceptance ---- */

static tdm_task *arrived(tdm__message *message)
{
    return (tdm_task *) ((char *) message - offsetof(tdm_task, arrival));
}

static void arrive_accepted(tdm__message *message)
{
    tdm_task *task = arrived(message);
    tdm__shard *shard = tdm__loop_shard(task->exec.loop);
    if (task->sent)
        atomic_fetch_sub(&shard->arriving, 1);
    tdm__shard_accept(shard, &task->row);
}

static void arrive_ready(tdm__message *message)
{
    tdm__task_ready(arrived(message));
}

static void arrive_accepted_and_ready(tdm__message *message)
{
    arrive_accepted(message);
    arrive_ready(message);
}

static void arrive(tdm_task *task, void (*run)(tdm__message *message))
{
    task->arrival.run = run;
    if (task->exec.loop == tdm__loop_current()) {
        run(&task->arrival);
        return;
    }
    if (run != arrive_ready) {
        task->sent = true;
        atomic_fetch_add(&tdm__loop_shard(task->exec.loop)->arriving, 1);
    }
    tdm__loop_post(task->exec.loop, &task->arrival);
}

/* The wall clock from the monotonic one. The two are compared anew every few milliseconds, per thread: a clock that is
 * set is noticed, and a burst of tasks does not read two clocks for each. */
static int64_t wall_from(int64_t now_ns)
{
    enum { COMPARE_EVERY_NS = 10 * 1000 * 1000 };
    static _Thread_local int64_t compared_ns, offset_ns;
    if (!compared_ns || now_ns < compared_ns || now_ns - compared_ns > COMPARE_EVERY_NS) {
        compared_ns = now_ns;
        offset_ns = tdm_clock_wall_ns() - now_ns;
    }
    return now_ns + offset_ns;
}

static int64_t stamp_accepted(tdm_task *task, tdm__loop *loop)
{
    int64_t now_ns = tdm_clock_ns();
    task->row.accepted_ns = now_ns;
    task->row.accepted_wall_ns = wall_from(now_ns);
    if (task->row.lane == TDM_LOOP)
        task->exec.loop = loop;
    return now_ns;
}

void tdm__task_accept(tdm_task *task, tdm__loop *loop)
{
    stamp_accepted(task, loop);
    if (task->row.lane == TDM_POOL) {
        tdm__pool_lock(pool_of(task));
        tdm__shard_accept(tdm__pool_shard(pool_of(task)), &task->row);
        tdm__pool_unlock(pool_of(task));
    } else {
        arrive(task, arrive_accepted);
    }
}

/* ---- ends of tasks that never ran; for the owner ---- */

static tdm__shard *shard_of(const tdm_task *task)
{
    return task->row.lane == TDM_POOL ? tdm__pool_shard(pool_of(task)) : tdm__loop_shard(task->exec.loop);
}

static void end_unstarted(tdm_task *task, tdm_state state, tdm__reason reason)
{
    task->row.reason = (uint8_t) reason;
    tdm__shard_end(shard_of(task), &task->row, state, tdm_clock_ns());
}

/* Does the turn of `task` end before it began? Ends it if so. */
static bool is_over(tdm_task *task)
{
    if (!tdm__row_is_live(&task->row))
        return true;
    if (task->skip)
        end_unstarted(task, TDM_SKIPPED, TDM__NOT_MET);
    else if (atomic_load(&task->executor->dropping))
        end_unstarted(task, TDM_DROPPED, TDM__DRAIN_ENDED);
    return !tdm__row_is_live(&task->row);
}

/* From the lane's queue, if that can be done now: a loop's list is short-lived and meets the stone by itself. */
static tdm_task *unqueue(tdm_task *task)
{
    if (!task->queued || task->row.lane == TDM_LOOP)
        return NULL;
    tdm__pool_remove(pool_of(task), &task->exec);
    task->queued = false;
    return task;
}

int tdm__task_cancel(tdm_task *task, tdm_task **over)
{
    *over = NULL;
    if (!tdm__row_is_live(&task->row))
        return -EALREADY;
    task->row.cancel_requested = true;
    if (task->row.state == TDM_RUNNING) {
        tdm__exec_cancel(&task->exec);
        return 0;
    }
    end_unstarted(task, TDM_CANCELLED, TDM__NO_REASON);
    *over = unqueue(task);
    return 0;
}

void tdm__task_drop(tdm_task *task, tdm_task **over)
{
    end_unstarted(task, TDM_DROPPED, TDM__DRAIN_ENDED);
    *over = unqueue(task);
}

void tdm__task_abandon(tdm_task *task)
{
    end_unstarted(task, TDM_ABANDONED, TDM__STILL_RUNNING);
}

/* ---- turns ---- */

/* Its memory goes, and the turn with it. @return the next in the sequence. */
static tdm_task *retire(tdm_task *task)
{
    tdm_task *next = task->next;
    drop_arg(task);
    tdm__watch_notify(&task->executor->watch);
    task_free(task);
    return next;
}

/* @return the task whose turn it is now instead; NULL: this one waits in its lane, or is on its way there. */
static tdm_task *ready_on_loop(tdm_task *task)
{
    if (task->exec.loop != tdm__loop_current()) {
        arrive(task, arrive_ready);
        return NULL;
    }
    if (is_over(task))
        return retire(task);
    task->row.ready_ns = tdm_clock_ns();
    task->queued = true;
    tdm__loop_enqueue(task->exec.loop, &task->exec);
    return NULL;
}

/* With the pool's lock. @return true: it is over instead. */
static bool push_or_end(tdm_task *task, int64_t now_ns)
{
    if (is_over(task))
        return true;
    task->row.ready_ns = now_ns;
    task->queued = true;
    tdm__pool_push(pool_of(task), &task->exec);
    return false;
}

static tdm_task *ready_in_pool(tdm_task *task)
{
    tdm__pool *pool = pool_of(task);
    tdm__pool_lock(pool);
    bool over = push_or_end(task, tdm_clock_ns());
    tdm__pool_unlock(pool);
    return over ? retire(task) : NULL;
}

void tdm__task_ready(tdm_task *task)
{
    while (task)
        task = task->row.lane == TDM_LOOP ? ready_on_loop(task) : ready_in_pool(task);
}

void tdm__task_accept_ready(tdm_task *task, tdm__loop *loop)
{
    int64_t now_ns = stamp_accepted(task, loop);
    if (task->row.lane == TDM_LOOP) {
        arrive(task, arrive_accepted_and_ready);
        return;
    }
    tdm__pool *pool = pool_of(task);
    tdm__pool_lock(pool);
    tdm__shard_accept(tdm__pool_shard(pool), &task->row);
    bool over = push_or_end(task, now_ns);
    tdm__pool_unlock(pool);
    if (over)
        tdm__task_over(task);
}

void tdm__task_over(tdm_task *task)
{
    tdm__task_ready(retire(task));
}

/* ---- running: the kind of execution that a task is ---- */

static bool task_begin(tdm__exec *exec, int64_t now_ns)
{
    tdm_task *task = task_of(exec);
    task->queued = false;
    if (is_over(task))
        return false;
    tdm__shard_start(shard_of(task), &task->row, now_ns);
    if (task->row.lane == TDM_POOL)
        tdm__pool_unreserve(pool_of(task));
    return true;
}

static void task_run(tdm__exec *exec)
{
    tdm_task *task = task_of(exec);
    task->result = task->run(task, task->arg);
    drop_arg(task);
}

static tdm_state end_state(const tdm_task *task)
{
    if (task->result >= 0)
        return TDM_DONE;
    if (task->result == -ECANCELED && atomic_load(&task->exec.cancel))
        return TDM_CANCELLED;
    return TDM_FAILED;
}

static void task_finish(tdm__exec *exec, int64_t now_ns)
{
    tdm_task *task = task_of(exec);
    if (!tdm__row_is_live(&task->row))
        return; /* abandoned: the books are closed */
    task->row.error = task->result < 0 ? task->result : 0;
    tdm__shard_end(shard_of(task), &task->row, end_state(task), now_ns);
}

static void task_ended(tdm__exec *exec)
{
    tdm_task *task = task_of(exec);
    const tdm__row *row = &task->row;
    if (row->state == TDM_FAILED)
        tdm_log_warning("task %llu \"%s\" of request %llu failed: %s (%d)", (unsigned long long) row->id, row->name,
                        (unsigned long long) row->request, strerror(-row->error), row->error);
    tdm__task_over(task);
}

static const tdm__exec_kind task_kind = {
    .begin = task_begin,
    .run = task_run,
    .finish = task_finish,
    .ended = task_ended,
};

/* ---- facts of a running task ---- */

uint64_t tdm_task_id(const tdm_task *task)
{
    return task->row.id;
}

const char *tdm_task_name(const tdm_task *task)
{
    return task->row.name;
}

tdm_lane tdm_task_lane(const tdm_task *task)
{
    return (tdm_lane) task->row.lane;
}

bool tdm_task_cancel_requested(const tdm_task *task)
{
    return atomic_load(&task->exec.cancel);
}
