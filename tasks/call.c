/* SPDX-License-Identifier: MIT */
/* DESIGN: asking a loop and waiting for the answer, from a fiber of another loop or from a thread. The question is a
 * message on the asker's stack, so the wait is shielded: nothing but the answer ends it. A loop that never comes round
 * holds its askers; who must not be held uses a round (round.h). */
#include <assert.h>

#include "tasks/loop.h"

typedef struct call {
    tdm__message message;
    tdm__loop *loop;
    void (*fn)(tdm__loop *loop, void *arg);
    void *arg;
    tdm__exec *caller;
} call;

static void call_run(tdm__message *message)
{
    call *c = (call *) message;
    c->fn(c->loop, c->arg);
    tdm__wake(c->caller, 0); /* from here on `c` is gone */
}

static void nothing(tdm__loop *loop, void *arg)
{
    (void) loop, (void) arg;
}

static void post_and_wait(call *c)
{
    tdm__wait_begin(c->caller, true);
    tdm__loop_post(c->loop, &c->message);
    int result = tdm__wait_until(c->caller, INT64_MAX);
    assert(result == 0);
}

void tdm__loop_call(tdm__loop *loop, void (*fn)(tdm__loop *loop, void *arg), void *arg)
{
    if (loop == tdm__loop_current()) {
        fn(loop, arg);
        return;
    }
    call c = {.message.run = call_run, .loop = loop, .fn = fn, .arg = arg, .caller = tdm__exec_to_wait()};
    assert(c.caller); /* a loop must not wait for another one outside a fiber */
    post_and_wait(&c);
}

void tdm__loop_catch_up(void)
{
    tdm__loop *loop = tdm__loop_current();
    if (!loop || !tdm__loop_running_stack())
        return;
    call c = {.message.run = call_run, .loop = loop, .fn = nothing, .caller = tdm__exec_to_wait()};
    post_and_wait(&c);
}
