/* SPDX-License-Identifier: MIT */
/** @file
 *  Run the client inside a test: a command line in, a sweep out. */
#ifndef TANDEM_TESTS_LOAD_RUN_H
#define TANDEM_TESTS_LOAD_RUN_H

#include "load/sweep.h"
#include "tests/load/fake_server.h"

typedef struct load_run {
    load_plan plan;
    load_sweep sweep;
} load_run;

/** Run with these options (a list that ends with NULL; the URL among them). What fails aborts the test. */
void load_run_start(load_run *run, const char *const *options);
void load_run_finish(load_run *run);

#define LOAD_RUN(run, ...) load_run_start(run, (const char *const[]){__VA_ARGS__, NULL})

#endif
