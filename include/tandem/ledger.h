/* SPDX-License-Identifier: MIT */
/** @file
 *  The ledger: the bounded record of tasks' lives. Unfinished tasks are never forgotten; of those that ended, each
 *  loop and each pool remembers the last `tdm_executor_options.ledger`.
 *
 *  The calls here ask the loop or pool that owns the rows: on a fiber they may yield, on another thread they may block
 *  briefly; each returns -EDEADLK on a loop's thread outside a fiber, unless that loop is the executor's only one. Those
 *  that need memory can return -ENOMEM. Only the waiting of tdm_task_ended() ends when the calling task is asked to stop:
 *  with -ECANCELED, the cursor unmoved. */
#ifndef TANDEM_LEDGER_H
#define TANDEM_LEDGER_H

#include <tandem/base.h>
#include <tandem/task.h>

TDM_BEGIN

/** What is known of one task: a copy. Monotonic times are nanoseconds of tdm_clock_ns(); 0 where it has not happened. */
typedef struct tdm_task_info {
    uint64_t id;
    uint64_t request; /**< the id of the request it belongs to, or 0 */
    const char *name;
    tdm_lane lane;
    tdm_state state;
    bool cancel_requested;
    uint32_t thread;    /**< the thread it ran (or runs) on; 0 if it never started */
    int error;          /**< what its function returned, if negative */
    const char *reason; /**< why it was skipped, dropped or abandoned; else NULL */
    int64_t accepted_ns, ready_ns, started_ns, ended_ns;
    int64_t accepted_wall_ns; /**< `accepted_ns` as wall-clock time since 1970 */
} tdm_task_info;

/** Look one task up. @return 0; -ENOENT: no task has had this id; -ESTALE: it ended and was forgotten. */
TDM_API int tdm_task_get(tdm_executor *executor, uint64_t id, tdm_task_info *out);

/** Ask a task to stop. One that has not started ends as `cancelled` at once; one that waits is woken with -ECANCELED;
 *  one that computes goes on, and finds tdm_task_cancel_requested() true. Asking twice is no error.
 *  @return 0; -ENOENT, -ESTALE as above; -EALREADY: it has ended. */
TDM_API int tdm_task_cancel(tdm_executor *executor, uint64_t id);

typedef struct tdm_task_query {
    uint64_t before; /**< only ids below this one; 0: from the newest */
    unsigned states; /**< bits 1u << tdm_state; 0: all */
    unsigned lanes;  /**< bits 1u << tdm_lane; 0: all */
} tdm_task_query;

/** List tasks, newest (largest id) first. One call looks at a bounded number of rows, so that a rare state among many
 *  tasks cannot hold a loop: a page may be shorter than `limit`, or empty, and still have a next one.
 *  @param rows room for `limit` of them.
 *  @param next where `before` of the next page goes; 0: there is none.
 *  @return how many rows were filled. */
TDM_API int tdm_task_list(tdm_executor *executor, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                          uint64_t *next);

/** A place in the stream of ended tasks, as text. Opaque; "" is the beginning of what is remembered. */
#define TDM_CURSOR_MAX 1536
typedef struct tdm_cursor {
    char text[TDM_CURSOR_MAX];
} tdm_cursor;

/** Where the stream of ended tasks ends now: what ends later comes after it. @return 0. */
TDM_API int tdm_cursor_now(tdm_executor *executor, tdm_cursor *out);

/** Tasks that ended after `cursor`, oldest first.
 *  @param cursor is moved behind the last row returned.
 *  @param wait seconds to wait for the first row when there is none yet; 0: do not wait.
 *  @param missed where the number of rows that were forgotten between the cursor and the first row goes, or NULL.
 *  @return how many rows were filled (0: none ended in time, or a drain has begun and no task is left); -EINVAL: not a
 *  cursor of this executor, or `limit` is 0. */
TDM_API int tdm_task_ended(tdm_executor *executor, tdm_cursor *cursor, tdm_task_info *rows, unsigned limit, double wait,
                           uint64_t *missed);

TDM_END

#endif
