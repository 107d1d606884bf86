/* SPDX-License-Identifier: MIT */
/** @file
 *  A pretended tandemd for tests: it promises tasks, and tells of their lives as the test wishes, without running any.
 *  So the client's figures can be held against numbers that are known beforehand. */
#ifndef TANDEM_TESTS_FAKE_TANDEM_H
#define TANDEM_TESTS_FAKE_TANDEM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/load/fake_server.h"

typedef struct fake_tandem fake_tandem;

/** What one task's life is to look like; times are seconds after it was accepted. */
typedef struct fake_life {
    const char *lane, *state;
    unsigned thread;
    double ready, started, ended;
    bool hidden; /**< it never appears in the list of ended tasks */
} fake_life;

/** How this server behaves. Set before it starts. */
struct fake_tandem {
    unsigned tasks_per_request;
    /** The life of a request's task; NULL: in the pool, one after another, 10 ms each, on a thread per request. */
    fake_life (*life)(uint64_t request, unsigned task);
    double clock_offset;     /**< its monotonic clock minus the client's */
    uint64_t missed;         /**< told once, with the first rows */
    bool forgets_hidden;     /**< GET /tasks/{id} of a hidden task: 404; else it tells of it */
    bool unfinished_hidden;  /**< hidden tasks are running for ever */
    unsigned foreign;        /**< tasks of somebody else that end before each request's own */
    const char *list_status; /**< "404 Not Found": what the list answers; NULL: 200 */
    const char *list_body;   /**< what the list answers after the first question; NULL: the truth */
    bool forgets_cursors;    /**< every cursor but the first question's is refused with 422 */
    bool ends_before_reply;  /**< tasks are in the list before the reply that promises them is sent */
    bool has_stats;          /**< GET /stats answers */
    unsigned miscounted;     /**< … with so many tasks too many */
    unsigned counted_before; /**< tasks and requests it counted before, and forgets with the first request's tasks */
    bool leaves;             /**< once a request was answered, the list is cut off and nobody is let in */
    /* private */
    fake_server *_server; /* under the lock */
    pthread_mutex_t _lock;
    pthread_cond_t _polled;
    struct fake_row *_rows;
    unsigned _count, _capacity, _list_questions, _polls;
    uint64_t _next_id, _next_request, _requests;
    bool _told_missed;
};

void fake_tandem_init(fake_tandem *tandem);
void fake_tandem_finish(fake_tandem *tandem);
/** Serve. Stop the server before the tandem is finished. */
fake_server *fake_tandem_start(fake_tandem *tandem);
/** How often the list of ended tasks was asked for. */
unsigned fake_tandem_polls(fake_tandem *tandem);

#endif
