/* SPDX-License-Identifier: MIT */
/* DESIGN: the order of things. For each target: is it there? For each of its steps: open the connections, ask where
 * the list of ended tasks stands, send, follow, sum up. One event loop, one timer that ticks for everyone (deadlines,
 * polls, progress), so that no request costs a timer of its own. A target that gave not one complete reply in a step
 * gets no further steps: they would only wait for the same. */
#include "load/sweep.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <tandem/clock.h>

#include "load/engine.h"
#include "load/follow.h"

#define BUFFER_SIZE ((size_t) 256 * 1024)
#define TICK_US (20 * 1000)

typedef struct runner {
    load_sweep *sweep;
    const load_sweep_calls *calls;
    void *arg;
    load_link_shared shared;
    struct event *ticker, *signals[2];
    load_engine *engine; /* of the step that runs */
    load_follow *follow; /* of the step that runs, or NULL */
    load_step *step;
    bool following; /* the requests are done */
} runner;

static void tell(runner *r, int64_t now)
{
    const load_step *step = r->step;
    load_live live = {.step = step,
                      .phase = r->following ? LOAD_PHASE_FOLLOWING : LOAD_PHASE_MEASURING,
                      .now_ns = now,
                      .made = step->made,
                      .succeeded = step->succeeded,
                      .rejected = step->rejected,
                      .failed = load_step_errors(step),
                      .tasks_promised = step->promises.total,
                      .tasks_ended = r->follow ? load_follow_ended(r->follow) : 0};
    r->calls->tick(r->arg, &live);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    runner *r = arg;
    int64_t now = tdm_clock_ns();
    (void) fd;
    (void) what;
    if (r->engine)
        load_engine_tick(r->engine, now);
    if (r->follow)
        load_follow_tick(r->follow, now);
    if (r->step && r->calls->tick)
        tell(r, now);
}

/* The first signal stops the run; libevent then restores what the signal did before, so that a second one ends us. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
    runner *r = arg;
    (void) number;
    (void) what;
    event_del(r->signals[0]);
    event_del(r->signals[1]);
    r->sweep->interrupted = true;
    if (r->engine && !r->following)
        load_engine_stop(r->engine);
    if (r->step)
        r->step->interrupted = true;
    if (r->follow)
        load_follow_stop(r->follow);
    event_base_loopbreak(r->shared.base);
}

/* ---- one step ---- */

static void loop_engine(runner *r)
{
    while (load_engine_busy(r->engine) && !r->sweep->interrupted)
        event_base_dispatch(r->shared.base);
}

static void loop_follow(runner *r)
{
    while (load_follow_busy(r->follow) && !r->sweep->interrupted)
        event_base_dispatch(r->shared.base);
}

static int conclude(runner *r)
{
    load_step *step = r->step;
    if (r->follow)
        return load_follow_conclude(r->follow);
    int err = load_promises_settle(&step->promises);
    step->tasks.promised = step->promises.total;
    return err;
}

static int drive(runner *r)
{
    const load_options *options = &r->sweep->plan->options;
    load_engine_open(r->engine);
    loop_engine(r);
    if (r->follow && !r->sweep->interrupted) {
        load_follow_begin(r->follow);
        loop_follow(r);
    }
    if (!r->sweep->interrupted)
        load_engine_drive(r->engine);
    loop_engine(r);
    r->following = true;
    int err = load_engine_error(r->engine);
    if (err || !r->follow)
        return err ? err : conclude(r);
    load_follow_finish(r->follow, tdm_ns_from_s(options->follow_timeout_s));
    loop_follow(r);
    return conclude(r);
}

static int run_step(runner *r, load_step *step)
{
    const load_options *options = &r->sweep->plan->options;
    const load_engine_limits limits = {.timeout_ns = tdm_ns_from_s(options->timeout_s)};
    step->duration_s = options->duration_s;
    step->planned = options->requests ? options->requests : options->duration_s > 0 ? 0 : step->connections;
    r->step = step;
    r->following = false;
    if (r->calls->begun)
        r->calls->begun(r->arg, step);
    int err = load_engine_create(&r->engine, &r->shared, &limits, step);
    if (!err && options->follow)
        err = load_follow_create(&r->follow, &r->shared, step);
    if (!err)
        err = drive(r);
    load_follow_destroy(&r->follow);
    load_engine_destroy(&r->engine);
    r->step = NULL;
    if (!err && r->calls->ended)
        r->calls->ended(r->arg, step);
    return err;
}

/* ---- all steps ---- */

/* The commonest failure of a step, in one line. */
static void name_failure(load_sweep *sweep, const load_step *step)
{
    load_error worst = LOAD_ERROR_CONNECT;
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        if (step->errors[i] > step->errors[worst])
            worst = (load_error) i;
    const char *detail = step->error_detail[worst];
    snprintf(sweep->why, sizeof sweep->why, "%s: none of %" PRIu64 " requests got a reply as promised: %s%s%s%s",
             step->target->url.authority, step->made, load_error_text(worst), *detail ? " (" : "", detail,
             *detail ? ")" : "");
}

static void judge_target(load_sweep *sweep, const load_step *step)
{
    if (step->tasks.broken) {
        sweep->unreachable = true;
        snprintf(sweep->why, sizeof sweep->why, "%s: its replies promise tasks, but %s", step->target->url.authority,
                 step->tasks.why);
    } else if (!load_step_answered(step) && load_step_errors(step)) {
        sweep->unreachable = true;
        name_failure(sweep, step);
    }
}

static int run_target(runner *r, unsigned index)
{
    load_sweep *sweep = r->sweep;
    const load_plan *plan = sweep->plan;
    load_target *target = &plan->targets[index];
    char why[300];
    if (load_target_reach(target, plan->options.connect_timeout_s, why, sizeof why) < 0) {
        sweep->unreachable = true;
        snprintf(sweep->why, sizeof sweep->why, "%s", why);
        return 0;
    }
    for (unsigned i = 0; i < target->level_count && !sweep->interrupted; i++) {
        load_step *step = &sweep->steps[sweep->step_count];
        int err = load_step_init(step, target, index, &target->levels[i]);
        if (err)
            return err;
        for (unsigned k = 0; k < i; k++)
            step->repeat += target->levels[k].connections == target->levels[i].connections;
        sweep->step_count++;
        err = run_step(r, step);
        if (err)
            return err;
        judge_target(sweep, step);
        if (step->target_gone || !load_step_answered(step))
            break;
    }
    return 0;
}

static int prepare(runner *r)
{
    const struct timeval period = {.tv_usec = TICK_US};
    static const int numbers[2] = {SIGINT, SIGTERM};
    r->shared.base = event_base_new();
    r->shared.buffer = malloc(BUFFER_SIZE);
    if (!r->shared.base || !r->shared.buffer)
        return -ENOMEM;
    r->shared.buffer_size = BUFFER_SIZE;
    r->shared.connect_timeout_ns = tdm_ns_from_s(r->sweep->plan->options.connect_timeout_s);
    r->ticker = event_new(r->shared.base, -1, EV_PERSIST, on_tick, r);
    if (!r->ticker || event_add(r->ticker, &period) < 0)
        return -ENOMEM;
    for (int i = 0; i < 2; i++) {
        r->signals[i] = evsignal_new(r->shared.base, numbers[i], on_signal, r);
        if (!r->signals[i] || event_add(r->signals[i], NULL) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void clean_up(runner *r)
{
    for (int i = 0; i < 2; i++)
        if (r->signals[i])
            event_free(r->signals[i]);
    if (r->ticker)
        event_free(r->ticker);
    if (r->shared.base)
        event_base_free(r->shared.base);
    free(r->shared.buffer);
}

int load_sweep_run(load_sweep *sweep, const load_plan *plan, const load_sweep_calls *calls, void *arg)
{
    *sweep = (load_sweep){.plan = plan};
    runner r = {.sweep = sweep, .calls = calls, .arg = arg};
    size_t steps = 0;
    for (unsigned i = 0; i < plan->target_count; i++)
        steps += plan->targets[i].level_count;
    assert(steps); /* every target has a count */
    sweep->steps = calloc(steps, sizeof *sweep->steps);
    int err = sweep->steps ? prepare(&r) : -ENOMEM;
    for (unsigned i = 0; i < plan->target_count && !err && !sweep->interrupted && !sweep->unreachable; i++)
        err = run_target(&r, i);
    clean_up(&r);
    return err;
}

void load_sweep_finish(load_sweep *sweep)
{
    for (unsigned i = 0; i < sweep->step_count; i++)
        load_step_finish(&sweep->steps[i]);
    free(sweep->steps);
    *sweep = (load_sweep){0};
}

bool load_sweep_failed(const load_sweep *sweep)
{
    bool failed = sweep->interrupted;
    for (unsigned i = 0; i < sweep->step_count; i++)
        failed = failed || load_step_failed(&sweep->steps[i]);
    return failed;
}

int load_sweep_status(const load_sweep *sweep)
{
    return sweep->unreachable ? 3 : load_sweep_failed(sweep);
}
