/* SPDX-License-Identifier: MIT */
/** @file
 *  What a run of the client against a made-up server must come to. */
#ifndef TESTS_LOAD_EXPECT_H
#define TESTS_LOAD_EXPECT_H

#include "tests/load/load_run.h"

typedef struct expectation {
    uint64_t succeeded, rejected, retried, reopened;
    load_error error;
    uint64_t errors;
    int status;
} expectation;

/** Hold the only step of a session against what was expected of it. */
void expect_step(const load_session *session, const expectation *expected);
/** Run the client with so many connections and requests against a server, and hold its step against it. */
void expect_run(fake_serve *serve, const char *connections, const char *requests, const expectation *expected);

/** Answer every request on a connection, or one. The first connection only asks whether the target is there; it never
 *  carries a request. */
void fake_serve_each(int fd, const char *reply);
void fake_serve_once(int fd, const char *reply);
/** A server that says 200 to every request. */
void fake_serve_ok(int fd, unsigned number, void *arg);

#endif
