/* SPDX-License-Identifier: MIT */
/* DESIGN: an evented task lives on its loop's thread as a row of callbacks. Its word (exec.wait, which it needs for
 * nothing else) says what has been asked of it, and whether its one message is on its way to the loop; so it can be
 * finished and asked to stop from any thread, at once and at any time, without allocating. It is ended in one place, on
 * the loop, outside any callback of its own, and never while its message is under way: then by that message.
 * Until it starts, and on its way home, the message is in other hands, and the word says so; what is asked meanwhile is
 * only noted. A request to stop never calls the user's code at once: who asks may hold a lock, or walk over a list of
 * tasks. */
#include <tandem/evented.h>

#include <assert.h>
#include <errno.h>

#include "tasks/executor.h"
#include "tasks/task.h"
#include <tandem/clock.h>

enum {
    FINISHED = 1, /* tdm_task_finish() was called, and `result` is set */
    STOP = 2,     /* somebody asks it to stop */
    POSTED = 4,   /* its message is on its way, or in other hands */
    ENDED = 8,    /* whoever takes it apart alone may touch it, and the message's receiver if one of these is set: */
    HOMING = 16,  /* its message is to bring it home */
    LEAVING = 32, /* it is taken apart but for its message */
    ASKED = 64,   /* on_cancel was called */
};

static int word_of(tdm_task *task)
{
    return atomic_load_explicit(&task->exec.wait, memory_order_acquire);
}

static int set(tdm_task *task, int flags)
{
    return atomic_fetch_or(&task->exec.wait, flags);
}

static int clear(tdm_task *task, int flags)
{
    return atomic_fetch_and(&task->exec.wait, ~flags);
}

/* Nobody else sets or clears anything meanwhile: of a task that nobody has a handle of, and that is in its own callback,
 * only the loop's thread may. Much cheaper. */
static void set_alone(tdm_task *task, int flags)
{
    atomic_store_explicit(&task->exec.wait, word_of(task) | flags, memory_order_relaxed);
}

static tdm_task *task_of_message(tdm__message *message)
{
    return tdm__task_of(tdm__exec_of(message));
}

/* Does one of its callbacks run? Then whoever called that looks at the word afterwards. */
static bool is_inside(const tdm_task *task)
{
    return tdm__loop_entered(task->exec.loop) == &task->exec;
}

static bool is_finished(tdm_task *task)
{
    return word_of(task) & FINISHED;
}

static void end(tdm_task *task)
{
    tdm__loop *loop = task->exec.loop;
    if (task->exec.timer.place)
        tdm__timer_disarm(loop, &task->exec.timer);
    if (task->more)
        tdm__timer_disarm(loop, &tdm__task_more_of(task)->deadline);
    tdm__task_finished(task, tdm__loop_turn_now(loop));
    tdm__task_report(task);
    tdm__task_over(task);
}

/* Call one of its callbacks. It may be gone afterwards, unless it was called from another one of its own. */
static void call(tdm_task *task, tdm_task_fn *fn)
{
    tdm__loop *loop = task->exec.loop;
    tdm__exec *outer = tdm__loop_enter(loop, &task->exec);
    int result = fn(task, task->arg);
    if (result < 0)
        tdm_task_finish(task, result);
    tdm__loop_leave(loop, outer);
    if (outer != &task->exec && (word_of(task) & (FINISHED | POSTED)) == FINISHED)
        end(task); /* else on_message() does, if it is finished */
}

static int ask_user(tdm_task *task, void *arg)
{
    tdm__task_more_of(task)->on_cancel(task, arg);
    return 0;
}

/* Asked to stop, or out of time. */
static void stop(tdm_task *task, int result)
{
    if (task->more && tdm__task_more_of(task)->on_cancel) {
        if (!(set(task, ASKED) & ASKED))
            call(task, ask_user);
        return;
    }
    if (!task->exec.timer.place)
        return; /* it is in the hands of the user's code, which can ask tdm_task_cancel_requested() */
    tdm__timer_disarm(task->exec.loop, &task->exec.timer);
    tdm_task_finish(task, result);
}

/* A request to stop has come to the loop. */
static void take_request(tdm_task *task)
{
    if (task->row.state != TDM_RUNNING)
        return; /* it has not begun, and will see the mark; or the drain has closed its books */
    task->row.cancel_requested = true;
    if (!is_finished(task))
        stop(task, -ECANCELED);
}

static void on_message(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    int before = clear(task, POSTED | STOP);
    if (before & LEAVING)
        tdm__task_farewell(task);
    else if (before & HOMING)
        tdm__evented_go_home(task);
    else if (before & ENDED)
        ; /* it may be gone already */
    else if (before & FINISHED)
        end(task);
    else if (before & STOP)
        take_request(task);
}

/* Send its message, unless it is on its way. */
static void post(tdm_task *task, int flags)
{
    if (set(task, flags | POSTED) & POSTED)
        return;
    if (task->exec.loop == tdm__loop_current()) {
        tdm__loop_add(task->exec.loop, &task->exec.message, on_message);
        return;
    }
    task->exec.message.run = on_message;
    tdm__loop_post(task->exec.loop, &task->exec.message);
}

void tdm_task_finish(tdm_task *task, int result)
{
    assert(task->evented && !is_finished(task)); /* exactly once */
    task->result = result;
    if (task->exec.loop != tdm__loop_current() || !is_inside(task))
        post(task, FINISHED);
    else if (task->more)
        set(task, FINISHED);
    else
        set_alone(task, FINISHED);
}

void tdm__evented_ask_to_stop(tdm_task *task)
{
    atomic_store(&task->exec.cancel, true);
    post(task, STOP);
}

/* ---- its message in other hands; only where somebody elsewhere may ask it to stop, which wants a tail ---- */

void tdm__evented_lend(tdm_task *task)
{
    if (task->more)
        set(task, POSTED);
}

void tdm__evented_take_back(tdm_task *task)
{
    if (task->more)
        clear(task, POSTED | STOP);
}

void tdm__evented_over(tdm_task *task)
{
    if (task->more)
        set(task, ENDED);
}

void tdm__evented_go_home(tdm_task *task)
{
    if (!task->more || !(set(task, HOMING | POSTED) & POSTED))
        tdm__task_go_home(task);
}

void tdm__evented_at_home(tdm_task *task)
{
    if (task->more)
        clear(task, POSTED | HOMING | STOP);
}

bool tdm__evented_leave(tdm_task *task)
{
    return set(task, LEAVING) & POSTED;
}

/* ---- its deadline ---- */

static void deadline_due(tdm__timer *timer)
{
    tdm__task_more *more = (tdm__task_more *) ((char *) timer - offsetof(tdm__task_more, deadline));
    tdm_task *task = (tdm_task *) (void *) more - 1;
    if (!is_finished(task))
        stop(task, -ETIMEDOUT);
}

/* @return 0; -ENOMEM. */
static int arm_deadline(tdm_task *task)
{
    tdm__task_more *more = tdm__task_more_of(task);
    if (!more || !more->deadline_ns)
        return 0;
    more->deadline.run = deadline_due;
    return tdm__timer_arm(task->exec.loop, &more->deadline, more->deadline_ns);
}

/* ---- start ---- */

void tdm__evented_start(tdm__message *message)
{
    tdm_task *task = task_of_message(message);
    tdm__evented_take_back(
        task); /* first: a request that came before is seen by its mark, one that comes later is sent */
    if (!tdm__task_begin(task, tdm__loop_turn_now(task->exec.loop))) {
        tdm__task_over(task);
        return;
    }
    int err = arm_deadline(task);
    if (err)
        tdm_task_finish(task, err);
    else
        call(task, task->run);
}

/* ---- after ---- */

static void after_due(tdm__timer *timer)
{
    tdm__exec *exec = (tdm__exec *) ((char *) timer - offsetof(tdm__exec, timer));
    if (!is_finished(tdm__task_of(exec))) /* by another thread, whose message is on its way */
        call(tdm__task_of(exec), exec->after);
}

int tdm_task_after(tdm_task *task, double seconds, tdm_task_fn *fn)
{
    tdm__exec *exec = &task->exec;
    assert(task->evented && exec->loop == tdm__loop_current());
    tdm__timer_disarm(exec->loop, &exec->timer);
    exec->timer.run = after_due;
    exec->after = fn;
    return tdm__timer_arm(exec->loop, &exec->timer, tdm__deadline_in(seconds));
}
