/* SPDX-License-Identifier: MIT */
/** @file
 *  A task: one unit of background work, a straight-line C function that runs in one of two lanes.
 *
 *  - TDM_LOOP: on a fiber of an event-loop thread. Every wait yields; the loop goes on. Never block there.
 *  - TDM_POOL: on a thread of the bounded pool `background`. Every wait blocks that thread.
 *
 *  The function is the same; the call site picks the lane. */
#ifndef TANDEM_TASK_H
#define TANDEM_TASK_H

#include <tandem/base.h>
#include <tandem/wait.h>

TDM_BEGIN

typedef struct tdm_task tdm_task;
typedef struct tdm_executor tdm_executor;

typedef enum tdm_lane { TDM_LOOP, TDM_POOL, TDM_LANES } tdm_lane;

/** The life of a task. `queued` and `running` are unfinished; all others are ends. */
typedef enum tdm_state {
    TDM_QUEUED,    /**< accepted, not yet started */
    TDM_RUNNING,   /**< started, not yet ended (a sleeping task is running) */
    TDM_DONE,      /**< its function returned 0 or more */
    TDM_FAILED,    /**< its function returned a negative errno */
    TDM_CANCELLED, /**< asked to stop, and it did (or it had not started) */
    TDM_TIMED_OUT, /**< its own deadline ended it */
    TDM_SKIPPED,   /**< never started: its run condition was not met, or it was too old */
    TDM_DROPPED,   /**< never started: the drain ended first */
    TDM_ABANDONED, /**< still running when the drain ended */
    TDM_STATES
} tdm_state;

/** When a task that belongs to a request runs. */
typedef enum tdm_when {
    TDM_WHEN_SUCCESS, /**< the handler returned 0 and the status is below 400, whether or not the client is still there */
    TDM_WHEN_ERROR,   /**< otherwise */
    TDM_WHEN_CLIENT_GONE, /**< the client left before the reply was handed over */
    TDM_WHEN_ALWAYS
} tdm_when;

/** The task's code. On a fiber (TDM_LOOP) it has TDM_FIBER_STACK bytes of stack; a task that overruns it ends the
 *  process with a message that names the task.
 *  @return 0 or more: done; negative errno: failed (or cancelled, for -ECANCELED after a request to stop). */
typedef int tdm_task_fn(tdm_task *task, void *arg);

/** Address space of a fiber's stack; under sanitizers four times that. */
#define TDM_FIBER_STACK (64 * 1024)

/** How a task ended. */
typedef struct tdm_end {
    uint64_t id;
    const char *name;
    tdm_state state; /**< one of the ends */
    int result;      /**< what the function returned or tdm_task_finish() was given; for a task that never ran:
                          -ECANCELED (cancelled), -ESHUTDOWN (dropped), -ETIME (too old to start), else 0 */
    bool ran;        /**< its function was called */
} tdm_end;

typedef struct tdm_task_spec {
    const char *name;        /**< for logs and the ledger; must outlive the executor (a literal); NULL: "task" */
    tdm_task_fn *run;        /**< the task's code; or: */
    tdm_task_fn *start;      /**< an evented task (tandem/evented.h), in place of `run`: only on TDM_LOOP */
    void *arg;               /**< handed to the functions */
    void (*drop)(void *arg); /**< called exactly once, when an accepted task has ended in whatever way, also when it
                                  never ran; after `on_end`; on the task's loop or pool, or on the thread that cancels
                                  it or ends the drain; must not wait. NULL: nothing to free */
    void (*on_end)(const tdm_end *end, void *arg); /**< called exactly once, when an accepted task has ended in whatever
                                  way: on the loop that spawned it, outside any fiber (also where that is one of another
                                  executor, which must be there until then); where no loop spawned it, on the thread that
                                  ended it. Must not wait. NULL: nobody asks */
    void (*on_cancel)(tdm_task *task, void *arg);  /**< evented tasks: it was asked to stop (tandem/evented.h) */
    tdm_lane lane;
    tdm_when when;         /**< only for a request's tasks */
    struct tdm_pool *pool; /**< for TDM_POOL; NULL: the pool `background` */
    double deadline;     /**< seconds from acceptance; 0: none. When it passes, the task's waits return -ETIMEDOUT, and
                                one that then returns this ends as `timed_out` */
    double start_within; /**< seconds from acceptance; 0: none. A task that is older when its turn comes is `skipped` */
    struct tdm_group *group; /**< tdm_group_spawn() sets it; else NULL */
} tdm_task_spec;

/** Accept one task now and start it as soon as its lane has room. Nobody waits for it: if it fails, the log says so.
 *  Any thread. A loop task spawned on a loop's thread stays on that loop; others are dealt out in turn. The task
 *  inherits the caller's context (tandem/context.h).
 *  @param executor NULL: that of the calling task, handler or loop.
 *  @param id where the task's id goes, or NULL.
 *  @return 0: the executor owns `arg`; -EAGAIN: the pool's queue or the loops' limit is full; -ESHUTDOWN: draining;
 *          -EINVAL: neither or both of `run` and `start`, an unknown lane, a pool on the loop lane, of another executor or
 *          `handlers` (which takes no tasks), `on_cancel` without `start`, an evented task on the pool lane, a time that is
 *          negative or NaN, or no executor; -ENOMEM. On an error the caller still owns `arg`. */
TDM_API int tdm_spawn(tdm_executor *executor, const tdm_task_spec *spec, uint64_t *id);

/** The task that the calling code runs in, or NULL. Any thread. */
TDM_API tdm_task *tdm_task_current(void);

/** Facts of the running task, for its own code. */
TDM_API uint64_t tdm_task_id(const tdm_task *task);
TDM_API const char *tdm_task_name(const tdm_task *task);
TDM_API tdm_lane tdm_task_lane(const tdm_task *task);
/** Was this task asked to stop? For tasks that compute and never wait. */
TDM_API bool tdm_task_cancel_requested(const tdm_task *task);

/** The executor that the calling task, handler or loop belongs to; NULL elsewhere. */
TDM_API tdm_executor *tdm_executor_current(void);

/** Words for JSON, logs and command lines: "loop", "queued", … ; NULL for a value outside the enum. */
TDM_API const char *tdm_lane_name(tdm_lane lane);
TDM_API const char *tdm_state_name(tdm_state state);
/** The lane or state of that name. @return 0; -EINVAL. */
TDM_API int tdm_lane_from_name(const char *name, tdm_lane *out);
TDM_API int tdm_state_from_name(const char *name, tdm_state *out);

TDM_END

#endif
