/* SPDX-License-Identifier: MIT */
/* DESIGN: a task passes through the hands of its owner (see task.h) and nobody else's. Whoever ends a task hands the
 * turn to the next in the sequence, which may live in another lane: then it is posted or pushed there. The walk over
 * tasks that are over already (skipped, cancelled, dropped) is a loop, not a recursion: a request may have thousands.
 * A loop task's place is held until the task is gone from memory, so that the limit bounds memory too; a pool's place is
 * given back when the task starts. How tasks are made and taken apart: task_life.c. */
#include "tasks/task.h"

#include <errno.h>

#include "tasks/error_text.h"
#include "tasks/executor.h"
#include "tasks/task_life.h"
#include <tandem/clock.h>
#include <tandem/log.h>

static tdm_task *task_of_message(tdm__message *message)
{
    return tdm__task_of(tdm__exec_of(message));
}

/* ---- acceptance ---- */

static void enter(tdm_task *task, tdm__shard *shard)
{
    tdm__shard_accept(shard, &task->row);
    task->entered = true;
}

/* On the loop. */
static void arrive_accepted(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    tdm__shard *shard = tdm__loop_shard(task->exec.loop);
    if (task->sent)
        atomic_fetch_sub(&shard->arriving, 1);
    enter(task, shard);
}

static void arrive_ready(tdm__message *message)
{
    tdm__task_ready(task_of_message(message));
}

static void queue_on_loop(tdm_task *task, int64_t now_ns)
{
    tdm__loop *loop = task->exec.loop;
    task->row.ready_ns = now_ns;
    task->queued = true;
    if (task->evented)
        tdm__loop_add(loop, &task->exec.message, tdm__evented_start);
    else
        tdm__loop_enqueue(loop, &task->exec);
}

/* If it is over already, it will see that when it would begin. */
static void arrive_accepted_and_ready(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    arrive_accepted(message);
    queue_on_loop(task, tdm__loop_turn_now(task->exec.loop));
}

static void arrive(tdm_task *task, void (*run)(tdm__message *message))
{
    if (task->exec.loop == tdm__loop_current()) {
        run(&task->exec.message);
        return;
    }
    if (run != arrive_ready) {
        task->sent = true;
        atomic_fetch_add(&tdm__loop_shard(task->exec.loop)->arriving, 1);
    }
    task->exec.message.run = run;
    tdm__loop_post(task->exec.loop, &task->exec.message);
}

/* Under the pool's lock. */
static void enter_pool(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    enter(task, tdm__pool_shard(task->pool));
}

static void enter_pool_and_queue(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    enter(task, tdm__pool_shard(task->pool));
    task->queued = true;
    tdm__pool_push(task->pool, &task->exec);
}

/* The wall clock from the monotonic one. The two are compared anew every few milliseconds, per thread: a clock that is
 * set is noticed, and a burst of tasks does not read two clocks for each. */
static int64_t wall_from(int64_t now_ns)
{
    enum { COMPARE_EVERY_NS = 10 * 1000 * 1000 };
    static _Thread_local int64_t compared_ns, offset_ns;
    int64_t since = now_ns - compared_ns;
    if (!compared_ns || since > COMPARE_EVERY_NS || since < -COMPARE_EVERY_NS) {
        compared_ns = now_ns;
        offset_ns = tdm_clock_wall_ns() - now_ns;
    }
    return now_ns + offset_ns;
}

static int64_t stamp_accepted(tdm_task *task, tdm__loop *loop)
{
    tdm__loop *here = tdm__loop_current();
    int64_t now_ns = here ? tdm__loop_spawn_now(here) : tdm_clock_ns();
    task->row.accepted_ns = now_ns;
    task->row.accepted_wall_ns = wall_from(now_ns);
    if (!task->pool && task->exec.loop != loop) /* a child of a group is seen by others already */
        task->exec.loop = loop;
    return now_ns;
}

void tdm__task_accept(tdm_task *task, tdm__loop *loop)
{
    stamp_accepted(task, loop);
    if (!task->pool) {
        arrive(task, arrive_accepted);
        return;
    }
    tdm__pool_lock(task->pool); /* not posted: its turn may come before the post is taken in */
    enter_pool(&task->exec.message);
    tdm__pool_unlock(task->pool);
}

/* ---- ends of tasks that never ran; for the owner ---- */

static tdm__shard *shard_of(const tdm_task *task)
{
    return task->pool ? tdm__pool_shard(task->pool) : tdm__loop_shard(task->exec.loop);
}

static void end_unstarted(tdm_task *task, tdm_state state, tdm__reason reason, int result)
{
    task->row.reason = (uint8_t) reason;
    task->result = result;
    tdm__shard_end(shard_of(task), &task->row, state, tdm_clock_ns());
}

static bool is_too_old(const tdm__task_more *more, int64_t now_ns)
{
    return (more->start_by_ns && now_ns > more->start_by_ns) || (more->deadline_ns && now_ns >= more->deadline_ns);
}

static void end_cancelled(tdm_task *task)
{
    task->row.cancel_requested = true;
    end_unstarted(task, TDM_CANCELLED, TDM__NO_REASON, -ECANCELED);
}

/* Does the turn of `task` end before it began? Ends it if so. */
static bool is_over(tdm_task *task, int64_t now_ns)
{
    if (!tdm__row_is_live(&task->row))
        return true;
    if (task->skip)
        end_unstarted(task, TDM_SKIPPED, TDM__NOT_MET, 0);
    else if (atomic_load_explicit(&task->exec.cancel, memory_order_relaxed))
        end_cancelled(task);
    else if (atomic_load_explicit(&task->executor->dropping, memory_order_relaxed))
        end_unstarted(task, TDM_DROPPED, TDM__DRAIN_ENDED, -ESHUTDOWN);
    else if (task->more && is_too_old(tdm__task_more_of(task), now_ns))
        end_unstarted(task, TDM_SKIPPED, TDM__TOO_OLD, -ETIME);
    return !tdm__row_is_live(&task->row);
}

/* From the lane's queue, if that can be done now: a loop's list is short-lived and meets the stone by itself. */
static tdm_task *unqueue(tdm_task *task)
{
    if (!task->queued || !task->pool)
        return NULL;
    tdm__pool_remove(task->pool, &task->exec);
    task->queued = false;
    return task;
}

int tdm__task_cancel(tdm_task *task, tdm_task **over)
{
    *over = NULL;
    if (!task->entered) { /* its turn will see it */
        atomic_store(&task->exec.cancel, true);
        return 0;
    }
    if (!tdm__row_is_live(&task->row))
        return -EALREADY;
    task->row.cancel_requested = true;
    if (task->row.state == TDM_RUNNING) {
        if (task->evented)
            tdm__evented_ask_to_stop(task);
        else
            tdm__exec_cancel(&task->exec);
        return 0;
    }
    end_unstarted(task, TDM_CANCELLED, TDM__NO_REASON, -ECANCELED);
    *over = unqueue(task);
    return 0;
}

void tdm__task_drop(tdm_task *task, tdm_task **over)
{
    end_unstarted(task, TDM_DROPPED, TDM__DRAIN_ENDED, -ESHUTDOWN);
    *over = unqueue(task);
}

void tdm__task_abandon(tdm_task *task)
{
    task->row.reason = TDM__STILL_RUNNING;
    tdm__shard_end(shard_of(task), &task->row, TDM_ABANDONED, tdm_clock_ns());
}

/* ---- turns ---- */

/* @return the task whose turn it is now instead; NULL: this one waits in its lane, or is on its way there. */
static tdm_task *ready_on_loop(tdm_task *task)
{
    tdm__loop *loop = task->exec.loop;
    if (loop != tdm__loop_current()) {
        arrive(task, arrive_ready);
        return NULL;
    }
    int64_t now_ns = tdm__loop_turn_now(loop); /* it was read when something ended, or this was accepted */
    if (is_over(task, now_ns)) {
        if (task->evented)
            tdm__evented_take_back(task);
        return tdm__task_retire(task);
    }
    queue_on_loop(task, now_ns);
    return NULL;
}

static tdm_task *ready_in_pool(tdm_task *task)
{
    tdm__pool *pool = task->pool;
    int64_t now_ns = tdm_clock_ns();
    tdm__pool_lock(pool);
    bool over = is_over(task, now_ns);
    if (!over) {
        task->row.ready_ns = now_ns;
        task->queued = true;
        tdm__pool_push(pool, &task->exec);
    }
    tdm__pool_unlock(pool);
    return over ? tdm__task_retire(task) : NULL;
}

void tdm__task_ready(tdm_task *task)
{
    while (task)
        task = task->pool ? ready_in_pool(task) : ready_on_loop(task);
}

void tdm__task_accept_ready(tdm_task *task, tdm__loop *loop)
{
    int64_t now_ns = stamp_accepted(task, loop);
    if (!task->pool) {
        arrive(task, arrive_accepted_and_ready);
        return;
    }
    task->row.ready_ns = now_ns;
    task->exec.message.run = enter_pool_and_queue;
    tdm__pool_post(task->pool, &task->exec.message);
}

void tdm__task_over(tdm_task *task)
{
    tdm__task_ready(tdm__task_retire(task));
}

/* ---- running: the kind of execution that a task is ---- */

bool tdm__task_begin(tdm_task *task, int64_t now_ns)
{
    task->queued = false;
    if (is_over(task, now_ns))
        return false;
    tdm__shard_start(shard_of(task), &task->row, now_ns);
    if (task->pool)
        tdm__pool_started(task->pool);
    return true;
}

static bool begin(tdm__exec *exec, int64_t now_ns)
{
    tdm_task *task = tdm__task_of(exec);
    if (!tdm__task_begin(task, now_ns))
        return false;
    if (task->more && tdm__task_more_of(task)->deadline_ns)
        tdm__exec_set_deadline(exec, tdm__task_more_of(task)->deadline_ns);
    return true;
}

static void run(tdm__exec *exec)
{
    tdm_task *task = tdm__task_of(exec);
    task->result = task->run(task, task->arg);
    if (!task->on_end)
        tdm__task_drop_arg(task); /* the earlier the better */
}

/* By the clock itself, as the waits: a loop's may be some microseconds old. */
static bool is_past_deadline(tdm_task *task)
{
    int64_t deadline_ns = task->more ? tdm__task_more_of(task)->deadline_ns : 0;
    return deadline_ns && tdm_clock_ns() >= deadline_ns;
}

static tdm_state end_state(tdm_task *task)
{
    if (task->result >= 0)
        return TDM_DONE;
    if (task->result == -ECANCELED && atomic_load(&task->exec.cancel))
        return TDM_CANCELLED;
    if (task->result == -ETIMEDOUT && is_past_deadline(task))
        return TDM_TIMED_OUT;
    return TDM_FAILED;
}

void tdm__task_finished(tdm_task *task, int64_t now_ns)
{
    if (task->left_behind)
        tdm__pool_detached(task->pool, -1);
    if (!tdm__row_is_live(&task->row))
        return; /* abandoned: the books are closed */
    task->row.cancel_requested |= atomic_load_explicit(&task->exec.cancel, memory_order_relaxed);
    task->row.error = task->result < 0 ? task->result : 0;
    tdm__shard_end(shard_of(task), &task->row, end_state(task), now_ns);
}

static void finish(tdm__exec *exec, int64_t now_ns)
{
    tdm__task_finished(tdm__task_of(exec), now_ns);
}

void tdm__task_report(tdm_task *task)
{
    const tdm__row *row = &task->row;
    if (row->state != TDM_FAILED || (task->more && tdm__task_more_of(task)->held))
        return; /* who holds the handle is told */
    tdm_log_warning("task %llu \"%s\" of request %llu failed: %s (%d)", (unsigned long long) row->id, row->name,
                    (unsigned long long) row->request, tdm__error_text(row->error), row->error);
}

static void ended(tdm__exec *exec)
{
    tdm_task *task = tdm__task_of(exec);
    tdm__task_report(task);
    tdm__task_over(task);
}

static const char *name(tdm__exec *exec)
{
    return tdm__task_of(exec)->row.name;
}

static uint64_t request(tdm__exec *exec)
{
    return tdm__task_of(exec)->row.request;
}

const tdm__exec_kind tdm__task_kind = {
    .begin = begin,
    .run = run,
    .finish = finish,
    .ended = ended,
    .name = name,
    .request = request,
    .is_task = true,
};

bool tdm__task_claim(tdm_task *task)
{
    tdm__pool *pool = task->pool;
    if (!pool || pool != tdm__pool_current())
        return false;
    tdm__pool_lock(pool);
    bool queued = task->queued;
    if (queued)
        unqueue(task);
    tdm__pool_unlock(pool);
    return queued;
}

void tdm__task_run_claimed(tdm_task *task)
{
    tdm__pool_run_inside(task->pool, &task->exec);
}

/* ---- stopping from outside ---- */

tdm_task *tdm__task_ask_to_stop(tdm_task *task)
{
    tdm_task *over = NULL;
    if (task->pool) {
        tdm__pool_lock(task->pool);
        tdm__task_cancel(task, &over); /* -EALREADY: so much the better */
        tdm__pool_unlock(task->pool);
    } else if (task->evented) {
        tdm__evented_ask_to_stop(task);
    } else if (task->exec.loop == tdm__loop_current()) {
        tdm__task_cancel(task, &over);
    } else {
        tdm__exec_cancel(&task->exec); /* one that has not begun meets the mark when its turn comes */
    }
    return over;
}

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
