/* SPDX-License-Identifier: MIT */
/** @file
 *  Tasks as the server tells of them, kept in little. One owner; no locks. */
#ifndef LOAD_ROWS_H
#define LOAD_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(NAME, "word of the server", has it ended?) */
#define LOAD_STATES(X)                                                                                                 \
    X(QUEUED, "queued", 0)                                                                                             \
    X(RUNNING, "running", 0)                                                                                           \
    X(DONE, "done", 1)                                                                                                 \
    X(FAILED, "failed", 1)                                                                                             \
    X(CANCELLED, "cancelled", 1)                                                                                       \
    X(TIMED_OUT, "timed_out", 1)                                                                                       \
    X(SKIPPED, "skipped", 1)                                                                                           \
    X(DROPPED, "dropped", 1)                                                                                           \
    X(ABANDONED, "abandoned", 1)

typedef enum load_state {
#define X(name, word, ended) LOAD_STATE_##name,
    LOAD_STATES(X)
#undef X
        LOAD_STATE_COUNT
} load_state;

typedef enum load_lane { LOAD_LANE_LOOP, LOAD_LANE_POOL, LOAD_LANE_COUNT } load_lane;

#define LOAD_NEVER INT64_MIN /* a time that has not come */

/** Times are the server's monotonic clock, in nanoseconds. */
typedef struct load_row {
    uint64_t id, request;
    int64_t accepted_ns, ready_ns, started_ns, ended_ns;
    uint32_t thread; /* 0: it never started */
    uint8_t state, lane;
} load_row;

typedef struct load_rows {
    load_row *items;
    size_t count, capacity;
} load_rows;

/** What a page of GET /tasks says beside its rows. */
typedef struct load_page {
    size_t count;   /* rows on it */
    int64_t missed; /* forgotten before they could be read; 0 where the page does not say */
    char next[200]; /* what to pass for the next page; "" : null */
} load_page;

const char *load_state_name(load_state state);
bool load_state_ended(load_state state);
const char *load_lane_name(load_lane lane);

/** @return 0; -ENOMEM. */
int load_rows_add(load_rows *rows, const load_row *row);
void load_rows_finish(load_rows *rows);
/** By id. */
void load_rows_sort(load_rows *rows);

/** Read one task, as in GET /tasks/{id}. @return 0; -EPROTO: not what was promised; -ENOMEM. */
int load_row_parse(load_row *row, const char *text, size_t size);
/** Read a page of tasks and add its rows. @return as load_row_parse(); on an error no row was added. */
int load_page_parse(load_page *page, load_rows *rows, const char *text, size_t size);

#endif
