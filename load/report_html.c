/* SPDX-License-Identifier: MIT */
/* DESIGN: one file without network or script: style sheet, figures, charts. Steps with the same number of connections
 * stand in one row with the same scales, one card for each target, so that lanes are compared by eye. Everything that
 * came from outside (URLs, labels, details of errors) passes load_html_text(). */
#include "load/report_html.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <tandem/tandem.h>

#include "load/chart.h"
#include "load/format.h"
#include "load/style.h"
#include "load/words.h"

static void write_words(FILE *to, void (*write)(FILE *to, const load_step *step), const load_step *step)
{
    char *text = load_words_text(write, step);
    if (text)
        load_html_text(to, text);
    free(text);
}

static void write_head(FILE *to, const load_sweep *sweep)
{
    char when[40] = "";
    int64_t began_ns = sweep->step_count ? sweep->steps[0].started_wall_ns : tdm_clock_wall_ns();
    time_t now = (time_t) (began_ns / TDM_NS_PER_S);
    struct tm parts;
    if (localtime_r(&now, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &parts);
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>tandem-load: multiplicity over "
          "time</title>\n<style>\n",
          to);
    for (const char *const *piece = load_style_sheet; *piece; piece++)
        fputs(*piece, to);
    fprintf(to, "</style></head>\n<body><main%s>\n<header><h1>What the background tasks did</h1>\n",
            sweep->plan->target_count > 2 ? " class=\"wide\"" : "");
    fprintf(to, "<p class=\"sub\">tandem-load %s, %s; %s.</p>\n<ul class=\"targets\">", tdm_version(), when,
            load_words_loop(sweep->step_count ? sweep->steps[0].loop : LOAD_LOOP_CLOSED));
    for (unsigned i = 0; i < sweep->plan->target_count; i++) {
        fputs("<li><b>", to);
        load_html_text(to, sweep->plan->targets[i].label);
        fputs("</b> <code>", to);
        load_html_text(to, sweep->plan->targets[i].url.text);
        fputs("</code></li>", to);
    }
    fputs("</ul></header>\n", to);
}

static void write_verdict(FILE *to, const load_sweep *sweep)
{
    if (!load_sweep_failed(sweep) && !sweep->unreachable) {
        fputs("<p class=\"verdict good\">", to);
        load_words_good(to, sweep);
        fputs(".</p>\n", to);
        return;
    }
    fputs("<div class=\"verdict bad\"><p>Not everything went well:</p><ul>", to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        const load_step *step = &sweep->steps[i];
        if (!load_step_failed(step))
            continue;
        fputs("<li><b>", to);
        load_html_text(to, step->target->label);
        fprintf(to, "</b>, %s connections: ", load_format_count(step->connections).text);
        write_words(to, load_words_trouble, step);
        fputs("</li>", to);
    }
    if (sweep->unreachable) {
        fputs("<li>", to);
        load_html_text(to, sweep->why);
        fputs("</li>", to);
    }
    fputs("</ul></div>\n", to);
}

/* ---- the table ---- */

static void write_cell(FILE *to, bool known, load_text text)
{
    fprintf(to, "<td>%s</td>", known ? text.text : "<span class=\"none\">–</span>");
}

static void write_row(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    bool answered = tdm_histogram_count(step->latency) > 0, ran = load_step_has_runs(step);
    bool followed = tasks->follow == LOAD_FOLLOW_COMPLETE || tasks->follow == LOAD_FOLLOW_INCOMPLETE;
    fprintf(to, "<tr%s><th scope=\"row\">", load_step_failed(step) ? " class=\"bad\"" : "");
    load_html_text(to, step->target->label);
    fputs("</th>", to);
    write_cell(to, true, load_format_count(step->connections));
    write_cell(to, true, load_format_count(step->made));
    write_cell(to, true, load_format_count(load_step_errors(step)));
    write_cell(to, true, load_format_count(step->rejected));
    write_cell(to, answered, load_format_duration(tdm_histogram_percentile(step->latency, 50)));
    write_cell(to, answered, load_format_duration(tdm_histogram_percentile(step->latency, 99)));
    write_cell(to, answered, load_format_duration(tdm_histogram_max(step->latency)));
    write_cell(to, answered, load_format_rate(load_step_rate(step)));
    write_cell(to, followed || tasks->promised, load_format_count(tasks->promised));
    write_cell(to, followed, load_format_count(tasks->states[LOAD_STATE_DONE]));
    write_cell(to, followed, load_format_count(tasks->lost));
    write_cell(to, ran, load_format_count(both->curve.peak));
    write_cell(to, ran, load_format_mean(both->curve.mean));
    write_cell(to, ran, load_format_count(both->threads));
    write_cell(to, ran, load_format_seconds(tasks->elapsed_ns));
    write_cell(to, ran, load_format_seconds(tasks->ideal_ns));
    fputs("</tr>\n", to);
}

static void write_table(FILE *to, const load_sweep *sweep)
{
    fputs("<section><h2>All steps</h2>\n<div class=\"scroll\"><table><thead><tr><th rowspan=\"2\">target</th>"
          "<th rowspan=\"2\">connec&shy;tions</th><th colspan=\"3\">requests</th><th colspan=\"4\">response</th>"
          "<th colspan=\"3\">tasks</th><th colspan=\"3\">multiplicity</th><th colspan=\"2\">to the last end</th></tr>\n"
          "<tr><th>made</th><th>errors</th><th>rejected</th><th>p50</th><th>p99</th><th>max</th><th>rate</th>"
          "<th>accepted</th><th>done</th><th>lost</th><th>peak</th><th>mean</th><th>threads</th><th>elapsed</th>"
          "<th>ideal</th></tr></thead><tbody>\n",
          to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        if (i && sweep->steps[i].target_index != sweep->steps[i - 1].target_index)
            fputs("</tbody><tbody>\n", to);
        write_row(to, &sweep->steps[i]);
    }
    fputs("</tbody></table></div></section>\n", to);
}

/* ---- the cards ---- */

static void write_fact(FILE *to, const char *name, const char *value)
{
    fprintf(to, "<div><dt>%s</dt><dd>%s</dd></div>", name, value);
}

static void write_facts(FILE *to, const load_step *step)
{
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    char text[96];
    fputs("<dl>", to);
    if (load_step_has_runs(step)) {
        write_fact(to, "peak", load_format_count(both->curve.peak).text);
        write_fact(to, "mean", load_format_mean(both->curve.mean).text);
        write_fact(to, "threads", load_format_count(both->threads).text);
        snprintf(text, sizeof text, "%s", load_format_seconds(tasks->elapsed_ns).text);
        write_fact(to, "to the last end", text);
        write_fact(to, "queue wait p99", load_format_duration(tdm_histogram_percentile(tasks->queue_wait, 99)).text);
    }
    if (tdm_histogram_count(step->latency)) {
        snprintf(text, sizeof text, "%s / %s", load_format_duration(tdm_histogram_percentile(step->latency, 50)).text,
                 load_format_duration(tdm_histogram_percentile(step->latency, 99)).text);
        write_fact(to, "response p50 / p99", text);
    }
    fputs("</dl>\n", to);
}

static void write_card(FILE *to, const load_step *step, const load_scale *scale)
{
    fprintf(to, "<article%s><h3>", load_step_failed(step) ? " class=\"bad\"" : "");
    load_html_text(to, step->target->label);
    fputs("</h3><p class=\"seen\">", to);
    write_words(to, load_words_seen, step);
    fputs("</p>\n", to);
    if (load_step_has_runs(step))
        load_chart_write(to, step, scale);
    else
        fputs("<div class=\"empty\">no multiplicity to show</div>\n", to);
    write_facts(to, step);
    if (load_step_failed(step)) {
        fputs("<p class=\"trouble\">", to);
        write_words(to, load_words_trouble, step);
        fputs("</p>", to);
    }
    if (step->tasks.timed && !step->tasks.clock_same) {
        fputs("<p class=\"note\">", to);
        write_words(to, load_words_clock, step);
        fputs("</p>", to);
    }
    fputs("</article>\n", to);
}

/* The steps of all targets that go beside `first`: as many connections, and as often seen before in their target.
 * @return how many; 0 if an earlier step has these already. */
static unsigned pick_row(const load_sweep *sweep, const load_step *first, const load_step **row)
{
    unsigned n = 0;
    for (const load_step *step = sweep->steps; step < sweep->steps + sweep->step_count; step++) {
        if (step->connections != first->connections || step->repeat != first->repeat)
            continue;
        if (step < first)
            return 0;
        row[n++] = step;
    }
    return n;
}

static void write_section(FILE *to, const load_step *const *row, unsigned count)
{
    const load_scale scale = load_chart_scale(row, count);
    fputs("<section class=\"step\"><h2>", to);
    write_words(to, load_words_plan, row[0]);
    fprintf(to, "</h2><div class=\"cards%s\">\n", count == 1 ? " single" : "");
    for (unsigned i = 0; i < count; i++)
        write_card(to, row[i], &scale);
    fputs("</div></section>\n", to);
}

int load_report_html(FILE *to, const load_sweep *sweep)
{
    const load_step **row = calloc(sweep->plan->target_count, sizeof *row);
    if (!row)
        return -ENOMEM;
    write_head(to, sweep);
    write_verdict(to, sweep);
    write_table(to, sweep);
    fputs(
        "<section class=\"legend\"><h2>Multiplicity over time</h2><p><span class=\"key loop\"></span> tasks on the "
        "loop lane <span class=\"key pool\"></span> tasks on the pool lane <span class=\"key ideal\"></span> when the "
        "same work would have ended without any waiting. Charts in a row share their scales.</p></section>\n",
        to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        unsigned n = pick_row(sweep, &sweep->steps[i], row);
        if (n)
            write_section(to, row, n);
    }
    fputs("<footer>Response: request sent to reply complete, of the requests that succeeded. Mean multiplicity is "
          "weighted by time, from the first start to the last end. The ideal: the tasks of every request run "
          "one after another from the moment it was sent, or the pool's run times over its threads, whichever ends "
          "later.</footer>\n</main></body></html>\n",
          to);
    free(row);
    return 0;
}
