/* SPDX-License-Identifier: MIT */
/* DESIGN: one file without network or script: style sheet, figures, charts. From the whole to the parts: the verdict,
 * what was compared, the levels with their knees, the table, and a row of cards for each level (report_cards.c).
 * Everything that came from outside (URLs, labels, details of errors) passes load_html_text(). */
#include "load/report_html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tandem/tandem.h>

#include "load/chart.h"
#include "load/format.h"
#include "load/report_cards.h"
#include "load/style.h"
#include "load/words.h"

typedef struct page {
    FILE *to;
    const load_sweep *sweep;
    load_rounds *rounds;
    unsigned count; /* of `rounds` */
    bool repeated;  /* some target ran a level more than once */
    bool levels;    /* some target has more than one level */
    bool runs;      /* some step saw tasks run */
    bool tasks;     /* some reply promised a task */
    bool open;      /* some step was an open loop */
} page;

static void write_head(const page *p)
{
    char when[40] = "";
    const load_plan *plan = p->sweep->plan;
    int64_t began_ns = p->sweep->step_count ? p->sweep->steps[0].started_wall_ns : tdm_clock_wall_ns();
    time_t now = (time_t) (began_ns / TDM_NS_PER_S);
    struct tm parts;
    if (localtime_r(&now, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S %z", &parts);
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>tandem-load</title>\n<style>\n",
          p->to);
    for (const char *const *piece = load_style_sheet; *piece; piece++)
        fputs(*piece, p->to);
    fprintf(p->to, "</style></head>\n<body><main%s>\n<header><h1>%s</h1>\n",
            plan->target_count > 2 ? " class=\"wide\"" : "",
            p->runs ? "What the background tasks did" : "How the server answered");
    fprintf(p->to, "<p class=\"sub\">tandem-load %s, %s; %s.</p>\n<ul class=\"targets\">", tdm_version(), when,
            load_words_loop(p->sweep->step_count ? p->sweep->steps[0].loop : LOAD_LOOP_CLOSED));
    for (unsigned i = 0; i < plan->target_count; i++) {
        fprintf(p->to, "<li><span class=\"key %s\"></span><b>", load_chart_class(i));
        load_html_text(p->to, plan->targets[i].label);
        fputs("</b> <code>", p->to);
        load_html_text(p->to, plan->targets[i].url.text);
        fputs("</code></li>", p->to);
    }
    fputs("</ul></header>\n", p->to);
}

/* ---- the verdict ---- */

static bool is_bad(const load_step *step)
{
    return load_step_failed(step) || step->invalid;
}

static void write_verdict(const page *p)
{
    bool bad = load_sweep_failed(p->sweep) || p->sweep->unreachable;
    for (unsigned i = 0; i < p->sweep->step_count; i++)
        bad = bad || is_bad(&p->sweep->steps[i]);
    if (!bad) {
        fputs("<p class=\"verdict good\">", p->to);
        load_words_good(p->to, p->sweep);
        fputs(".</p>\n", p->to);
        return;
    }
    fputs("<div class=\"verdict bad\"><p>Not everything went well:</p><ul>", p->to);
    for (unsigned i = 0; i < p->sweep->step_count; i++) {
        const load_step *step = &p->sweep->steps[i];
        if (!is_bad(step))
            continue;
        fputs("<li><b>", p->to);
        load_html_text(p->to, step->target->label);
        fputs("</b>, ", p->to);
        load_html_words(p->to, load_words_where, step);
        fputs(": ", p->to);
        load_html_words(p->to, load_words_trouble, step);
        fputs("</li>", p->to);
    }
    if (p->sweep->unreachable) {
        fputs("<li>", p->to);
        load_html_text(p->to, p->sweep->why);
        fputs("</li>", p->to);
    }
    fputs("</ul></div>\n", p->to);
}

/* Lines of text as the items of a list; nothing if there is no line. */
static void write_lines(FILE *to, char *text)
{
    char *next = text;
    if (!text || !*text)
        return;
    fputs("<ul class=\"lines\">", to);
    for (char *line; (line = strsep(&next, "\n")) != NULL;) {
        if (!*line)
            continue;
        fputs("<li>", to);
        load_html_text(to, line);
        fputs("</li>", to);
    }
    fputs("</ul>\n", to);
}

static void write_compared(const page *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    if (!words)
        return;
    load_rounds_verdicts(words, p->rounds, p->count);
    if (fclose(words) == 0)
        write_lines(p->to, text);
    free(text);
}

/* ---- the levels ---- */

static void write_knees(const page *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    if (!words)
        return;
    load_words_knees(words, p->sweep);
    if (fclose(words) == 0)
        write_lines(p->to, text);
    free(text);
}

static void write_levels(const page *p)
{
    static const load_round_figure figures[] = {LOAD_ROUND_RATE, LOAD_ROUND_TAIL, LOAD_ROUND_RESPONSE,
                                                LOAD_ROUND_ELAPSED};
    if (!p->levels)
        return;
    fputs("<section class=\"sweep\"><h2>Over the levels</h2>\n", p->to);
    write_knees(p);
    fputs("<p class=\"legend\">", p->to);
    for (unsigned i = 0; i < p->sweep->plan->target_count; i++) {
        fprintf(p->to, "<span class=\"item\"><span class=\"key %s\"></span> ", load_chart_class(i));
        load_html_text(p->to, p->sweep->plan->targets[i].label);
        fputs("</span> ", p->to);
    }
    fputs(p->repeated ? "; a point is the median round, the line through it reaches from the least to the most" : "",
          p->to);
    fputs("</p><div class=\"cards plots\">", p->to);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *chart = open_memstream(&text, &size);
        bool drawn = chart && load_chart_levels(chart, p->sweep, p->rounds, p->count, figures[i]);
        if (chart && fclose(chart) == 0 && drawn)
            fprintf(p->to, "<article>%s</article>", text);
        free(text);
    }
    fputs("</div></section>\n", p->to);
}

/* ---- the table ---- */

static void write_cell(FILE *to, bool known, load_text text)
{
    fprintf(to, "<td>%s</td>", known ? text.text : "<span class=\"none\">–</span>");
}

static void write_tasks(const page *p, const load_step *step)
{
    FILE *to = p->to;
    const load_tasks *tasks = &step->tasks;
    const load_lane_figures *both = &tasks->lanes[LOAD_BOTH_LANES];
    bool ran = load_step_has_runs(step);
    bool followed = tasks->follow == LOAD_FOLLOW_COMPLETE || tasks->follow == LOAD_FOLLOW_INCOMPLETE;
    write_cell(to, followed || tasks->promised, load_format_count(tasks->promised));
    write_cell(to, followed, load_format_count(tasks->states[LOAD_STATE_DONE]));
    write_cell(to, followed, load_format_count(tasks->lost));
    write_cell(to, ran, load_format_count(both->curve.peak));
    write_cell(to, ran, load_format_mean(both->curve.mean));
    write_cell(to, ran, load_format_count(both->threads));
    write_cell(to, ran, load_format_seconds(tasks->elapsed_ns));
    write_cell(to, ran, load_format_seconds(tasks->ideal_ns));
}

static void write_row(const page *p, const load_step *step)
{
    FILE *to = p->to;
    bool answered = tdm_histogram_count(step->latency) > 0;
    fprintf(to, "<tr%s><th scope=\"row\">", is_bad(step) ? " class=\"bad\"" : "");
    load_html_text(to, step->target->label);
    fputs("</th>", to);
    if (p->repeated)
        write_cell(to, true, load_format_count(step->round + 1));
    write_cell(to, true, load_format_count(step->connections));
    if (p->open)
        write_cell(to, step->loop == LOAD_LOOP_OPEN, load_format_rate(step->rate));
    write_cell(to, true, load_format_count(step->made));
    write_cell(to, true, load_format_count(load_step_errors(step)));
    write_cell(to, true, load_format_count(step->rejected));
    write_cell(to, answered, load_format_duration(tdm_histogram_percentile(step->latency, 50)));
    write_cell(to, answered, load_format_duration(tdm_histogram_percentile(step->latency, 99)));
    write_cell(to, answered, load_format_duration(tdm_histogram_max(step->latency)));
    write_cell(to, answered, load_format_rate(load_step_rate(step)));
    if (p->tasks)
        write_tasks(p, step);
    fputs("</tr>\n", to);
}
static void write_table(const page *p)
{
    const load_sweep *sweep = p->sweep;
    fprintf(p->to,
            "<section><h2>All steps</h2>\n<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>"
            "<th rowspan=\"2\">target</th>%s<th rowspan=\"2\">connec&shy;tions</th>%s"
            "<th colspan=\"3\">requests</th><th colspan=\"4\">response</th>",
            p->repeated ? "<th rowspan=\"2\">round</th>" : "", p->open ? "<th rowspan=\"2\">offered</th>" : "");
    if (p->tasks)
        fputs("<th colspan=\"3\">tasks</th><th colspan=\"3\">multiplicity</th><th colspan=\"2\">to the last end</th>",
              p->to);
    fputs("</tr>\n<tr><th>made</th><th>errors</th><th>rejected</th><th>p50</th><th>p99</th><th>max</th><th>rate</th>",
          p->to);
    if (p->tasks)
        fputs("<th>accepted</th><th>done</th><th>lost</th><th>peak</th><th>mean</th><th>threads</th><th>elapsed</th>"
              "<th>ideal</th>",
              p->to);
    fputs("</tr></thead><tbody>\n", p->to);
    for (unsigned i = 0; i < sweep->step_count; i++) {
        if (i && sweep->steps[i].target_index != sweep->steps[i - 1].target_index)
            fputs("</tbody><tbody>\n", p->to);
        write_row(p, &sweep->steps[i]);
    }
    fputs("</tbody></table></div></section>\n", p->to);
}

/* ---- the rest ---- */

static void write_rounds(const page *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *words = open_memstream(&text, &size);
    if (!words)
        return;
    load_rounds_tables(words, p->rounds, p->count, 0);
    if (fclose(words) == 0 && size) {
        fputs("<section><h2>The rounds</h2><div class=\"scroll\" tabindex=\"0\"><pre>", p->to);
        load_html_text(p->to, text + 1); /* without the empty line before the first table */
        fputs("</pre></div></section>\n", p->to);
    }
    free(text);
}

static void write_legend(const page *p)
{
    if (p->runs)
        fputs("<p class=\"legend\"><span class=\"key loop\"></span> tasks on the loop lane <span class=\"key pool\">"
              "</span> tasks on the pool lane <span class=\"key ideal\"></span> when the same work would have ended "
              "without any waiting. Charts in a row share their scales. In the swim-lanes each row is a thread, its "
              "number at "
              "the left (a loop has as many rows as ran at once), and each bar a task; the shades tell a request&#39;s "
              "first, second and third task.</p>\n",
              p->to);
    if (p->repeated)
        fputs("<p class=\"legend\">The charts below show the first round.</p>\n", p->to);
}

static void look(page *p)
{
    for (unsigned i = 0; i < p->sweep->step_count; i++) {
        p->runs = p->runs || load_step_has_runs(&p->sweep->steps[i]);
        p->tasks = p->tasks || p->sweep->steps[i].tasks.promised;
        p->open = p->open || p->sweep->steps[i].loop == LOAD_LOOP_OPEN;
        p->repeated = p->repeated || p->sweep->steps[i].round > 0;
        for (unsigned k = 0; k < i; k++)
            p->levels = p->levels || (p->sweep->steps[k].target_index == p->sweep->steps[i].target_index &&
                                      (p->sweep->steps[k].connections != p->sweep->steps[i].connections ||
                                       p->sweep->steps[k].rate != p->sweep->steps[i].rate));
    }
}

int load_report_html(FILE *to, const load_sweep *sweep)
{
    page p = {.to = to, .sweep = sweep};
    int count = load_rounds_make(&p.rounds, sweep);
    if (count < 0)
        return count;
    p.count = (unsigned) count;
    look(&p);
    write_head(&p);
    write_verdict(&p);
    write_compared(&p);
    write_levels(&p);
    write_table(&p);
    write_rounds(&p);
    write_legend(&p);
    int err = load_report_cards(to, sweep);
    fputs("<footer>Response: in a closed loop request sent, in an open loop request due, to reply complete, of the "
          "requests that succeeded.",
          to);
    if (p.open)
        fputs(" Dashed: the rate that was asked for, and the responses uncorrected, from when each request was sent.",
              to);
    if (p.runs)
        fputs(" Mean multiplicity is weighted by time, from the first start to the last end. The ideal: the tasks of "
              "every "
              "request run one after another from the moment it was sent, or the pool's run times over its threads, "
              "whichever ends later.",
              to);
    fputs("</footer>\n</main></body></html>\n", to);
    free(p.rounds);
    return err;
}
