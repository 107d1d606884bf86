/* SPDX-License-Identifier: MIT */
/** @file
 *  What a terminal can do, and the small pictures that are made of characters. One thread. */
#ifndef LOAD_TERM_H
#define LOAD_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct load_term {
    FILE *to;
    bool live;   /**< lines can be rewritten */
    bool colour; /**< a live terminal whose user has not set NO_COLOR */
    bool utf8;   /**< block characters can be shown; else plain ASCII stands for them */
} load_term;

/** What is known of the stream: a terminal, TERM, NO_COLOR, the locale in the environment. NULL: nothing is shown. */
load_term load_term_of(FILE *to);
/** Its size now; 80 by 24 if it does not tell. Asked anew for every frame: that is how resizes are followed. */
void load_term_size(const load_term *term, unsigned *columns, unsigned *rows);

/** Room for a picture of up to LOAD_TERM_WIDTH columns. */
enum { LOAD_TERM_WIDTH = 160, LOAD_TERM_ROOM = LOAD_TERM_WIDTH * 3 + 1 };

/** A bar `width` columns long, filled to `share` (0 … 1; more and less are cut off) by eighths of a column. */
void load_term_bar(char *out, const load_term *term, unsigned width, double share);
/** One column for each of the last `width` values, as high as its part of `top` (0: of the highest). A value above 0
 *  never looks like 0. */
void load_term_spark(char *out, const load_term *term, unsigned width, const double *values, size_t count, double top);

#endif
