/* SPDX-License-Identifier: MIT */
/* DESIGN: to offload is to start a task and to join it. What is added is what happens when the join is cut short: the
 * task is asked to stop, and either waited for all the same or left behind. One that is left behind is counted by its
 * pool while it runs, under the pool's lock, which is also where it ends: so it is counted exactly as long as it holds
 * a thread. */
#include <tandem/offload.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "tasks/pool.h"
#include "tasks/task.h"
#include <tandem/join.h>
#include <tandem/log.h>

/* Count it if it holds a thread. */
static void leave_behind(tdm_task *task)
{
    tdm__pool_lock(task->pool);
    bool runs = tdm__row_is_live(&task->row) && task->row.state == TDM_RUNNING;
    task->left_behind = runs;
    if (runs)
        tdm__pool_detached(task->pool, 1);
    tdm__pool_unlock(task->pool);
    if (runs)
        tdm_log_warning("task %" PRIu64
                        " \"%s\" was left behind by its caller: it holds a thread of the pool \"%s\" until "
                        "it returns",
                        task->row.id, task->row.name, tdm_pool_name(task->pool));
}

/* The join ended with `err` before the task did. */
static int cut_short(tdm_task *task, int err, bool abandon)
{
    int stopped = tdm_task_stop(task);
    if (err == -EDEADLK || abandon) { /* one that could never have been run is out of its queue now */
        if (!stopped)
            leave_behind(task);
        tdm_task_detach(&task);
        return err;
    }
    int joined = tdm_join_shielded(&task, NULL);
    assert(!joined); /* a wait that would never end was refused the first time */
    (void) joined;
    return err;
}

int tdm_offload(tdm_task_fn *run, void *arg, const tdm_offload_options *options, int *result)
{
    const tdm_offload_options defaults = {0}, *o = options ? options : &defaults;
    tdm_task_spec spec = {
        .name = o->name ? o->name : "offload",
        .run = run,
        .arg = arg,
        .drop = o->drop,
        .lane = TDM_POOL,
        .pool = o->pool,
    };
    tdm_task *task;
    tdm_end end;
    if (!tdm__exec_to_wait())
        return -EDEADLK;
    int err = tdm_task_start(&task, o->executor, &spec);
    if (err)
        return err;
    err = tdm_join(&task, &end);
    if (err)
        return cut_short(task, err, o->abandon);
    if (!end.ran)
        return end.result; /* a drain has ended, or somebody has cancelled it by its id */
    if (result)
        *result = end.result;
    return 0;
}
