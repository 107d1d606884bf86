/* SPDX-License-Identifier: MIT */
/* DESIGN: the record of one step, and the few sums that more than one report needs, so that no two reports can
 * disagree. */
#include "load/step.h"

#include <errno.h>
#include <string.h>

#include <tandem/clock.h>

#define LONGEST_NS (INT64_C(7) * 86400 * TDM_NS_PER_S)

int load_step_init(load_step *step, const load_target *target, unsigned target_index, unsigned connections)
{
    *step =
        (load_step){.target = target, .target_index = target_index, .connections = connections, .retry_after_s = -1};
    tdm_histogram **histograms[] = {&step->latency, &step->tasks.start_latency, &step->tasks.queue_wait,
                                    &step->tasks.run_time, &step->tasks.completion};
    for (size_t i = 0; i < sizeof histograms / sizeof histograms[0]; i++) {
        if (tdm_histogram_create(histograms[i], LONGEST_NS, 3) == 0)
            continue;
        load_step_finish(step);
        return -ENOMEM;
    }
    return 0;
}

void load_step_finish(load_step *step)
{
    tdm_histogram_destroy(&step->latency);
    tdm_histogram_destroy(&step->tasks.start_latency);
    tdm_histogram_destroy(&step->tasks.queue_wait);
    tdm_histogram_destroy(&step->tasks.run_time);
    tdm_histogram_destroy(&step->tasks.completion);
    for (int i = 0; i <= LOAD_LANE_COUNT; i++)
        load_curve_finish(&step->tasks.lanes[i].curve);
    load_promises_finish(&step->promises);
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
