/* SPDX-License-Identifier: MIT */
/* DESIGN: a handler is an execution like a task, without a row, a sequence or a place among the tasks. On the pool it
 * ends on a worker, and comes home to its loop by the message that it is: only there is its connection touched. */
#include "tasks/handler.h"

#include <errno.h>

#include "tasks/context.h"
#include "tasks/executor.h"

static tdm__handler *handler_of(tdm__exec *exec)
{
    return (tdm__handler *) ((char *) exec - offsetof(tdm__handler, exec));
}

static tdm__handler_counts *counts_of(const tdm__handler *handler)
{
    return &tdm__loop_executor(handler->home)->handlers;
}

static bool handler_begin(tdm__exec *exec, int64_t now_ns)
{
    tdm__handler *handler = handler_of(exec);
    tdm__handler_counts *counts = counts_of(handler);
    handler->started_ns = now_ns;
    if (!exec->loop) {
        atomic_fetch_sub(&counts->queued, 1);
        tdm__pool_started(tdm__loop_executor(handler->home)->pools[TDM__HANDLERS]);
    }
    tdm__gauge_up(&counts->running);
    return true;
}

static void handler_run(tdm__exec *exec)
{
    tdm__handler *handler = handler_of(exec);
    handler->result = handler->run(handler);
}

static void handler_finish(tdm__exec *exec, int64_t now_ns)
{
    handler_of(exec)->ended_ns = now_ns;
}

static void come_home(tdm__message *message)
{
    tdm__handler *handler = handler_of(tdm__exec_of(message));
    tdm__handler_counts *counts = counts_of(handler);
    tdm_histogram_record(tdm__loop_handler_times(handler->home), handler->ended_ns - handler->started_ns);
    if (handler->result < 0)
        atomic_fetch_add_explicit(&counts->failed, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->ended, 1, memory_order_relaxed);
    tdm__gauge_down(&counts->running);
    tdm__context_unref(handler->exec.context);
    tdm__executor_handler_gone(tdm__loop_executor(handler->home));
    handler->ended(handler);
}

static void handler_ended(tdm__exec *exec)
{
    if (exec->loop) {
        come_home(&exec->message);
        return;
    }
    exec->message.run = come_home;
    tdm__loop_post(handler_of(exec)->home, &exec->message);
}

static const char *handler_name(tdm__exec *exec)
{
    return handler_of(exec)->name;
}

static uint64_t handler_request(tdm__exec *exec)
{
    return handler_of(exec)->request;
}

static const tdm__exec_kind handler_kind = {
    .begin = handler_begin,
    .run = handler_run,
    .finish = handler_finish,
    .ended = handler_ended,
    .name = handler_name,
    .request = handler_request,
};

/* Under the pool's lock. */
static void enter_pool(tdm__message *message)
{
    tdm__handler *handler = handler_of(tdm__exec_of(message));
    tdm__pool_push(tdm__loop_executor(handler->home)->pools[TDM__HANDLERS], &handler->exec);
}

static int start_in_pool(tdm_executor *executor, tdm__handler *handler)
{
    tdm__pool *pool = executor->pools[TDM__HANDLERS];
    if (!tdm__pool_reserve(pool))
        return -EAGAIN;
    atomic_fetch_add(&executor->handlers.queued, 1);
    handler->exec.message.run = enter_pool;
    tdm__pool_post(pool, &handler->exec.message);
    return 0;
}

int tdm__handler_start(tdm__loop *loop, tdm_lane lane, tdm__handler *handler)
{
    tdm_executor *executor = tdm__loop_executor(loop);
    handler->home = loop;
    handler->exec.kind = &handler_kind;
    /* Counted first: on the loop lane the handler may have ended before this returns. */
    atomic_fetch_add_explicit(&executor->handlers.started, 1, memory_order_relaxed);
    int err = lane == TDM_LOOP ? tdm__loop_run(loop, &handler->exec) : start_in_pool(executor, handler);
    if (err) {
        atomic_fetch_sub_explicit(&executor->handlers.started, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&executor->handlers.rejected, 1, memory_order_relaxed);
    }
    return err;
}

void tdm__handler_cancel(tdm__handler *handler)
{
    tdm__exec_cancel(&handler->exec);
}

uint64_t tdm__handlers_unfinished(tdm_executor *executor)
{
    uint64_t ended = atomic_load(&executor->handlers.ended); /* before `started`, or the difference could be negative */
    return atomic_load(&executor->handlers.started) - ended;
}
