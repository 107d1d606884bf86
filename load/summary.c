/* SPDX-License-Identifier: MIT */
/* DESIGN: the arithmetic of --follow. Everything comes from the server's own monotonic times, so that neither polling
 * nor a slow client can bend a figure; only `elapsed`, `drain` and the times of curves need both clocks. They are one
 * clock if the server runs on this machine, and that is tested, not assumed: a task is accepted after its request was
 * sent and before its reply was complete, so each request bounds the offset between the clocks from both sides. If zero fits all the bounds, the
 * clock is the same; else the middle of what fits is taken, and half its width is the error.
 * The ideal: a request's tasks run in sequence, so they cannot end before it was sent and their run times have passed;
 * and the pool's work cannot be done in less than its sum over its threads. */
#include "load/summary.h"

#include <errno.h>
#include <stdlib.h>

#define CLOCK_SLACK_NS 20000 /* rounding of the times on their way through JSON, and then some */

static void count_row(load_tasks *tasks, const load_row *row)
{
    tasks->states[row->state]++;
    tasks->lanes[row->lane].tasks++;
    tasks->lanes[LOAD_BOTH_LANES].tasks++;
    tdm_histogram_record(tasks->completion, row->ended_ns - row->accepted_ns);
    if (row->started_ns == LOAD_NEVER)
        return;
    tdm_histogram_record(tasks->start_latency, row->started_ns - row->accepted_ns);
    if (row->ready_ns != LOAD_NEVER)
        tdm_histogram_record(tasks->queue_wait, row->started_ns - row->ready_ns);
    tdm_histogram_record(tasks->run_time, row->ended_ns - row->started_ns);
    tasks->lanes[row->lane].run_total_ns += row->ended_ns - row->started_ns;
    tasks->lanes[LOAD_BOTH_LANES].run_total_ns += row->ended_ns - row->started_ns;
}

static int by_number(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
    return (left > right) - (left < right);
}

static unsigned count_threads(const load_rows *rows, load_lane lane, uint32_t *scratch)
{
    size_t n = 0;
    unsigned different = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].thread && (lane == LOAD_BOTH_LANES || rows->items[i].lane == lane))
            scratch[n++] = rows->items[i].thread;
    if (n)
        qsort(scratch, n, sizeof *scratch, by_number);
    for (size_t i = 0; i < n; i++)
        different += i == 0 || scratch[i] != scratch[i - 1];
    return different;
}

/* For how long how many ran at once; levels are joined where there are too many. */
static void count_shares(load_lane_figures *lane)
{
    const load_curve *curve = &lane->curve;
    uint32_t width = curve->peak / LOAD_SHARES_MAX + 1;
    if (!curve->count)
        return;
    for (uint32_t low = 0; low <= curve->peak; low += width)
        lane->shares[lane->share_count++] =
            (load_share){low, low + width - 1 < curve->peak ? low + width - 1 : curve->peak, 0};
    for (size_t i = 0; i + 1 < curve->count; i++)
        lane->shares[curve->points[i].running / width].ns += curve->points[i + 1].at_ns - curve->points[i].at_ns;
}

static int figures_of_lanes(load_tasks *tasks, const load_rows *rows)
{
    uint32_t *scratch = calloc(rows->count, sizeof *scratch);
    int err = scratch ? 0 : -ENOMEM;
    for (int lane = 0; lane <= LOAD_LANE_COUNT && !err; lane++) {
        tasks->lanes[lane].threads = count_threads(rows, (load_lane) lane, scratch);
        err = load_curve_make(&tasks->lanes[lane].curve, rows, (load_lane) lane);
        if (!err)
            err = load_curve_make_queue(&tasks->lanes[lane].queue, rows, (load_lane) lane);
        count_shares(&tasks->lanes[lane]);
    }
    free(scratch);
    return err;
}

static int by_request(const void *a, const void *b)
{
    uint64_t left = ((const load_row *) a)->request, right = ((const load_row *) b)->request;
    return (left > right) - (left < right);
}

/* When the last request's tasks would have ended if nothing had waited: each request's run times, one after another,
 * from when it was sent. From the first request on. Sorts the rows by request. */
static int64_t unhindered_end(const load_step *step, load_rows *rows)
{
    int64_t latest = 0, sum = 0;
    qsort(rows->items, rows->count, sizeof *rows->items, by_request);
    for (size_t i = 0; i < rows->count; i++) {
        const load_row *row = &rows->items[i];
        const load_promise *promise = load_promises_find(&step->promises, row->id);
        if (i && row->request != rows->items[i - 1].request)
            sum = 0;
        if (row->started_ns != LOAD_NEVER)
            sum += row->ended_ns - row->started_ns;
        int64_t end = sum + (promise ? promise->sent_ns - step->first_sent_ns : 0);
        latest = end > latest ? end : latest;
    }
    return latest;
}

/* How far apart the clocks are: bounds from every request whose first task was seen. Rows are sorted by id. */
static void compare_clocks(load_step *step, const load_rows *rows)
{
    load_tasks *tasks = &step->tasks;
    int64_t low = INT64_MIN, high = INT64_MAX;
    for (size_t i = 0; i < rows->count; i++) {
        const load_row *row = &rows->items[i];
        const load_promise *promise = load_promises_find(&step->promises, row->id);
        if (!promise)
            continue;
        int64_t least = row->accepted_ns - promise->replied_ns, most = row->accepted_ns - promise->sent_ns;
        low = least > low ? least : low;
        high = most < high ? most : high;
    }
    tasks->clock_same = low <= CLOCK_SLACK_NS && high >= -CLOCK_SLACK_NS;
    if (tasks->clock_same)
        return;
    tasks->clock_offset_ns = low + (high - low) / 2;
    tasks->clock_error_ns = (high > low ? high - low : low - high) / 2;
}

static int shift_curve(load_curve *curve, int64_t zero)
{
    if (!curve->count)
        return 0;
    if (load_curve_thin(curve, LOAD_CURVE_POINTS) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < curve->count; i++)
        curve->points[i].at_ns -= zero;
    curve->peak_ns -= zero;
    curve->first_ns -= zero;
    curve->last_ns -= zero;
    return 0;
}

/* The curves as the client's clock sees them, from the first request on. */
static int shift_curves(load_step *step, int64_t zero)
{
    int err = 0;
    for (int lane = 0; lane <= LOAD_LANE_COUNT && !err; lane++) {
        err = shift_curve(&step->tasks.lanes[lane].curve, zero);
        if (!err)
            err = shift_curve(&step->tasks.lanes[lane].queue, zero);
    }
    return err;
}

/* ---- swim-lanes ---- */

static int by_start(const void *a, const void *b)
{
    const load_swim *left = a, *right = b;
    if (left->started_ns != right->started_ns)
        return left->started_ns > right->started_ns ? 1 : -1;
    return (left->id > right->id) - (left->id < right->id);
}

static int64_t shift(int64_t at_ns, int64_t zero)
{
    return at_ns == LOAD_NEVER ? LOAD_NEVER : at_ns - zero;
}

/* The first to start; those that never did come last in line, and so are left out first. */
static int make_swims(load_tasks *tasks, const load_rows *rows, int64_t zero)
{
    load_swim *swims = calloc(rows->count, sizeof *swims);
    size_t n = 0;
    if (!swims)
        return -ENOMEM;
    for (const load_row *row = rows->items; row < rows->items + rows->count; row++)
        if (row->started_ns != LOAD_NEVER)
            swims[n++] = (load_swim){.id = row->id,
                                     .request = row->request,
                                     .accepted_ns = shift(row->accepted_ns, zero),
                                     .ready_ns = shift(row->ready_ns, zero),
                                     .started_ns = shift(row->started_ns, zero),
                                     .ended_ns = shift(row->ended_ns, zero),
                                     .thread = row->thread,
                                     .lane = row->lane,
                                     .state = row->state};
    qsort(swims, n, sizeof *swims, by_start);
    tasks->swims = swims;
    tasks->swim_count = n < LOAD_SWIMS_MAX ? n : LOAD_SWIMS_MAX;
    tasks->swims_left_out = n - tasks->swim_count;
    return 0;
}

int load_summarise(load_step *step, load_rows *rows)
{
    load_tasks *tasks = &step->tasks;
    int64_t last_end = INT64_MIN;
    if (!rows->count)
        return 0;
    for (size_t i = 0; i < rows->count; i++) {
        count_row(tasks, &rows->items[i]);
        last_end = rows->items[i].ended_ns > last_end ? rows->items[i].ended_ns : last_end;
    }
    int err = figures_of_lanes(tasks, rows);
    if (err)
        return err;
    compare_clocks(step, rows);
    const load_lane_figures *pool = &tasks->lanes[LOAD_LANE_POOL];
    int64_t unhindered = unhindered_end(step, rows);
    int64_t share = pool->threads ? pool->run_total_ns / pool->threads : 0;
    tasks->timed = true;
    tasks->ideal_ns = unhindered > share ? unhindered : share;
    int64_t zero = step->first_sent_ns + tasks->clock_offset_ns;
    tasks->elapsed_ns = last_end - zero;
    int64_t drain_ns = last_end - tasks->clock_offset_ns - step->last_reply_ns;
    tasks->drain_ns = drain_ns > 0 ? drain_ns : 0;
    err = make_swims(tasks, rows, zero);
    return err ? err : shift_curves(step, zero);
}
