/* SPDX-License-Identifier: MIT */
/** @file
 *  Run the client inside a test: a command line in, a sweep out. */
#ifndef TANDEM_TESTS_LOAD_RUN_H
#define TANDEM_TESTS_LOAD_RUN_H

#include "load/sweep.h"
#include "tests/load/fake_server.h"

enum { LOAD_RUN_ARGUMENTS = 60 };

typedef struct load_run {
    load_plan plan;
    load_sweep sweep;
    char *argv[LOAD_RUN_ARGUMENTS + 1], *given[LOAD_RUN_ARGUMENTS + 1]; /* `given` is permuted by the plan */
    int argc;
} load_run;

/** Run with these options (a list that ends with NULL; the URL among them). What fails aborts the test. */
void load_run_start(load_run *run, const char *const *options);
/** The same, and be told. */
void load_run_start_with(load_run *run, const load_sweep_calls *calls, void *arg, const char *const *options);
void load_run_finish(load_run *run);

#define LOAD_RUN(run, ...) load_run_start(run, (const char *const[]){__VA_ARGS__, NULL})

#endif
