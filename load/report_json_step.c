/* SPDX-License-Identifier: MIT */
/* DESIGN: one step of the JSON report. Every kind of error and every state is there, also when its count is 0, so that
 * a reader needs no defaults; what cannot be known for this step (no task ids, a closed loop) is null. */
#include "load/report_json.h"
#include "load/report_keys.h"
#include "load/words.h"

static void write_requests(tdm_json_writer *w, const load_step *step)
{
    bool open = step->loop == LOAD_LOOP_OPEN, answered = load_step_answered(step) > 0;
    tdm_json_key(w, "requests");
    tdm_json_object_begin(w);
    load_key_positive(w, "planned", (double) step->planned);
    load_key_uint(w, "made", step->made);
    load_key_uint(w, "succeeded", step->succeeded);
    load_key_uint(w, "errors", load_step_errors(step));
    load_key_uint(w, "rejected", step->rejected);
    load_key_uint(w, "unfinished", step->unfinished);
    load_key_uint(w, "unanswered", load_step_unanswered(step));
    load_key_uint(w, "retried", step->retried);
    load_key_uint(w, "reopened", step->reopened);
    load_key_uint(w, "unsent", step->unsent);
    load_key_uint(w, "held_up", step->held_up);
    load_key_uint(w, "warmup", step->warmup_made);
    load_key_uint(w, "bytes_sent", step->bytes_sent);
    load_key_uint(w, "bytes_received", step->bytes_received);
    load_key_known(w, "retry_after", step->retry_after_s);
    load_key_known(w, "retry_after_least", step->retry_after_least_s);
    load_key_known_seconds(w, "elapsed", answered ? step->last_reply_ns - step->first_sent_ns : LOAD_UNKNOWN);
    load_key_positive(w, "rate", answered ? load_step_rate(step) : 0);
    load_key_positive(w, "offered", open ? step->rate : 0);
    load_key_positive(w, "kept_up", open ? load_step_kept_up(step) : 0);
    tdm_json_object_end(w);
}

static void write_errors(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "errors");
    tdm_json_object_begin(w);
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        load_key_uint(w, load_error_name((load_error) i), step->errors[i]);
    tdm_json_object_end(w);
    tdm_json_key(w, "error_details");
    tdm_json_object_begin(w);
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        if (*step->error_detail[i])
            load_key_string(w, load_error_name((load_error) i), step->error_detail[i]);
    tdm_json_object_end(w);
}

/* ---- the generator itself ---- */

static void write_thread(tdm_json_writer *w, const load_thread_part *part)
{
    tdm_json_object_begin(w);
    load_key_uint(w, "thread", part->thread);
    load_key_uint(w, "connections", part->connections);
    load_key_uint(w, "made", part->made);
    load_key_uint(w, "succeeded", part->succeeded);
    load_key_uint(w, "rejected", part->rejected);
    load_key_uint(w, "errors", part->failed);
    load_key_known_seconds(w, "cpu", part->cpu_ns);
    load_key_known_seconds(w, "wait", part->wait_ns);
    load_key_known_seconds(w, "p50", part->p50_ns);
    load_key_known_seconds(w, "p99", part->p99_ns);
    load_key_known_seconds(w, "max", part->max_ns);
    tdm_json_object_end(w);
}

static void write_generator(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "generator");
    tdm_json_object_begin(w);
    load_key_string(w, "invalid", step->invalid ? step->why_invalid : NULL);
    load_key_seconds(w, "cpu", step->cpu_ns);
    load_key_seconds(w, "wall", step->wall_ns);
    load_key_double(w, "cpu_share", step->cpu_share);
    load_key_histogram(w, "send_lag", step->send_lag);
    tdm_json_key(w, "threads");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < step->thread_count; i++)
        write_thread(w, &step->threads[i]);
    tdm_json_array_end(w);
    tdm_json_object_end(w);
}

static void write_urls(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "urls");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < step->url_count; i++) {
        const load_url_part *part = &step->urls[i];
        tdm_json_object_begin(w);
        load_key_string(w, "label", load_words_request(step->target, i));
        load_key_uint(w, "made", part->made);
        load_key_uint(w, "succeeded", part->succeeded);
        load_key_uint(w, "rejected", part->rejected);
        load_key_uint(w, "errors", part->failed);
        load_key_histogram(w, "latency", part->latency);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

/* ---- over time ---- */

static void write_gauges(tdm_json_writer *w, const char *key, const int64_t *lanes)
{
    tdm_json_key(w, key);
    tdm_json_object_begin(w);
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++)
        load_key_known(w, load_lane_name((load_lane) lane), lanes[lane]);
    tdm_json_object_end(w);
}

static void write_samples(tdm_json_writer *w, const load_step *step)
{
    tdm_json_key(w, "series");
    tdm_json_array_begin(w);
    for (size_t i = 0; i < step->sample_count; i++) {
        const load_sample *sample = &step->samples[i];
        tdm_json_object_begin(w);
        load_key_seconds(w, "at", sample->at_ns);
        load_key_seconds(w, "span", sample->span_ns);
        load_key_uint(w, "made", sample->made);
        load_key_uint(w, "succeeded", sample->succeeded);
        load_key_uint(w, "rejected", sample->rejected);
        load_key_uint(w, "errors", sample->failed);
        load_key_positive(w, "offered", sample->offered);
        load_key_known_seconds(w, "p50", sample->p50_ns);
        load_key_known_seconds(w, "p99", sample->p99_ns);
        load_key_known_seconds(w, "max", sample->max_ns);
        write_gauges(w, "running", sample->running);
        write_gauges(w, "queued", sample->queued);
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
}

static void write_curve(tdm_json_writer *w, const char *key, const load_curve *curve)
{
    tdm_json_key(w, key);
    tdm_json_array_begin(w);
    for (size_t i = 0; i < curve->count; i++) {
        tdm_json_array_begin(w);
        tdm_json_seconds(w, curve->points[i].at_ns);
        tdm_json_uint(w, curve->points[i].running);
        tdm_json_array_end(w);
    }
    tdm_json_array_end(w);
}

/* ---- the tasks ---- */

static void write_shares(tdm_json_writer *w, const load_lane_figures *lane)
{
    tdm_json_key(w, "shares");
    tdm_json_array_begin(w);
    for (unsigned i = 0; i < lane->share_count; i++) {
        tdm_json_array_begin(w);
        tdm_json_uint(w, lane->shares[i].low);
        tdm_json_uint(w, lane->shares[i].high);
        tdm_json_seconds(w, lane->shares[i].ns);
        tdm_json_array_end(w);
    }
    tdm_json_array_end(w);
}

static void write_lane(tdm_json_writer *w, const char *name, const load_lane_figures *lane)
{
    const load_curve *curve = &lane->curve;
    bool ran = curve->count > 0;
    tdm_json_key(w, name);
    tdm_json_object_begin(w);
    load_key_uint(w, "tasks", lane->tasks);
    load_key_uint(w, "threads", lane->threads);
    load_key_uint(w, "peak", curve->peak);
    load_key_double(w, "mean", curve->mean);
    load_key_seconds(w, "run_total", lane->run_total_ns);
    load_key_known_seconds(w, "peak_at", ran ? curve->peak_ns : LOAD_UNKNOWN);
    load_key_known_seconds(w, "first_start", ran ? curve->first_ns : LOAD_UNKNOWN);
    load_key_known_seconds(w, "last_end", ran ? curve->last_ns : LOAD_UNKNOWN);
    write_curve(w, "curve", curve);
    write_shares(w, lane);
    load_key_uint(w, "queue_peak", lane->queue.peak);
    write_curve(w, "queue", &lane->queue);
    tdm_json_object_end(w);
}

static void write_times(tdm_json_writer *w, const load_tasks *tasks)
{
    bool timed = tasks->timed;
    load_key_known_seconds(w, "elapsed", timed ? tasks->elapsed_ns : LOAD_UNKNOWN);
    load_key_known_seconds(w, "ideal", timed ? tasks->ideal_ns : LOAD_UNKNOWN);
    load_key_known_seconds(w, "drain", timed ? tasks->drain_ns : LOAD_UNKNOWN);
    if (!timed) {
        load_key_null(w, "clock");
        return;
    }
    tdm_json_key(w, "clock");
    tdm_json_object_begin(w);
    load_key_bool(w, "same", tasks->clock_same);
    load_key_seconds(w, "offset", tasks->clock_offset_ns);
    load_key_seconds(w, "error", tasks->clock_error_ns);
    tdm_json_object_end(w);
}

static void write_server(tdm_json_writer *w, const load_server_counts *server)
{
    if (!server->known) {
        load_key_null(w, "server");
        return;
    }
    tdm_json_key(w, "server");
    tdm_json_object_begin(w);
    load_key_bool(w, "agrees", server->agrees);
    load_key_uint(w, "requests", server->requests);
    load_key_uint(w, "accepted", server->accepted);
    load_key_uint(w, "rejected", server->rejected);
    for (int i = 0; i < LOAD_STATE_COUNT; i++)
        load_key_uint(w, load_state_name((load_state) i), server->states[i]);
    tdm_json_object_end(w);
}

/* Ends that were seen, each state under its name; unknown as long as the tasks were not followed. */
static void write_ends(tdm_json_writer *w, const load_tasks *tasks)
{
    bool followed = tasks->follow == LOAD_FOLLOW_COMPLETE || tasks->follow == LOAD_FOLLOW_INCOMPLETE;
    for (int i = 0; i < LOAD_STATE_COUNT; i++)
        if (load_state_ended((load_state) i))
            load_key_known(w, load_state_name((load_state) i), followed ? (int64_t) tasks->states[i] : LOAD_UNKNOWN);
    load_key_known(w, "lost", followed ? (int64_t) tasks->lost : LOAD_UNKNOWN);
    load_key_known(w, "unknown", followed ? (int64_t) tasks->unknown : LOAD_UNKNOWN);
    load_key_known(w, "missed", followed ? (int64_t) tasks->missed : LOAD_UNKNOWN);
}

static void write_tasks(tdm_json_writer *w, const load_step *step)
{
    static const char *const results[] = {"off", "no_ids", "complete", "incomplete"};
    const load_tasks *tasks = &step->tasks;
    tdm_json_key(w, "tasks");
    tdm_json_object_begin(w);
    load_key_string(w, "follow", results[tasks->follow]);
    load_key_string(w, "why", *tasks->why ? tasks->why : NULL);
    load_key_uint(w, "accepted", tasks->promised);
    write_ends(w, tasks);
    load_key_uint(w, "bad_promises", step->bad_promises);
    write_times(w, tasks);
    load_key_histogram(w, "start_latency", tasks->start_latency);
    load_key_histogram(w, "queue_wait", tasks->queue_wait);
    load_key_histogram(w, "run_time", tasks->run_time);
    load_key_histogram(w, "completion", tasks->completion);
    load_key_histogram(w, "loop_lag", tasks->loop_lag);
    if (load_step_has_runs(step)) {
        tdm_json_key(w, "multiplicity");
        tdm_json_object_begin(w);
        for (int lane = 0; lane < LOAD_LANE_COUNT; lane++)
            write_lane(w, load_lane_name((load_lane) lane), &tasks->lanes[lane]);
        write_lane(w, "both", &tasks->lanes[LOAD_BOTH_LANES]);
        tdm_json_object_end(w);
    } else {
        load_key_null(w, "multiplicity");
    }
    write_server(w, &tasks->server);
    tdm_json_object_end(w);
}

void load_report_json_step(tdm_json_writer *w, const load_step *step)
{
    bool open = step->loop == LOAD_LOOP_OPEN;
    tdm_json_object_begin(w);
    load_key_uint(w, "target", step->target_index);
    load_key_string(w, "label", step->target->label);
    load_key_string(w, "level", load_words_level(step).text);
    load_key_uint(w, "level_index", step->level_index);
    load_key_uint(w, "round", step->round);
    load_key_uint(w, "connections", step->connections);
    load_key_string(w, "loop", load_loop_name(step->loop));
    load_key_positive(w, "rate", open ? step->rate : 0);
    load_key_string(w, "arrivals", !open ? NULL : step->arrivals == LOAD_POISSON ? "poisson" : "uniform");
    load_key_positive(w, "duration", step->duration_s);
    load_key_positive(w, "warmup", step->warmup_s);
    load_key_positive(w, "ramp", step->ramp_s);
    load_key_seconds(w, "started", step->started_wall_ns);
    load_key_bool(w, "ok", !load_step_failed(step));
    load_key_bool(w, "valid", !step->invalid);
    load_key_bool(w, "interrupted", step->interrupted);
    load_key_bool(w, "target_gone", step->target_gone);
    write_requests(w, step);
    write_errors(w, step);
    load_key_histogram(w, "latency", step->latency);
    load_key_histogram(w, "uncorrected", step->uncorrected);
    load_key_histogram(w, "failed_latency", step->failed_latency);
    load_key_histogram(w, "failed_uncorrected", step->failed_uncorrected);
    write_generator(w, step);
    write_urls(w, step);
    write_samples(w, step);
    write_tasks(w, step);
    load_key_words(w, "seen", load_words_seen, step);
    load_key_words(w, "trouble", load_words_trouble, step);
    tdm_json_object_end(w);
}
