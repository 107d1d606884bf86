/* SPDX-License-Identifier: MIT */
/** @file
 *  The middle of the page: for each level a row of cards, one for each target. */
#ifndef LOAD_REPORT_CARDS_H
#define LOAD_REPORT_CARDS_H

#include "load/sweep.h"

/** @return 0; -ENOMEM. */
int load_report_cards(FILE *to, const load_sweep *sweep);
/** What `write` says of a step, as text for HTML. */
void load_html_words(FILE *to, void (*write)(FILE *to, const load_step *step), const load_step *step);

#endif
