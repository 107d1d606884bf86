/* SPDX-License-Identifier: MIT */
/* A handler: the code that answers one request, on a fiber of its loop or on a worker of the pool `handlers`.
 * Handlers are not tasks: they have no row in the ledger and are counted apart.
 *
 * Thread: tdm__handler_start() on the loop's thread; `run` on a fiber of it or on a worker; `ended` on the loop's
 * thread outside any fiber, exactly once, after `run` has returned. */
#ifndef TANDEM_TASKS_HANDLER_H
#define TANDEM_TASKS_HANDLER_H

#include "tasks/exec.h"

typedef struct tdm__handler {
    int (*run)(struct tdm__handler *handler);
    void (*ended)(struct tdm__handler *handler);
    const char *name; /* for messages: the route */
    int result;       /* what `run` returned, once `ended` is called */
    tdm__exec exec;   /* private: what the executor needs to run it */
} tdm__handler;

/* Run the handler. On TDM_LOOP it runs at once, on a new fiber, up to its first wait, inside this call, and if it never
 * waits `ended` is called inside it too.
 * @return 0: `ended` will be called (or was); -EAGAIN: the pool's queue is full, or no fiber can be had; -ENOMEM. */
int tdm__handler_start(tdm__loop *loop, tdm_lane lane, tdm__handler *handler);

/* Make the handler's current wait, and every later one, return -ECANCELED (its client has left). On the loop's thread,
 * between tdm__handler_start() and `ended`. */
void tdm__handler_cancel(tdm__handler *handler);

#endif
