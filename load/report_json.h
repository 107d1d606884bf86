/* SPDX-License-Identifier: MIT */
/** @file
 *  Every figure as JSON, in the schema "tandem-load/1" that docs/tandem-load.md describes. */
#ifndef LOAD_REPORT_JSON_H
#define LOAD_REPORT_JSON_H

#include <stdio.h>

#include "load/sweep.h"

/** @return 0; -ENOMEM. What the stream says of writing is the caller's to ask. */
int load_report_json(FILE *to, const load_sweep *sweep);

#endif
