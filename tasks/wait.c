/* SPDX-License-Identifier: MIT */
/* DESIGN: every tie is decided here, once, by a compare-and-swap on exec->wait. The word says that nobody waits (IDLE),
 * that a wait can end (ARMED, or SHIELDED where cancellation does not count), or how it has ended (0 or a negative
 * errno). Whoever changes it from ARMED has won and delivers the wake-up; all others do nothing. Delivery differs by
 * lane: a fiber is put on its loop's list (from another thread: into its inbox), a worker is signalled.
 * Cancellation sets its flag first and then tries the word; a wait arms the word first and then looks at the flag:
 * one of the two always sees the other. A fiber whose wait was ended by another must suspend even if it knows the result
 * already: the message that resumes it is under way.
 * A wait has one timer, for the earlier of its own deadline and those of open scopes; which of the two it was is known
 * before it is armed, and a wait's own deadline counts first. */
#include "tasks/exec.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "tasks/loop.h"
#include "tasks/task.h"
#include <tandem/clock.h>
#include <tandem/timeout.h>
#include <tandem/wait.h>

enum { IDLE = 1, ARMED = 2, SHIELDED = 3 }; /* results are never above 0 */

static _Thread_local tdm__exec *current;
static _Thread_local const char *waits_in; /* in testing mode: the function that began the wait that is about to come */

/* For threads of the user's own. */
static _Thread_local tdm__parking plain_parking = {PTHREAD_MUTEX_INITIALIZER, TDM__COND_INITIALIZER, NULL};
static _Thread_local tdm__exec plain_exec;

tdm__exec *tdm__exec_current(void)
{
    return current;
}

void tdm__exec_set_current(tdm__exec *exec)
{
    current = exec;
}

tdm__exec *tdm__exec_to_wait(void)
{
    if (current)
        return current;
    if (tdm__loop_current())
        return NULL;
    atomic_store(&plain_exec.parking, &plain_parking);
    return &plain_exec;
}

tdm__exec *tdm__exec_inside(void)
{
    if (current)
        return current;
    tdm__loop *loop = tdm__loop_current();
    return loop ? tdm__loop_entered(loop) : NULL;
}

tdm_task *tdm_task_current(void)
{
    tdm__exec *exec = tdm__exec_inside();
    return exec && exec->kind && exec->kind->is_task ? tdm__task_of(exec) : NULL;
}

/* The tie. A cancellation does not count against a shielded wait. */
static bool win(tdm__exec *exec, int result, bool cancel)
{
    int expected = ARMED;
    if (atomic_compare_exchange_strong(&exec->wait, &expected, result))
        return true;
    return !cancel && expected == SHIELDED && atomic_compare_exchange_strong(&exec->wait, &expected, result);
}

void tdm__wait_begin_in(tdm__exec *exec, bool shielded, const char *in)
{
    if (tdm__testing())
        waits_in = in;
    exec->ended_here = false;
    exec->shielded_wait = shielded;
    bool deaf = shielded || exec->shields; /* to cancellation */
    atomic_store(&exec->wait, deaf ? SHIELDED : ARMED);
    tdm__point();
    if (!deaf && atomic_load(&exec->cancel))
        exec->ended_here = win(exec, -ECANCELED, true);
    else if (!shielded && exec->scope_ns && exec->scope_ns <= tdm_clock_ns())
        exec->ended_here = win(exec, -ETIMEDOUT, false);
}

static void ring(int bell)
{
    const uint64_t one = 1;
    while (write(bell, &one, sizeof one) < 0 && errno == EINTR)
        ; /* EAGAIN: the counter is full, so it rings anyway */
}

static void quiet(int bell)
{
    uint64_t count;
    while (read(bell, &count, sizeof count) < 0 && errno == EINTR)
        ; /* EAGAIN: it did not ring */
}

/* Under the parking's lock, so that the thread cannot see the result and be gone before it is signalled. */
static bool end_wait_of_thread(tdm__exec *exec, tdm__parking *parking, int result, bool cancel)
{
    tdm__lock(&parking->lock);
    bool won = win(exec, result, cancel);
    if (won && parking->bell)
        ring(*parking->bell);
    else if (won)
        tdm__cond_signal(&parking->cond);
    tdm__unlock(&parking->lock);
    return won;
}

static bool end_wait(tdm__exec *exec, int result, bool cancel)
{
    assert(result <= 0);
    if (!exec->loop) {
        tdm__parking *parking = atomic_load(&exec->parking);
        return parking && end_wait_of_thread(exec, parking, result, cancel); /* without one it has not begun to run */
    }
    if (!win(exec, result, cancel))
        return false;
    tdm__loop_resume(exec->loop, exec);
    return true;
}

bool tdm__wake(tdm__exec *exec, int result)
{
    return end_wait(exec, result, false);
}

void tdm__exec_cancel(tdm__exec *exec)
{
    atomic_store(&exec->cancel, true);
    tdm__point();
    end_wait(exec, -ECANCELED, true);
}

bool tdm__exec_is_being_stopped(const tdm__exec *exec)
{
    return atomic_load(&exec->cancel) && atomic_load(&exec->wait) != SHIELDED;
}

/* ---- waiting on a fiber ---- */

typedef struct sleeper {
    tdm__timer timer;
    tdm__exec *exec;
    int result;
} sleeper;

static void sleeper_due(tdm__timer *timer)
{
    sleeper *s = (sleeper *) timer;
    tdm__wake(s->exec, s->result);
}

static int wait_on_fiber(tdm__exec *exec, int64_t deadline_ns, int due)
{
    sleeper s = {.timer.run = sleeper_due, .exec = exec, .result = due};
    if (deadline_ns != INT64_MAX && tdm__timer_arm(exec->loop, &s.timer, deadline_ns) < 0) {
        /* Without a timer the wait might never end. If somebody else ended it first, that wake-up is on its way and
         * must be taken in. */
        if (win(exec, -ENOMEM, false))
            return -ENOMEM;
    }
    tdm__loop_suspend(exec->loop, exec);
    tdm__timer_disarm(exec->loop, &s.timer);
    return atomic_load(&exec->wait);
}

/* ---- waiting on a thread ---- */

static int wait_on_thread(tdm__exec *exec, int64_t deadline_ns, int due)
{
    tdm__parking *parking = atomic_load(&exec->parking);
    bool in_time = true;
    tdm__lock(&parking->lock);
    while (atomic_load(&exec->wait) > 0 && in_time)
        in_time = tdm__cond_wait(&parking->cond, &parking->lock, deadline_ns);
    win(exec, due, false); /* the time is over, unless somebody was first */
    int result = atomic_load(&exec->wait);
    tdm__unlock(&parking->lock);
    return result;
}

/* The same, asleep in poll(2). */
static int wait_in_poll(tdm__exec *exec, struct pollfd *poll_for, int bell, int64_t deadline_ns, int due)
{
    tdm__parking *parking = atomic_load(&exec->parking);
    struct pollfd fds[2] = {*poll_for, {.fd = bell, .events = POLLIN}};
    int reported = 1;
    tdm__lock(&parking->lock);
    parking->bell = &bell;
    while (atomic_load(&exec->wait) > 0 && reported > 0) {
        tdm__unlock(&parking->lock);
        reported = tdm__poll(fds, 2, deadline_ns);
        tdm__lock(&parking->lock);
        if (fds[0].revents)
            win(exec, 0, false);
        else if (fds[1].revents)
            quiet(bell); /* for this wait, or for one further out on the same thread */
    }
    win(exec, reported < 0 ? reported : due, false);
    int result = atomic_load(&exec->wait);
    parking->bell = NULL;
    quiet(bell);
    tdm__unlock(&parking->lock);
    poll_for->revents = fds[0].revents;
    return result;
}

/* In testing mode, for the report of a deadlock. */
static void note_wait(tdm__baton_note *note, tdm__exec *exec, int64_t deadline_ns)
{
    *note = (tdm__baton_note){.in = waits_in, .fiber = exec->loop, .deadline_ns = deadline_ns};
    note->name = exec->kind ? exec->kind->name(exec) : NULL;
    note->task = exec->kind && exec->kind->is_task ? tdm__task_of(exec)->row.id : 0;
    tdm__baton_note_add(note);
}

/* The end of every wait. `poll_for` is NULL but in poll(2). */
static int wait_until(tdm__exec *exec, struct pollfd *poll_for, int bell, int64_t deadline_ns)
{
    int result, due = TDM__DUE;
    if (!exec->shielded_wait && exec->scope_ns && exec->scope_ns < deadline_ns) {
        deadline_ns = exec->scope_ns;
        due = -ETIMEDOUT;
    }
    tdm__point();
    tdm__baton_note note;
    bool noted = tdm__testing();
    if (noted)
        note_wait(&note, exec, deadline_ns);
    if (exec->ended_here)
        result = atomic_load(&exec->wait);
    else if (exec->loop)
        result = wait_on_fiber(exec, deadline_ns, due);
    else if (poll_for)
        result = wait_in_poll(exec, poll_for, bell, deadline_ns, due);
    else
        result = wait_on_thread(exec, deadline_ns, due);
    if (noted)
        tdm__baton_note_remove(&note);
    assert(result <= 0);
    atomic_store(&exec->wait, IDLE);
    if (result == -ETIMEDOUT && exec->scope_ns)
        tdm__scope_fired(exec);
    return result;
}

int tdm__wait_until(tdm__exec *exec, int64_t deadline_ns)
{
    return wait_until(exec, NULL, -1, deadline_ns);
}

int tdm__wait_look(tdm__exec *exec)
{
    assert(!exec->loop);
    tdm__wait_begin(exec, false);
    if (!exec->ended_here) {
        win(exec, 0, false); /* or somebody was faster */
        exec->ended_here = true;
    }
    return tdm__wait_until(exec, INT64_MAX);
}

int tdm__wait_until_polled(tdm__exec *exec, struct pollfd *poll_for, int bell, int64_t deadline_ns)
{
    assert(!exec->loop);
    return wait_until(exec, poll_for, bell, deadline_ns);
}

/* ---- sleep ---- */

int64_t tdm__deadline(int64_t ns)
{
    int64_t now = tdm_clock_ns();
    return ns > INT64_MAX - now ? INT64_MAX : now + ns;
}

int64_t tdm__deadline_in(double seconds)
{
    return tdm__deadline(tdm_ns_from_s(seconds));
}

int tdm_sleep(double seconds)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    tdm__wait_begin(exec, false);
    int result = tdm__wait_until(exec, tdm__deadline_in(seconds));
    return result == TDM__DUE ? 0 : result;
}

int tdm_yield(void)
{
    tdm__exec *exec = tdm__exec_to_wait();
    if (!exec)
        return -EDEADLK;
    tdm__wait_begin(exec, false);
    if (!exec->ended_here) {
        bool ended = tdm__wake(exec, 0); /* a fiber's wake-up puts it behind those that are ready */
        (void) ended;                    /* or somebody was faster */
        if (!exec->loop && !tdm__testing())
            sched_yield();
    }
    return tdm__wait_until(exec, INT64_MAX);
}
