/* SPDX-License-Identifier: MIT */
/* A task's life: accepted, ready, started, ended, forgotten; and the sequence that it stands in.
 *
 * A task lives on one shard: a loop's (owner: the loop's thread) or a pool's (owner: its lock). The owner alone changes
 * its row. Tasks of one request form a sequence by `next`; only the one whose turn it is can be ready. A task that ends
 * before its turn (cancelled, dropped) stays in the sequence as a stone until the turn comes. */
#ifndef TANDEM_TASKS_TASK_H
#define TANDEM_TASKS_TASK_H

#include "tasks/exec.h"
#include "tasks/row.h"
#include "tasks/waiters.h"
#include <tandem/join.h>
#include <tandem/task.h>

struct tdm_pool;

struct tdm_task {
    tdm__row row; /* first: a live row is its task; guarded by the owner */
    tdm__exec exec;
    tdm_executor *executor;
    tdm_task_fn *run; /* or `start` of an evented one */
    void *arg;
    void (*drop)(void *arg);
    void (*on_end)(const tdm_end *end, void *arg);
    struct tdm__loop *home; /* where on_end is called; NULL: wherever it ends */
    struct tdm_pool *pool;  /* where it is queued; NULL: it is a loop task */
    tdm_task *next;         /* in its request's sequence, fixed before acceptance; once dropped, in the drain's list */
    int result;             /* what `run` returned */
    uint8_t when;
    bool sent;        /* accepted by another thread: it was counted as arriving until its owner took it in */
    bool skip;        /* its run condition was not met; set before the sequence starts */
    bool entered;     /* it has been accepted by its shard; guarded by the owner */
    bool queued;      /* it is in its lane's queue; guarded by the owner */
    bool evented;     /* constant */
    bool left_behind; /* who offloaded it went on: it is counted by its pool; guarded by the owner */
    bool more;        /* constant: a tdm__task_more follows */
};

/* What few tasks have; it lies right behind the task. */
typedef struct tdm__task_more {
    int64_t deadline_ns, start_by_ns; /* 0: none */
    void (*on_cancel)(tdm_task *task, void *arg);
    tdm__timer deadline;     /* of an evented task */
    struct tdm_group *group; /* constant */
    bool held;               /* somebody has, or had, a handle: constant */

    /* Guarded by the lock of join.c. */
    bool over;   /* it has ended, and `end` says how: the holder of the handle frees it */
    bool let_go; /* nobody holds the handle */
    bool listed; /* in debug mode: it is among the handles not given up */
    tdm__waiters joiners;
    tdm_end end;
    tdm_task *older, *newer;

    /* Guarded by the group's lock. */
    tdm_task *group_next, *group_previous;
    unsigned group_index;
} tdm__task_more;

static inline tdm__task_more *tdm__task_more_of(tdm_task *task)
{
    return task->more ? (tdm__task_more *) (task + 1) : NULL;
}

static inline tdm_task *tdm__task_of(tdm__exec *exec)
{
    return (tdm_task *) ((char *) exec - offsetof(tdm_task, exec));
}

/* Reserve a place and make the task; `held` with a handle. Any thread.
 * @return 0; -EINVAL; -EAGAIN; -ESHUTDOWN; -ENOMEM (then nothing is reserved). */
int tdm__task_create(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec, bool held);
/* Undo tdm__task_create(): the place is given back; with `drop_arg` the argument is dropped. Any thread. */
void tdm__task_discard(tdm_task *task, bool drop_arg);
/* tdm_spawn() and tdm_task_start() in one: `handle` and `id` may each be NULL. */
int tdm__spawn(tdm_executor *executor, const tdm_task_spec *spec, tdm_task **handle, uint64_t *id);
/* Note that a task was refused, by an `err` that says so. @return err. */
int tdm__count_rejection(tdm_executor *executor, const tdm_task_spec *spec, int err);
/* tdm_spawn() for a child of a group; whoever is not going to try again counts a refusal. */
int tdm__spawn_child(tdm_executor *executor, const tdm_task_spec *spec, unsigned *index);
/* The memory only. */
void tdm__task_free(tdm_task *task);

/* Enter `task` into its shard as queued. Its id and request are set. @param loop for loop tasks. Any thread. */
void tdm__task_accept(tdm_task *task, struct tdm__loop *loop);
/* The turn of `task` has come: it joins its lane's queue; where it is over already, so the next one in its place, and
 * so on. Any thread, outside any lock, but for a loop task not before its loop has seen the acceptance. */
void tdm__task_ready(tdm_task *task);
/* Both of the above at once, for a single task. Any thread, outside any lock. */
void tdm__task_accept_ready(tdm_task *task, struct tdm__loop *loop);

/* All for the owner. Ask it to stop. @return 0; -EALREADY: it has ended.
 * If *over is set then, the caller hands it to tdm__task_over() once it holds no lock. */
int tdm__task_cancel(tdm_task *task, tdm_task **over);
/* End what never started, for the drain; *over as above. */
void tdm__task_drop(tdm_task *task, tdm_task **over);
/* The drain gives up on a running task; it goes on, but the books are closed. */
void tdm__task_abandon(tdm_task *task);
/* It has ended: on_end, drop, the group, the joiner, the memory; and the turn of the next one. Outside any lock. */
void tdm__task_over(tdm_task *task);

/* How it ended, from its row. */
void tdm__task_end(const tdm_task *task, tdm_end *out);

/* Ask it to stop, from any thread, by whoever makes sure that its memory stays (a handle, a group).
 * @return what is to be handed to tdm__task_over() once no lock is held, or NULL. */
tdm_task *tdm__task_ask_to_stop(tdm_task *task);

/* On a worker that would wait for it: take it out of the queue of the worker's own pool. @return false: it is not
 * there. If it was, it must be run, without any lock. */
bool tdm__task_claim(tdm_task *task);
void tdm__task_run_claimed(tdm_task *task);

/* Send it to the loop that spawned it, to be taken apart there. */
void tdm__task_go_home(tdm_task *task);

/* The last steps of taking apart: its holder is told, its memory goes. */
void tdm__task_farewell(tdm_task *task);

/* ---- evented.c ---- */

/* Its turn has come: the message that a queued evented task is. */
void tdm__evented_start(tdm__message *message);
/* Ask it to stop: it hears of it in a message, never here. Any thread, which makes sure that its memory stays. */
void tdm__evented_ask_to_stop(tdm_task *task);
/* Its message is used by task.c, or is so no longer. While it is, requests to stop are only noted. */
void tdm__evented_lend(tdm_task *task);
void tdm__evented_take_back(tdm_task *task);
/* It has ended, and is about to be taken apart. */
void tdm__evented_over(tdm_task *task);
/* Call tdm__task_go_home() as soon as its message is free; and: it has come. */
void tdm__evented_go_home(tdm_task *task);
void tdm__evented_at_home(tdm_task *task);
/* Nobody will ask it to stop any more. @return true: an earlier request is still on its way to the loop, and calls
 * tdm__task_farewell() when it has come. Once. */
bool tdm__evented_leave(tdm_task *task);

/* The steps of task.c that an evented task takes like any other; on the loop. */
bool tdm__task_begin(tdm_task *task, int64_t now_ns); /* false: it is over already */
void tdm__task_finished(tdm_task *task, int64_t now_ns);
void tdm__task_report(tdm_task *task); /* what the log has to say of its end */

/* ---- join.c ---- */

typedef enum tdm__published_to { TDM__TO_NOBODY, TDM__TO_HOLDER, TDM__NOT_YET } tdm__published_to;

/* The holder of its handle is told. @return NOBODY: the handle was let go, so the memory is the caller's; HOLDER: it is
 * the holder's; NOT_YET: a request to stop is on its way, as with tdm__evented_leave(). */
tdm__published_to tdm__task_publish(tdm_task *task);
/* A handle was made. */
void tdm__handle_made(tdm_task *task);
/* Tell of every handle of this executor that was never given up. For debug mode. */
void tdm__handles_report(tdm_executor *executor);

/* What an execution waits for while it joins: a task, or the children of a group. */
typedef struct tdm__await {
    tdm_task *task;
    struct tdm_group *group;
} tdm__await;

/* The lock of all joins, which comes before those of groups and pools. */
void tdm__joins_lock(void);
void tdm__joins_unlock(void);

/* With that lock: `self` is about to wait for `await`. @return false: that wait would never end. */
bool tdm__await_begin(tdm__exec *self, tdm__await *await);
/* Without it. */
void tdm__await_forget(tdm__exec *self);
/* `self` does not wait, but lies beneath a task that it runs on its own stack: it goes on when that one has ended. */
void tdm__await_lie_beneath(tdm__exec *self, tdm__await *await);

/* A walk along those who wait, with that lock: must the one from whom it set out go on before others can? */
typedef struct tdm__walk tdm__walk;
/* Before `exec` can, which is the one or has a note? */
bool tdm__walk_leads_back(tdm__walk *walk, tdm__exec *exec);
/* Before any worker of the pool can? Holds no lock of a group or pool. */
bool tdm__walk_starves(tdm__walk *walk, struct tdm_pool *pool);
/* What a task does, that cannot go away meanwhile. One that waits stays as long as the lock of all joins is held. */
typedef enum tdm__standing { TDM__GOES_ON, TDM__WAITS, TDM__QUEUED } tdm__standing;
tdm__standing tdm__walk_look(tdm_task *task);

/* Was the caller, a worker of that pool, asked to stop, or is its time over, so that it is not to run what it waits for?
 * @return 0: no, or it is no such worker; else the result of its wait. */
int tdm__claim_is_late(const struct tdm_pool *pool);

#endif
