/* SPDX-License-Identifier: MIT */
/* DESIGN: swim-lanes: a row for each thread, a bar for each task from its start to its end. A loop's one thread has
 * many tasks at once, so it gets as many rows as ran at once, filled first fit. Where there are more rows than can be
 * seen, rows are drawn at even distances and the chart says how many of how many; a thread of the pool is left out last.
 * The shades tell a request's first task from its second and third, so that one sees in which order the work is taken. */
#include "load/chart.h"

#include <stdlib.h>

#include "load/format.h"

enum { WIDTH = 560, LEFT = 66, RIGHT = 14, TOP = 8, BOTTOM = 22, ROWS_MOST = 48, LABEL_ROOM = 11, TITLES_MOST = 400 };

typedef struct swim_row {
    uint32_t thread;
    uint8_t lane;
    bool drawn;
    int64_t end_ns; /* of the last bar in it */
    double y;       /* its top, if drawn */
} swim_row;

typedef struct swim_chart {
    const load_step *step;
    swim_row *rows;
    unsigned *row_of; /* each swim's row */
    uint8_t *shade;   /* each swim's place in its request's sequence, modulo 3 */
    unsigned row_count, drawn;
    double height; /* of a row */
} swim_chart;

static bool ran(const load_swim *swim)
{
    return swim->started_ns != LOAD_NEVER && swim->ended_ns != LOAD_NEVER;
}

/* Swims come in order of their starts. */
static void fill_rows(swim_chart *c)
{
    const load_tasks *tasks = &c->step->tasks;
    for (size_t i = 0; i < tasks->swim_count; i++) {
        const load_swim *swim = &tasks->swims[i];
        unsigned row = 0;
        if (!ran(swim))
            continue;
        while (row < c->row_count && (c->rows[row].thread != swim->thread || c->rows[row].end_ns > swim->started_ns))
            row++;
        if (row == c->row_count)
            c->rows[c->row_count++] = (swim_row){.thread = swim->thread, .lane = swim->lane};
        c->rows[row].end_ns = swim->ended_ns;
        c->row_of[i] = row;
    }
}

typedef struct mate {
    uint64_t request, id;
    size_t swim;
} mate;

static int by_request(const void *a, const void *b)
{
    const mate *left = a, *right = b;
    if (left->request != right->request)
        return left->request > right->request ? 1 : -1;
    return (left->id > right->id) - (left->id < right->id);
}

static int fill_shades(swim_chart *c)
{
    const load_tasks *tasks = &c->step->tasks;
    mate *mates = calloc(tasks->swim_count + 1, sizeof *mates);
    if (!mates)
        return -1;
    for (size_t i = 0; i < tasks->swim_count; i++)
        mates[i] = (mate){tasks->swims[i].request, tasks->swims[i].id, i};
    qsort(mates, tasks->swim_count, sizeof *mates, by_request);
    unsigned place = 0;
    for (size_t i = 0; i < tasks->swim_count; i++) {
        place = i && mates[i].request == mates[i - 1].request ? place + 1 : 0;
        c->shade[mates[i].swim] = (uint8_t) (place % 3);
    }
    free(mates);
    return 0;
}

static unsigned rows_of(const swim_chart *c, load_lane lane)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->row_count; i++)
        n += c->rows[i].lane == lane;
    return n;
}

/* Choose `most` of a lane's rows at even distances. */
static void choose(swim_chart *c, load_lane lane, unsigned most)
{
    unsigned all = rows_of(c, lane), at = 0;
    for (unsigned i = 0; i < c->row_count; i++) {
        if (c->rows[i].lane != lane)
            continue;
        c->rows[i].drawn = all <= most || (uint64_t) at * most / all != (uint64_t) (at + 1) * most / all;
        c->drawn += c->rows[i].drawn;
        at++;
    }
}

static void lay_out(swim_chart *c)
{
    unsigned pool = rows_of(c, LOAD_LANE_POOL), loop = rows_of(c, LOAD_LANE_LOOP);
    unsigned for_pool = loop && pool > ROWS_MOST - 8 ? ROWS_MOST - 8 : pool < ROWS_MOST ? pool : ROWS_MOST;
    choose(c, LOAD_LANE_POOL, for_pool);
    choose(c, LOAD_LANE_LOOP, ROWS_MOST - for_pool);
    c->height = c->drawn <= 8 ? 16 : c->drawn <= 16 ? 12 : c->drawn <= 30 ? 8 : 5;
    double y = TOP;
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--) {
        for (unsigned i = 0; i < c->row_count; i++) {
            if (!c->rows[i].drawn || c->rows[i].lane != lane)
                continue;
            c->rows[i].y = y;
            y += c->height;
        }
    }
}

/* A thread's name beside the first of its rows, where there is room. */
static void write_names(FILE *to, const swim_chart *c)
{
    double free_from = 0;
    fputs("<g class=\"ticks\">", to);
    for (int lane = LOAD_LANE_COUNT - 1; lane >= 0; lane--) {
        uint32_t named = 0;
        for (unsigned i = 0; i < c->row_count; i++) {
            const swim_row *row = &c->rows[i];
            if (!row->drawn || row->lane != lane || row->thread == named || row->y < free_from)
                continue;
            fprintf(to, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u</text>", LEFT - 7,
                    row->y + (c->height > LABEL_ROOM ? c->height / 2 : LABEL_ROOM / 2.0) + 4, row->thread);
            named = row->thread;
            free_from = row->y + LABEL_ROOM;
        }
    }
    fputs("</g>\n", to);
}

static void write_bar(const load_plot *plot, const swim_chart *c, size_t i, bool titled)
{
    const load_swim *swim = &c->step->tasks.swims[i];
    const swim_row *row = &c->rows[c->row_of[i]];
    double from = load_plot_x(plot, (double) swim->started_ns / 1e9),
           end = load_plot_x(plot, (double) swim->ended_ns / 1e9);
    double gap = c->height > 6 ? 1.5 : 0.6;
    fprintf(plot->to, "<rect class=\"s%u %s%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", c->shade[i],
            load_lane_name((load_lane) swim->lane), swim->state == LOAD_STATE_DONE ? "" : " bad", from, row->y,
            end - from > 1 ? end - from - 0.5 : 0.7, c->height - gap);
    if (!titled) {
        fputs("/>", plot->to);
        return;
    }
    fprintf(plot->to, "><title>task %llu of request %llu: %s, %.3f to %.3f s on thread %u</title></rect>",
            (unsigned long long) swim->id, (unsigned long long) swim->request,
            load_state_name((load_state) swim->state), (double) swim->started_ns / 1e9, (double) swim->ended_ns / 1e9,
            swim->thread);
}

static void write_bars(const load_plot *plot, const swim_chart *c)
{
    const load_tasks *tasks = &c->step->tasks;
    size_t drawn = 0;
    for (size_t i = 0; i < tasks->swim_count; i++)
        drawn += ran(&tasks->swims[i]) && c->rows[c->row_of[i]].drawn;
    fputs("<g class=\"swims\">", plot->to);
    for (size_t i = 0; i < tasks->swim_count; i++)
        if (ran(&tasks->swims[i]) && c->rows[c->row_of[i]].drawn)
            write_bar(plot, c, i, drawn <= TITLES_MOST);
    fputs("</g>\n", plot->to);
}

/* What is not drawn. */
static void write_caption(FILE *to, const swim_chart *c)
{
    if (c->drawn == c->row_count && !c->step->tasks.swims_left_out)
        return;
    fputs("<p class=\"note\">", to);
    if (c->drawn < c->row_count)
        fprintf(to, "%u of %s rows are drawn.", c->drawn, load_format_count(c->row_count).text);
    if (c->step->tasks.swims_left_out)
        fprintf(to, " %s tasks that started later are left out.",
                load_format_count(c->step->tasks.swims_left_out).text);
    fputs("</p>\n", to);
}

static void draw(FILE *to, swim_chart *c, const load_scale *scale)
{
    fill_rows(c);
    if (!c->row_count || fill_shades(c) < 0)
        return;
    lay_out(c);
    load_plot plot = {.to = to,
                      .width = WIDTH,
                      .left = LEFT,
                      .right = RIGHT,
                      .top = TOP,
                      .bottom = BOTTOM,
                      .x = scale->seconds,
                      .y = {.high = 1, .tick = 2}};
    plot.height = TOP + BOTTOM + (int) (c->drawn * c->height);
    plot.x.title = NULL;
    load_plot_begin(&plot, "swim", "%.100s, %u connections: which thread ran which task when", c->step->target->label,
                    c->step->connections);
    fputs("<g class=\"ticks\">", to);
    for (double v = 0; v <= plot.x.high; v += plot.x.tick)
        fprintf(to, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", load_plot_x(&plot, v),
                plot.height - 5, load_axis_mark(&plot.x, v).text);
    fputs("</g>", to);
    write_names(to, c);
    write_bars(&plot, c);
    load_plot_end(&plot);
    write_caption(to, c);
}

void load_chart_swims(FILE *to, const load_step *step, const load_scale *scale)
{
    swim_chart c = {.step = step};
    size_t most = step->tasks.swim_count + 1;
    c.rows = calloc(most, sizeof *c.rows);
    c.row_of = calloc(most, sizeof *c.row_of);
    c.shade = calloc(most, sizeof *c.shade);
    if (c.rows && c.row_of && c.shade)
        draw(to, &c, scale);
    free(c.rows);
    free(c.row_of);
    free(c.shade);
}
