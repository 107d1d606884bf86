/* SPDX-License-Identifier: MIT */
/* DESIGN: every task is a step up when it starts (or begins to wait) and a step down when it ends; sorted by time, the running sum is the
 * multiplicity. At equal times ends come before starts: one thread that ends a task and starts the next in the same
 * nanosecond never ran two. Thinning is for drawing: a picture has a few hundred columns, and a column shows the range
 * of what happened in it. */
#include "load/curve.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct change {
    int64_t at_ns;
    int by; /* +1 or -1 */
} change;

static int by_time(const void *a, const void *b)
{
    const change *left = a, *right = b;
    if (left->at_ns != right->at_ns)
        return left->at_ns > right->at_ns ? 1 : -1;
    return left->by - right->by;
}

/* When a task began and ended to count; false: it never did. */
typedef bool span_of(const load_row *row, int64_t *from, int64_t *to);

static bool running_span(const load_row *row, int64_t *from, int64_t *to)
{
    if (row->started_ns == LOAD_NEVER || row->ended_ns == LOAD_NEVER)
        return false;
    *from = row->started_ns;
    *to = row->ended_ns > row->started_ns ? row->ended_ns : row->started_ns + 1;
    return true;
}

static bool queued_span(const load_row *row, int64_t *from, int64_t *to)
{
    *from = row->ready_ns;
    *to = row->started_ns != LOAD_NEVER ? row->started_ns : row->ended_ns;
    return row->ready_ns != LOAD_NEVER && *to != LOAD_NEVER && *to > *from;
}

static size_t list_changes(change *changes, const load_rows *rows, load_lane lane, span_of *span)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const load_row *row = &rows->items[i];
        int64_t from, to;
        if ((lane != LOAD_BOTH_LANES && row->lane != lane) || !span(row, &from, &to))
            continue;
        changes[n++] = (change){from, 1};
        changes[n++] = (change){to, -1};
    }
    return n;
}

static void walk(load_curve *curve, const change *changes, size_t n)
{
    uint32_t running = 0;
    double area = 0;
    for (size_t i = 0; i < n; i++) {
        if (i)
            area += (double) running * (double) (changes[i].at_ns - changes[i - 1].at_ns);
        running += (uint32_t) changes[i].by;
        if (running > curve->peak) {
            curve->peak = running;
            curve->peak_ns = changes[i].at_ns;
        }
        if (curve->count && curve->points[curve->count - 1].at_ns == changes[i].at_ns)
            curve->points[curve->count - 1].running = running;
        else
            curve->points[curve->count++] = (load_point){changes[i].at_ns, running};
    }
    curve->first_ns = changes[0].at_ns;
    curve->last_ns = changes[n - 1].at_ns;
    curve->mean = area / (double) (curve->last_ns - curve->first_ns);
}

static int make(load_curve *curve, const load_rows *rows, load_lane lane, span_of *span)
{
    *curve = (load_curve){0};
    if (!rows->count)
        return 0;
    change *changes = calloc(rows->count * 2, sizeof *changes);
    if (!changes)
        return -ENOMEM;
    size_t n = list_changes(changes, rows, lane, span);
    int err = 0;
    if (n) {
        qsort(changes, n, sizeof *changes, by_time);
        curve->points = calloc(n, sizeof *curve->points);
        if (curve->points)
            walk(curve, changes, n);
        else
            err = -ENOMEM;
    }
    free(changes);
    return err;
}

int load_curve_make(load_curve *curve, const load_rows *rows, load_lane lane)
{
    return make(curve, rows, lane, running_span);
}

int load_curve_make_queue(load_curve *curve, const load_rows *rows, load_lane lane)
{
    return make(curve, rows, lane, queued_span);
}

/* Copy the first, lowest, highest and last of points[from … to-1], in order, without repeating one. */
static size_t keep_slice(load_point *into, const load_point *points, size_t from, size_t to)
{
    size_t low = from, high = from, n = 0;
    for (size_t i = from; i < to; i++) {
        if (points[i].running < points[low].running)
            low = i;
        if (points[i].running > points[high].running)
            high = i;
    }
    size_t wanted[] = {from, low < high ? low : high, low < high ? high : low, to - 1};
    for (size_t k = 0; k < 4; k++)
        if (k == 0 || wanted[k] != wanted[k - 1])
            into[n++] = points[wanted[k]];
    return n;
}

int load_curve_thin(load_curve *curve, size_t most)
{
    size_t slices = most / 4 ? most / 4 : 1, n = 0, from = 0;
    if (curve->count <= most)
        return 0;
    load_point *kept = calloc(slices * 4, sizeof *kept);
    if (!kept)
        return -ENOMEM;
    double width = (double) (curve->last_ns - curve->first_ns) / (double) slices;
    for (size_t slice = 0; slice < slices; slice++) {
        size_t to = from;
        double end = (double) width * (double) (slice + 1);
        while (to < curve->count && (slice + 1 == slices || (double) (curve->points[to].at_ns - curve->first_ns) < end))
            to++;
        if (to > from)
            n += keep_slice(kept + n, curve->points, from, to);
        from = to;
    }
    free(curve->points);
    curve->points = kept;
    curve->count = n;
    return 0;
}

void load_curve_finish(load_curve *curve)
{
    free(curve->points);
    *curve = (load_curve){0};
}
