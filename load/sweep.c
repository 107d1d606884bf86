/* SPDX-License-Identifier: MIT */
/* DESIGN: the order of things. This thread runs no load: it gives the load threads their orders, reads the list of
 * ended tasks and the server's figures, tells the caller how it goes, and hears signals; all of it from one poll and
 * one tick, so that nothing here can hold up a measured request. A step is: open the connections, mark the place in the
 * list of tasks, send, follow the tasks to their end, judge. */
#include "load/sweep.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "load/engine.h"
#include "load/follow.h"
#include "load/judge.h"
#include "load/series.h"
#include "load/vitals.h"

#define BUFFER_SIZE ((size_t) 256 * 1024)
#define TICK_NS (INT64_C(20) * 1000 * 1000)
#define TELL_NS (INT64_C(50) * 1000 * 1000)

typedef struct runner {
    load_source done; /* first: the engine's descriptor */
    load_sweep *sweep;
    const load_sweep_calls *calls;
    void *arg;
    load_link_shared shared;
    load_engine *engine;
    tdm_histogram *window;
    int64_t tick_ns, tell_ns, phase_since_ns;
    /* of the step that runs */
    load_step *step;
    load_follow *follow; /* or NULL */
    load_vitals *vitals; /* or NULL */
    load_series series;
    load_job job;
    load_phase phase;
    uint64_t asked_before; /* by the follower, before the server's counts were read */
    bool opening, following;
} runner;

/* ---- signals ---- */

static volatile sig_atomic_t caught;

/* The first one stops the run; from then on they do what they did before, so that a second one ends us. */
static void on_signal(int number)
{
    (void) number;
    caught = 1;
}

typedef struct handlers {
    struct sigaction before[2];
} handlers;

static const int signals[2] = {SIGINT, SIGTERM};

static void listen_to_signals(handlers *h)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int) SA_RESETHAND};
    caught = 0;
    for (int i = 0; i < 2; i++)
        sigaction(signals[i], &action, &h->before[i]);
}

static void restore_signals(const handlers *h)
{
    for (int i = 0; i < 2; i++)
        sigaction(signals[i], &h->before[i], NULL);
}

static void stop(runner *r)
{
    static const struct sigaction usual = {.sa_handler = SIG_DFL};
    if (r->sweep->interrupted)
        return;
    for (int i = 0; i < 2; i++)
        sigaction(signals[i], &usual, NULL);
    r->sweep->interrupted = true;
    load_engine_stop(r->engine);
    if (r->step)
        r->step->interrupted = true;
    if (r->follow)
        load_follow_stop(r->follow);
    if (r->vitals)
        load_vitals_stop(r->vitals);
}

/* ---- turns ---- */

static void on_engine_done(load_source *source, uint32_t events)
{
    runner *r = (runner *) source;
    (void) events;
    load_engine_noticed(r->engine);
}

static void look(runner *r, load_live *live)
{
    *live = (load_live){.step = r->step,
                        .step_number = (unsigned) (r->step - r->sweep->steps) + 1,
                        .step_total = load_plan_steps(r->sweep->plan),
                        .following = r->follow && load_follow_has_list(r->follow)};
    load_engine_look(r->engine, live, r->window);
    load_vitals_gauges(r->vitals, live->tasks_running, live->tasks_queued);
    live->now_ns = tdm_clock_ns();
    if (r->opening)
        live->phase = LOAD_PHASE_OPENING;
    if (r->following)
        live->phase = LOAD_PHASE_FOLLOWING;
    if (live->phase != r->phase) {
        r->phase = live->phase;
        r->phase_since_ns = live->now_ns;
    }
    live->phase_ns = live->now_ns - r->phase_since_ns;
    live->tasks_promised = r->step->promises.total;
    live->tasks_ended = r->follow ? load_follow_ended(r->follow) : 0;
}

static void fill_last_slice(const runner *r, load_live *live)
{
    const load_sample *items = r->series.items;
    live->p50_ns = live->p99_ns = LOAD_UNKNOWN;
    live->samples = items;
    live->sample_count = r->series.count;
    if (!r->series.count)
        return;
    const load_sample *last = &items[r->series.count - 1];
    live->rate = (double) (last->succeeded + last->rejected) / tdm_s_from_ns(last->span_ns);
    for (size_t i = r->series.count; i-- > 0 && live->p50_ns == LOAD_UNKNOWN;) {
        live->p50_ns = items[i].p50_ns;
        live->p99_ns = items[i].p99_ns;
    }
}

static void show(runner *r, load_live *live)
{
    fill_last_slice(r, live);
    if (r->calls->tick)
        r->calls->tick(r->arg, live);
}

static void tell(runner *r)
{
    load_live live;
    look(r, &live);
    if (!r->opening && load_series_due(&r->series, live.now_ns)) {
        load_series_add(&r->series, &live, r->window, live.now_ns);
        tdm_histogram_reset(r->window);
    }
    show(r, &live);
}

static void tell_end(runner *r)
{
    load_live live;
    look(r, &live);
    load_series_add_rest(&r->series, &live, r->window, live.now_ns);
    show(r, &live);
}

static void turn(runner *r)
{
    (void) load_poller_find(r->shared.poll, r->tick_ns - tdm_clock_ns()); /* a signal ends the wait early */
    load_poller_tell(r->shared.poll);
    int64_t now = tdm_clock_ns();
    if (caught)
        stop(r);
    if (now < r->tick_ns)
        return;
    r->tick_ns = now + TICK_NS;
    /* While a step opens it only looks for its place in the list: what it asks later is counted from the step's begin on. */
    if (r->follow && (!r->opening || load_follow_busy(r->follow)))
        load_follow_tick(r->follow, now);
    if (r->vitals)
        load_vitals_tick(r->vitals, now);
    if (now >= r->tell_ns) {
        r->tell_ns = now + TELL_NS;
        tell(r);
    }
}

static void await_engine(runner *r)
{
    while (load_engine_busy(r->engine))
        turn(r);
}

static void await_follow(runner *r)
{
    while (!r->sweep->interrupted && load_follow_busy(r->follow))
        turn(r);
}

static void await_vitals(runner *r)
{
    while (!r->sweep->interrupted && load_vitals_busy(r->vitals))
        turn(r);
}

/* ---- one step ---- */

static int conclude(runner *r)
{
    load_step *step = r->step;
    if (!r->follow) {
        int err = load_promises_settle(&step->promises);
        step->tasks.promised = step->promises.total;
        return err;
    }
    r->following = true;
    load_follow_finish(r->follow, tdm_ns_from_s(r->sweep->plan->options.follow_timeout_s));
    await_follow(r);
    int err = load_follow_conclude(r->follow);
    if (err)
        return err;
    load_vitals_finish(r->vitals);
    await_vitals(r);
    if (!step->interrupted)
        load_vitals_conclude(r->vitals, load_follow_asked(r->follow) - r->asked_before,
                             load_engine_warmup_tasks(r->engine));
    return 0;
}

static int drive(runner *r)
{
    load_step *step = r->step;
    r->opening = true;
    int err = load_engine_open(r->engine, &r->job);
    if (err)
        return err;
    await_engine(r);
    if (r->follow && !r->sweep->interrupted) {
        load_follow_begin(r->follow);
        await_follow(r);
        if (load_follow_has_list(r->follow))
            load_vitals_begin(r->vitals);
        await_vitals(r);
        r->asked_before = load_follow_asked(r->follow);
    }
    r->opening = false;
    step->started_wall_ns = tdm_clock_wall_ns();
    err = load_series_init(&r->series, step, tdm_clock_ns());
    if (err)
        return err;
    tdm_histogram_reset(r->window); /* of what the step before left in it */
    if (caught)                     /* maybe while nobody had to wait */
        stop(r);
    if (!r->sweep->interrupted)
        load_engine_drive(r->engine);
    await_engine(r);
    err = load_engine_conclude(r->engine, step);
    if (!err)
        err = conclude(r);
    tell_end(r);
    load_series_finish(&r->series, step);
    return err;
}

static load_job make_job(const runner *r, const load_step *step)
{
    const load_options *options = &r->sweep->plan->options;
    return (load_job){.target = step->target,
                      .level = {step->connections, step->rate},
                      .arrivals = step->arrivals,
                      .requests = step->planned,
                      .duration_ns = tdm_ns_from_s(step->duration_s),
                      .warmup_ns = tdm_ns_from_s(step->warmup_s),
                      .ramp_ns = tdm_ns_from_s(step->ramp_s),
                      .timeout_ns = tdm_ns_from_s(options->timeout_s),
                      .pipeline = options->pipeline,
                      .reconnect = options->reconnect,
                      .seed = options->seed,
                      .batching = options->batching / 100.0,
                      .step = step,
                      .log = r->calls->log,
                      .log_arg = r->arg};
}

static int run_step(runner *r, load_step *step)
{
    const load_options *options = &r->sweep->plan->options;
    step->duration_s = options->duration_s;
    step->warmup_s = options->warmup_s;
    step->ramp_s = options->ramp_s;
    step->arrivals = (load_arrivals) options->arrivals;
    if (!step->planned)
        step->planned = options->requests ? options->requests : options->duration_s > 0 ? 0 : step->connections;
    r->job = make_job(r, step);
    r->step = step;
    r->following = false;
    r->tick_ns = r->tell_ns = 0;
    r->phase_since_ns = tdm_clock_ns();
    if (r->calls->begun)
        r->calls->begun(r->arg, step);
    int err = options->follow ? load_follow_create(&r->follow, &r->shared, step) : 0;
    if (!err && options->follow)
        err = load_vitals_create(&r->vitals, &r->shared, step);
    if (!err)
        err = drive(r);
    load_follow_destroy(&r->follow);
    load_vitals_destroy(&r->vitals);
    free(r->series.items);
    r->series = (load_series){0};
    r->step = NULL;
    load_judge_step(step, options);
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

static bool same_level(const load_level *a, const load_level *b)
{
    return a->connections == b->connections && a->rate == b->rate && a->requests == b->requests;
}

static load_step *next_step(runner *r, unsigned index, unsigned level, unsigned round)
{
    load_sweep *sweep = r->sweep;
    const load_target *target = &sweep->plan->targets[index];
    load_step *step = &sweep->steps[sweep->step_count];
    if (load_step_init(step, target, index, &target->levels[level]) < 0)
        return NULL;
    step->level_index = level;
    step->round = round;
    for (unsigned k = 0; k < level; k++)
        step->repeat += same_level(&target->levels[k], &target->levels[level]);
    sweep->step_count++;
    return step;
}

static int run_levels(runner *r, unsigned index, unsigned round, load_knee *knee)
{
    load_sweep *sweep = r->sweep;
    const load_target *target = &sweep->plan->targets[index];
    const load_options *options = &sweep->plan->options;
    unsigned first = sweep->step_count;
    for (unsigned i = 0; i < target->level_count && !sweep->interrupted; i++) {
        load_step *step = next_step(r, index, i, round);
        int err = step ? run_step(r, step) : -ENOMEM;
        if (err)
            return err;
        judge_target(sweep, step);
        load_judge_knee(knee, sweep, first, options);
        bool past = knee->rule >= LOAD_KNEE_RATE;
        if (step->target_gone || !load_step_answered(step) || (past && options->until_knee))
            break;
    }
    return 0;
}

static int run_target(runner *r, unsigned index, unsigned round)
{
    load_sweep *sweep = r->sweep;
    const load_options *options = &sweep->plan->options;
    load_target *target = &sweep->plan->targets[index];
    char why[300];
    if (!target->address_size &&
        load_target_reach(target, options->unix_path, options->connect_timeout_s, why, sizeof why) < 0) {
        sweep->unreachable = true;
        snprintf(sweep->why, sizeof sweep->why, "%s", why);
        return 0;
    }
    load_knee *knee = &sweep->knees[sweep->knee_count++];
    *knee = (load_knee){.target_index = index, .round = round};
    return run_levels(r, index, round, knee);
}

static int prepare(runner *r)
{
    const load_options *options = &r->sweep->plan->options;
    int64_t connect_timeout_ns = tdm_ns_from_s(options->connect_timeout_s);
    r->shared.buffer = malloc(BUFFER_SIZE);
    r->shared.buffer_size = BUFFER_SIZE;
    r->shared.connect_timeout_ns = connect_timeout_ns;
    r->done.ready = on_engine_done;
    int err = r->shared.buffer ? load_poller_create(&r->shared.poll) : -ENOMEM;
    if (!err)
        err = load_engine_window(&r->window);
    if (!err)
        err = load_engine_create(&r->engine, options->threads, connect_timeout_ns);
    if (!err)
        err = load_poller_add(r->shared.poll, load_engine_fd(r->engine), &r->done);
    return err;
}

static void clean_up(runner *r)
{
    load_engine_destroy(&r->engine);
    load_poller_destroy(&r->shared.poll);
    tdm_histogram_destroy(&r->window);
    free(r->shared.buffer);
}

static int run_rounds(runner *r)
{
    const load_plan *plan = r->sweep->plan;
    int err = 0;
    for (unsigned round = 0; round < plan->rounds; round++)
        for (unsigned i = 0; i < plan->target_count; i++)
            if (!err && !r->sweep->interrupted && !r->sweep->unreachable)
                err = run_target(r, i, round);
    return err;
}

int load_sweep_run(load_sweep *sweep, const load_plan *plan, const load_sweep_calls *calls, void *arg)
{
    handlers before;
    *sweep = (load_sweep){.plan = plan};
    runner r = {.sweep = sweep, .calls = calls, .arg = arg};
    assert(load_plan_steps(plan)); /* every target has a level */
    sweep->steps = calloc(load_plan_steps(plan), sizeof *sweep->steps);
    sweep->knees = calloc((size_t) plan->rounds * plan->target_count, sizeof *sweep->knees);
    int err = sweep->steps && sweep->knees ? prepare(&r) : -ENOMEM;
    if (!err) {
        listen_to_signals(&before);
        err = run_rounds(&r);
        restore_signals(&before);
    }
    clean_up(&r);
    return err;
}

void load_sweep_finish(load_sweep *sweep)
{
    for (unsigned i = 0; i < sweep->step_count; i++)
        load_step_finish(&sweep->steps[i]);
    free(sweep->steps);
    free(sweep->knees);
    *sweep = (load_sweep){0};
}

bool load_sweep_failed(const load_sweep *sweep)
{
    bool failed = sweep->interrupted;
    for (unsigned i = 0; i < sweep->step_count; i++)
        failed = failed || load_step_failed(&sweep->steps[i]);
    return failed;
}

bool load_sweep_invalid(const load_sweep *sweep)
{
    bool invalid = false;
    for (unsigned i = 0; i < sweep->step_count; i++)
        invalid = invalid || sweep->steps[i].invalid;
    return invalid;
}

int load_sweep_status(const load_sweep *sweep)
{
    return sweep->unreachable ? 3 : load_sweep_failed(sweep) ? 1 : load_sweep_invalid(sweep) ? 4 : 0;
}
