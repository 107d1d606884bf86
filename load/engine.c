/* SPDX-License-Identifier: MIT */
/* DESIGN: a closed loop. Each connection is a slot; when its reply is complete it takes the next request, until the
 * count or the time is used up. Connections are opened before the first request is sent, a few at a time so that a
 * server's accept queue is not overrun, and an opening that failed then counts as the slot's first request.
 * A request that met the end of a kept-alive connection without a byte of reply is sent once more on a new connection
 * (RFC 9112, 9.3.1; GET is idempotent); its latency runs from the first sending. After a connection could not be
 * opened its slot waits a little, longer each time; when none could be opened for three seconds the step is over. */
#include "load/engine.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#define OPENING_AT_ONCE 64
#define BACKOFF_FIRST_NS (INT64_C(10) * 1000 * 1000)
#define BACKOFF_MOST_NS TDM_NS_PER_S
#define GONE_AFTER_NS (3 * TDM_NS_PER_S)

typedef enum slot_state {
    SLOT_READY,   /* may take a request */
    SLOT_OPENING, /* for the opening phase, or with a request in hand */
    SLOT_WAITING, /* for its reply */
    SLOT_RESTING, /* until `until_ns`, after it could not connect */
    SLOT_OVER,    /* no more to do in this step */
} slot_state;

typedef struct slot {
    load_engine *engine;
    load_link *link;
    slot_state state;
    bool has_request; /* one was taken and not yet accounted for */
    bool retrying;    /* its second and last try */
    bool unopened;    /* the opening phase failed to open it; `failure` says how */
    load_failure failure;
    unsigned refusals; /* connections in a row that could not be opened */
    int64_t sent_ns;   /* of the first try; 0: not sent yet */
    int64_t until_ns;
} slot;

struct load_engine {
    const load_link_shared *shared;
    load_engine_limits limits;
    load_step *step;
    slot *slots;
    unsigned slot_count, opened_upto; /* slots before it were told to open */
    unsigned opening, active;         /* openings on their way; slots not over yet */
    bool driving, stopping;
    uint64_t left; /* requests that may still be taken */
    int64_t end_ns, last_good_ns;
    int error;
};

static void next_request(slot *s);
static void open_more(load_engine *engine);

static void check_over(load_engine *engine)
{
    if (!load_engine_busy(engine))
        event_base_loopbreak(engine->shared->base);
}

static void slot_over(slot *s)
{
    s->state = SLOT_OVER;
    s->engine->active--;
    check_over(s->engine);
}

/* ---- accounting ---- */

static void count_error(slot *s, load_error error, const char *detail)
{
    load_step *step = s->engine->step;
    if (!step->errors[error]++)
        snprintf(step->error_detail[error], sizeof step->error_detail[error], "%s", detail);
    s->has_request = s->retrying = false;
    s->sent_ns = 0;
}

static void note_promise(slot *s, const load_reply *reply, int64_t now_ns)
{
    load_step *step = s->engine->step;
    step->bad_promises += reply->bad_tasks;
    if (!reply->has_tasks)
        return;
    load_promise promise = {reply->first_task, reply->last_task, s->sent_ns, now_ns};
    if (load_promises_add(&step->promises, &promise) < 0) {
        s->engine->error = -ENOMEM;
        event_base_loopbreak(s->engine->shared->base);
    }
}

static void count_reply(slot *s, const load_reply *reply, int64_t now_ns)
{
    load_step *step = s->engine->step;
    char detail[16];
    note_promise(s, reply, now_ns);
    step->last_reply_ns = now_ns;
    int64_t latency_ns = now_ns - s->sent_ns;
    s->has_request = s->retrying = false;
    s->sent_ns = 0;
    if (reply->status < 400) {
        step->succeeded++;
        tdm_histogram_record(step->latency, latency_ns);
    } else if (reply->status == 503) {
        step->rejected++;
        if (reply->retry_after_s > step->retry_after_s)
            step->retry_after_s = reply->retry_after_s;
    } else {
        snprintf(detail, sizeof detail, "%u", reply->status);
        count_error(s, reply->status < 500 ? LOAD_ERROR_STATUS_4XX : LOAD_ERROR_STATUS_5XX, detail);
    }
}

/* ---- one slot ---- */

static void send_request(slot *s)
{
    load_engine *engine = s->engine;
    const load_target *target = engine->step->target;
    s->state = SLOT_WAITING;
    int64_t now =
        load_link_send(s->link, target->requests[0].text, target->requests[0].size, engine->limits.timeout_ns);
    if (!s->sent_ns)
        s->sent_ns = now;
    if (!engine->step->first_sent_ns)
        engine->step->first_sent_ns = now;
}

static void could_not_connect(slot *s, const load_failure *failure)
{
    load_engine *engine = s->engine;
    int64_t now = tdm_clock_ns();
    count_error(s, LOAD_ERROR_CONNECT, failure->detail);
    if (now - engine->last_good_ns > GONE_AFTER_NS)
        engine->stopping = engine->step->target_gone = true;
    int64_t rest = (int64_t) BACKOFF_FIRST_NS << (s->refusals < 10 ? s->refusals : 10);
    s->refusals++;
    s->state = SLOT_RESTING;
    s->until_ns = now + (rest < BACKOFF_MOST_NS ? rest : BACKOFF_MOST_NS);
    if (engine->stopping || engine->left == 0)
        slot_over(s);
}

static void open_for_request(slot *s)
{
    s->state = SLOT_OPENING;
    int err = load_link_open(s->link, s->engine->step->target);
    if (!err)
        return;
    load_failure failure = {.error = LOAD_ERROR_CONNECT};
    snprintf(failure.detail, sizeof failure.detail, "%s", strerror(-err));
    could_not_connect(s, &failure);
}

static void next_request(slot *s)
{
    load_engine *engine = s->engine;
    if (engine->stopping || engine->left == 0 || (engine->end_ns && tdm_clock_ns() >= engine->end_ns)) {
        slot_over(s);
        return;
    }
    engine->left--;
    engine->step->made++;
    s->has_request = true;
    if (s->unopened) {
        s->unopened = false;
        could_not_connect(s, &s->failure);
    } else if (load_link_state_of(s->link) == LOAD_LINK_IDLE) {
        send_request(s);
    } else {
        engine->step->reopened += s->refusals == 0;
        open_for_request(s);
    }
}

static void opening_ended(slot *s)
{
    s->state = SLOT_READY;
    s->engine->opening--;
    open_more(s->engine);
    check_over(s->engine);
}

static void on_opened(void *arg)
{
    slot *s = arg;
    s->refusals = 0;
    s->engine->last_good_ns = tdm_clock_ns();
    if (s->engine->driving)
        send_request(s);
    else
        opening_ended(s);
}

static void on_replied(void *arg, const load_reply *reply, int64_t now_ns)
{
    slot *s = arg;
    s->engine->last_good_ns = now_ns;
    count_reply(s, reply, now_ns);
    next_request(s);
}

static void on_failed(void *arg, const load_failure *failure)
{
    slot *s = arg;
    if (!s->engine->driving) {
        s->unopened = true;
        s->failure = *failure;
        opening_ended(s);
    } else if (failure->error == LOAD_ERROR_CONNECT) {
        could_not_connect(s, failure);
    } else if (failure->stale && !s->retrying) {
        s->retrying = true;
        s->engine->step->retried++;
        open_for_request(s);
    } else {
        count_error(s, failure->error, failure->detail);
        next_request(s);
    }
}

/* ---- phases ---- */

static const load_link_calls calls = {.opened = on_opened, .replied = on_replied, .failed = on_failed};

int load_engine_create(load_engine **out, const load_link_shared *shared, const load_engine_limits *limits,
                       load_step *step)
{
    load_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return -ENOMEM;
    engine->shared = shared;
    engine->limits = *limits;
    engine->step = step;
    engine->slots = calloc(step->connections, sizeof *engine->slots);
    for (; engine->slots && engine->slot_count < step->connections; engine->slot_count++) {
        slot *s = &engine->slots[engine->slot_count];
        s->engine = engine;
        if (load_link_create(&s->link, shared, 0, &calls, s) < 0)
            break;
    }
    if (!engine->slots || engine->slot_count < step->connections) {
        load_engine_destroy(&engine);
        return -ENOMEM;
    }
    *out = engine;
    return 0;
}

void load_engine_destroy(load_engine **engine)
{
    if (!*engine)
        return;
    for (unsigned i = 0; i < (*engine)->slot_count; i++)
        load_link_destroy(&(*engine)->slots[i].link);
    free((*engine)->slots);
    free(*engine);
    *engine = NULL;
}

static void open_more(load_engine *engine)
{
    while (engine->opening < OPENING_AT_ONCE && engine->opened_upto < engine->slot_count) {
        slot *s = &engine->slots[engine->opened_upto++];
        s->state = SLOT_OPENING;
        int err = load_link_open(s->link, engine->step->target);
        if (!err) {
            engine->opening++;
            continue;
        }
        s->state = SLOT_READY;
        s->unopened = true;
        s->failure.error = LOAD_ERROR_CONNECT;
        snprintf(s->failure.detail, sizeof s->failure.detail, "%s", strerror(-err));
    }
}

void load_engine_open(load_engine *engine)
{
    open_more(engine);
}

void load_engine_drive(load_engine *engine)
{
    load_step *step = engine->step;
    engine->driving = true;
    engine->active = engine->slot_count;
    engine->left = step->planned ? step->planned : UINT64_MAX;
    step->started_wall_ns = tdm_clock_wall_ns();
    engine->last_good_ns = tdm_clock_ns();
    engine->end_ns = step->duration_s > 0 ? engine->last_good_ns + tdm_ns_from_s(step->duration_s) : 0;
    for (unsigned i = 0; i < engine->slot_count; i++)
        next_request(&engine->slots[i]);
}

bool load_engine_busy(const load_engine *engine)
{
    if (engine->error)
        return false;
    return engine->driving ? engine->active > 0 : engine->opening > 0 || engine->opened_upto < engine->slot_count;
}

void load_engine_tick(load_engine *engine, int64_t now_ns)
{
    for (unsigned i = 0; i < engine->slot_count; i++) {
        slot *s = &engine->slots[i];
        load_link_tick(s->link, now_ns);
        if (engine->driving && s->state == SLOT_RESTING && (engine->stopping || now_ns >= s->until_ns))
            next_request(s);
    }
}

void load_engine_stop(load_engine *engine)
{
    engine->stopping = true;
    engine->step->interrupted = true;
    for (unsigned i = 0; i < engine->slot_count; i++) {
        slot *s = &engine->slots[i];
        load_link_close(s->link);
        if (!engine->driving || s->state == SLOT_OVER)
            continue;
        engine->step->unfinished += s->has_request;
        s->has_request = false;
        slot_over(s);
    }
    engine->opening = 0;
    engine->opened_upto = engine->slot_count;
    event_base_loopbreak(engine->shared->base);
}

int load_engine_error(const load_engine *engine)
{
    return engine->error;
}
