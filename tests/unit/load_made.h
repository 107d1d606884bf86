/* SPDX-License-Identifier: MIT */
/** @file
 *  A run that nobody made: the figures of the experiment as they would be without a clock, for tests of reports. */
#ifndef TANDEM_TESTS_LOAD_MADE_H
#define TANDEM_TESTS_LOAD_MADE_H

#include "load/sweep.h"

typedef struct load_made {
    load_plan plan;
    load_sweep sweep;
} load_made;

/** What it should be like. */
typedef struct load_made_as {
    const char *levels[2]; /**< of target "sync" and "async": "4,20,1000"; NULL: that target is left out */
    unsigned rounds;       /**< 0: one */
    bool open;             /**< an open loop, the levels being rates */
    bool plain;            /**< a server without tasks */
    bool troubled;         /**< the last step has every kind of trouble */
} load_made_as;

/** Each request has three tasks of 3 s; sync on 12 threads, async on one loop. */
void load_made_init(load_made *made, const load_made_as *as);
void load_made_finish(load_made *made);

/** What a report writes, as text; free() it. */
char *load_made_text(int (*write)(FILE *to, const load_sweep *sweep), const load_made *made);

#endif
