/* SPDX-License-Identifier: MIT */
/** @file
 *  The real tandemd as a process of its own, on a free port of 127.0.0.1. What fails aborts the test. */
#ifndef TANDEM_TESTS_DAEMON_H
#define TANDEM_TESTS_DAEMON_H

#include <stdio.h>
#include <sys/types.h>

typedef struct daemon_process {
    pid_t pid;
    unsigned port;
    FILE *out;
} daemon_process;

/** @param options a list that ends with NULL. */
daemon_process daemon_start(const char *const *options);
/** Stop it by SIGTERM. @return its exit status; -1: it was killed. */
int daemon_stop(daemon_process *d);
/** The URL of a path, in a buffer of the caller. */
const char *daemon_url(const daemon_process *d, const char *path, char *url, size_t size);

#endif
