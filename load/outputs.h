/* SPDX-License-Identifier: MIT */
/** @file
 *  Where the figures of a run go: the text on the terminal, the files, the checks. One owner; no locks. */
#ifndef LOAD_OUTPUTS_H
#define LOAD_OUTPUTS_H

#include "load/check.h"
#include "load/progress.h"
#include "load/report_log.h"
#include "load/report_text.h"

/** Exit status of a run that went well but for a report that could not be written, or for a check. */
enum { LOAD_STATUS_UNWRITTEN = 2, LOAD_STATUS_CHECK = 5 };

typedef struct load_outputs {
    const load_options *options;
    FILE *text; /**< the report for people: standard output, or standard error if a file is written there */
    load_look look;
    load_progress progress;
    load_log *log;
    load_check checks[LOAD_CHECKS_MAX];
    unsigned check_count;
} load_outputs;

/** See that everything can be written, before anything is measured; a line says what cannot.
 *  @return 0; -EINVAL. */
int load_outputs_open(load_outputs *outputs, const load_options *options);
/** Write what is left to be written, and hold the run against the checks.
 *  @return the exit status of the run. */
int load_outputs_report(load_outputs *outputs, const load_sweep *sweep);
/** Close the log; nothing if it was closed. @return false: a line said what could not be written. */
bool load_outputs_close(load_outputs *outputs);

#endif
