/* SPDX-License-Identifier: MIT */
/* DESIGN: slices of a tenth of a second, from the differences of counts. When a long run has filled the room, each two
 * slices become one and slices are twice as long from then on, so that any run fits and none is cut off. Percentiles
 * cannot be joined; the larger one is kept, and its description says so. What is left at the end is a slice of its own
 * unless it is short: the rate of a moment that a few replies fell into would be a peak that never was. */
#include "load/series.h"

#include <errno.h>
#include <stdlib.h>

#define SLICE_NS (INT64_C(100) * 1000 * 1000)

int load_series_init(load_series *series, const load_step *step, int64_t now_ns)
{
    *series = (load_series){
        .begun_ns = now_ns, .every_ns = SLICE_NS, .rate = step->rate, .ramp_ns = (int64_t) (step->ramp_s * 1e9)};
    series->last.now_ns = now_ns;
    series->items = calloc(LOAD_SAMPLES_MAX, sizeof *series->items);
    return series->items ? 0 : -ENOMEM;
}

bool load_series_due(const load_series *series, int64_t now_ns)
{
    return now_ns - series->last.now_ns >= series->every_ns;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void join(load_sample *into, const load_sample *a, const load_sample *b)
{
    load_sample sum = *b;
    sum.at_ns = a->at_ns;
    sum.span_ns = a->span_ns + b->span_ns;
    sum.made += a->made;
    sum.succeeded += a->succeeded;
    sum.rejected += a->rejected;
    sum.failed += a->failed;
    sum.offered = (a->offered + b->offered) / 2;
    sum.p50_ns = larger(a->p50_ns, b->p50_ns);
    sum.p99_ns = larger(a->p99_ns, b->p99_ns);
    sum.max_ns = larger(a->max_ns, b->max_ns);
    *into = sum;
}

static void halve(load_series *series)
{
    for (size_t i = 0; i < series->count / 2; i++)
        join(&series->items[i], &series->items[2 * i], &series->items[2 * i + 1]);
    series->count /= 2;
    series->every_ns *= 2;
}

void load_series_add(load_series *series, const load_live *live, const tdm_histogram *window, int64_t now_ns)
{
    const load_live *last = &series->last;
    bool any = tdm_histogram_count(window) > 0;
    int64_t middle_ns = (last->now_ns + now_ns) / 2 - series->begun_ns;
    bool rising = middle_ns < series->ramp_ns;
    if (series->count == LOAD_SAMPLES_MAX)
        halve(series);
    load_sample *sample = &series->items[series->count++];
    *sample =
        (load_sample){.at_ns = last->now_ns,
                      .span_ns = now_ns - last->now_ns,
                      .made = live->made - last->made,
                      .succeeded = live->succeeded - last->succeeded,
                      .rejected = live->rejected - last->rejected,
                      .failed = live->failed - last->failed,
                      .offered = rising ? series->rate * (double) middle_ns / (double) series->ramp_ns : series->rate,
                      .p50_ns = any ? tdm_histogram_percentile(window, 50) : LOAD_UNKNOWN,
                      .p99_ns = any ? tdm_histogram_percentile(window, 99) : LOAD_UNKNOWN,
                      .max_ns = any ? tdm_histogram_max(window) : LOAD_UNKNOWN};
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++) {
        sample->running[lane] = live->tasks_running[lane];
        sample->queued[lane] = live->tasks_queued[lane];
    }
    series->last = *live;
    series->last.now_ns = now_ns;
}

void load_series_add_rest(load_series *series, const load_live *live, const tdm_histogram *window, int64_t now_ns)
{
    const load_live *last = &series->last;
    bool brief = now_ns - last->now_ns < series->every_ns / 2;
    if (live->made == last->made && live->succeeded == last->succeeded && live->rejected == last->rejected &&
        live->failed == last->failed)
        return;
    load_series_add(series, live, window, now_ns);
    if (brief && series->count > 1) {
        load_sample *before = &series->items[--series->count - 1];
        join(before, before, before + 1);
    }
}

void load_series_finish(load_series *series, load_step *step)
{
    for (size_t i = 0; i < series->count; i++)
        series->items[i].at_ns -= step->first_sent_ns ? step->first_sent_ns : series->begun_ns;
    step->samples = series->items;
    step->sample_count = series->count;
    *series = (load_series){0};
}
