/* SPDX-License-Identifier: MIT */
/* DESIGN: a small simulation in place of a server: a pool takes tasks first in, first out, a loop takes all at once. So
 * reports can be tested on whole runs, with figures that are known beforehand, in no time. */
#include "tests/unit/load_made.h"

#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

#define S INT64_C(1000000000)
#define PERIOD (3 * S)

enum { WORKERS = 12, TASKS = 3, SAMPLES = 20 };

/* ---- the plan ---- */

static void make_plan(load_made *made, const load_made_as *as)
{
    char *argv[8] = {strdup("tandem-load"), strdup("--follow"), strdup("--label"),
                     strdup(as->levels[0] && as->levels[1] ? "sync,async"
                            : as->levels[0]                ? "sync"
                                                           : "async")};
    int argc = 4;
    for (int i = 0; i < 2; i++) {
        char url[200];
        if (!as->levels[i])
            continue;
        snprintf(url, sizeof url, "%s@http://127.0.0.1:8000/?as_async=%d&note=<b>&period=3", as->levels[i], i);
        argv[argc++] = strdup(url);
    }
    ck_assert_int_eq(load_plan_parse(&made->plan, argc, argv), 0);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    made->plan.options.labels = NULL; /* it pointed there */
    made->plan.rounds = as->rounds;
}

/* ---- tasks ---- */

/* When each task starts: three of a request in a row, on so many threads. */
static void simulate(load_rows *rows, unsigned requests, bool async)
{
    int64_t free_ns[WORKERS] = {0};
    for (unsigned task = 0; task < TASKS; task++) {
        for (unsigned request = 0; request < requests; request++) {
            unsigned worker = (task * requests + request) % WORKERS;
            int64_t ready = task * PERIOD, start = ready;
            if (!async) {
                ready = task ? rows->items[(task - 1) * requests + request].ended_ns : 0;
                start = free_ns[worker] > ready ? free_ns[worker] : ready;
                free_ns[worker] = start + PERIOD;
            }
            load_row row = {.id = request * TASKS + task + 1,
                            .request = request + 1,
                            .ready_ns = ready,
                            .started_ns = start,
                            .ended_ns = start + PERIOD,
                            .thread = async ? 77 : 100 + worker,
                            .state = LOAD_STATE_DONE,
                            .lane = async ? LOAD_LANE_LOOP : LOAD_LANE_POOL};
            ck_assert_int_eq(load_rows_add(rows, &row), 0);
        }
    }
}

static int by_start(const void *a, const void *b)
{
    const load_swim *left = a, *right = b;
    if (left->started_ns != right->started_ns)
        return left->started_ns > right->started_ns ? 1 : -1;
    return (left->id > right->id) - (left->id < right->id);
}

static void keep_swims(load_tasks *tasks, const load_rows *rows)
{
    tasks->swim_count = rows->count < LOAD_SWIMS_MAX ? rows->count : LOAD_SWIMS_MAX;
    tasks->swims_left_out = rows->count - tasks->swim_count;
    tasks->swims = calloc(tasks->swim_count + 1, sizeof *tasks->swims);
    for (size_t i = 0; i < tasks->swim_count; i++) {
        const load_row *row = &rows->items[i];
        tasks->swims[i] = (load_swim){.id = row->id,
                                      .request = row->request,
                                      .ready_ns = row->ready_ns,
                                      .started_ns = row->started_ns,
                                      .ended_ns = row->ended_ns,
                                      .thread = row->thread,
                                      .lane = row->lane,
                                      .state = row->state};
    }
    qsort(tasks->swims, tasks->swim_count, sizeof *tasks->swims, by_start);
}

/* The queue: who is ready and has not started, as a curve of its own. */
static void make_queue(load_curve *queue, const load_rows *rows, load_lane lane)
{
    load_rows waiting = {0};
    for (size_t i = 0; i < rows->count; i++) {
        load_row row = rows->items[i];
        row.ended_ns = row.started_ns;
        row.started_ns = row.ready_ns;
        if (row.ended_ns > row.started_ns && (lane == LOAD_BOTH_LANES || row.lane == lane))
            ck_assert_int_eq(load_rows_add(&waiting, &row), 0);
    }
    ck_assert_int_eq(load_curve_make(queue, &waiting, LOAD_BOTH_LANES), 0);
    ck_assert_int_eq(load_curve_thin(queue, 600), 0);
    load_rows_finish(&waiting);
}

static void sum_up(load_step *step, const load_rows *rows, bool async)
{
    load_tasks *tasks = &step->tasks;
    for (size_t i = 0; i < rows->count; i++) {
        const load_row *row = &rows->items[i];
        tdm_histogram_record(tasks->start_latency, row->started_ns);
        tdm_histogram_record(tasks->queue_wait, row->started_ns - row->ready_ns);
        tdm_histogram_record(tasks->run_time, PERIOD);
        tdm_histogram_record(tasks->completion, row->ended_ns);
        tasks->elapsed_ns = row->ended_ns > tasks->elapsed_ns ? row->ended_ns : tasks->elapsed_ns;
    }
    for (int lane = 0; lane <= LOAD_LANE_COUNT; lane++) {
        load_lane_figures *figures = &tasks->lanes[lane];
        if (lane != LOAD_BOTH_LANES && (lane == LOAD_LANE_LOOP) != async)
            continue;
        figures->tasks = rows->count;
        figures->threads = async ? 1 : rows->count < WORKERS * TASKS ? (unsigned) rows->count / TASKS : WORKERS;
        figures->run_total_ns = (int64_t) rows->count * PERIOD;
        ck_assert_int_eq(load_curve_make(&figures->curve, rows, (load_lane) lane), 0);
        ck_assert_int_eq(load_curve_thin(&figures->curve, 600), 0);
        make_queue(&figures->queue, rows, (load_lane) lane);
        figures->shares[figures->share_count++] = (load_share){1, figures->curve.peak, tasks->elapsed_ns};
    }
    tasks->ideal_ns = tasks->elapsed_ns;
    tasks->drain_ns = tasks->elapsed_ns - 1000000;
    tasks->timed = tasks->clock_same = true;
}

static void make_tasks(load_step *step, unsigned requests, bool async)
{
    load_rows rows = {0};
    simulate(&rows, requests, async);
    step->tasks.follow = LOAD_FOLLOW_COMPLETE;
    step->tasks.promised = step->tasks.states[LOAD_STATE_DONE] = rows.count;
    step->tasks.server =
        (load_server_counts){.known = true, .agrees = true, .accepted = rows.count, .requests = requests};
    step->tasks.server.states[LOAD_STATE_DONE] = rows.count;
    sum_up(step, &rows, async);
    keep_swims(&step->tasks, &rows);
    load_rows_finish(&rows);
}

/* ---- requests ---- */

static void make_responses(load_step *step, uint64_t *random)
{
    for (uint64_t i = 0; i < step->made; i++) {
        double normal = 0;
        for (int k = 0; k < 12; k++)
            normal += (double) (unit_random(random) >> 11) / 9007199254740992.0;
        int64_t ns = (int64_t) (2e5 * exp(0.5 * (normal - 6)) * (1 + step->connections / 200.0));
        tdm_histogram_record(step->uncorrected, ns);
        ns = step->loop == LOAD_LOOP_OPEN && i % 50 == 0 ? ns * 20 : ns;
        tdm_histogram_record(step->latency, ns);
        tdm_histogram_record(step->urls[0].latency, ns);
    }
    tdm_histogram_record(step->send_lag, 20000);
    step->urls[0].made = step->urls[0].succeeded = step->made;
}

static void make_samples(load_step *step, bool async)
{
    step->samples = calloc(SAMPLES, sizeof *step->samples);
    step->sample_count = SAMPLES;
    for (int i = 0; i < SAMPLES; i++) {
        load_sample *s = &step->samples[i];
        *s = (load_sample){.at_ns = i * S / 2,
                           .span_ns = S / 2,
                           .offered = step->rate,
                           .p50_ns = 200000,
                           .p99_ns = 900000,
                           .max_ns = 1000000,
                           .running = {LOAD_UNKNOWN, LOAD_UNKNOWN},
                           .queued = {LOAD_UNKNOWN, LOAD_UNKNOWN}};
        s->made = s->succeeded = step->made / SAMPLES + (i == 7 ? 0 : (uint64_t) i % 3);
        s->running[async ? LOAD_LANE_LOOP : LOAD_LANE_POOL] = 12;
    }
    step->samples[5].p50_ns = step->samples[5].p99_ns = step->samples[5].max_ns = LOAD_UNKNOWN;
}

static void make_trouble(load_step *step)
{
    load_tasks *tasks = &step->tasks;
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        step->errors[i] = (uint64_t) i + 1;
    snprintf(step->error_detail[LOAD_ERROR_PARSE], sizeof step->error_detail[0], "Invalid <method>");
    step->rejected = 3;
    step->retry_after_s = 9;
    step->retry_after_least_s = 1;
    step->made += 3 + load_step_errors(step);
    step->invalid = true;
    snprintf(step->why_invalid, sizeof step->why_invalid, "its busiest thread was on the CPU all the time");
    tdm_histogram_record(step->failed_latency, 5000000);
    tdm_histogram_record(step->failed_uncorrected, 5000000);
    tasks->lost = tasks->unknown = 1;
    tasks->states[LOAD_STATE_DONE] -= tasks->states[LOAD_STATE_DONE] > 1 ? 2 : 0;
    tasks->follow = LOAD_FOLLOW_INCOMPLETE;
    tasks->clock_same = false;
    tasks->clock_offset_ns = 5 * S;
    tasks->clock_error_ns = 1000;
    tasks->server.agrees = false;
    snprintf(tasks->why, sizeof tasks->why, "the server had forgotten 9 ended tasks");
}

static void make_step(load_made *made, const load_made_as *as, unsigned target, unsigned level, unsigned round)
{
    static uint64_t random = 5;
    load_step *step = &made->sweep.steps[made->sweep.step_count++];
    load_level pressed = made->plan.targets[target].levels[level];
    bool async = !strcmp(made->plan.targets[target].label, "async");
    unsigned requests = pressed.connections;
    if (as->open)
        pressed = (load_level){.connections = 50, .rate = pressed.connections};
    ck_assert_int_eq(load_step_init(step, &made->plan.targets[target], target, &pressed), 0);
    step->level_index = level;
    step->round = round;
    step->planned = step->made = step->succeeded = requests;
    step->first_sent_ns = 1000 * S;
    step->last_reply_ns = 1000 * S + S / 100 * (10 + (int64_t) round);
    step->started_wall_ns = INT64_C(1790000000) * S;
    step->cpu_ns = S / 200;
    step->wall_ns = S / 100;
    step->cpu_share = 0.5;
    step->threads = calloc(1, sizeof *step->threads);
    step->threads[0] = (load_thread_part){.thread = 4711,
                                          .connections = pressed.connections,
                                          .made = requests,
                                          .succeeded = requests,
                                          .cpu_ns = S / 200,
                                          .wait_ns = LOAD_UNKNOWN,
                                          .p50_ns = 200000,
                                          .p99_ns = 900000,
                                          .max_ns = 1000000};
    step->thread_count = 1;
    make_responses(step, &random);
    make_samples(step, async);
    if (as->plain) {
        step->tasks.follow = LOAD_FOLLOW_NO_IDS;
        snprintf(step->tasks.why, sizeof step->tasks.why, "GET /tasks?ended_after=now answered 404");
    } else {
        make_tasks(step, requests, async);
    }
}

void load_made_init(load_made *made, const load_made_as *as)
{
    unsigned steps = 0, rounds = as->rounds ? as->rounds : 1;
    *made = (load_made){0};
    make_plan(made, as);
    for (unsigned t = 0; t < made->plan.target_count; t++)
        steps += made->plan.targets[t].level_count * rounds;
    made->sweep.plan = &made->plan;
    made->sweep.steps = calloc(steps + 1, sizeof *made->sweep.steps);
    made->sweep.knees = calloc((size_t) rounds * made->plan.target_count + 1, sizeof *made->sweep.knees);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned t = 0; t < made->plan.target_count; t++) {
            unsigned levels = made->plan.targets[t].level_count;
            for (unsigned level = 0; level < levels; level++)
                make_step(made, as, t, level, round);
            load_knee *knee = &made->sweep.knees[made->sweep.knee_count++];
            *knee = (load_knee){.target_index = t, .round = round, .rule = LOAD_KNEE_NOT_SOUGHT};
            if (levels > 1) {
                *knee = (load_knee){.target_index = t,
                                    .round = round,
                                    .rule = t ? LOAD_KNEE_NONE : LOAD_KNEE_QUEUE,
                                    .step = made->sweep.step_count - 1,
                                    .value = 48,
                                    .limit = 12};
                snprintf(knee->words, sizeof knee->words,
                         t ? "every step kept up" : "past 20 connections the queue of tasks kept growing");
            }
        }
    }
    if (as->troubled)
        make_trouble(&made->sweep.steps[made->sweep.step_count - 1]);
}

void load_made_finish(load_made *made)
{
    for (unsigned i = 0; i < made->sweep.step_count; i++)
        load_step_finish(&made->sweep.steps[i]);
    free(made->sweep.steps);
    free(made->sweep.knees);
    load_plan_finish(&made->plan);
}

char *load_made_text(int (*write)(FILE *to, const load_sweep *sweep), const load_made *made)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(to);
    ck_assert_int_eq(write(to, &made->sweep), 0);
    ck_assert_int_eq(fclose(to), 0);
    return text;
}
