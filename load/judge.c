/* SPDX-License-Identifier: MIT */
/* DESIGN: three rules for the knee, in the order of what they prove. RATE: an open loop got fewer good replies in its
 * time than were asked for; the time for one reply at the lowest level is allowed on top, since the last request cannot
 * be answered when it is sent, and a handful of requests proves nothing. QUEUE: the server's queue of tasks grew from each third of the sending time to the next,
 * by a quarter at least and by more than a few tasks; a volley is no sending time. LATENCY: p99 against the lowest
 * level's. The first step that breaks a rule is the knee, and the rule is named. */
#include "load/judge.h"

#include <inttypes.h>
#include <stdio.h>

#include <tandem/clock.h>

#define RATE_REQUESTS 5 /* so many at least must be missing */
#define QUEUE_SPAN_NS (INT64_C(300) * 1000 * 1000)
#define QUEUE_GROWTH 1.25
#define QUEUE_TASKS 10

/* ---- invalid ---- */

static int64_t sending_span_ns(const load_step *step)
{
    int64_t span_ns = step->sending_ended_ns - step->first_sent_ns;
    return step->first_sent_ns && span_ns > 0 ? span_ns : 0;
}

static void judge_cpu(load_step *step, const load_options *options)
{
    if (sending_span_ns(step) < LOAD_JUDGE_SPAN_NS || step->cpu_share * 100 < options->max_cpu)
        return;
    step->invalid = true;
    snprintf(step->why_invalid, sizeof step->why_invalid,
             "a load thread was busy %.0f %% of the time (limit %u %%): the generator was the bottleneck; more threads "
             "(-t) or fewer connections may help",
             step->cpu_share * 100, options->max_cpu);
}

static void judge_lag(load_step *step, const load_options *options)
{
    int64_t lag_ns = tdm_histogram_percentile(step->send_lag, 99), limit_ns = tdm_ns_from_s(options->max_lag_s);
    if (tdm_histogram_count(step->send_lag) < LOAD_JUDGE_SENDS || lag_ns <= limit_ns)
        return;
    step->invalid = true;
    snprintf(step->why_invalid, sizeof step->why_invalid,
             "1 %% of the requests were sent %.2f ms or more after they were due, by the generator's own fault (limit "
             "%.2f ms): more threads (-t) or a core of its own may help",
             (double) lag_ns / 1e6, (double) limit_ns / 1e6);
}

void load_judge_step(load_step *step, const load_options *options)
{
    if (step->loop == LOAD_LOOP_OPEN)
        judge_lag(step, options);
    else
        judge_cpu(step, options);
}

/* ---- the knee ---- */

/* Good replies through requests asked for, in the time for sending and one reply more. */
static double achieved_share(const load_step *step, const load_step *lowest)
{
    double asked = (double) (step->made + step->unsent), sending_s = tdm_s_from_ns(sending_span_ns(step));
    int64_t grace_ns = tdm_histogram_percentile(lowest->latency, 99);
    double took_s = tdm_s_from_ns(step->last_reply_ns - step->first_sent_ns - grace_ns);
    double late = took_s > sending_s && sending_s > 0 ? sending_s / took_s : 1;
    double in_time = (double) step->succeeded * late;
    return asked - in_time >= RATE_REQUESTS ? in_time / asked : 1;
}

/* The mean of a curve over a part of time; it is 0 before its first point. */
static double mean_between(const load_curve *curve, int64_t from_ns, int64_t to_ns)
{
    double area = 0;
    for (size_t i = 0; i < curve->count; i++) {
        int64_t begin = curve->points[i].at_ns, end = i + 1 < curve->count ? curve->points[i + 1].at_ns : begin;
        begin = begin > from_ns ? begin : from_ns;
        end = end < to_ns ? end : to_ns;
        area += end > begin ? (double) curve->points[i].running * (double) (end - begin) : 0;
    }
    return area / (double) (to_ns - from_ns);
}

/* So few requests that nothing goes on for long enough to be kept up with: one for each connection, or a count that the
 * level brought with it. */
static bool is_volley(const load_step *step)
{
    bool own = step->target->levels[step->level_index].requests > 0;
    return step->loop == LOAD_LOOP_CLOSED && (own || step->planned == step->connections);
}

static bool queue_grows(const load_step *step, double *from, double *to)
{
    int64_t span_ns = sending_span_ns(step), third_ns = span_ns / 3;
    const load_curve *queue = &step->tasks.lanes[LOAD_BOTH_LANES].queue;
    if (is_volley(step) || span_ns < QUEUE_SPAN_NS || !queue->count)
        return false;
    double first = mean_between(queue, 0, third_ns), second = mean_between(queue, third_ns, 2 * third_ns);
    double third = mean_between(queue, 2 * third_ns, 3 * third_ns);
    *from = first;
    *to = third;
    return second > first * QUEUE_GROWTH && third > second * QUEUE_GROWTH && third - first >= QUEUE_TASKS;
}

static int describe_level(char *into, size_t size, const load_step *step)
{
    if (step->loop == LOAD_LOOP_OPEN)
        return snprintf(into, size, "%g requests/s", step->rate);
    return snprintf(into, size, "%u connections", step->connections);
}

static void found(load_knee *knee, load_knee_rule rule, double value, double limit)
{
    knee->rule = rule;
    knee->value = value;
    knee->limit = limit;
}

static void explain(load_knee *knee, const load_step *step, double queue_from, double queue_to)
{
    char level[64];
    describe_level(level, sizeof level, step);
    if (knee->rule == LOAD_KNEE_RATE)
        snprintf(knee->words, sizeof knee->words,
                 "the knee is at %s: %.1f %% of the offered rate was achieved (limit %.0f %%)", level,
                 knee->value * 100, knee->limit * 100);
    else if (knee->rule == LOAD_KNEE_QUEUE)
        snprintf(knee->words, sizeof knee->words,
                 "the knee is at %s: the queue of tasks kept growing, from %.0f to %.0f waiting on average", level,
                 queue_from, queue_to);
    else
        snprintf(knee->words, sizeof knee->words,
                 "the knee is at %s: p99 is %.1f times that of the lowest level (limit %.0f times)", level, knee->value,
                 knee->limit);
}

static bool past_knee(load_knee *knee, const load_step *step, const load_step *lowest, const load_options *options)
{
    double share = achieved_share(step, lowest), from = 0, to = 0;
    double base = (double) tdm_histogram_percentile(lowest->latency, 99);
    double factor = base > 0 ? (double) tdm_histogram_percentile(step->latency, 99) / base : 0;
    if (step->loop == LOAD_LOOP_OPEN && share * 100 < options->knee_share)
        found(knee, LOAD_KNEE_RATE, share, options->knee_share / 100.0);
    else if (queue_grows(step, &from, &to))
        found(knee, LOAD_KNEE_QUEUE, to, from);
    else if (step != lowest && factor > options->knee_factor)
        found(knee, LOAD_KNEE_LATENCY, factor, options->knee_factor);
    else
        return false;
    explain(knee, step, from, to);
    return true;
}

void load_judge_knee(load_knee *knee, const load_sweep *sweep, unsigned first, const load_options *options)
{
    const load_step *lowest = &sweep->steps[first];
    if (knee->rule >= LOAD_KNEE_RATE || lowest->target->level_count < 2 || is_volley(lowest))
        return;
    if (sweep->steps[sweep->step_count - 1].interrupted) { /* its figures are of a part, and nobody saw the rest */
        knee->rule = LOAD_KNEE_NOT_SOUGHT;
        knee->words[0] = '\0';
        return;
    }
    knee->rule = LOAD_KNEE_NONE;
    snprintf(knee->words, sizeof knee->words, "no knee: every level was kept up with");
    for (unsigned i = first; i < sweep->step_count; i++) {
        knee->step = i;
        if (past_knee(knee, &sweep->steps[i], lowest, options))
            return;
    }
    knee->step = 0;
}
