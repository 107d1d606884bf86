/* SPDX-License-Identifier: MIT */
/** @file
 *  The program tandem-load as a process of its own: started, awaited, and what it printed. */
#ifndef TANDEM_TESTS_PROGRAM_H
#define TANDEM_TESTS_PROGRAM_H

#include <sys/resource.h>
#include <sys/types.h>

typedef struct program_outcome {
    int status;      /**< exit status, or 1000 + the signal */
    char *out, *err; /**< malloc'ed */
} program_outcome;

typedef struct program_child {
    pid_t pid;
    int out, err;
} program_child;

/** @param options a list that ends with NULL. @param files limit of open files; 0: as it is. */
program_child program_start(const char *const *options, rlim_t files);
program_outcome program_finish(program_child c);
void program_forget(program_outcome *o);
/** All of a memory file, NUL-terminated and malloc'ed; it is closed. */
char *program_contents(int fd);

#endif
