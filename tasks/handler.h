/* SPDX-License-Identifier: MIT */
/* A handler: the code that answers one request, on a fiber of its loop or on a worker of the pool `handlers`.
 * Handlers are not tasks: they have no row in the ledger and are counted apart.
 *
 * Thread: tdm__handler_start() and tdm__handler_cancel() on the loop's thread; `run` on a fiber of it or on a worker;
 * `ended` on the loop's thread outside any fiber, exactly once, after `run` has returned. */
#ifndef TANDEM_TASKS_HANDLER_H
#define TANDEM_TASKS_HANDLER_H

#include "tasks/exec.h"
#include "tasks/loop.h"

typedef struct tdm__handler {
    int (*run)(struct tdm__handler *handler);
    void (*ended)(struct tdm__handler *handler); /* may free the handler */
    const char *name;                            /* for messages: the route; lives as long as the process */
    uint64_t request;                            /* the id of the request */
    int result;                                  /* what `run` returned, once `ended` is called */
    /* private */
    tdm__exec exec;
    tdm__loop *home;
    int64_t started_ns, ended_ns;
} tdm__handler;

/* Run the handler. Zero the struct and set run, ended, name and request first. On TDM_LOOP it runs at once, on a new fiber, up
 * to its first wait, inside this call, and if it never waits `ended` is called inside it too — unless the caller is
 * itself on a fiber: then it starts in the loop's next turn.
 * @return 0: `ended` will be called (or was); -EAGAIN: the pool's queue is full, or no fiber can be had. */
int tdm__handler_start(tdm__loop *loop, tdm_lane lane, tdm__handler *handler);

/* Make the handler's current wait, and every later one, return -ECANCELED (its client has left). Before `ended`. */
void tdm__handler_cancel(tdm__handler *handler);

/* Handlers queued or running now. Any thread. */
uint64_t tdm__handlers_unfinished(tdm_executor *executor);

#endif
