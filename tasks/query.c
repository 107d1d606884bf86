/* SPDX-License-Identifier: MIT */
/* DESIGN: questions about tasks. No index says which shard has which id, so each shard is asked in turn and the
 * answers are merged; with one loop and one pool that is two questions. Listing by id and following ends both stop
 * early on a shard with much to say; the merge then returns only what is certainly in order and complete. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/executor.h"
#include "tasks/task.h"
#include <tandem/clock.h>

/* ---- one task ---- */

typedef struct search {
    uint64_t id;
    tdm_task_info *out;
    int result;
    tdm_task *over; /* cancelled before it ran, and out of its queue */
} search;

static void look_up(tdm__shard *shard, void *arg)
{
    search *s = arg;
    if (!tdm__ledger_get(&shard->ledger, s->id, s->out))
        return;
    s->result = 0;
    tdm__row *live = tdm__ledger_find_live(&shard->ledger, s->id);
    if (live) /* asked by the holder of its handle, from elsewhere */
        s->out->cancel_requested |= tdm_task_cancel_requested((tdm_task *) live);
}

static void cancel(tdm__shard *shard, void *arg)
{
    search *s = arg;
    tdm__row *row = tdm__ledger_find_live(&shard->ledger, s->id);
    if (row)
        s->result = tdm__task_cancel((tdm_task *) row, &s->over);
    else if (tdm__ring_find(&shard->ledger.ring, s->id))
        s->result = -EALREADY;
}

static int ask(tdm_executor *executor, search *s, void (*fn)(tdm__shard *shard, void *arg))
{
    s->result = s->id && s->id < atomic_load(&executor->next_id) ? -ESTALE : -ENOENT;
    int err = tdm__executor_each_shard(executor, fn, s);
    if (!err && s->result == -ESTALE) { /* or it is still on its way to the very loop that asks */
        tdm__loop_catch_up();
        err = tdm__executor_each_shard(executor, fn, s);
    }
    return err ? err : s->result;
}

int tdm_task_get(tdm_executor *executor, uint64_t id, tdm_task_info *out)
{
    search s = {.id = id, .out = out};
    return ask(executor, &s, look_up);
}

int tdm_task_cancel(tdm_executor *executor, uint64_t id)
{
    search s = {.id = id};
    int result = ask(executor, &s, cancel);
    if (s.over)
        tdm__task_over(s.over);
    if (!result)
        tdm__watch_notify(&executor->watch);
    return result;
}

/* ---- a list, newest first ---- */

typedef struct listing {
    const tdm_task_query *query;
    tdm_task_info *rows; /* `limit` for each shard */
    unsigned limit, count;
    unsigned shards; /* to be asked: a pool that comes meanwhile is left for the next time */
    uint64_t floor;  /* below this id, some shard has not been looked at */
} listing;

static void list_shard(tdm__shard *shard, void *arg)
{
    listing *l = arg;
    uint64_t stopped;
    if (l->query->lanes && !(l->query->lanes & 1u << shard->lane))
        return;
    l->count += tdm__ledger_list(&shard->ledger, l->query, l->rows + l->count, l->limit, &stopped);
    if (stopped > l->floor)
        l->floor = stopped;
}

static int by_id_descending(const void *a, const void *b)
{
    uint64_t x = ((const tdm_task_info *) a)->id, y = ((const tdm_task_info *) b)->id;
    return x < y ? 1 : x > y ? -1 : 0;
}

static unsigned merge_list(listing *l, tdm_task_info *rows, uint64_t *next)
{
    unsigned filled = 0;
    qsort(l->rows, l->count, sizeof *l->rows, by_id_descending);
    while (filled < l->count && filled < l->limit && l->rows[filled].id >= l->floor) {
        rows[filled] = l->rows[filled];
        filled++;
    }
    bool more_here = filled < l->count && l->rows[filled].id >= l->floor;
    *next = more_here ? rows[filled - 1].id : l->floor;
    return filled;
}

int tdm_task_list(tdm_executor *executor, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                  uint64_t *next)
{
    *next = 0;
    if (!limit)
        return -EINVAL;
    listing l = {.query = query, .limit = limit, .shards = tdm__executor_shard_count(executor)};
    l.rows = calloc((size_t) limit * l.shards, sizeof *l.rows);
    if (!l.rows)
        return -ENOMEM;
    int err = tdm__executor_each_shard(executor, list_shard, &l);
    int filled = err ? err : (int) merge_list(&l, rows, next);
    free(l.rows);
    return filled;
}

/* ---- what has ended ---- */

/* A cursor says how many ends of each shard the reader has behind it: "EPOCH.N.N…", hexadecimal. */
typedef struct places {
    uint64_t at[TDM__MAX_SHARDS];
} places;

static void write_cursor(const tdm_executor *executor, const places *p, tdm_cursor *out)
{
    size_t at = (size_t) snprintf(out->text, sizeof out->text, "%" PRIx64, executor->epoch);
    for (unsigned i = 0; i < tdm__executor_shard_count(executor); i++) {
        at += (size_t) snprintf(out->text + at, sizeof out->text - at, ".%" PRIx64, p->at[i]);
        assert(at < sizeof out->text);
    }
}

static bool read_hex(const char **text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    unsigned count = 0;
    for (const char *digit; **text && (digit = strchr(digits, **text)); (*text)++) {
        value = value << 4 | (uint64_t) (digit - digits);
        if (++count > 16)
            return false;
    }
    *out = value;
    return count > 0;
}

static int read_cursor(const tdm_executor *executor, const tdm_cursor *cursor, places *out)
{
    *out = (places){0};
    const char *at = cursor->text;
    if (!*at)
        return 0;
    uint64_t epoch;
    if (!read_hex(&at, &epoch) || epoch != executor->epoch)
        return -EINVAL;
    unsigned always = executor->settings.loops + 1; /* the other pools may have come since */
    for (unsigned i = 0; i < tdm__executor_shard_count(executor) && (*at || i < always); i++)
        if (*at++ != '.' || !read_hex(&at, &out->at[i]))
            return -EINVAL;
    return *at ? -EINVAL : 0;
}

typedef struct following {
    places places;
    unsigned shards;     /* to be asked */
    unsigned shard;      /* the one asked now */
    tdm_task_info *rows; /* `limit` for each shard */
    unsigned limit;
    unsigned counts[TDM__MAX_SHARDS];
    uint64_t missed, missed_of[TDM__MAX_SHARDS];
    int err;
} following;

static void end_of_shard(tdm__shard *shard, void *arg)
{
    following *f = arg;
    f->places.at[f->shard++] = shard->ledger.ring.ended;
}

int tdm_cursor_now(tdm_executor *executor, tdm_cursor *out)
{
    following f = {.shard = 0};
    int err = tdm__executor_each_shard(executor, end_of_shard, &f);
    if (!err)
        write_cursor(executor, &f.places, out);
    return err;
}

static void follow_shard(tdm__shard *shard, void *arg)
{
    following *f = arg;
    unsigned i = f->shard++;
    if (i >= f->shards)
        return; /* a pool that came meanwhile: it is asked the next time */
    if (f->places.at[i] > shard->ledger.ring.ended) {
        f->err = -EINVAL; /* a place that has not been yet */
        return;
    }
    f->counts[i] =
        tdm__ledger_ended(&shard->ledger, f->places.at[i], f->rows + (size_t) i * f->limit, f->limit, &f->missed_of[i]);
}

/* Take the earliest end of all shards, again and again, and move each shard's place behind what was taken. */
static unsigned merge_ends(following *f, unsigned shards, tdm_task_info *rows)
{
    unsigned filled = 0, taken[TDM__MAX_SHARDS] = {0};
    while (filled < f->limit) {
        const tdm_task_info *first = NULL;
        unsigned from = 0;
        for (unsigned i = 0; i < shards; i++) {
            const tdm_task_info *row = f->rows + (size_t) i * f->limit + taken[i];
            if (taken[i] < f->counts[i] && (!first || row->ended_ns < first->ended_ns)) {
                first = row;
                from = i;
            }
        }
        if (!first)
            break;
        rows[filled++] = *first;
        taken[from]++;
    }
    for (unsigned i = 0; i < shards; i++) {
        f->missed += f->missed_of[i];
        f->places.at[i] += f->missed_of[i] + taken[i];
    }
    return filled;
}

/* One look, without waiting. */
static int look(tdm_executor *executor, following *f, tdm_task_info *rows)
{
    f->shard = 0;
    f->missed = 0;
    int err = tdm__executor_each_shard(executor, follow_shard, f);
    if (!err)
        err = f->err;
    return err ? err : (int) merge_ends(f, f->shards, rows);
}

static int look_or_wait(tdm_executor *executor, following *f, tdm_task_info *rows, double wait)
{
    int filled = look(executor, f, rows);
    tdm__exec *exec = tdm__exec_to_wait();
    if (filled || f->missed || !(wait > 0))
        return filled;
    if (!exec)
        return -EDEADLK;
    int64_t deadline = tdm__deadline(tdm_ns_from_s(wait));
    tdm__watcher watcher = {.exec = exec};
    int result = 0;
    tdm__watch_add(&executor->watch, &watcher);
    for (;;) {
        filled = look(executor, f, rows);
        if (filled || f->missed || tdm_clock_ns() >= deadline || tdm__executor_is_finished(executor))
            break;
        result = tdm__watch_wait(&executor->watch, &watcher, deadline);
        if (result)
            break;
    }
    tdm__watch_remove(&executor->watch, &watcher);
    return result ? result : filled;
}

int tdm_task_ended(tdm_executor *executor, tdm_cursor *cursor, tdm_task_info *rows, unsigned limit, double wait,
                   uint64_t *missed)
{
    following f = {.limit = limit, .shards = tdm__executor_shard_count(executor)};
    int filled = limit ? read_cursor(executor, cursor, &f.places) : -EINVAL;
    if (filled < 0)
        return filled;
    f.rows = calloc((size_t) limit * f.shards, sizeof *f.rows);
    if (!f.rows)
        return -ENOMEM;
    filled = look_or_wait(executor, &f, rows, wait);
    if (filled >= 0) {
        write_cursor(executor, &f.places, cursor);
        if (missed)
            *missed = f.missed;
    }
    free(f.rows);
    return filled;
}
