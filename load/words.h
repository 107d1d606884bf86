/* SPDX-License-Identifier: MIT */
/** @file
 *  What a step showed, in words: sentences that the terminal, the JSON and the page share. */
#ifndef LOAD_WORDS_H
#define LOAD_WORDS_H

#include <stdio.h>

#include "load/format.h"
#include "load/sweep.h"

/** Does its level alone say how many requests it sends? */
bool load_words_own_requests(const load_step *step);
/** How hard a step presses: "1000" connections in a closed loop, "500/s" in an open one, "1x20": so many requests on so
 *  many connections. Checks pick steps by it. */
load_text load_words_level(const load_step *step);
/** The name of a target's i-th kind of request; where it has but one, the target's own. */
const char *load_words_request(const load_target *target, unsigned i);
/** Do two steps press as hard? */
bool load_words_same_level(const load_step *a, const load_step *b);
/** "sync": the target's name. */
void load_words_label(FILE *to, const load_step *step);
/** "20 connections", "500/s over 20 connections"; and the round, from the second on. */
void load_words_where(FILE *to, const load_step *step);
/** "20 connections, one request each", "500/s over 20 connections, for 10 s" */
void load_words_plan(FILE *to, const load_step *step);
/** The sentence on its loop that every output carries. */
const char *load_words_loop(load_loop loop);
/** "pool: 12 at once on 12 threads, the queue grew to 2,988; loop: 20 at once on 1 thread", or why nothing is known. */
void load_words_seen(FILE *to, const load_step *step);
/** What went wrong with a step, with commas; nothing if nothing did. */
void load_words_trouble(FILE *to, const load_step *step);
/** What a run that went well comes to, and no more than is known. */
void load_words_good(FILE *to, const load_sweep *sweep);
/** Where each target stopped keeping up, a line each; what several rounds say alike is said once. */
void load_words_knees(FILE *to, const load_sweep *sweep);
/** How server and client times were compared. */
void load_words_clock(FILE *to, const load_step *step);

/** The same as malloc'ed text; NULL if memory ran out. */
char *load_words_text(void (*write)(FILE *to, const load_step *step), const load_step *step);

#endif
