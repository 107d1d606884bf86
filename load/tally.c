/* SPDX-License-Identifier: MIT */
/* DESIGN: counting, and nothing else: the hot path of every reply ends here. A thread counts into a load_step of its
 * own, so that joining is adding, field by field, and histograms are merged, never their percentiles. Histograms are
 * made before the step begins; while it runs only the list of promised tasks may grow. */
#include "load/tally.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WINDOW_LONGEST_NS (INT64_C(3600) * 1000000000)

int load_tally_window(tdm_histogram **out)
{
    return tdm_histogram_create(out, WINDOW_LONGEST_NS, 2);
}

int load_tally_init(load_tally *tally, const load_target *target, const load_level *level)
{
    *tally = (load_tally){.open = level->rate > 0};
    int err = load_step_init(&tally->part, target, 0, level);
    if (!err)
        err = load_tally_window(&tally->window);
    if (err)
        load_tally_finish(tally);
    return err;
}

void load_tally_finish(load_tally *tally)
{
    load_step_finish(&tally->part);
    tdm_histogram_destroy(&tally->window);
}

static void note_promise(load_tally *tally, const load_shot *shot, const load_reply *reply, int64_t now_ns)
{
    load_promise promise = {reply->first_task, reply->last_task, shot->sent_ns, now_ns};
    if (load_promises_add(&tally->part.promises, &promise) < 0)
        tally->out_of_memory = true;
}

static void success(load_tally *tally, const load_shot *shot, int64_t now_ns)
{
    load_step *part = &tally->part;
    load_url_part *url = &part->urls[shot->url];
    int64_t latency_ns = now_ns - shot->due_ns;
    part->succeeded++;
    url->succeeded++;
    tdm_histogram_record(part->latency, latency_ns);
    tdm_histogram_record(tally->window, latency_ns);
    if (tally->open)
        tdm_histogram_record(part->uncorrected, now_ns - shot->sent_ns);
    if (part->url_count > 1)
        tdm_histogram_record(url->latency, latency_ns);
}

static void record_failure(load_step *part, const load_shot *shot, int64_t now_ns)
{
    tdm_histogram_record(part->failed_latency, now_ns - shot->due_ns);
    tdm_histogram_record(part->failed_uncorrected, now_ns - shot->sent_ns);
}

static void count_error(load_step *part, const load_shot *shot, load_error error, const char *detail)
{
    part->urls[shot->url].failed++;
    if (!part->errors[error]++)
        snprintf(part->error_detail[error], sizeof part->error_detail[error], "%s", detail);
}

static void rejection(load_step *part, const load_shot *shot, const load_reply *reply, int64_t now_ns)
{
    int64_t after_s = reply->retry_after_s;
    part->rejected++;
    part->urls[shot->url].rejected++;
    record_failure(part, shot, now_ns);
    if (after_s > part->retry_after_s)
        part->retry_after_s = after_s;
    if (after_s >= 0 && (part->retry_after_least_s < 0 || after_s < part->retry_after_least_s))
        part->retry_after_least_s = after_s;
}

void load_tally_reply(load_tally *tally, const load_shot *shot, const load_reply *reply, int64_t now_ns)
{
    load_step *part = &tally->part;
    char detail[16];
    if (!shot->measured) {
        tally->warmup_tasks += reply->has_tasks ? reply->last_task - reply->first_task + 1 : 0;
        return;
    }
    part->last_reply_ns = now_ns;
    part->bad_promises += reply->bad_tasks;
    if (reply->has_tasks)
        note_promise(tally, shot, reply, now_ns);
    if (reply->status < 400) {
        success(tally, shot, now_ns);
    } else if (reply->status == 503) {
        rejection(part, shot, reply, now_ns);
    } else {
        snprintf(detail, sizeof detail, "%u", reply->status);
        count_error(part, shot, reply->status < 500 ? LOAD_ERROR_STATUS_4XX : LOAD_ERROR_STATUS_5XX, detail);
        record_failure(part, shot, now_ns);
    }
}

void load_tally_error(load_tally *tally, const load_shot *shot, load_error error, const char *detail, int64_t now_ns)
{
    if (!shot->measured)
        return;
    count_error(&tally->part, shot, error, detail);
    if (error != LOAD_ERROR_CONNECT && shot->sent_ns)
        record_failure(&tally->part, shot, now_ns);
}

/* ---- joining ---- */

static void merge_counts(load_step *step, const load_step *part)
{
    step->made += part->made;
    step->succeeded += part->succeeded;
    step->rejected += part->rejected;
    step->unfinished += part->unfinished;
    step->unsent += part->unsent;
    step->warmup_made += part->warmup_made;
    step->retried += part->retried;
    step->reopened += part->reopened;
    step->held_up += part->held_up;
    step->bad_promises += part->bad_promises;
    step->bytes_sent += part->bytes_sent;
    step->bytes_received += part->bytes_received;
    for (int i = 0; i < LOAD_ERROR_COUNT; i++) {
        if (!step->errors[i] && part->errors[i])
            memcpy(step->error_detail[i], part->error_detail[i], sizeof step->error_detail[i]);
        step->errors[i] += part->errors[i];
    }
}

static void merge_times(load_step *step, const load_step *part)
{
    if (part->first_sent_ns && (!step->first_sent_ns || part->first_sent_ns < step->first_sent_ns))
        step->first_sent_ns = part->first_sent_ns;
    if (part->last_reply_ns > step->last_reply_ns)
        step->last_reply_ns = part->last_reply_ns;
    if (part->sending_ended_ns > step->sending_ended_ns)
        step->sending_ended_ns = part->sending_ended_ns;
    if (part->retry_after_s > step->retry_after_s)
        step->retry_after_s = part->retry_after_s;
    if (part->retry_after_least_s >= 0 &&
        (step->retry_after_least_s < 0 || part->retry_after_least_s < step->retry_after_least_s))
        step->retry_after_least_s = part->retry_after_least_s;
}

static void merge(tdm_histogram *into, const tdm_histogram *from)
{
    int err = tdm_histogram_merge(into, from);
    assert(!err); /* all are made alike */
    (void) err;
}

static void merge_histograms(load_step *step, const load_step *part, bool open)
{
    merge(step->latency, part->latency);
    merge(step->uncorrected, open ? part->uncorrected : part->latency);
    merge(step->failed_latency, part->failed_latency);
    merge(step->failed_uncorrected, part->failed_uncorrected);
    merge(step->send_lag, part->send_lag);
    for (unsigned i = 0; i < step->url_count; i++) {
        step->urls[i].made += part->urls[i].made;
        step->urls[i].succeeded += part->urls[i].succeeded;
        step->urls[i].rejected += part->urls[i].rejected;
        step->urls[i].failed += part->urls[i].failed;
        merge(step->urls[i].latency, step->url_count > 1 ? part->urls[i].latency : part->latency);
    }
}

static void conclude_thread(load_tally *tally)
{
    const load_step *part = &tally->part;
    load_thread_part *thread = &tally->thread;
    bool any = tdm_histogram_count(part->latency) > 0;
    thread->made = part->made;
    thread->succeeded = part->succeeded;
    thread->rejected = part->rejected;
    thread->failed = load_step_errors(part);
    thread->p50_ns = any ? tdm_histogram_percentile(part->latency, 50) : LOAD_UNKNOWN;
    thread->p99_ns = any ? tdm_histogram_percentile(part->latency, 99) : LOAD_UNKNOWN;
    thread->max_ns = any ? tdm_histogram_max(part->latency) : LOAD_UNKNOWN;
}

int load_tally_merge(load_step *step, load_tally *tally)
{
    merge_counts(step, &tally->part);
    merge_times(step, &tally->part);
    merge_histograms(step, &tally->part, tally->open);
    conclude_thread(tally);
    step->cpu_ns += tally->thread.cpu_ns;
    for (size_t i = 0; i < tally->part.promises.count; i++)
        if (load_promises_add(&step->promises, &tally->part.promises.items[i]) < 0)
            return -ENOMEM;
    return tally->out_of_memory ? -ENOMEM : 0;
}
