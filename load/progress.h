/* SPDX-License-Identifier: MIT */
/** @file
 *  What a person sees while a step runs: on a terminal a few lines that are rewritten, in a pipe a line now and then. */
#ifndef LOAD_PROGRESS_H
#define LOAD_PROGRESS_H

#include "load/result.h"
#include "load/term.h"

/** The lines of a frame at most. */
enum { LOAD_FRAME_LINES = 6 };

typedef struct load_progress {
    load_term term;                    /**< `to` NULL: silent */
    unsigned widths[LOAD_FRAME_LINES]; /**< of the frame that stands there, in columns */
    unsigned lines;                    /**< 0: none stands there */
    int64_t begun_ns, next_ns;
} load_progress;

void load_progress_begin(load_progress *progress);
void load_progress_tick(load_progress *progress, const load_live *live);
/** Wipe the frame. */
void load_progress_end(load_progress *progress);

/** One line of a frame. */
typedef struct load_line {
    char text[1024];
    size_t size;
    unsigned columns, limit; /**< it has so many, and may have no more */
} load_line;

/** What a frame of at most `rows` lines, none wider than `columns`, says. @return how many lines. */
unsigned load_progress_frame(load_line *lines, const load_term *term, unsigned columns, unsigned rows,
                             const load_live *live);
/** The same in one plain line, its end included. `elapsed_ns`: since the step began. */
void load_progress_line(FILE *to, const load_live *live, int64_t elapsed_ns);

#endif
