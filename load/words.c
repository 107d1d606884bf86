/* SPDX-License-Identifier: MIT */
/* DESIGN: the sentences of the reports, written once, so that terminal, JSON and page say the same. */
#include "load/words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "load/format.h"

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

bool load_words_own_requests(const load_step *step)
{
    return step->level_index < step->target->level_count && step->target->levels[step->level_index].requests > 0;
}

load_text load_words_level(const load_step *step)
{
    load_text out;
    if (load_words_own_requests(step))
        snprintf(out.text, sizeof out.text, "%ux%" PRIu64, step->connections, step->planned);
    else if (step->loop == LOAD_LOOP_CLOSED)
        snprintf(out.text, sizeof out.text, "%u", step->connections);
    else if (step->rate == (double) (uint64_t) step->rate)
        snprintf(out.text, sizeof out.text, "%.0f/s", step->rate);
    else
        snprintf(out.text, sizeof out.text, "%.6g/s", step->rate);
    return out;
}

const char *load_words_request(const load_target *target, unsigned i)
{
    return target->requests[i].label ? target->requests[i].label : target->label;
}

bool load_words_same_level(const load_step *a, const load_step *b)
{
    return a->loop == b->loop && a->connections == b->connections && a->rate == b->rate && a->planned == b->planned &&
           a->repeat == b->repeat;
}

void load_words_label(FILE *to, const load_step *step)
{
    fputs(step->target->label, to);
}

void load_words_where(FILE *to, const load_step *step)
{
    if (step->loop == LOAD_LOOP_OPEN)
        fprintf(to, "%s over ", load_words_level(step).text);
    fprintf(to, "%s connection%s", load_format_count(step->connections).text, plural(step->connections));
    if (load_words_own_requests(step))
        fprintf(to, ", %s request%s", load_format_count(step->planned).text, plural(step->planned));
    if (step->round)
        fprintf(to, ", round %u", step->round + 1);
}

const char *load_words_loop(load_loop loop)
{
    return loop == LOAD_LOOP_OPEN ? "open loop: requests are sent at a given rate, whatever the server does; latency "
                                    "counts from when each "
                                    "was due"
                                  : "closed loop: each connection sends its next request when its reply is complete";
}

void load_words_plan(FILE *to, const load_step *step)
{
    if (step->loop == LOAD_LOOP_OPEN)
        fprintf(to, "%s requests/s (%s) over ", load_format_number(step->rate).text,
                step->arrivals == LOAD_POISSON ? "Poisson" : "uniform");
    fprintf(to, "%s connection%s, ", load_format_count(step->connections).text, plural(step->connections));
    if (step->duration_s > 0)
        fprintf(to, "for %g s", step->duration_s);
    else if (step->planned == step->connections && step->loop == LOAD_LOOP_CLOSED)
        fprintf(to, "one request%s", step->connections == 1 ? "" : " each");
    else
        fprintf(to, "%s requests in all", load_format_count(step->planned).text);
}

static void write_lane(FILE *to, const load_step *step, load_lane lane)
{
    const load_lane_figures *figures = &step->tasks.lanes[lane];
    fprintf(to, "%s: ", load_lane_name(lane));
    if (!figures->curve.count)
        fputs("none started", to);
    else
        fprintf(to, "%s at once on %u thread%s", load_format_count(figures->curve.peak).text, figures->threads,
                plural(figures->threads));
    if (lane == LOAD_LANE_POOL && figures->queue.peak)
        fprintf(to, ", the queue grew to %s", load_format_count(figures->queue.peak).text);
}

void load_words_seen(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    bool any = false;
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--) {
        if (!tasks->lanes[lane].tasks)
            continue;
        fputs(any ? "; " : "", to);
        write_lane(to, step, (load_lane) lane);
        any = true;
    }
    if (any)
        return;
    if (tasks->follow == LOAD_FOLLOW_NO_IDS)
        fprintf(to, "the target tells nothing of its tasks (%s): only its replies were measured", tasks->why);
    else if (tasks->follow == LOAD_FOLLOW_OFF && tasks->promised)
        fprintf(to, "%s tasks were promised and not followed (--follow follows them)",
                load_format_count(tasks->promised).text);
    else if (tasks->follow == LOAD_FOLLOW_OFF)
        fputs("tasks were not followed", to);
    else if (!tasks->promised)
        fputs("no reply promised a task", to);
    else
        fputs("no task was seen to end", to);
}

/* Separate what went wrong; counts how often it was used. */
static FILE *trouble(FILE *to, unsigned *n)
{
    if ((*n)++)
        fputs(", ", to);
    return to;
}

static void request_trouble(FILE *to, const load_step *step, unsigned *n)
{
    for (int i = 0; i < LOAD_ERROR_COUNT; i++) {
        if (!step->errors[i])
            continue;
        fprintf(trouble(to, n), "%s %s", load_format_count(step->errors[i]).text, load_error_name((load_error) i));
        if (*step->error_detail[i])
            fprintf(to, " (%s)", step->error_detail[i]);
    }
    if (step->rejected && !step->succeeded)
        fputs("every request was rejected", trouble(to, n));
    if (step->bad_promises)
        fprintf(trouble(to, n), "%s replies with a Tandem-Tasks field that cannot be read",
                load_format_count(step->bad_promises).text);
    if (step->target_gone)
        fputs("the target went away", trouble(to, n));
    if (step->interrupted)
        fputs("interrupted", trouble(to, n));
    if (step->unfinished)
        fprintf(trouble(to, n), "%s requests unfinished", load_format_count(step->unfinished).text);
}

void load_words_trouble(FILE *to, const load_step *step)
{
    static const load_state bad[] = {LOAD_STATE_FAILED, LOAD_STATE_TIMED_OUT, LOAD_STATE_DROPPED, LOAD_STATE_ABANDONED};
    const load_tasks *tasks = &step->tasks;
    unsigned n = 0;
    request_trouble(to, step, &n);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (tasks->states[bad[i]])
            fprintf(trouble(to, &n), "%s tasks %s", load_format_count(tasks->states[bad[i]]).text,
                    load_state_name(bad[i]));
    if (tasks->lost)
        fprintf(trouble(to, &n), "%s tasks lost", load_format_count(tasks->lost).text);
    if (tasks->follow == LOAD_FOLLOW_INCOMPLETE)
        fprintf(trouble(to, &n), "INCOMPLETE: %s", tasks->why);
    if (step->invalid)
        fprintf(trouble(to, &n), "INVALID: %s", step->why_invalid);
}

void load_words_good(FILE *to, const load_sweep *sweep)
{
    uint64_t left_alone = 0;
    bool followed = true, untold = false;
    for (unsigned i = 0; i < sweep->step_count; i++) {
        const load_tasks *tasks = &sweep->steps[i].tasks;
        left_alone += tasks->follow == LOAD_FOLLOW_OFF ? tasks->promised : 0;
        followed = followed && tasks->follow == LOAD_FOLLOW_COMPLETE;
        untold = untold || tasks->follow == LOAD_FOLLOW_NO_IDS;
    }
    if (left_alone)
        fprintf(to, "no request failed; what became of %s tasks was not looked at (--follow)",
                load_format_count(left_alone).text);
    else if (untold)
        fputs("no request failed; what became of tasks is not known, for a target tells nothing of them", to);
    else
        fputs(followed ? "nothing was lost and nothing failed" : "no request failed", to);
}

/* Rounds that found the same: by the same rule, at the same level. */
static bool same_knee(const load_sweep *sweep, const load_knee *a, const load_knee *b)
{
    if (a->target_index != b->target_index || a->rule != b->rule)
        return false;
    return a->rule < LOAD_KNEE_RATE || sweep->steps[a->step].level_index == sweep->steps[b->step].level_index;
}

void load_words_knees(FILE *to, const load_sweep *sweep)
{
    for (unsigned i = 0; i < sweep->knee_count; i++) {
        const load_knee *knee = &sweep->knees[i];
        unsigned alike = 0, before = 0, rounds = 0;
        for (unsigned k = 0; k < sweep->knee_count; k++) {
            rounds += sweep->knees[k].target_index == knee->target_index;
            alike += same_knee(sweep, &sweep->knees[k], knee);
            before += k < i && same_knee(sweep, &sweep->knees[k], knee);
        }
        if (knee->rule == LOAD_KNEE_NOT_SOUGHT || !*knee->words || before)
            continue;
        fprintf(to, "knee, %s: %s", sweep->plan->targets[knee->target_index].label, knee->words);
        if (rounds > 1)
            fprintf(to, " (so in %u of %u rounds)", alike, rounds);
        fputc('\n', to);
    }
}

void load_words_clock(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    if (!tasks->timed)
        fputs("no times of the server are known", to);
    else if (tasks->clock_same)
        fputs("server and client read the same clock", to);
    else
        fprintf(to, "the server's clock was mapped to the client's from its replies, to within %s",
                load_format_duration(tasks->clock_error_ns).text);
}

char *load_words_text(void (*write)(FILE *to, const load_step *step), const load_step *step)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    write(to, step);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}
