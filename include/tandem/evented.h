/* SPDX-License-Identifier: MIT */
/** @file
 *  Evented tasks: the lower floor, for code that is event-driven already and for a million tasks in flight.
 *
 *  Such a task has `.start` in place of `.run`: a callback on its loop's thread, outside any fiber, that returns at once.
 *  The task goes on, without a stack, until tdm_task_finish() ends it.
 *
 *      static int ring(tdm_task *task, void *arg)    // three seconds later
 *      {
 *          tdm_task_finish(task, 0);
 *          return 0;
 *      }
 *
 *      static int wind(tdm_task *task, void *arg)
 *      {
 *          return tdm_task_after(task, 3.0, ring);
 *      }
 *
 *      tdm_spawn(executor, &(tdm_task_spec){.name = "alarm", .start = wind}, NULL);
 *
 *  `.start` and the callbacks of tdm_task_after() return 0: the task goes on (or was finished in there); or a negative
 *  errno: it has failed, as if finished with that. They must not wait (a wait returns -EDEADLK).
 *
 *  A request to stop calls `.on_cancel` on the loop's thread, soon, never inside the call that asks; it may finish the
 *  task now or later. Without it the task is finished with -ECANCELED if tdm_task_after() is pending, and otherwise only
 *  marked (tdm_task_cancel_requested()). When its deadline passes, the same happens with -ETIMEDOUT, but there is no mark:
 *  so an `.on_cancel` tells the two apart, and one that finishes with
 *  `tdm_task_cancel_requested(task) ? -ECANCELED : -ETIMEDOUT` ends as `cancelled` or `timed_out`. It is called once, by
 *  whichever came first. */
#ifndef TANDEM_EVENTED_H
#define TANDEM_EVENTED_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

/** End an evented task that has started: exactly once; the first call counts, a later one is a broken promise and
 *  asserts. The task may be gone when this returns. Any thread.
 *  @param result 0 or more: done; negative errno: failed; -ECANCELED after a request to stop: cancelled. */
TDM_API void tdm_task_finish(tdm_task *task, int result);

/** Call `fn(task, arg)` on the loop's thread after a time. One at a time: a second call moves it. The task's own loop
 *  thread only. @param seconds 0: in the next turn. @return 0; -ENOMEM. */
TDM_API int tdm_task_after(tdm_task *task, double seconds, tdm_task_fn *fn);

TDM_END

#endif
