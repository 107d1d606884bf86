/* SPDX-License-Identifier: MIT */
/** @file
 *  What to do: the command line, checked, as a list of targets and a list of steps. */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include "load/options.h"
#include "load/target.h"

/** Each target runs one step for each of its own `levels`, in this order: those of -c and -R, unless its URL was given
 *  as COUNTS@URL. All of that `rounds` times. */
typedef struct load_plan {
    load_options options;
    load_target *targets;
    unsigned target_count;
    load_level *levels; /**< of -c and -R */
    unsigned level_count;
    unsigned rounds;
    char *body; /**< of --body or --body-file; or NULL */
    size_t body_size;
} load_plan;

/** Read the command line, whose arguments must live as long as the plan.
 *  @return 0; 1: help or version was printed; -EINVAL: a line that says what is wrong was printed to standard error.
 *  Unless 0 is returned, nothing is left allocated. */
int load_plan_parse(load_plan *plan, int argc, char **argv);
void load_plan_finish(load_plan *plan);

/** Steps of all rounds. */
unsigned load_plan_steps(const load_plan *plan);

/** Raise the limit of open files as far as it goes, and see whether the largest step fits.
 *  @return 0; -EMFILE: it does not, and a line that says so was printed to standard error. */
int load_plan_fit_descriptors(const load_plan *plan);

#endif
