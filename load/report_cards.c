/* SPDX-License-Identifier: MIT */
/* DESIGN: steps at the same level stand in one row with the same scales, one card for each target, so that lanes are
 * compared by eye: what was seen in words, multiplicity over time, the threads, the responses. Of several rounds the
 * first is drawn; the table has them all. */
#include "load/report_cards.h"

#include <errno.h>
#include <stdlib.h>

#include "load/chart.h"
#include "load/format.h"
#include "load/words.h"

void load_html_words(FILE *to, void (*write)(FILE *to, const load_step *step), const load_step *step)
{
    char *text = load_words_text(write, step);
    if (text)
        load_html_text(to, text);
    free(text);
}

static void write_fact(FILE *to, const char *name, const char *value)
{
    fprintf(to, "<div><dt>%s</dt><dd>%s</dd></div>", name, value);
}

static void write_percentiles(FILE *to, const char *name, const tdm_histogram *h)
{
    char text[96];
    if (!tdm_histogram_count(h))
        return;
    snprintf(text, sizeof text, "%s / %s", load_format_duration(tdm_histogram_percentile(h, 50)).text,
             load_format_duration(tdm_histogram_percentile(h, 99)).text);
    write_fact(to, name, text);
}

static void write_facts(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    fputs("<dl>", to);
    if (load_step_has_runs(step)) {
        write_fact(to, "peak", load_format_count(both->curve.peak).text);
        write_fact(to, "mean", load_format_mean(both->curve.mean).text);
        write_fact(to, "threads", load_format_count(both->threads).text);
        write_fact(to, "to the last end", load_format_seconds(tasks->elapsed_ns).text);
    }
    if (load_step_rate(step) > 0)
        write_fact(to, "rate", load_format_rate(load_step_rate(step)).text);
    write_percentiles(to, "response p50 / p99", step->latency);
    if (step->loop == LOAD_LOOP_OPEN)
        write_percentiles(to, "uncorrected p50 / p99", step->uncorrected);
    write_percentiles(to, "queue wait p50 / p99", tasks->queue_wait);
    write_percentiles(to, "completion p50 / p99", tasks->completion);
    fputs("</dl>\n", to);
}

static void write_notes(FILE *to, const load_step *step)
{
    if (load_step_failed(step) || step->invalid) {
        fputs("<p class=\"trouble\">", to);
        load_html_words(to, load_words_trouble, step);
        fputs("</p>", to);
    }
    if (step->tasks.timed && !step->tasks.clock_same) {
        fputs("<p class=\"note\">", to);
        load_html_words(to, load_words_clock, step);
        fputs("</p>", to);
    }
}

/* `title` writes what tells the card from those beside it. */
static void write_card(FILE *to, const load_step *step, const load_scale *scale,
                       void (*title)(FILE *to, const load_step *step))
{
    bool bad = load_step_failed(step) || step->invalid;
    fprintf(to, "<article%s><h3>", bad ? " class=\"bad\"" : "");
    load_html_words(to, title, step);
    fputs("</h3><p class=\"seen\">", to);
    load_html_words(to, load_words_seen, step);
    fputs("</p>\n", to);
    write_facts(to, step);
    if (load_step_has_runs(step)) {
        load_chart_multiplicity(to, step, scale);
        load_chart_queue(to, step, scale);
        if (step->tasks.swim_count)
            load_chart_swims(to, step, scale);
    }
    if (load_chart_has_series(step))
        load_chart_series(to, step, scale);
    if (tdm_histogram_count(step->latency))
        load_chart_responses(to, step, scale);
    else
        fputs("<div class=\"empty\">no request succeeded</div>\n", to);
    write_notes(to, step);
    fputs("</article>\n", to);
}

/* The steps of all targets that go beside `first`, of its round. @return how many; 0 if an earlier step has these. */
static unsigned pick_row(const load_sweep *sweep, const load_step *first, const load_step **row)
{
    unsigned n = 0;
    for (const load_step *step = sweep->steps; step < sweep->steps + sweep->step_count; step++) {
        if (step->round != first->round || !load_words_same_level(step, first))
            continue;
        if (step < first)
            return 0;
        row[n++] = step;
    }
    return n;
}

static void write_row(FILE *to, const load_step *const *row, unsigned count)
{
    const load_scale scale = load_chart_scale(row, count);
    fputs("<section class=\"step\"><h2>", to);
    load_html_words(to, load_words_plan, row[0]);
    fputs("</h2><div class=\"cards\">\n", to);
    for (unsigned i = 0; i < count; i++)
        write_card(to, row[i], &scale, load_words_label);
    fputs("</div></section>\n", to);
}

/* One target alone: its levels stand side by side. */
static void write_levels(FILE *to, const load_sweep *sweep)
{
    fputs("<section class=\"step\"><h2>Level by level</h2><div class=\"cards\">\n", to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        const load_step *step = &sweep->steps[i];
        if (step->round)
            continue;
        const load_scale scale = load_chart_scale(&step, 1);
        write_card(to, step, &scale, load_words_plan);
    }
    fputs("</div></section>\n", to);
}

int load_report_cards(FILE *to, const load_sweep *sweep)
{
    if (sweep->plan->target_count == 1) {
        write_levels(to, sweep);
        return 0;
    }
    const load_step **row = calloc(sweep->step_count + 1, sizeof *row);
    if (!row)
        return -ENOMEM;
    for (unsigned i = 0; i < sweep->step_count; i++) {
        unsigned n = sweep->steps[i].round ? 0 : pick_row(sweep, &sweep->steps[i], row);
        if (n)
            write_row(to, row, n);
    }
    free(row);
    return 0;
}
