/* SPDX-License-Identifier: MIT */
/** @file
 *  Tasks that somebody waits for. tdm_task_start() gives a handle; its holder joins it, or lets it go.
 *
 *      tdm_task *task;
 *      int err = tdm_task_start(&task, NULL, &(tdm_task_spec){.name = "fetch", .run = fetch, .arg = url});
 *      …
 *      tdm_end end;
 *      err = tdm_join(&task, &end);        // 0: it has ended; end.result is what it returned
 *
 *  A handle has one holder, who may pass it on. The executor owns the task until it has ended; the handle only keeps
 *  its end to be looked at, also beyond the executor's life. An executor with `.debug` set tells at its end of tasks
 *  that were never joined and of errors that nobody looked at. */
#ifndef TANDEM_JOIN_H
#define TANDEM_JOIN_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

/** tdm_spawn() with a handle. Errors as there. */
TDM_API int tdm_task_start(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec);

/** Wait until the task has ended, take its end, and give up the handle (*task becomes NULL). What has ended already is
 *  returned at once, also to a caller who was asked to stop.
 *  @param end where the end goes, or NULL.
 *  @return 0: it has ended; else the handle is still held: -ECANCELED, -ETIMEDOUT, -ENOMEM (tandem/wait.h); -EDEADLK:
 *          the task is the caller itself, waits (directly or through others) for the caller, or could only run on the
 *          thread that would wait; or called outside any fiber on a loop's thread. On the loop's thread outside a
 *          fiber an ended task can still be joined.
 *  A worker that joins a task still queued in its own pool runs it itself, on its own stack, unless it was asked to
 *  stop or the time of a scope is over. What it runs it does not cut short: it is told afterwards. */
TDM_API int tdm_join(tdm_task **task, tdm_end *end);
/** The same with a time of its own: @return also -ETIMEDOUT, after `seconds`. */
TDM_API int tdm_join_for(tdm_task **task, double seconds, tdm_end *end);
/** The same, cancelled by nobody: for clean-up. @return 0; -EDEADLK. */
TDM_API int tdm_join_shielded(tdm_task **task, tdm_end *end);

/** Has it ended? Any thread that holds the handle. */
TDM_API bool tdm_task_ended_yet(const tdm_task *task);

/** Ask it to stop, as tdm_task_cancel() by id. Any thread that holds the handle.
 *  @return 0; -EALREADY: it has ended. */
TDM_API int tdm_task_stop(tdm_task *task);

/** Give up the handle without waiting; *task becomes NULL, which is accepted too. If the task fails, or has failed, the
 *  log says so. Any thread that holds the handle. */
TDM_API void tdm_task_detach(tdm_task **task);

TDM_END

#endif
