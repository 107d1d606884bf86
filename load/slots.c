/* SPDX-License-Identifier: MIT */
/* DESIGN: the connections of a thread as a set: how they are opened, begun, ticked and given up, and, in an open loop,
 * in which order they take the requests that are due. A request takes the connection that has been free the longest;
 * where none is free it waits, and so does every one after it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "load/worker.h"

#define OPENING_AT_ONCE 64

/* ---- the queue of an open loop ---- */

void load_slots_release(load_slot *s)
{
    load_worker *w = s->worker;
    if (s->queued || s->state != LOAD_SLOT_READY || load_link_sending(s->link))
        return;
    if (load_slot_used_up(s) && !s->count)
        load_link_close(s->link);
    if (load_link_state_of(s->link) == LOAD_LINK_OPEN && !load_slot_room(s))
        return;
    unsigned at = w->free_first + w->free_count++;
    w->free[at < w->slot_count ? at : at - w->slot_count] = (unsigned) (s - w->slots);
    s->queued = true;
    s->free_ns = w->now_ns;
}

static load_slot *next_free(load_worker *w)
{
    if (!w->free_count)
        return NULL;
    load_slot *s = &w->slots[w->free[w->free_first]];
    w->free_first = w->free_first + 1 == w->slot_count ? 0 : w->free_first + 1;
    w->free_count--;
    s->queued = false;
    return s;
}

static bool is_due(load_worker *w)
{
    int64_t due_ns = load_pace_due_ns(&w->pace);
    if (w->end_ns && due_ns >= w->end_ns && !w->sending_over) {
        w->sending_over = true;
        w->tally.part.sending_ended_ns = w->end_ns;
    }
    return !w->sending_over && due_ns <= w->now_ns && load_worker_may_take(w);
}

bool load_slots_take_due(load_slot *s)
{
    load_worker *w = s->worker;
    int64_t due_ns = load_pace_due_ns(&w->pace);
    if (!is_due(w))
        return false;
    if (s->free_ns > due_ns && due_ns >= w->measured_from_ns)
        w->tally.part.held_up++;
    load_slot_take(s, due_ns);
    load_pace_advance(&w->pace);
    return true;
}

void load_slots_pump(load_worker *w)
{
    while (is_due(w)) {
        load_slot *s = next_free(w);
        if (!s)
            return;
        if (load_link_state_of(s->link) != LOAD_LINK_OPEN) {
            w->tally.part.reopened += s->refusals == 0; /* the server had closed it */
            load_slot_open(s);
            continue;
        }
        int64_t free_ns = s->free_ns;
        w->now_ns = tdm_clock_ns();
        if (!load_slots_take_due(s))
            return; /* the time ran out between the two looks at the clock */
        load_slot_send(s, s->count - 1);
        load_slots_release(s);
        s->free_ns = free_ns; /* a pipelined connection was free all along */
    }
}

void load_slots_count_unsent(load_worker *w)
{
    (void) load_worker_may_take(w); /* notes when the sending was over: by an interrupt, before its planned end */
    int64_t over_ns = w->tally.part.sending_ended_ns, end_ns = over_ns < w->end_ns ? over_ns : w->end_ns;
    for (; load_pace_due_ns(&w->pace) < end_ns; load_pace_advance(&w->pace))
        w->tally.part.unsent += load_pace_due_ns(&w->pace) >= w->measured_from_ns;
}

/* ---- phases ---- */

/* What the sockets have to tell here is that the server has ended idle connections: nothing is on its way. */
void load_slots_freshen(load_worker *w)
{
    assert(w->phase == LOAD_PHASE_OPENING && !w->in_hand);
    for (unsigned i = 0; i < w->slot_count; i++)
        if (load_link_state_of(w->slots[i].link) == LOAD_LINK_CONNECTING) /* left over from an open loop */
            load_link_close(w->slots[i].link);
    while (load_poller_find(w->shared.poll, 0) > 0)
        load_poller_tell(w->shared.poll);
}

void load_slots_open(load_worker *w)
{
    while (w->opening < OPENING_AT_ONCE && w->opened_upto < w->slot_count) {
        load_slot *s = &w->slots[w->opened_upto++];
        if (load_link_state_of(s->link) != LOAD_LINK_CLOSED)
            continue;
        s->state = LOAD_SLOT_OPENING;
        s->carried = 0;
        int err = load_link_open(s->link, w->job->target);
        if (!err) {
            w->opening++;
            continue;
        }
        s->state = LOAD_SLOT_READY;
        s->unopened = true;
        s->failure.error = LOAD_ERROR_CONNECT;
        snprintf(s->failure.detail, sizeof s->failure.detail, "%s", strerror(-err));
    }
}

/* The opening phase could not open it. In a closed loop that is its first request's failure. */
static void begin_unopened(load_slot *s)
{
    s->unopened = false;
    if (!s->worker->tally.open && load_worker_may_take(s->worker))
        load_slot_take(s, 0);
    load_slot_unconnected(s, &s->failure);
}

static void begin_slot(load_slot *s)
{
    load_worker *w = s->worker;
    w->now_ns = tdm_clock_ns();
    s->state = LOAD_SLOT_READY;
    s->free_ns = 0;
    if (s->unopened) {
        begin_unopened(s);
    } else if (w->tally.open) {
        load_slots_release(s);
        s->free_ns = 0;
    } else if (w->job->ramp_ns && s->number) {
        s->state = LOAD_SLOT_RESTING;
        s->until_ns = w->begun_ns + (int64_t) ((double) w->job->ramp_ns * s->number / w->job->level.connections);
    } else {
        load_slot_fill(s);
    }
}

void load_slots_begin(load_worker *w)
{
    w->active = w->slot_count;
    w->in_hand = 0;
    w->free_first = w->free_count = 0;
    for (unsigned i = 0; i < w->slot_count; i++)
        begin_slot(&w->slots[i]);
}

void load_slots_tick(load_worker *w)
{
    for (unsigned i = 0; i < w->slot_count; i++) {
        load_slot *s = &w->slots[i];
        load_link_tick(s->link, w->now_ns);
        if (w->phase == LOAD_PHASE_OPENING || s->state != LOAD_SLOT_RESTING)
            continue;
        if (!w->stopping && w->now_ns < s->until_ns)
            continue;
        s->state = LOAD_SLOT_READY;
        w->now_ns = tdm_clock_ns();
        if (!w->tally.open)
            load_slot_fill(s);
        else if (!w->stopping && load_link_state_of(s->link) == LOAD_LINK_CLOSED)
            load_slot_open(s);
    }
}

void load_slots_abandon(load_worker *w)
{
    w->stopping = true;
    for (unsigned i = 0; i < w->slot_count; i++) {
        load_slot *s = &w->slots[i];
        load_link_close(s->link);
        while (s->count)
            w->tally.part.unfinished += load_slot_pop(s).measured;
    }
    w->active = w->opening = 0;
    w->opened_upto = w->slot_count;
    (void) load_worker_may_take(w); /* notes when the sending was over */
}

bool load_slots_done(const load_worker *w)
{
    if (w->phase == LOAD_PHASE_OPENING)
        return w->opening == 0 && w->opened_upto == w->slot_count;
    if (!w->tally.open)
        return w->active == 0;
    return w->in_hand == 0 && (w->sending_over || w->stopping);
}

/* ---- storage ---- */

static int grow(load_worker *w, unsigned count)
{
    load_slot *grown = reallocarray(w->slots, count, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    w->slots = grown;
    memset(grown + w->slot_capacity, 0, (count - w->slot_capacity) * sizeof *grown);
    for (unsigned i = 0; i < w->slot_count; i++) /* they have moved */
        load_link_set_arg(grown[i].link, &grown[i]);
    w->slot_capacity = count;
    return 0;
}

static int make_rings(load_worker *w)
{
    free(w->shots);
    free(w->free);
    w->shots = calloc((size_t) w->slot_count * w->job->pipeline + 1, sizeof *w->shots);
    w->free = calloc(w->slot_count + 1, sizeof *w->free);
    if (!w->shots || !w->free)
        return -ENOMEM;
    for (unsigned i = 0; i < w->slot_count; i++) {
        w->slots[i].shots = &w->shots[(size_t) i * w->job->pipeline];
        w->slots[i].first = w->slots[i].count = 0;
        w->slots[i].queued = w->slots[i].unopened = false;
        w->slots[i].refusals = 0;
    }
    return 0;
}

int load_slots_fit(load_worker *w, unsigned count, unsigned first_number)
{
    while (w->slot_count > count)
        load_link_destroy(&w->slots[--w->slot_count].link);
    if (count > w->slot_capacity && grow(w, count) < 0)
        return -ENOMEM;
    for (; w->slot_count < count; w->slot_count++) {
        load_slot *s = &w->slots[w->slot_count];
        *s = (load_slot){.worker = w};
        if (load_link_create(&s->link, &w->shared, 0, &load_slot_calls, s) < 0)
            return -ENOMEM;
    }
    for (unsigned i = 0; i < count; i++)
        w->slots[i].number = first_number + i;
    return make_rings(w);
}

void load_slots_close(load_worker *w)
{
    for (unsigned i = 0; i < w->slot_count; i++)
        load_link_close(w->slots[i].link);
}

void load_slots_finish(load_worker *w)
{
    while (w->slot_count)
        load_link_destroy(&w->slots[--w->slot_count].link);
    free(w->slots);
    free(w->shots);
    free(w->free);
}
