/* SPDX-License-Identifier: MIT */
/* DESIGN: one lock for all joins of the process: a join that does not wait holds it for a few instructions, and one that
 * waits needs to see who waits for whom, which no smaller lock could show. Handles may outlive their executor, so the
 * lock does too. A joiner leaves a note of whom it waits for (exec->awaits). A wait that could never end is refused with
 * -EDEADLK, to the last one who would close the ring: because the chain of notes comes back to it, or because every worker
 * of the pool that would have to run a task of that chain waits in it. A worker that would wait for a task in its own
 * queue runs it. */
#include <tandem/join.h>

#include <assert.h>
#include <errno.h>

#include "tasks/error_text.h"
#include "tasks/executor.h"
#include "tasks/group.h"
#include "tasks/task.h"
#include <tandem/log.h>

/* Held for a few instructions: whoever finds it taken looks again some times before it sleeps. */
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
static pthread_mutex_t lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#endif
static tdm_task *newest; /* handles not given up, of executors in debug mode */

/* ---- waits that could never end; with the lock ---- */

/* A walk from one who would wait to all that must end before it goes on. Where it comes back, the wait would never end.
 * What is far away is taken for harmless: the stack of a fiber is small, and a group may have many children. */
enum { LONGEST_CHAIN = 48, MOST_STEPS = 256 };

struct tdm__walk {
    tdm__exec *self;
    unsigned steps, depth;
    tdm__pool *pools[LONGEST_CHAIN]; /* that it goes through */
    unsigned pool_count;
};

static unsigned waiting; /* executions with a note */

/* Whoever has a note goes nowhere while the lock is held: he forgets it first. So the walk keeps no other lock. */
static bool stays(tdm__exec *exec, void *self)
{
    return exec == self || exec->awaits;
}

/* A pool one of whose workers neither joins nor is the one who is about to goes on. Seen without its lock, which its
 * workers want for each of their tasks. */
static bool may_starve(tdm__pool *pool)
{
    unsigned about_to = pool == tdm__pool_current();
    return *tdm__pool_joining(pool) + about_to >= tdm__pool_workers(pool);
}

tdm__standing tdm__walk_look(tdm_task *task)
{
    if (task->evented || tdm__exec_is_being_stopped(&task->exec))
        return TDM__GOES_ON;
    if (task->exec.awaits)
        return TDM__WAITS;
    if (!task->pool || !may_starve(task->pool))
        return TDM__GOES_ON;
    tdm__pool_lock(task->pool);
    bool queued = task->queued;
    tdm__pool_unlock(task->pool);
    return queued ? TDM__QUEUED : TDM__GOES_ON;
}

/* In a pool that the walk has come through already nobody was found who goes on by himself. */
bool tdm__walk_starves(tdm__walk *walk, tdm__pool *pool)
{
    for (unsigned i = 0; i < walk->pool_count; i++)
        if (walk->pools[i] == pool)
            return true;
    tdm__pool_lock(pool);
    bool starves = tdm__pool_all_run(pool, stays, walk->self);
    tdm__pool_unlock(pool);
    if (!starves || walk->pool_count == LONGEST_CHAIN)
        return false;
    walk->pools[walk->pool_count++] = pool;
    tdm__exec *exec;
    for (unsigned i = 0; starves && (exec = tdm__pool_running(pool, i)); i++)
        starves = tdm__walk_leads_back(walk, exec);
    walk->pool_count--;
    return starves;
}

static bool await_leads_back(tdm__walk *walk, const tdm__await *await)
{
    if (await->group)
        return tdm__group_leads_back(await->group, walk, walk->self);
    tdm_task *task = await->task;
    if (&task->exec == walk->self)
        return true;
    tdm__standing standing = tdm__walk_look(task);
    return standing == TDM__QUEUED ? tdm__walk_starves(walk, task->pool)
                                   : standing == TDM__WAITS && tdm__walk_leads_back(walk, &task->exec);
}

bool tdm__walk_leads_back(tdm__walk *walk, tdm__exec *exec)
{
    if (exec == walk->self)
        return true;
    if (!walk->steps || walk->depth == LONGEST_CHAIN || tdm__exec_is_being_stopped(exec))
        return false;
    walk->steps--;
    walk->depth++;
    bool back = exec->awaits && await_leads_back(walk, exec->awaits);
    walk->depth--;
    return back;
}

static bool would_never_end(tdm__exec *self, const tdm__await *await)
{
    if (!self->kind)
        return false; /* nobody waits for a thread of the user's own */
    if (!waiting)     /* so only what it waits for itself can lead back */
        return await->group ? tdm__group_has(await->group, self) : &await->task->exec == self;
    tdm__walk walk = {.self = self, .steps = MOST_STEPS};
    return await_leads_back(&walk, await);
}

/* These two with the lock, on the thread of `self`. */
static void note(tdm__exec *self, tdm__await *await)
{
    tdm__pool *pool = tdm__pool_current();
    self->awaits = await;
    waiting++;
    if (pool)
        ++*tdm__pool_joining(pool);
}

static void forget(tdm__exec *self)
{
    tdm__pool *pool = tdm__pool_current();
    self->awaits = NULL;
    waiting--;
    if (pool)
        --*tdm__pool_joining(pool);
}

bool tdm__await_begin(tdm__exec *self, tdm__await *await)
{
    if (would_never_end(self, await))
        return false;
    note(self, await);
    return true;
}

void tdm__await_lie_beneath(tdm__exec *self, tdm__await *await)
{
    tdm__lock(&lock);
    note(self, await);
    tdm__unlock(&lock);
}

void tdm__await_forget(tdm__exec *self)
{
    tdm__lock(&lock);
    forget(self);
    tdm__unlock(&lock);
}

void tdm__joins_lock(void)
{
    tdm__lock(&lock);
}

void tdm__joins_unlock(void)
{
    tdm__unlock(&lock);
}

/* ---- handles ---- */

void tdm__handle_made(tdm_task *task)
{
    if (!task->executor->settings.debug)
        return;
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__lock(&lock);
    more->older = newest;
    if (newest)
        tdm__task_more_of(newest)->newer = task;
    newest = task;
    more->listed = true;
    tdm__unlock(&lock);
}

/* With the lock. */
static void handle_given_up(tdm__task_more *more)
{
    if (!more->listed)
        return;
    if (more->newer)
        tdm__task_more_of(more->newer)->older = more->older;
    else
        newest = more->older;
    if (more->older)
        tdm__task_more_of(more->older)->newer = more->newer;
    more->listed = false;
}

static void report_failure(const tdm_end *end)
{
    if (end->state == TDM_FAILED)
        tdm_log_warning("task %llu \"%s\" failed, and nobody looked at its error: %s (%d)",
                        (unsigned long long) end->id, end->name, tdm__error_text(end->result), end->result);
}

void tdm__handles_report(tdm_executor *executor)
{
    tdm__lock(&lock);
    for (tdm_task *task = newest; task; task = tdm__task_more_of(task)->older) {
        const tdm__task_more *more = tdm__task_more_of(task);
        if (task->executor != executor)
            continue;
        tdm_log_warning("task %llu \"%s\" was never joined", (unsigned long long) task->row.id, task->row.name);
        if (more->over)
            report_failure(&more->end);
    }
    tdm__unlock(&lock);
}

tdm__published_to tdm__task_publish(tdm_task *task)
{
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__published_to to = TDM__TO_HOLDER;
    tdm__task_end(task, &more->end);
    tdm_end end = more->end;
    tdm__lock(&lock);
    if (task->evented && tdm__evented_leave(task)) {
        to = TDM__NOT_YET;
    } else {
        more->over = true;
        if (more->let_go)
            to = TDM__TO_NOBODY;
        tdm__waiters_wake_all(&more->joiners, 0);
    }
    tdm__unlock(&lock);
    if (to == TDM__TO_NOBODY)
        report_failure(&end);
    return to;
}

int tdm_task_start(tdm_task **out, tdm_executor *executor, const tdm_task_spec *spec)
{
    return tdm__spawn(executor, spec, out, NULL);
}

void tdm_task_detach(tdm_task **handle)
{
    tdm_task *task = *handle;
    if (!task)
        return;
    *handle = NULL;
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__lock(&lock);
    handle_given_up(more);
    more->let_go = true;
    bool over = more->over;
    tdm__unlock(&lock);
    if (over) {
        report_failure(&more->end);
        tdm__task_free(task);
    }
}

bool tdm_task_ended_yet(const tdm_task *task)
{
    tdm__lock(&lock);
    bool over = ((const tdm__task_more *) (task + 1))->over;
    tdm__unlock(&lock);
    return over;
}

int tdm_task_stop(tdm_task *task)
{
    tdm_task *over = NULL;
    tdm__lock(&lock); /* while it is held, the task cannot end for good */
    bool ended = tdm__task_more_of(task)->over;
    if (!ended)
        over = tdm__task_ask_to_stop(task);
    tdm__unlock(&lock);
    if (over)
        tdm__task_over(over);
    return ended ? -EALREADY : 0;
}

/* ---- joining ---- */

int tdm__claim_is_late(const tdm__pool *pool)
{
    return pool && pool == tdm__pool_current() ? tdm__wait_look(tdm__exec_to_wait()) : 0;
}

/* With the lock on entry and return, and meanwhile without. @return 0: look again. */
static int wait_once(tdm_task *task, int64_t deadline_ns, bool shielded)
{
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__exec *self = tdm__exec_to_wait();
    tdm__await await = {.task = task};
    tdm__waiter waiter;
    if (!self || !tdm__await_begin(self, &await))
        return -EDEADLK;
    int err = shielded ? tdm__waiters_wait_shielded(&more->joiners, &waiter, &lock, "tdm_join")
                       : tdm__waiters_wait(&more->joiners, &waiter, &lock, deadline_ns, "tdm_join");
    tdm__lock(&lock);
    forget(self);
    return tdm__timed(err);
}

/* The same, or one run of the task here. */
static int wait_or_run(tdm_task *task, int64_t deadline_ns, bool shielded)
{
    int late = shielded ? 0 : tdm__claim_is_late(task->pool);
    if (late)
        return late;
    if (!tdm__task_claim(task))
        return wait_once(task, deadline_ns, shielded);
    tdm__unlock(&lock);
    tdm__task_run_claimed(task);
    tdm__lock(&lock);
    return 0;
}

/* It takes the lock twice, once before its wait and once after: a worker that ends tasks wants it as well. */
static int join(tdm_task **handle, int64_t deadline_ns, bool shielded, tdm_end *end)
{
    tdm_task *task = *handle;
    tdm__task_more *more = tdm__task_more_of(task);
    int err = 0;
    tdm__lock(&lock);
    while (!more->over && !err)
        err = wait_or_run(task, deadline_ns, shielded);
    bool over = more->over && !err;
    if (over)
        handle_given_up(more);
    tdm__unlock(&lock);
    if (!over)
        return err;
    if (end)
        *end = more->end;
    *handle = NULL;
    tdm__task_free(task);
    return 0;
}

int tdm_join(tdm_task **task, tdm_end *end)
{
    return join(task, INT64_MAX, false, end);
}

int tdm_join_for(tdm_task **task, double seconds, tdm_end *end)
{
    return join(task, tdm__deadline_in(seconds), false, end);
}

int tdm_join_shielded(tdm_task **task, tdm_end *end)
{
    return join(task, INT64_MAX, true, end);
}
