/* SPDX-License-Identifier: MIT */
/* DESIGN: what a frame of the live view says, from one snapshot. Pure, so that tests see frames without a terminal.
 * Lines are cut at the width of the screen and not wrapped; a screen too low for all of them shows the first, and one of
 * two rows how far the step has come. */
#include <stdarg.h>
#include <string.h>

#include <tandem/clock.h>

#include "load/format.h"
#include "load/progress.h"
#include "load/words.h"

enum { SPARK = 24, NAME = 10 };

typedef struct colours {
    const char *dim, *loop, *pool, *bad, *bold, *none;
} colours;

static const colours plain = {"", "", "", "", "", ""};
static const colours bright = {"\033[2m", "\033[34m", "\033[33m", "\033[31m", "\033[1m", "\033[0m"};

static const colours *colours_of(const load_term *term)
{
    return term->colour ? &bright : &plain;
}

/* Codes take no column. They are kept short enough that the room suffices; what comes after the cut is left out, but
 * for the code that ends a colour. */
static void add_code(load_line *line, const char *code)
{
    size_t size = strlen(code);
    if (line->size + size >= sizeof line->text)
        return;
    memcpy(line->text + line->size, code, size + 1);
    line->size += size;
}

/* One character, up to its last byte; what would move the cursor is shown as "?". */
static size_t character_size(const char *text)
{
    size_t size = 1;
    while (((unsigned char) text[size] & 0xc0) == 0x80)
        size++;
    return size;
}

static void add_text(load_line *line, const char *text)
{
    while (*text && line->columns < line->limit) {
        size_t size = character_size(text);
        bool control = (unsigned char) *text < 0x20 || *text == 0x7f;
        if (line->size + size + 8 >= sizeof line->text)
            return;
        memcpy(line->text + line->size, control ? "?" : text, size);
        line->size += size;
        line->text[line->size] = '\0';
        line->columns++;
        text += size;
    }
}

static void add(load_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(load_line *line, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_text(line, text);
}

/* Up to a column, with blanks. */
static void pad_to(load_line *line, unsigned column)
{
    while (line->columns < column && line->columns < line->limit)
        add_text(line, " ");
}

static void add_name(load_line *line, const colours *c, const char *colour, const char *name)
{
    add_code(line, colour);
    add_text(line, name);
    add_code(line, c->none);
    pad_to(line, NAME);
}

static bool holds_figures(const load_live *live, int64_t (*value)(const load_sample *sample))
{
    for (size_t i = 0; i < live->sample_count; i++)
        if (value(&live->samples[i]) > 0)
            return true;
    return false;
}

/* A sparkline of the last slices, beginning at a column. */
static void add_spark(load_line *line, const load_term *term, const load_live *live, unsigned column,
                      int64_t (*value)(const load_sample *sample))
{
    double values[SPARK];
    char picture[LOAD_TERM_ROOM];
    size_t from = live->sample_count > SPARK ? live->sample_count - SPARK : 0, n = 0;
    if (!holds_figures(live, value))
        return;
    for (size_t i = from; i < live->sample_count; i++)
        values[n++] = (double) value(&live->samples[i]);
    load_term_spark(picture, term, SPARK, values, n, 0);
    pad_to(line, column);
    add_text(line, picture);
}

/* ---- the lines ---- */

static void title_line(load_line *line, const colours *c, const load_live *live)
{
    add_code(line, c->bold);
    add(line, "%.60s", live->step->target->label);
    add_code(line, c->none);
    add(line, "  %s", live->step->loop == LOAD_LOOP_OPEN ? load_words_level(live->step).text : "");
    add(line, "%s%s connections, %s loop", live->step->loop == LOAD_LOOP_OPEN ? " over " : "",
        load_format_count(live->step->connections).text, load_loop_name(live->step->loop));
    if (live->step_total > 1)
        add(line, "   step %u of %u", live->step_number, live->step_total);
}

typedef struct goal {
    double done, all; /* all 0: not known */
    char text[120];
} goal;

/* Of a step while its requests are sent and awaited. */
static goal goal_of_requests(const load_live *live)
{
    const load_step *step = live->step;
    bool awaiting = live->phase == LOAD_PHASE_AWAITING;
    double seconds = tdm_s_from_ns(live->phase_ns);
    uint64_t answered = live->succeeded + live->rejected + live->failed;
    goal g = {.done = (double) answered, .all = (double) step->planned};
    if (step->duration_s > 0) {
        g.done = awaiting ? 1 : seconds;
        g.all = awaiting ? 1 : step->duration_s;
        if (awaiting)
            snprintf(g.text, sizeof g.text, "awaiting the last replies");
        else
            snprintf(g.text, sizeof g.text, "%.1f of %g s", seconds, step->duration_s);
    } else {
        snprintf(g.text, sizeof g.text, "%s of %s requests answered", load_format_count(answered).text,
                 load_format_count(step->planned).text);
    }
    return g;
}

static goal goal_of(const load_live *live)
{
    const load_step *step = live->step;
    double seconds = tdm_s_from_ns(live->phase_ns);
    goal g = {.all = step->connections};
    switch (live->phase) {
    case LOAD_PHASE_OPENING:
        g.done = live->connections_open;
        snprintf(g.text, sizeof g.text, "%s of %s connections open", load_format_count(live->connections_open).text,
                 load_format_count(step->connections).text);
        return g;
    case LOAD_PHASE_WARMUP:
        g.done = seconds;
        g.all = step->warmup_s + step->ramp_s;
        snprintf(g.text, sizeof g.text, "warming up, %.1f of %.1f s", seconds, g.all);
        return g;
    case LOAD_PHASE_MEASURING:
    case LOAD_PHASE_AWAITING:
        return goal_of_requests(live);
    case LOAD_PHASE_FOLLOWING:
        break;
    }
    g.done = (double) live->tasks_ended;
    g.all = (double) live->tasks_promised;
    snprintf(g.text, sizeof g.text, "%s of %s tasks ended, %.0f s", load_format_count(live->tasks_ended).text,
             load_format_count(live->tasks_promised).text, seconds);
    return g;
}

static void goal_line(load_line *line, const load_term *term, const load_live *live)
{
    char bar[LOAD_TERM_ROOM];
    goal g = goal_of(live);
    unsigned width = line->limit > 100 ? 40 : line->limit > 60 ? 24 : 10;
    load_term_bar(bar, term, width, g.all > 0 ? g.done / g.all : 0);
    add(line, "%s %3.0f %%  %s", bar, g.all > 0 ? 100 * (g.done < g.all ? g.done / g.all : 1) : 0, g.text);
}

static int64_t replies_of(const load_sample *sample)
{
    uint64_t answered = sample->succeeded + sample->rejected + sample->failed;
    return sample->span_ns > 0 ? (int64_t) ((double) answered * 1e9 / (double) sample->span_ns) : 0;
}

static int64_t p99_of(const load_sample *sample)
{
    return sample->p99_ns;
}

static int64_t loop_of(const load_sample *sample)
{
    return sample->running[LOAD_LANE_LOOP];
}

static int64_t pool_of(const load_sample *sample)
{
    return sample->running[LOAD_LANE_POOL];
}

static void replies_line(load_line *line, const load_term *term, const load_live *live)
{
    const colours *c = colours_of(term);
    add_name(line, c, c->dim, "replies");
    add(line, "%s ok, %s rejected, ", load_format_count(live->succeeded).text, load_format_count(live->rejected).text);
    add_code(line, live->failed ? c->bad : "");
    add(line, "%s errors", load_format_count(live->failed).text);
    add_code(line, live->failed ? c->none : "");
    add(line, ", %s", load_format_rate(live->rate).text);
    add_spark(line, term, live, 50, replies_of);
}

static void response_line(load_line *line, const load_term *term, const load_live *live)
{
    const colours *c = colours_of(term);
    add_name(line, c, c->dim, "response");
    if (live->p50_ns == LOAD_UNKNOWN)
        add_text(line, "none yet");
    else
        add(line, "p50 %s, p99 %s", load_format_duration(live->p50_ns).text, load_format_duration(live->p99_ns).text);
    add_spark(line, term, live, 50, p99_of);
}

/* The most that ran at once in any lane, as far as it was seen: what the bars of the lanes are held against. */
static int64_t most_running(const load_live *live)
{
    int64_t most = 1;
    for (int lane = 0; lane < LOAD_LANE_COUNT; lane++) {
        most = live->tasks_running[lane] > most ? live->tasks_running[lane] : most;
        for (size_t i = 0; i < live->sample_count; i++)
            most = live->samples[i].running[lane] > most ? live->samples[i].running[lane] : most;
    }
    return most;
}

static void lane_line(load_line *line, const load_term *term, const load_live *live, load_lane lane)
{
    const colours *c = colours_of(term);
    const char *colour = lane == LOAD_LANE_LOOP ? c->loop : c->pool;
    char bar[LOAD_TERM_ROOM];
    load_term_bar(bar, term, 10, (double) live->tasks_running[lane] / (double) most_running(live));
    add_name(line, c, colour, load_lane_name(lane));
    add_code(line, colour);
    add_text(line, bar);
    add_code(line, c->none);
    add(line, " %s at once", load_format_count((uint64_t) live->tasks_running[lane]).text);
    if (live->tasks_queued[lane] > 0)
        add(line, ", %s queued", load_format_count((uint64_t) live->tasks_queued[lane]).text);
    add_code(line, colour);
    add_spark(line, term, live, 50, lane == LOAD_LANE_LOOP ? loop_of : pool_of);
    add_code(line, c->none);
}

unsigned load_progress_frame(load_line *lines, const load_term *term, unsigned columns, unsigned rows,
                             const load_live *live)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LOAD_FRAME_LINES; i++) {
        lines[i].text[0] = '\0';
        lines[i].size = lines[i].columns = 0;
        lines[i].limit = columns > 1 ? columns - 1 : 1; /* the last column makes some terminals wrap */
    }
    unsigned most = rows > 1 ? rows - 1 : 1;
    if (most > 1)
        title_line(&lines[n++], colours_of(term), live);
    goal_line(&lines[n++], term, live);
    replies_line(&lines[n++], term, live);
    response_line(&lines[n++], term, live);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--)
        if (live->tasks_running[lane] != LOAD_UNKNOWN)
            lane_line(&lines[n++], term, live, (load_lane) lane);
    return n < most ? n : most;
}

void load_progress_line(FILE *to, const load_live *live, int64_t elapsed_ns)
{
    const load_step *step = live->step;
    fprintf(to, "%.40s, ", step->target->label);
    load_words_where(to, step);
    fprintf(to, ", %.0f s: %s", tdm_s_from_ns(elapsed_ns), goal_of(live).text);
    if (live->phase != LOAD_PHASE_FOLLOWING && live->rate > 0)
        fprintf(to, ", %s", load_format_rate(live->rate).text);
    if (live->p99_ns != LOAD_UNKNOWN && live->phase == LOAD_PHASE_MEASURING)
        fprintf(to, ", p99 %s", load_format_duration(live->p99_ns).text);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--) {
        if (live->tasks_running[lane] > 0)
            fprintf(to, ", %s: %s at once", load_lane_name((load_lane) lane),
                    load_format_count((uint64_t) live->tasks_running[lane]).text);
        if (live->tasks_queued[lane] > 0)
            fprintf(to, " and %s queued", load_format_count((uint64_t) live->tasks_queued[lane]).text);
    }
    if (live->failed)
        fprintf(to, ", %s errors", load_format_count(live->failed).text);
    fputc('\n', to);
}
