/* SPDX-License-Identifier: MIT */
/* DESIGN: a batch is the sequence of tasks that one request asked for, before anyone else knows of it. Nothing of it
 * stands in a ledger before accept, so giving it back leaves no trace but the count of rejections. Followers take a
 * place like the first task: a queue's limit bounds all that was promised, not only what is ready. */
#include "tasks/batch.h"

#include <assert.h>
#include <errno.h>

#include "tasks/executor.h"
#include "tasks/group.h"
#include "tasks/ids.h"
#include "tasks/task.h"

static void give_back(tdm__batch *batch, bool rejected)
{
    while (batch->first) {
        tdm_task *task = batch->first;
        batch->first = task->next;
        if (rejected)
            atomic_fetch_add(&task->executor->rejected[task->row.lane], 1);
        tdm__task_discard(task, true);
    }
    batch->last = NULL;
    batch->count = 0;
}

/* Whoever is not going to try again was rejected. */
int tdm__count_rejection(tdm_executor *executor, const tdm_task_spec *spec, int err)
{
    if (err == -EAGAIN || err == -ESHUTDOWN)
        atomic_fetch_add(&executor->rejected[spec->lane], 1);
    return err;
}

int tdm__batch_try(tdm__batch *batch, tdm_executor *executor, const tdm_task_spec *spec)
{
    assert(!batch->accepted);
    if (batch->refused)
        return batch->refused;
    tdm_task *task;
    if (spec->group)
        return -EINVAL; /* a request's tasks stand in its sequence */
    int err = tdm__task_create(&task, executor, spec, false);
    if (err)
        return err;
    if (batch->last)
        batch->last->next = task;
    else
        batch->first = task;
    batch->last = task;
    batch->count++;
    return 0;
}

int tdm__batch_add(tdm__batch *batch, tdm_executor *executor, const tdm_task_spec *spec)
{
    int err = tdm__batch_try(batch, executor, spec);
    if (!err || err == -EINVAL || batch->refused)
        return err;
    batch->refused = tdm__count_rejection(executor, spec, err);
    give_back(batch, true);
    return err;
}

bool tdm__batch_could_grow(const tdm__batch *batch, const tdm_executor *executor, const tdm_task_spec *spec)
{
    const tdm__pool *pool = spec->pool || spec->lane == TDM_LOOP ? spec->pool : executor->pools[TDM__BACKGROUND];
    uint64_t limit = pool ? tdm__pool_limit(pool) : tdm__places_limit(executor, !spec->start), count = 0;
    for (const tdm_task *task = batch->first; task; task = task->next)
        count += task->row.lane == spec->lane && task->pool == pool;
    return count < limit;
}

void tdm__batch_accept(tdm__batch *batch, tdm_executor *executor, tdm__loop *loop, uint64_t request, uint64_t *first_id,
                       uint64_t *last_id)
{
    assert(!batch->accepted);
    batch->accepted = true;
    if (!batch->count)
        return;
    uint64_t id = tdm__ids_take(executor, batch->count);
    *first_id = id;
    *last_id = id + batch->count - 1;
    for (tdm_task *task = batch->first; task; task = task->next) {
        task->row.id = id++;
        task->row.request = request;
        tdm__task_accept(task, loop);
    }
}

static bool condition_met(tdm_when when, const tdm__outcome *outcome)
{
    switch (when) {
    case TDM_WHEN_SUCCESS:
        return !outcome->error;
    case TDM_WHEN_ERROR:
        return outcome->error;
    case TDM_WHEN_CLIENT_GONE:
        return outcome->client_gone;
    case TDM_WHEN_ALWAYS:
        return true;
    }
    assert(!"a condition that tdm__task_create() lets through");
    return false;
}

void tdm__batch_start(tdm__batch *batch, const tdm__outcome *outcome)
{
    assert(batch->accepted);
    tdm_task *first = batch->first;
    *batch = (tdm__batch){0};
    for (tdm_task *task = first; task; task = task->next)
        task->skip = !condition_met(task->when, outcome);
    tdm__task_ready(first);
}

void tdm__batch_release(tdm__batch *batch)
{
    assert(!batch->accepted);
    give_back(batch, false);
}

/* ---- a task of its own ---- */

static tdm__loop *pick_loop(tdm_executor *executor)
{
    tdm__loop *current = tdm__loop_current();
    if (current && tdm__loop_executor(current) == executor)
        return current;
    return executor->loops[atomic_fetch_add(&executor->next_loop, 1) % executor->settings.loops];
}

/* Its id and its loop. */
static void place(tdm_task *task)
{
    task->row.id = tdm__ids_take(task->executor, 1);
    if (!task->pool)
        task->exec.loop = pick_loop(task->executor);
}

int tdm__spawn(tdm_executor *executor, const tdm_task_spec *spec, tdm_task **handle, uint64_t *id)
{
    tdm_task *task;
    if (spec->group)
        return -EINVAL; /* tdm_group_spawn() makes children */
    executor = executor ? executor : tdm_executor_current();
    int err = tdm__task_create(&task, executor, spec, handle);
    if (err)
        return tdm__count_rejection(executor, spec, err);
    place(task);
    if (id)
        *id = task->row.id;
    if (handle)
        *handle = task; /* first: it may run at once */
    tdm__task_accept_ready(task, task->exec.loop);
    return 0;
}

int tdm__spawn_child(tdm_executor *executor, const tdm_task_spec *spec, unsigned *index)
{
    tdm_task *task;
    int err = tdm__task_create(&task, executor, spec, false);
    if (err)
        return err;
    place(task); /* first: once it is in the group, it may be cancelled */
    err = tdm__group_add(spec->group, task);
    if (err) {
        tdm__task_discard(task, false);
        return err;
    }
    *index = tdm__task_more_of(task)->group_index;
    tdm__task_accept_ready(task, task->exec.loop);
    return 0;
}

int tdm_spawn(tdm_executor *executor, const tdm_task_spec *spec, uint64_t *id)
{
    return tdm__spawn(executor, spec, NULL, id);
}

tdm_executor *tdm_executor_current(void)
{
    tdm__loop *loop = tdm__loop_current();
    if (loop)
        return tdm__loop_executor(loop);
    tdm__pool *pool = tdm__pool_current();
    return pool ? tdm__pool_executor(pool) : NULL;
}
