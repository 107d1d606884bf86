/* SPDX-License-Identifier: MIT */
/* DESIGN: the figures for programs. Times are seconds; a figure that is not known is null, never 0; every kind of
 * error and every state is there, also when its count is 0, so that a reader needs no defaults. A change that a reader
 * of "tandem-load/1" could trip over needs a new schema name. */
#include "load/report_json.h"

#include <stdlib.h>

#include <tandem/tandem.h>

#include "load/words.h"

static void key_uint(tdm_json_writer *w, const char *key, uint64_t value)
{
    tdm_json_key(w, key);
    tdm_json_uint(w, value);
}

static void key_seconds(tdm_json_writer *w, const char *key, int64_t ns)
{
    tdm_json_key(w, key);
    tdm_json_seconds(w, ns);
}

static void key_double(tdm_json_writer *w, const char *key, double value)
{
    tdm_json_key(w, key);
    tdm_json_double(w, value);
}

static void key_bool(tdm_json_writer *w, const char *key, bool value)
{
    tdm_json_key(w, key);
    tdm_json_bool(w, value);
}

static void key_string(tdm_json_writer *w, const char *key, const char *value)
{
    tdm_json_key(w, key);
    tdm_json_string(w, value);
}

static void key_null(tdm_json_writer *w, const char *key)
{
    tdm_json_key(w, key);
    tdm_json_null(w);
}

/* Words about a step; null if there are none. */
static void key_words(tdm_json_writer *w, const char *key, void (*write)(FILE *to, const load_step *step),
                      const load_step *step)
{
    char *text = load_words_text(write, step);
    key_string(w, key, text && *text ? text : NULL);
    free(text);
}

static void key_histogram(tdm_json_writer *w, const char *key, const tdm_histogram *h)
{
    static const struct {
        const char *name;
        double percentile;
    } points[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};
    tdm_json_key(w, key);
    if (!tdm_histogram_count(h)) {
        tdm_json_null(w);
        return;
    }
    tdm_json_object_begin(w);
    key_uint(w, "count", tdm_histogram_count(h));
    key_seconds(w, "min", tdm_histogram_min(h));
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++)
        key_seconds(w, points[i].name, tdm_histogram_percentile(h, points[i].percentile));
    key_seconds(w, "max", tdm_histogram_max(h));
    key_double(w, "mean", tdm_histogram_mean(h) / 1e9);
    tdm_json_object_end(w);
}

static void write_requests(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "requests");
    tdm_json_object_begin(w);
    if (step->planned)
        key_uint(w, "planned", step->planned);
    else
        key_null(w, "planned");
    key_uint(w, "made", step->made);
    key_uint(w, "succeeded", step->succeeded);
    key_uint(w, "errors", load_step_errors(step));
    key_uint(w, "rejected", step->rejected);
    key_uint(w, "unfinished", step->unfinished);
    key_uint(w, "unanswered", load_step_unanswered(step));
    key_uint(w, "retried", step->retried);
    key_uint(w, "reopened", step->reopened);
    if (step->retry_after_s >= 0)
        key_uint(w, "retry_after", (uint64_t) step->retry_after_s);
    else
        key_null(w, "retry_after");
    if (load_step_answered(step)) {
        key_seconds(w, "elapsed", step->last_reply_ns - step->first_sent_ns);
        key_double(w, "rate", load_step_rate(step));
    } else {
        key_null(w, "elapsed");
        key_null(w, "rate");
    }
    tdm_json_object_end(w);
}

static void write_errors(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "errors");
    tdm_json_object_begin(w);
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        key_uint(w, load_error_name((load_error) i), step->errors[i]);
    tdm_json_object_end(w);
    tdm_json_key(w, "error_details");
    tdm_json_object_begin(w);
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        if (*step->error_detail[i])
            key_string(w, load_error_name((load_error) i), step->error_detail[i]);
    tdm_json_object_end(w);
}

static void write_curve(tdm_json_writer *w, const load_curve *curve)
{
    tdm_json_key(w, "curve");
    tdm_json_array_begin(w);
    for (size_t i = 0; i < curve->count; i++) {
        tdm_json_array_begin(w);
        tdm_json_seconds(w, curve->points[i].at_ns);
        tdm_json_uint(w, curve->points[i].running);
        tdm_json_array_end(w);
    }
    tdm_json_array_end(w);
}

static void write_lane(tdm_json_writer *w, const char *name, const load_lane_figures *lane)
{
    const load_curve *curve = &lane->curve;
    tdm_json_key(w, name);
    tdm_json_object_begin(w);
    key_uint(w, "tasks", lane->tasks);
    key_uint(w, "threads", lane->threads);
    key_uint(w, "peak", curve->peak);
    key_double(w, "mean", curve->mean);
    key_seconds(w, "run_total", lane->run_total_ns);
    if (curve->count) {
        key_seconds(w, "peak_at", curve->peak_ns);
        key_seconds(w, "first_start", curve->first_ns);
        key_seconds(w, "last_end", curve->last_ns);
    } else {
        key_null(w, "peak_at");
        key_null(w, "first_start");
        key_null(w, "last_end");
    }
    write_curve(w, curve);
    tdm_json_object_end(w);
}

static void write_times(tdm_json_writer *w, const load_tasks *tasks)
{
    if (!tasks->timed) {
        key_null(w, "elapsed");
        key_null(w, "ideal");
        key_null(w, "clock");
        return;
    }
    key_seconds(w, "elapsed", tasks->elapsed_ns);
    key_seconds(w, "ideal", tasks->ideal_ns);
    tdm_json_key(w, "clock");
    tdm_json_object_begin(w);
    key_bool(w, "same", tasks->clock_same);
    key_seconds(w, "offset", tasks->clock_offset_ns);
    key_seconds(w, "error", tasks->clock_error_ns);
    tdm_json_object_end(w);
}

static void write_tasks(tdm_json_writer *w, const load_step *step)
{
    static const char *const results[] = {"off", "no_ids", "complete", "incomplete"};
    const load_tasks *tasks = &step->tasks;
    tdm_json_key(w, "tasks");
    tdm_json_object_begin(w);
    key_string(w, "follow", results[tasks->follow]);
    key_string(w, "why", *tasks->why ? tasks->why : NULL);
    key_uint(w, "accepted", tasks->promised);
    for (int i = 0; i < LOAD_STATE_COUNT; i++)
        if (load_state_ended((load_state) i))
            key_uint(w, load_state_name((load_state) i), tasks->states[i]);
    key_uint(w, "lost", tasks->lost);
    key_uint(w, "unknown", tasks->unknown);
    key_uint(w, "missed", tasks->missed);
    key_uint(w, "bad_promises", step->bad_promises);
    write_times(w, tasks);
    key_histogram(w, "start_latency", tasks->start_latency);
    key_histogram(w, "queue_wait", tasks->queue_wait);
    key_histogram(w, "run_time", tasks->run_time);
    key_histogram(w, "completion", tasks->completion);
    tdm_json_key(w, "multiplicity");
    tdm_json_object_begin(w);
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++)
        write_lane(w, load_lane_name((load_lane) lane), &tasks->lanes[lane]);
    write_lane(w, "both", &tasks->lanes[LOAD_BOTH_LANES]);
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}

static void write_step(tdm_json_writer *w, const load_step *step)
{
    tdm_json_object_begin(w);
    key_uint(w, "target", step->target_index);
    key_string(w, "label", step->target->label);
    key_uint(w, "connections", step->connections);
    key_string(w, "loop", "closed");
    key_seconds(w, "started", step->started_wall_ns);
    key_bool(w, "ok", !load_step_failed(step));
    key_bool(w, "interrupted", step->interrupted);
    key_bool(w, "target_gone", step->target_gone);
    write_requests(w, step);
    write_errors(w, step);
    key_histogram(w, "latency", step->latency);
    write_tasks(w, step);
    key_words(w, "seen", load_words_seen, step);
    key_words(w, "trouble", load_words_trouble, step);
    tdm_json_object_end(w);
}

static void write_counts(tdm_json_writer *w, const load_level *levels, unsigned count)
{
    tdm_json_key(w, "connections");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < count; i++)
        tdm_json_uint(w, levels[i].connections);
    tdm_json_array_end(w);
}

static void write_plan(tdm_json_writer *w, const load_plan *plan)
{
    const load_options *options = &plan->options;
    tdm_json_key(w, "plan");
    tdm_json_object_begin(w);
    write_counts(w, plan->levels, plan->level_count);
    if (options->requests)
        key_uint(w, "requests", options->requests);
    else
        key_null(w, "requests");
    if (options->duration_s > 0)
        key_double(w, "duration", options->duration_s);
    else
        key_null(w, "duration");
    key_bool(w, "follow", options->follow);
    key_double(w, "timeout", options->timeout_s);
    key_double(w, "connect_timeout", options->connect_timeout_s);
    key_double(w, "follow_timeout", options->follow_timeout_s);
    tdm_json_object_end(w);
    tdm_json_key(w, "targets");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < plan->target_count; i++) {
        tdm_json_object_begin(w);
        key_string(w, "url", plan->targets[i].url.text);
        key_string(w, "label", plan->targets[i].label);
        write_counts(w, plan->targets[i].levels, plan->targets[i].level_count);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

int load_report_json(FILE *to, const load_sweep *sweep)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    key_string(&w, "schema", "tandem-load/1");
    key_string(&w, "version", tdm_version());
    key_string(&w, "loop", "closed");
    key_uint(&w, "status", (uint64_t) load_sweep_status(sweep));
    key_bool(&w, "interrupted", sweep->interrupted);
    key_string(&w, "unreachable", sweep->unreachable ? sweep->why : NULL);
    write_plan(&w, sweep->plan);
    tdm_json_key(&w, "steps");
    tdm_json_array_begin(&w);
    for (unsigned i = 0; i < sweep->step_count; i++)
        write_step(&w, &sweep->steps[i]);
    tdm_json_array_end(&w);
    tdm_json_object_end(&w);
    const char *text = tdm_json_text(&w, NULL);
    int err = tdm_json_error(&w);
    if (text)
        fprintf(to, "%s\n", text);
    tdm_json_finish(&w);
    return err;
}
