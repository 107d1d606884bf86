/* SPDX-License-Identifier: MIT */
/* A task's life: accepted, ready, started, ended, forgotten; and the sequence that it stands in.
 *
 * A task lives on one shard: a loop's (owner: the loop's thread) or that of the pool `background` (owner: its lock).
 * The owner alone changes its row. Tasks of one request form a sequence by `next`; only the one whose turn it is can be
 * ready. A task that ends before its turn (cancelled, dropped) stays in the sequence as a stone until the turn comes. */
#ifndef TANDEM_TASKS_TASK_H
#define TANDEM_TASKS_TASK_H

#include "tasks/exec.h"
#include "tasks/ledger.h"
#include <tandem/task.h>

struct tdm_task {
    tdm__row row; /* first: a live row is its task; guarded by the owner */
    tdm__exec exec;
    tdm__message arrival; /* brings it to its loop: to be accepted, or accepted and readied */
    tdm_executor *executor;
    tdm_task_fn *run;
    void *arg;
    void (*drop)(void *arg);
    tdm_task *next;       /* in its request's sequence; fixed before acceptance */
    tdm_task *drain_next; /* in the list of one drain */
    tdm_when when;
    bool sent;   /* accepted by another thread: it was counted as arriving until its loop took it in */
    bool skip;   /* its run condition was not met; set before the sequence starts */
    bool queued; /* it is in its lane's queue; guarded by the owner */
    int result;  /* what `run` returned */
};

/* Reserve a place and make the task. Any thread.
 * @return 0; -EINVAL; -EAGAIN; -ESHUTDOWN; -ENOMEM (then nothing is reserved). */
int tdm__task_create(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec);
/* Undo tdm__task_create(): the place is given back; with `drop_arg` the argument is dropped. Any thread. */
void tdm__task_discard(tdm_task *task, bool drop_arg);

/* Enter `task` into its shard as queued. Its id and request are set. @param loop for loop tasks. Any thread. */
void tdm__task_accept(tdm_task *task, struct tdm__loop *loop);
/* The turn of `task` has come: it joins its lane's queue; where it is over already, so the next one in its place, and
 * so on. Any thread, outside any lock, but for a loop task not before its loop has seen the acceptance. */
void tdm__task_ready(tdm_task *task);
/* Both of the above at once, for a single task. Any thread, outside any lock. */
void tdm__task_accept_ready(tdm_task *task, struct tdm__loop *loop);

/* Both for the owner. Ask it to stop. @return 0; -EALREADY: it has ended.
 * If *over is set then, the caller hands it to tdm__task_over() once it holds no lock. */
int tdm__task_cancel(tdm_task *task, tdm_task **over);
/* End what never started, for the drain; *over as above. */
void tdm__task_drop(tdm_task *task, tdm_task **over);
/* The drain gives up on a running task; it goes on, but the books are closed. */
void tdm__task_abandon(tdm_task *task);
void tdm__task_over(tdm_task *task);

#endif
