/* SPDX-License-Identifier: MIT */
/** @file
 *  What a step showed, in words: sentences that the terminal, the JSON and the page share. */
#ifndef LOAD_WORDS_H
#define LOAD_WORDS_H

#include <stdio.h>

#include "load/sweep.h"

/** "20 connections, one request each" */
void load_words_plan(FILE *to, const load_step *step);
/** "pool: 12 at once on 12 threads; loop: 20 at once on 1 thread", or why nothing is known. */
void load_words_seen(FILE *to, const load_step *step);
/** What went wrong with a step, with commas; nothing if nothing did. */
void load_words_trouble(FILE *to, const load_step *step);
/** What a run that went well comes to, and no more than is known. */
void load_words_good(FILE *to, const load_sweep *sweep);
/** How server and client times were compared. */
void load_words_clock(FILE *to, const load_step *step);

/** The same as malloc'ed text; NULL if memory ran out. */
char *load_words_text(void (*write)(FILE *to, const load_step *step), const load_step *step);

/** The sentence that every output carries. */
#define LOAD_WORDS_CLOSED_LOOP "closed loop: each connection sends its next request when its reply is complete"

#endif
