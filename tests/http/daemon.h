/* SPDX-License-Identifier: MIT */
/** @file
 *  A program under test: started with arguments and environment, its ready line read, its output kept. */
#ifndef TANDEM_TESTS_DAEMON_H
#define TANDEM_TESTS_DAEMON_H

#include <sys/types.h>

#include "tests/http/http.h"

typedef struct daemon_process {
    pid_t pid;
    int out_fd, err_fd; /* memory files */
    char url[128];
    char ready[256]; /* the ready line */
} daemon_process;

/** Start $TANDEMD (or, with $PROGRAM set, that) with these arguments (NULL-terminated) and variables "NAME=VALUE"
 *  (NULL-terminated, or NULL) and wait for its ready line. */
void daemon_start(daemon_process *daemon, const char *const *args, const char *const *variables);
/** As daemon_start(), but do not wait for a ready line: the program is expected to end. */
void daemon_run(daemon_process *daemon, const char *const *args, const char *const *variables);
void daemon_signal(const daemon_process *daemon, int signal);
/** Wait for its end. @return its exit status. */
int daemon_wait(daemon_process *daemon);
/** What it has printed so far; free() it. */
char *daemon_out(const daemon_process *daemon);
char *daemon_err(const daemon_process *daemon);
/** After daemon_wait(): forget it. */
void daemon_finish(daemon_process *daemon);

/** A reply's body (or any text), as JSON that is destroyed with tdm_json_destroy(). */
tdm_json *daemon_json(const char *text);
/** Numbers and strings by path: "lanes", "pool", "done", NULL. The member must be there. */
double daemon_number(const tdm_json *json, const char *const *path);
const char *daemon_string(const tdm_json *json, const char *const *path);
#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
