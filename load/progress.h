/* SPDX-License-Identifier: MIT */
/** @file
 *  What a person sees while a step runs. */
#ifndef LOAD_PROGRESS_H
#define LOAD_PROGRESS_H

#include <stdio.h>

#include "load/result.h"

typedef struct load_progress {
    FILE *to;      /**< NULL: silent */
    bool terminal; /**< one line that is rewritten, five times a second; else a plain line every ten seconds */
    bool shown;    /**< a line stands there that must be wiped */
    int64_t begun_ns, next_ns;
} load_progress;

void load_progress_begin(load_progress *progress);
void load_progress_tick(load_progress *progress, const load_live *live);
/** Wipe the line. */
void load_progress_end(load_progress *progress);

#endif
