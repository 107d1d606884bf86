/* SPDX-License-Identifier: MIT */
/* DESIGN: /stats is asked before the step, a few times a second while it runs, and after it. One answer does for three
 * things: the gauges that the live view shows; the counts whose difference is held against what the replies promised;
 * and the time that the answer took, which is how long a short request waits for the server's loops (all of them: the
 * server asks each for its part). A server without such a page is not asked again, and nothing is claimed. */
#include "load/vitals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>
#include <tandem/json.h>

#define BODY_LIMIT ((size_t) 1024 * 1024)
#define ASK_EVERY_NS (INT64_C(200) * 1000 * 1000)
#define ANSWER_NS (5 * TDM_NS_PER_S)
#define REFUSALS_MOST 3

typedef struct counts {
    int64_t accepted, rejected, requests;
    int64_t states[LOAD_STATE_COUNT];
    int64_t running[LOAD_LANE_COUNT], queued[LOAD_LANE_COUNT];
} counts;

struct load_vitals {
    load_step *step;
    load_link *link;
    char *request;
    counts first, last;
    bool wanted;  /* an answer is awaited by the sweep */
    bool regular; /* the step runs: ask every so often */
    bool pending, known, none;
    bool restarted;    /* the difference of first and last says nothing */
    bool stale;        /* the answer that is on its way was asked for too early to count */
    unsigned refusals; /* failures in a row */
    uint64_t asked;    /* since the first answer */
    int64_t asked_ns, next_ns;
};

static void give_up(load_vitals *v)
{
    v->none = true;
    v->wanted = v->regular = v->pending = false;
}

static void ask(load_vitals *v)
{
    v->pending = true;
    if (load_link_state_of(v->link) == LOAD_LINK_CLOSED) {
        if (load_link_open(v->link, v->step->target) < 0)
            give_up(v);
        return;
    }
    v->asked_ns = tdm_clock_ns();
    v->asked++;
    load_link_send(v->link,
                   &(load_bytes){.data = v->request, .size = strlen(v->request), .requests = 1, .lasting = true});
    load_link_set_deadline(v->link, v->asked_ns + ANSWER_NS);
}

/* ---- answers ---- */

static bool read_lane(const tdm_json *lane, counts *into, load_lane which)
{
    const tdm_json *lifetime = tdm_json_get(lane, "lifetime");
    int64_t accepted, rejected, value;
    if (!tdm_json_as_int(tdm_json_get(lifetime, "accepted"), &accepted) ||
        !tdm_json_as_int(tdm_json_get(lifetime, "rejected"), &rejected) ||
        !tdm_json_as_int(tdm_json_get(lane, "running"), &into->running[which]) ||
        !tdm_json_as_int(tdm_json_get(lane, "queued"), &into->queued[which]))
        return false;
    into->accepted += accepted;
    into->rejected += rejected;
    for (int i = 0; i < LOAD_STATE_COUNT; i++) {
        if (!tdm_json_as_int(tdm_json_get(lifetime, load_state_name((load_state) i)), &value))
            return false;
        into->states[i] += value;
    }
    return true;
}

static bool read_counts(counts *into, const char *text, size_t size)
{
    tdm_json *root = NULL;
    *into = (counts){0};
    if (tdm_json_parse(&root, text, size, NULL) < 0)
        return false;
    const tdm_json *lanes = tdm_json_get(root, "lanes");
    bool good = tdm_json_as_int(tdm_json_get(tdm_json_get(root, "http"), "requests"), &into->requests);
    for (int lane = 0; lane < LOAD_LANE_COUNT && good; lane++)
        good = read_lane(tdm_json_get(lanes, load_lane_name((load_lane) lane)), into, (load_lane) lane);
    tdm_json_destroy(&root);
    return good;
}

/* Counts that went back are of a server that was restarted meanwhile. */
static bool went_back(const counts *first, const counts *last)
{
    bool back =
        last->accepted < first->accepted || last->rejected < first->rejected || last->requests < first->requests;
    for (int i = 0; i < LOAD_STATE_COUNT; i++)
        back = back || (load_state_ended((load_state) i) && last->states[i] < first->states[i]);
    return back;
}

static void on_opened(void *arg)
{
    ask(arg);
}

static void on_replied(void *arg, const load_reply *reply)
{
    load_vitals *v = arg;
    counts now;
    size_t size;
    const char *body = load_link_body(v->link, &size);
    v->pending = false;
    if (reply->status != 200 || !read_counts(&now, body, size)) {
        give_up(v);
        return;
    }
    tdm_histogram_record(v->step->tasks.loop_lag, tdm_clock_ns() - v->asked_ns);
    v->restarted = v->restarted || (v->known && went_back(&v->last, &now));
    if (!v->known) {
        v->first = now;
        v->asked = 0;
    }
    v->last = now;
    v->known = true;
    v->wanted = v->wanted && v->stale;
    v->stale = false;
    v->refusals = 0;
    v->next_ns = v->wanted ? 0 : v->asked_ns + ASK_EVERY_NS;
}

static void on_failed(void *arg, const load_failure *failure)
{
    load_vitals *v = arg;
    bool stale = failure->untouched && failure->had_replies; /* an idle connection that the server closed */
    v->pending = false;
    v->next_ns = stale ? 0 : tdm_clock_ns() + ASK_EVERY_NS;
    if (!stale && ++v->refusals >= REFUSALS_MOST)
        give_up(v);
}

/* ---- phases ---- */

static const load_link_calls calls = {.opened = on_opened, .replied = on_replied, .failed = on_failed};

int load_vitals_create(load_vitals **out, const load_link_shared *shared, load_step *step)
{
    load_vitals *v = calloc(1, sizeof *v);
    if (!v)
        return -ENOMEM;
    v->step = step;
    v->request = load_target_get(step->target, "/stats");
    if (!v->request || load_link_create(&v->link, shared, BODY_LIMIT, &calls, v) < 0) {
        load_vitals_destroy(&v);
        return -ENOMEM;
    }
    *out = v;
    return 0;
}

void load_vitals_destroy(load_vitals **vitals)
{
    if (!*vitals)
        return;
    load_link_destroy(&(*vitals)->link);
    free((*vitals)->request);
    free(*vitals);
    *vitals = NULL;
}

void load_vitals_begin(load_vitals *v)
{
    v->wanted = v->regular = true;
    ask(v);
}

void load_vitals_finish(load_vitals *v)
{
    v->regular = false;
    v->wanted = v->known && !v->none;
    v->stale = v->pending;
    v->next_ns = 0;
    if (v->wanted && !v->pending)
        ask(v);
}

bool load_vitals_busy(const load_vitals *v)
{
    return v->wanted;
}

void load_vitals_tick(load_vitals *v, int64_t now_ns)
{
    load_link_tick(v->link, now_ns);
    if (!v->none && !v->pending && (v->wanted || v->regular) && now_ns >= v->next_ns)
        ask(v);
}

void load_vitals_stop(load_vitals *v)
{
    v->wanted = v->regular = v->pending = false;
    load_link_close(v->link);
}

void load_vitals_gauges(const load_vitals *v, int64_t running[LOAD_LANE_COUNT], int64_t queued[LOAD_LANE_COUNT])
{
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++) {
        running[lane] = v && v->known && !v->none ? v->last.running[lane] : LOAD_UNKNOWN;
        queued[lane] = v && v->known && !v->none ? v->last.queued[lane] : LOAD_UNKNOWN;
    }
}

void load_vitals_conclude(const load_vitals *v, uint64_t others, uint64_t warmup_tasks)
{
    load_tasks *tasks = &v->step->tasks;
    load_server_counts *server = &tasks->server;
    if (!v->known || v->none || v->restarted)
        return;
    server->known = true;
    server->accepted = (uint64_t) (v->last.accepted - v->first.accepted);
    server->rejected = (uint64_t) (v->last.rejected - v->first.rejected);
    int64_t requests = v->last.requests - v->first.requests - (int64_t) (v->asked + others);
    server->requests = requests > 0 ? (uint64_t) requests : 0;
    server->agrees = server->accepted == tasks->promised + warmup_tasks;
    for (int i = 0; i < LOAD_STATE_COUNT; i++) {
        bool ended = load_state_ended((load_state) i);
        server->states[i] = (uint64_t) (v->last.states[i] - (ended ? v->first.states[i] : 0));
        if (ended && !warmup_tasks)
            server->agrees = server->agrees && server->states[i] == tasks->states[i];
    }
}
