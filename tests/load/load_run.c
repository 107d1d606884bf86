/* SPDX-License-Identifier: MIT */
/* DESIGN: the client's tests go through its own command line, so that they test what a user can reach. */
#include "tests/load/load_run.h"

#include <stdlib.h>
#include <string.h>

void load_run_start(load_run *run, const char *const *options)
{
    static const load_sweep_calls silent = {NULL, NULL, NULL, NULL};
    char *argv[40] = {strdup("tandem-load")};
    int argc = 1;
    for (; *options && argc < 39; options++)
        argv[argc++] = strdup(*options);
    if (load_plan_parse(&run->plan, argc, argv) != 0 || load_sweep_run(&run->sweep, &run->plan, &silent, NULL) != 0)
        abort();
    for (int i = 0; i < argc; i++) /* the plan keeps no option's text that the tests look at */
        free(argv[i]);
}

void load_run_finish(load_run *run)
{
    load_sweep_finish(&run->sweep);
    load_plan_finish(&run->plan);
}
