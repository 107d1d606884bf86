/* SPDX-License-Identifier: MIT */
/* DESIGN: what a connection does. In a closed loop a slot takes its next request as soon as its reply is complete, until
 * the count or the time is used up. In an open loop a slot that can take a request stands in a queue, and each request
 * that is due takes the one that has stood longest; when the queue is empty, requests wait, and the wait is in their
 * corrected latency. Connections are opened before the first request is sent, a few at a time so that a server's accept
 * queue is not overrun, and an opening that failed then counts as the slot's first request.
 * A request that met the end of a kept-alive connection without a byte of reply is sent once more on a new connection if
 * its method allows it (RFC 9112, 9.3.1); its latency runs from the first sending. After a connection could not be
 * opened its slot waits a little, longer each time; when none could be opened for three seconds the step is over. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "load/worker.h"

#define BACKOFF_FIRST_NS (INT64_C(10) * 1000 * 1000)
#define BACKOFF_MOST_NS TDM_NS_PER_S
#define GONE_AFTER_NS (3 * TDM_NS_PER_S)

static load_shot *shot_at(load_slot *s, unsigned i)
{
    unsigned at = s->first + i, size = s->worker->job->pipeline;
    return &s->shots[at < size ? at : at - size];
}

/* The oldest request is accounted for. */
load_shot load_slot_pop(load_slot *s)
{
    load_shot shot = s->shots[s->first];
    s->first = s->first + 1 == s->worker->job->pipeline ? 0 : s->first + 1;
    s->count--;
    s->worker->in_hand--;
    return shot;
}

static void slot_over(load_slot *s)
{
    s->state = LOAD_SLOT_OVER;
    s->worker->active--;
}

/* ---- taking and sending ---- */

bool load_worker_may_take(load_worker *w)
{
    bool may = !w->stopping && w->left > 0 && (!w->end_ns || w->now_ns < w->end_ns);
    if (!may && !w->sending_over) {
        w->sending_over = true;
        w->tally.part.sending_ended_ns = w->now_ns;
    }
    return may;
}

/* Take a request in hand; 0 for `due_ns` means: when it is sent. */
void load_slot_take(load_slot *s, int64_t due_ns)
{
    load_worker *w = s->worker;
    const load_target *target = w->job->target;
    load_shot *shot = shot_at(s, s->count++);
    *shot = (load_shot){.due_ns = due_ns, .measured = (due_ns ? due_ns : w->now_ns) >= w->measured_from_ns};
    if (target->request_count > 1) {
        shot->url = target->schedule[w->turn_of_urls];
        w->turn_of_urls = w->turn_of_urls + 1 == target->schedule_size ? 0 : w->turn_of_urls + 1;
    }
    w->in_hand++;
    if (!shot->measured) {
        w->tally.part.warmup_made++;
        return;
    }
    w->left--;
    w->tally.part.made++;
    w->tally.part.urls[shot->url].made++;
}

static void append_request(load_slot *s, const load_shot *shot, load_bytes *bytes)
{
    load_worker *w = s->worker;
    const load_template *t = w->job->target->requests[shot->url].template;
    char *into = w->scratch + bytes->size;
    size_t size;
    const char *fixed = load_template_fixed(t, &size);
    if (fixed)
        memcpy(into, fixed, size);
    else
        size = load_template_fill(t, &w->values, into);
    bytes->size += size;
}

/* One request that is always the same is sent from where it is. */
static bool use_fixed(const load_template *t, load_bytes *bytes)
{
    size_t size;
    const char *fixed = load_template_fixed(t, &size);
    if (!fixed)
        return false;
    bytes->data = fixed;
    bytes->size = size;
    bytes->lasting = true;
    return true;
}

static int64_t lag_of(const load_slot *s, const load_shot *shot)
{
    const load_worker *w = s->worker;
    if (!w->tally.open)
        return w->now_ns - w->looked_ns;
    return w->now_ns - (shot->due_ns > s->free_ns ? shot->due_ns : s->free_ns);
}

/* Send the requests from the `from`-th on. */
void load_slot_send(load_slot *s, unsigned from)
{
    load_worker *w = s->worker;
    load_bytes bytes = {.data = w->scratch, .requests = s->count - from};
    for (unsigned i = from; i < s->count; i++) {
        load_shot *shot = shot_at(s, i);
        const load_template *t = w->job->target->requests[shot->url].template;
        bytes.heads |= (uint64_t) load_template_is_head(t) << (i - from);
        if (!shot->sent_ns) {
            shot->sent_ns = w->now_ns;
            shot->due_ns = shot->due_ns ? shot->due_ns : w->now_ns;
            load_tally_sent(&w->tally, shot, lag_of(s, shot));
        }
        if (bytes.requests > 1 || !use_fixed(t, &bytes))
            append_request(s, shot, &bytes);
    }
    s->carried += bytes.requests;
    if (from == 0)
        load_link_set_deadline(s->link, w->now_ns + w->job->timeout_ns);
    load_link_send(s->link, &bytes);
}

bool load_slot_used_up(const load_slot *s)
{
    return s->worker->job->reconnect && s->carried >= s->worker->job->reconnect;
}

/* How many requests the connection may still carry at once. */
unsigned load_slot_room(const load_slot *s)
{
    unsigned room = s->worker->job->pipeline - s->count, reconnect = s->worker->job->reconnect;
    if (reconnect && room > reconnect - s->carried)
        room = reconnect - s->carried;
    return room;
}

/* Closed loop: send as much as the slot may; open its connection if need be; or be over. */
void load_slot_fill(load_slot *s)
{
    load_worker *w = s->worker;
    unsigned before = s->count;
    if (s->state != LOAD_SLOT_READY)
        return;
    if (load_slot_used_up(s) && !s->count)
        load_link_close(s->link);
    if (load_link_state_of(s->link) != LOAD_LINK_OPEN) {
        if (!s->count && !load_worker_may_take(w)) {
            slot_over(s);
            return;
        }
        if (!s->count) { /* else it is sent once more, and that counts as such */
            load_slot_take(s, 0);
            w->tally.part.reopened += s->refusals == 0;
        }
        load_slot_open(s);
        return;
    }
    if (load_link_sending(s->link))
        return;
    for (unsigned n = load_slot_room(s); n > 0 && load_worker_may_take(w); n--)
        load_slot_take(s, 0);
    if (s->count > before)
        load_slot_send(s, before);
    else if (!s->count)
        slot_over(s);
}

/* ---- what becomes of requests ---- */

static void error_of_oldest(load_slot *s, load_error error, const char *detail)
{
    load_worker *w = s->worker;
    load_shot shot = load_slot_pop(s);
    load_tally_error(&w->tally, &shot, error, detail, w->now_ns);
    load_worker_log(w, s, &shot, 0, (int) error, NULL);
}

/* The connection is gone: which of the requests on it may be sent once more? The others have failed. */
static void sort_out(load_slot *s, load_error error, const char *detail)
{
    load_worker *w = s->worker;
    for (unsigned n = s->count; n > 0; n--) {
        load_shot *shot = shot_at(s, 0);
        if (shot->again || !load_template_is_idempotent(w->job->target->requests[shot->url].template)) {
            error_of_oldest(s, error, detail);
            continue;
        }
        load_shot again = load_slot_pop(s);
        again.again = true;
        again.met = error;
        w->tally.part.retried += again.measured;
        *shot_at(s, s->count++) = again;
        w->in_hand++;
    }
}

/* The oldest request has no connection: it was never sent, or it was, and was lost with the one before. */
static void error_unconnected(load_slot *s, const char *why)
{
    const load_shot *shot = shot_at(s, 0);
    char detail[96];
    snprintf(detail, sizeof detail, "%s%.80s", shot->again ? "second try: " : "", why);
    error_of_oldest(s, shot->again ? shot->met : LOAD_ERROR_CONNECT, detail);
}

void load_slot_unconnected(load_slot *s, const load_failure *failure)
{
    load_worker *w = s->worker;
    int64_t rest = (int64_t) BACKOFF_FIRST_NS << (s->refusals < 10 ? s->refusals : 10);
    if (!s->count && w->tally.open)
        load_slots_take_due(s);
    while (s->count)
        error_unconnected(s, failure->detail);
    if (w->now_ns - w->last_good_ns > GONE_AFTER_NS) {
        w->stopping = w->gone = true;
        (void) load_worker_may_take(w); /* notes when the sending was over */
    }
    s->refusals++;
    s->state = LOAD_SLOT_RESTING;
    s->until_ns = w->now_ns + (rest < BACKOFF_MOST_NS ? rest : BACKOFF_MOST_NS);
    if (!w->tally.open && !load_worker_may_take(w))
        slot_over(s);
}

void load_slot_open(load_slot *s)
{
    s->state = LOAD_SLOT_OPENING;
    s->carried = 0;
    int err = load_link_open(s->link, s->worker->job->target);
    if (!err)
        return;
    load_failure failure = {.error = LOAD_ERROR_CONNECT};
    snprintf(failure.detail, sizeof failure.detail, "%s", strerror(-err));
    load_slot_unconnected(s, &failure);
}

/* The slot may go on. */
static void go_on(load_slot *s)
{
    load_worker *w = s->worker;
    if (!w->tally.open) {
        load_slot_fill(s);
    } else if (load_link_state_of(s->link) == LOAD_LINK_OPEN) {
        load_slots_release(s);
    } else if (s->state == LOAD_SLOT_READY && (s->count || (!w->sending_over && !w->stopping))) {
        w->tally.part.reopened += !s->count && s->refusals == 0;
        load_slot_open(s);
    }
}

static void opening_ended(load_slot *s)
{
    s->state = LOAD_SLOT_READY;
    s->worker->opening--;
    load_slots_open(s->worker);
}

static void on_opened(void *arg)
{
    load_slot *s = arg;
    load_worker *w = s->worker;
    s->refusals = 0;
    if (w->phase == LOAD_PHASE_OPENING) {
        opening_ended(s);
        return;
    }
    w->now_ns = w->last_good_ns = tdm_clock_ns();
    s->state = LOAD_SLOT_READY;
    s->free_ns = w->now_ns;
    if (s->count)
        load_slot_send(s, 0);
    go_on(s);
}

/* From when does the time of the oldest request run? When a second try was sent is not kept. */
static int64_t timed_from(load_slot *s)
{
    const load_shot *shot = shot_at(s, 0);
    return shot->again ? s->worker->now_ns : shot->sent_ns;
}

static void on_replied(void *arg, const load_reply *reply)
{
    load_slot *s = arg;
    load_worker *w = s->worker;
    if (w->phase == LOAD_PHASE_OPENING)
        return;
    w->now_ns = w->last_good_ns = tdm_clock_ns();
    load_shot shot = load_slot_pop(s);
    w->latency_ns += (w->now_ns - shot.sent_ns - w->latency_ns) / 64;
    load_tally_reply(&w->tally, &shot, reply, w->now_ns);
    load_worker_log(w, s, &shot, reply->status, -1, reply);
    if (s->count)
        load_link_set_deadline(s->link, timed_from(s) + w->job->timeout_ns);
}

static void on_settled(void *arg)
{
    load_slot *s = arg;
    if (s->worker->phase == LOAD_PHASE_OPENING)
        return;
    if (s->count && load_link_state_of(s->link) == LOAD_LINK_CLOSED)
        sort_out(s, LOAD_ERROR_CLOSED, "");
    go_on(s);
}

static void on_failed(void *arg, const load_failure *failure)
{
    load_slot *s = arg;
    load_worker *w = s->worker;
    if (w->phase == LOAD_PHASE_OPENING) {
        s->unopened = true;
        s->failure = *failure;
        opening_ended(s);
        return;
    }
    w->now_ns = tdm_clock_ns();
    if (failure->error == LOAD_ERROR_CONNECT) {
        load_slot_unconnected(s, failure);
        return;
    }
    bool ended = failure->error == LOAD_ERROR_RESET || failure->error == LOAD_ERROR_CLOSED;
    if (!ended || !failure->untouched || !failure->had_replies)
        error_of_oldest(s, failure->error, failure->detail);
    if (ended)
        sort_out(s, failure->error, failure->detail);
    while (!ended && s->count)
        error_of_oldest(s, failure->error, failure->detail);
    go_on(s);
}

const load_link_calls load_slot_calls = {
    .opened = on_opened, .replied = on_replied, .settled = on_settled, .failed = on_failed};
