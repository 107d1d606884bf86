/* SPDX-License-Identifier: MIT */
/* DESIGN: the JSON of the server's task list becomes 64 bytes a task here. What a page says is checked in full before
 * a row is kept, for a wrong figure is worse than none: a row without an id, a state, a lane or the time that it was
 * accepted makes the whole page "not what was promised". */
#include "load/rows.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/json.h>

static const char *const state_words[] = {
#define X(name, word, ended) word,
    LOAD_STATES(X)
#undef X
};

static const bool state_ends[] = {
#define X(name, word, ended) ended,
    LOAD_STATES(X)
#undef X
};

static const char *const lane_words[] = {"loop", "pool"};

_Static_assert(sizeof state_words / sizeof state_words[0] == LOAD_STATE_COUNT, "one word for each state");
_Static_assert(sizeof lane_words / sizeof lane_words[0] == LOAD_LANE_COUNT, "one word for each lane");

const char *load_state_name(load_state state)
{
    assert(state < LOAD_STATE_COUNT);
    return state_words[state];
}

bool load_state_ended(load_state state)
{
    assert(state < LOAD_STATE_COUNT);
    return state_ends[state];
}

const char *load_lane_name(load_lane lane)
{
    assert(lane < LOAD_LANE_COUNT);
    return lane_words[lane];
}

int load_rows_add(load_rows *rows, const load_row *row)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : 1024;
        load_row *grown = reallocarray(rows->items, capacity, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        rows->items = grown;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = *row;
    return 0;
}

void load_rows_finish(load_rows *rows)
{
    free(rows->items);
    *rows = (load_rows){0};
}

static int by_id(const void *a, const void *b)
{
    uint64_t left = ((const load_row *) a)->id, right = ((const load_row *) b)->id;
    return (left > right) - (left < right);
}

void load_rows_sort(load_rows *rows)
{
    if (rows->count > 1)
        qsort(rows->items, rows->count, sizeof *rows->items, by_id);
}

/* ---- reading ---- */

static bool read_time(const tdm_json *times, const char *key, int64_t *out)
{
    const tdm_json *value = tdm_json_get(times, key);
    double seconds;
    *out = LOAD_NEVER;
    if (!value || tdm_json_is_null(value))
        return true;
    if (!tdm_json_as_double(value, &seconds) || !(fabs(seconds) < 9e9))
        return false;
    *out = llround(seconds * 1e9);
    return true;
}

static bool read_word(const tdm_json *value, const char *const *words, unsigned count, uint8_t *out)
{
    const char *text;
    if (!tdm_json_as_string(value, &text))
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(text, words[i])) {
            *out = (uint8_t) i;
            return true;
        }
    }
    return false;
}

static bool read_row(const tdm_json *task, load_row *row)
{
    int64_t id, request = 0, thread = 0;
    const tdm_json *times = tdm_json_get(task, "monotonic");
    if (!tdm_json_as_int(tdm_json_get(task, "id"), &id) || id < 0)
        return false;
    (void) tdm_json_as_int(tdm_json_get(task, "request"), &request); /* a task of no request: 0 */
    (void) tdm_json_as_int(tdm_json_get(task, "thread"), &thread);   /* null: it never started */
    *row = (load_row){.id = (uint64_t) id, .request = (uint64_t) request, .thread = (uint32_t) thread};
    if (!read_word(tdm_json_get(task, "state"), state_words, LOAD_STATE_COUNT, &row->state) ||
        !read_word(tdm_json_get(task, "lane"), lane_words, LOAD_LANE_COUNT, &row->lane))
        return false;
    if (!read_time(times, "accepted", &row->accepted_ns) || !read_time(times, "ready", &row->ready_ns) ||
        !read_time(times, "started", &row->started_ns) || !read_time(times, "ended", &row->ended_ns))
        return false;
    return row->accepted_ns != LOAD_NEVER && (row->ended_ns != LOAD_NEVER || !load_state_ended(row->state));
}

static int parse(tdm_json **root, const char *text, size_t size)
{
    int err = tdm_json_parse(root, text, size, NULL);
    return err == 0 || err == -ENOMEM ? err : -EPROTO;
}

int load_row_parse(load_row *row, const char *text, size_t size)
{
    tdm_json *root = NULL;
    int err = parse(&root, text, size);
    if (!err && !read_row(root, row))
        err = -EPROTO;
    tdm_json_destroy(&root);
    return err;
}

/* "next" is text (a cursor), a number (an id) or null. */
static bool read_next(const tdm_json *value, load_page *page)
{
    const char *text;
    int64_t id;
    page->next[0] = '\0';
    if (tdm_json_is_null(value))
        return true;
    if (tdm_json_as_int(value, &id))
        return snprintf(page->next, sizeof page->next, "%lld", (long long) id) > 0;
    if (!tdm_json_as_string(value, &text) || strlen(text) >= sizeof page->next)
        return false;
    memcpy(page->next, text, strlen(text) + 1);
    return true;
}

static int add_rows(const tdm_json *tasks, load_rows *rows)
{
    load_row row;
    for (const tdm_json *task = tdm_json_first(tasks); task; task = tdm_json_next(task)) {
        if (!read_row(task, &row))
            return -EPROTO;
        int err = load_rows_add(rows, &row);
        if (err)
            return err;
    }
    return 0;
}

int load_page_parse(load_page *page, load_rows *rows, const char *text, size_t size)
{
    tdm_json *root = NULL;
    size_t before = rows->count;
    int err = parse(&root, text, size);
    if (err)
        return err;
    const tdm_json *tasks = tdm_json_get(root, "tasks");
    page->missed = 0;
    (void) tdm_json_as_int(tdm_json_get(root, "missed"), &page->missed); /* only in lists of ended tasks */
    if (!tdm_json_is_array(tasks) || page->missed < 0 || !read_next(tdm_json_get(root, "next"), page))
        err = -EPROTO;
    if (!err)
        err = add_rows(tasks, rows);
    page->count = err ? 0 : rows->count - before;
    if (err)
        rows->count = before;
    tdm_json_destroy(&root);
    return err;
}
