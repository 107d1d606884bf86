/* SPDX-License-Identifier: MIT */
/* DESIGN: a message per loop, made once and kept by the executor, so that a round cannot fail and a loop that answers
 * years late finds its message still there. Under one lock a call is either begun by its loop or given up by the asker,
 * never both; one that has begun is always waited for, since it uses the asker's memory. */
#include "tasks/round.h"

#include <assert.h>

static void on_message(tdm__message *message)
{
    tdm__round_call *call = (tdm__round_call *) message;
    tdm__round *round = call->round;
    tdm__lock(&round->lock);
    bool wanted = call->state == TDM__CALL_POSTED;
    if (wanted)
        call->state = TDM__CALL_RUNNING;
    tdm__unlock(&round->lock);
    if (!wanted)
        return;
    call->fn(call->loop, call->arg);
    tdm__lock(&round->lock);
    call->state = TDM__CALL_NONE;
    tdm__cond_broadcast(&round->changed);
    tdm__unlock(&round->lock);
}

void tdm__round_init(tdm__round *round, tdm__loop *const *loops, unsigned count)
{
    *round = (tdm__round){.count = count};
    pthread_mutex_init(&round->lock, NULL);
    tdm__cond_init(&round->changed);
    for (unsigned i = 0; i < count; i++)
        round->calls[i] = (tdm__round_call){.message.run = on_message, .round = round, .loop = loops[i]};
}

void tdm__round_finish(tdm__round *round)
{
    tdm__cond_finish(&round->changed);
    pthread_mutex_destroy(&round->lock);
}

static unsigned in_state(const tdm__round *round, tdm__call_state state)
{
    unsigned found = 0;
    for (unsigned i = 0; i < round->count; i++)
        found += round->calls[i].state == state;
    return found;
}

/* With the lock. */
static void give_up_the_late(tdm__round *round)
{
    for (unsigned i = 0; i < round->count; i++)
        if (round->calls[i].state == TDM__CALL_POSTED)
            round->calls[i].state = TDM__CALL_GIVEN_UP;
}

void tdm__round_call_all(tdm__round *round, void (*fn)(tdm__loop *loop, void *arg), void *args, size_t size,
                         int64_t deadline_ns)
{
    bool in_time = true;
    assert(!tdm__loop_current());
    tdm__lock(&round->lock);
    for (unsigned i = 0; i < round->count; i++) {
        tdm__round_call *call = &round->calls[i];
        if (call->state == TDM__CALL_GIVEN_UP)
            continue;
        call->fn = fn;
        call->arg = (char *) args + i * size;
        call->state = TDM__CALL_POSTED;
        tdm__loop_post(call->loop, &call->message);
    }
    while (in_state(round, TDM__CALL_POSTED) && in_time)
        in_time = tdm__cond_wait(&round->changed, &round->lock, deadline_ns);
    give_up_the_late(round);
    while (in_state(round, TDM__CALL_RUNNING))
        tdm__cond_wait(&round->changed, &round->lock, INT64_MAX);
    tdm__unlock(&round->lock);
}

bool tdm__round_gave_up(tdm__round *round, unsigned loop)
{
    tdm__lock(&round->lock);
    bool gave_up = round->calls[loop].state == TDM__CALL_GIVEN_UP;
    tdm__unlock(&round->lock);
    return gave_up;
}
