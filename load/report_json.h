/* SPDX-License-Identifier: MIT */
/** @file
 *  Every figure as JSON, in the schema "tandem-load/2": docs/tandem-load.schema.json. */
#ifndef LOAD_REPORT_JSON_H
#define LOAD_REPORT_JSON_H

#include <stdio.h>

#include <tandem/json.h>

#include "load/sweep.h"

#define LOAD_SCHEMA "tandem-load/2"

/** @return 0; -ENOMEM. What the stream says of writing is the caller's to ask. */
int load_report_json(FILE *to, const load_sweep *sweep);
/** One step as the report has it. */
void load_report_json_step(tdm_json_writer *w, const load_step *step);
/** The report as a tree, as a later reader of the file will see it. @return 0; -ENOMEM. */
int load_report_tree(tdm_json **out, const load_sweep *sweep);

#endif
