/* SPDX-License-Identifier: MIT */
/* Admission: the background tasks of one request, from reservation to the first start.
 *
 *   add …      a place is reserved for each (the first refusal gives all places back)
 *   accept     ids are given out, consecutive, and the tasks stand in the ledger as `queued`
 *   start      the reply is out and the handler has returned: the first task becomes ready, each next one when the one
 *              before has ended
 * or release   at any time before accept: the places are given back and the arguments dropped.
 *
 * A batch has one owner at a time; calls on it never overlap, but they may come from different threads in turn. */
#ifndef TANDEM_TASKS_BATCH_H
#define TANDEM_TASKS_BATCH_H

#include "tasks/loop.h"
#include <tandem/executor.h>

/* How the request came out, for the tasks' run conditions. A reply can be an error and the client gone at once. */
typedef struct tdm__outcome {
    bool error;       /* the handler failed, or the status is 400 or more */
    bool client_gone; /* the client left before the reply was handed over */
} tdm__outcome;

/* Zeroed is an empty batch. */
typedef struct tdm__batch {
    struct tdm_task *first, *last;
    unsigned count;
    bool accepted;
    int refused; /* the error of the first refusal: every later add gets it too */
} tdm__batch;

/* Reserve a place and make the task. @return 0; -EAGAIN, -ESHUTDOWN, -EINVAL, -ENOMEM as tdm_spawn(): the batch is then
 * empty and stays refused (but not after -EINVAL), and the caller still owns this spec's arg. Any thread. */
int tdm__batch_add(tdm__batch *batch, tdm_executor *executor, const tdm_task_spec *spec);

/* The same, but for want of room (-EAGAIN) the batch stays as it is, and nothing counts as rejected: to be tried again. */
int tdm__batch_try(tdm__batch *batch, tdm_executor *executor, const tdm_task_spec *spec);

/* Could the executor take this task too, if it had none but the batch's? Else nobody can make room for it. */
bool tdm__batch_could_grow(const tdm__batch *batch, const tdm_executor *executor, const tdm_task_spec *spec);

/* Accept all. @param loop the loop that the batch's loop tasks will live on. @param request for the ledger.
 * @param first_id, last_id set when count > 0. Never fails. May be called on any thread. */
void tdm__batch_accept(tdm__batch *batch, tdm_executor *executor, tdm__loop *loop, uint64_t request, uint64_t *first_id,
                       uint64_t *last_id);

/* After accept, exactly once, on the thread of the loop that was given to accept, or on any thread if the batch has no
 * loop tasks. The batch is empty afterwards. */
void tdm__batch_start(tdm__batch *batch, const tdm__outcome *outcome);

/* Before accept. The batch is empty afterwards. Any thread. */
void tdm__batch_release(tdm__batch *batch);

#endif
