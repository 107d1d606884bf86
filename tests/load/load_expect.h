/* SPDX-License-Identifier: MIT */
/** @file
 *  One step against one server, and what must come of it. */
#ifndef TANDEM_TESTS_LOAD_EXPECT_H
#define TANDEM_TESTS_LOAD_EXPECT_H

#include "tests/load/load_run.h"

enum { LOAD_PATH_SIZE = 256 };

typedef struct load_expectation {
    uint64_t succeeded, rejected, retried, reopened;
    load_error error; /**< the only kind there may be */
    uint64_t errors;
    int status;
} load_expectation;

/** Hold the only step of a sweep against what was expected of it. */
void load_expect_step(const load_sweep *sweep, const load_expectation *expected);
/** Run -c `connections` -n `requests`, against a server, and hold it against that. The timeout is 0.3 s if
 *  timeouts are expected, else 20 s.
 *  The server's first connection only asks whether the target is there; it carries no request. */
void load_expect_run(fake_serve *serve, const char *connections, const char *requests,
                     const load_expectation *expected);

/** Answer every request, or the first one only, with the same bytes. */
void load_serve_each(int fd, const char *reply);
void load_serve_once(int fd, const char *reply);
/** A server without fault. */
void load_serve_ok(int fd, unsigned number, void *arg);

#endif
