/* SPDX-License-Identifier: MIT */
/* DESIGN: the client's tests go through its own command line, so that they test what a user can reach. */
#include "tests/load/load_run.h"

#include <stdlib.h>
#include <string.h>

void load_run_start_with(load_run *run, const load_sweep_calls *calls, void *arg, const char *const *options)
{
    int argc = 1;
    run->argv[0] = strdup("tandem-load");
    for (; *options && argc < LOAD_RUN_ARGUMENTS; options++)
        run->argv[argc++] = strdup(*options);
    run->argc = argc;
    memcpy(run->given, run->argv, sizeof run->given);
    if (*options || load_plan_parse(&run->plan, argc, run->given) != 0 ||
        load_sweep_run(&run->sweep, &run->plan, calls, arg) != 0)
        abort();
}

void load_run_start(load_run *run, const char *const *options)
{
    static const load_sweep_calls silent = {0};
    load_run_start_with(run, &silent, NULL, options);
}

void load_run_finish(load_run *run)
{
    load_sweep_finish(&run->sweep);
    load_plan_finish(&run->plan);
    for (int i = 0; i < run->argc; i++)
        free(run->argv[i]);
}
