/* SPDX-License-Identifier: MIT */
/* DESIGN: the record of one step, and the few sums that more than one report needs, so that no two reports can
 * disagree. */
#include "load/result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#define LONGEST_NS (INT64_C(7) * 86400 * TDM_NS_PER_S)

enum { HISTOGRAMS = 10 };

static void list_histograms(load_step *step, tdm_histogram **list[HISTOGRAMS])
{
    load_tasks *tasks = &step->tasks;
    tdm_histogram **all[HISTOGRAMS] = {
        &step->latency,        &step->uncorrected, &step->failed_latency, &step->failed_uncorrected, &step->send_lag,
        &tasks->start_latency, &tasks->queue_wait, &tasks->run_time,      &tasks->completion,        &tasks->loop_lag};
    memcpy(list, all, sizeof all);
}

int load_histogram_create(tdm_histogram **out)
{
    return tdm_histogram_create(out, LONGEST_NS, 3);
}

static int create_urls(load_step *step)
{
    step->urls = calloc(step->target->request_count + 1, sizeof *step->urls);
    if (!step->urls)
        return -ENOMEM;
    for (; step->url_count < step->target->request_count; step->url_count++)
        if (load_histogram_create(&step->urls[step->url_count].latency) < 0)
            return -ENOMEM;
    return 0;
}

int load_step_init(load_step *step, const load_target *target, unsigned target_index, const load_level *level)
{
    tdm_histogram **histograms[HISTOGRAMS];
    *step = (load_step){.target = target,
                        .target_index = target_index,
                        .connections = level->connections,
                        .rate = level->rate,
                        .planned = level->requests,
                        .loop = level->rate > 0 ? LOAD_LOOP_OPEN : LOAD_LOOP_CLOSED,
                        .retry_after_s = -1,
                        .retry_after_least_s = -1};
    list_histograms(step, histograms);
    int err = create_urls(step);
    for (int i = 0; i < HISTOGRAMS && !err; i++)
        err = load_histogram_create(histograms[i]);
    if (err)
        load_step_finish(step);
    return err;
}

void load_step_finish(load_step *step)
{
    tdm_histogram **histograms[HISTOGRAMS];
    list_histograms(step, histograms);
    for (int i = 0; i < HISTOGRAMS; i++)
        tdm_histogram_destroy(histograms[i]);
    for (unsigned i = 0; i < step->url_count; i++)
        tdm_histogram_destroy(&step->urls[i].latency);
    for (int i = 0; i <= LOAD_LANE_COUNT; i++) {
        load_curve_finish(&step->tasks.lanes[i].curve);
        load_curve_finish(&step->tasks.lanes[i].queue);
    }
    free(step->urls);
    free(step->threads);
    free(step->samples);
    free(step->tasks.swims);
    load_promises_finish(&step->promises);
    *step = (load_step){0};
}

const char *load_loop_name(load_loop loop)
{
    return loop == LOAD_LOOP_OPEN ? "open" : "closed";
}

const char *load_knee_rule_name(load_knee_rule rule)
{
    static const char *const names[] = {"not_sought", "none", "rate", "queue", "latency"};
    return names[rule];
}

uint64_t load_step_errors(const load_step *step)
{
    uint64_t sum = 0;
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        sum += step->errors[i];
    return sum;
}

uint64_t load_step_answered(const load_step *step)
{
    return step->succeeded + step->rejected + step->errors[LOAD_ERROR_STATUS_4XX] + step->errors[LOAD_ERROR_STATUS_5XX];
}

uint64_t load_step_unanswered(const load_step *step)
{
    return step->made - load_step_answered(step) - step->errors[LOAD_ERROR_CONNECT] - step->unfinished;
}

double load_step_rate(const load_step *step)
{
    int64_t span = step->last_reply_ns - step->first_sent_ns;
    return load_step_answered(step) && span > 0 ? (double) load_step_answered(step) / tdm_s_from_ns(span) : 0;
}

double load_step_kept_up(const load_step *step)
{
    uint64_t asked = step->made + step->unsent;
    return step->loop == LOAD_LOOP_OPEN && asked ? (double) step->made / (double) asked : 1;
}

uint64_t load_step_tasks_failed(const load_step *step)
{
    const uint64_t *states = step->tasks.states;
    return states[LOAD_STATE_FAILED] + states[LOAD_STATE_TIMED_OUT] + states[LOAD_STATE_DROPPED] +
           states[LOAD_STATE_ABANDONED];
}

bool load_step_failed(const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    return load_step_errors(step) || step->unfinished || step->interrupted || step->target_gone || step->bad_promises ||
           (step->rejected && !step->succeeded) || tasks->lost || tasks->follow == LOAD_FOLLOW_INCOMPLETE ||
           load_step_tasks_failed(step);
}

bool load_step_has_runs(const load_step *step)
{
    return step->tasks.lanes[LOAD_BOTH_LANES].curve.count > 0;
}
