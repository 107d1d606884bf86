/* SPDX-License-Identifier: MIT */
/** @file
 *  tandem-load experiment URL: how many background tasks run at once, sync and async. */
#ifndef LOAD_EXPERIMENT_H
#define LOAD_EXPERIMENT_H

#include "load/plan.h"

typedef struct load_experiment {
    load_plan plan;
    char **argv; /**< the command line that it stands for; the plan's options point into it */
    char *urls[2];
} load_experiment;

/** Plan it: the URL with as_async=0 and with as_async=1, each as one volley and one request after another, at every
 *  count of -c (4,20,1000), followed. @param argv without "experiment"; the URL is the last.
 *  @return as load_plan_parse(). */
int load_experiment_parse(load_experiment *experiment, int argc, char **argv);
void load_experiment_finish(load_experiment *experiment);

#endif
