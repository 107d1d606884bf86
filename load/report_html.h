/* SPDX-License-Identifier: MIT */
/** @file
 *  One page that stands alone: multiplicity over time for every step, targets side by side, and every figure. */
#ifndef LOAD_REPORT_HTML_H
#define LOAD_REPORT_HTML_H

#include <stdio.h>

#include "load/sweep.h"

/** @return 0; -ENOMEM. What the stream says of writing is the caller's to ask. */
int load_report_html(FILE *to, const load_sweep *sweep);

#endif
