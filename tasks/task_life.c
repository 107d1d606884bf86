/* SPDX-License-Identifier: MIT */
/* DESIGN: the two ends of a task. It is made with a place taken for it first, so that what is refused costs no memory. It
 * is taken apart in a fixed order: on_end, drop, the group, the place, the joiner; whoever is told of the end can be
 * sure that everything before is over. on_end belongs to the loop that spawned the task, so a task that ends elsewhere
 * goes there once more, as a message. */
#include "tasks/task_life.h"

#include <assert.h>
#include <errno.h>

#include "tasks/context.h"
#include "tasks/executor.h"
#include "tasks/group.h"
#include "tasks/places.h"
#include "tasks/task_memory.h"

/* ---- places ---- */

/* A place in the pool was given back when the task started. */
static void unreserve(const tdm_task *task)
{
    if (task->pool && !task->row.started_ns)
        tdm__pool_unreserve(task->pool);
}

static void give_place_back(tdm_executor *executor, tdm_lane lane, tdm__pool *pool)
{
    if (pool)
        tdm__pool_unreserve(pool);
    tdm__place_give(executor, lane);
}

/* ---- making ---- */

/* @return 0; -EINVAL. *pool is set for a pool task. */
static int check(tdm_executor *executor, const tdm_task_spec *spec, tdm__pool **pool)
{
    *pool = NULL;
    if (!executor || !spec->run == !spec->start || (unsigned) spec->lane >= TDM_LANES ||
        (unsigned) spec->when > TDM_WHEN_ALWAYS)
        return -EINVAL;
    if (!(spec->deadline >= 0) || !(spec->start_within >= 0))
        return -EINVAL;
    if (spec->lane == TDM_LOOP)
        return spec->pool || (spec->on_cancel && !spec->start) ? -EINVAL : 0;
    if (spec->start || spec->on_cancel)
        return -EINVAL;
    *pool = spec->pool ? spec->pool : executor->pools[TDM__BACKGROUND];
    if (tdm__pool_executor(*pool) != executor || *pool == executor->pools[TDM__HANDLERS])
        return -EINVAL;
    return 0;
}

static int64_t moment(double seconds)
{
    return seconds > 0 ? tdm__deadline_in(seconds) : 0;
}

static void fill_more(tdm__task_more *more, const tdm_task_spec *spec, bool held)
{
    more->deadline_ns = moment(spec->deadline);
    more->start_by_ns = moment(spec->start_within);
    more->on_cancel = spec->on_cancel;
    more->group = spec->group;
    more->held = held;
}

static void fill(tdm_task *task, tdm_executor *executor, const tdm_task_spec *spec, tdm__pool *pool)
{
    task->executor = executor;
    task->evented = spec->start;
    task->run = spec->start ? spec->start : spec->run;
    task->arg = spec->arg;
    task->drop = spec->drop;
    task->on_end = spec->on_end;
    task->home = spec->on_end ? tdm__loop_current() : NULL;
    task->pool = pool;
    task->when = (uint8_t) spec->when;
    task->row.lane = (uint8_t) spec->lane;
    task->row.name = spec->name ? spec->name : "task";
    task->exec.kind = &tdm__task_kind;
    tdm__exec *parent = tdm__exec_inside();
    if (parent && parent->kind)
        task->row.request = parent->kind->request(parent);
    if (!parent)
        parent = tdm__exec_to_wait(); /* a thread of the user's own */
    if (parent && parent->context)
        task->exec.context = tdm__context_ref(parent->context);
}

int tdm__task_create(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec, bool held)
{
    tdm__pool *pool;
    int err = check(executor, spec, &pool);
    if (!err)
        err = tdm__place_take(executor, spec->lane, pool, !spec->start);
    if (err)
        return err;
    bool more = held || spec->deadline > 0 || spec->start_within > 0 || spec->on_cancel || spec->group;
    tdm_task *task = tdm__task_memory_take(more);
    if (!task) {
        give_place_back(executor, spec->lane, pool);
        return -ENOMEM;
    }
    task->more = more;
    fill(task, executor, spec, pool);
    if (more)
        fill_more(tdm__task_more_of(task), spec, held);
    if (task->evented)
        tdm__evented_lend(task);
    if (held)
        tdm__handle_made(task);
    *out = task;
    return 0;
}

/* ---- taking apart ---- */

void tdm__task_drop_arg(tdm_task *task)
{
    void (*drop)(void *arg) = task->drop;
    task->drop = NULL;
    if (drop)
        drop(task->arg);
}

void tdm__task_free(tdm_task *task)
{
    tdm__task_memory_give(task);
}

void tdm__task_discard(tdm_task *task, bool with_arg)
{
    tdm_executor *executor = task->executor;
    tdm_lane lane = (tdm_lane) task->row.lane;
    if (with_arg)
        tdm__task_drop_arg(task);
    tdm__context_unref(task->exec.context);
    unreserve(task);
    tdm__task_free(task);
    tdm__place_give(executor, lane);
}

void tdm__task_end(const tdm_task *task, tdm_end *out)
{
    *out = (tdm_end){
        .id = task->row.id,
        .name = task->row.name,
        .state = (tdm_state) task->row.state,
        .result = task->result,
        .ran = task->row.started_ns != 0,
    };
}

void tdm__task_farewell(tdm_task *task)
{
    tdm_executor *executor = task->executor;
    tdm_lane lane = (tdm_lane) task->row.lane;
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__published_to to = TDM__TO_NOBODY;
    if (more && more->held)
        to = tdm__task_publish(task);
    else if (more && task->evented && tdm__evented_leave(task))
        to = TDM__NOT_YET;
    if (to == TDM__NOT_YET)
        return;
    if (to == TDM__TO_NOBODY)
        tdm__task_free(task);
    tdm__place_give(executor, lane);
}

/* In the order of the DESIGN paragraph. */
static void take_apart(tdm_task *task)
{
    if (task->on_end) {
        tdm_end end;
        tdm__task_end(task, &end);
        task->on_end(&end, task->arg);
    }
    if (task->drop)
        tdm__task_drop_arg(task);
    if (task->exec.context)
        tdm__context_unref(task->exec.context);
    unreserve(task);
    tdm__task_more *more = tdm__task_more_of(task);
    if (more && more->group)
        tdm__group_child_over(more->group, task);
    tdm__task_farewell(task);
}

static void come_home(tdm__message *message)
{
    tdm_task *task = tdm__task_of(tdm__exec_of(message));
    if (task->evented)
        tdm__evented_at_home(task);
    take_apart(task);
}

void tdm__task_go_home(tdm_task *task)
{
    if (task->home == tdm__loop_current()) {
        tdm__loop_add(task->home, &task->exec.message, come_home);
        return;
    }
    task->exec.message.run = come_home;
    tdm__loop_post(task->home, &task->exec.message);
}

tdm_task *tdm__task_retire(tdm_task *task)
{
    tdm_task *next = task->next;
    tdm__watch_notify(&task->executor->watch);
    bool here = !task->home || (task->home == tdm__loop_current() && !tdm__loop_running_stack());
    if (task->evented)
        tdm__evented_over(task);
    if (here)
        take_apart(task);
    else if (task->evented)
        tdm__evented_go_home(task);
    else
        tdm__task_go_home(task);
    return next;
}
