/* SPDX-License-Identifier: MIT */
/** @file
 *  --log: a line for each measured request, written while the run goes on. One call at a time; no locks. */
#ifndef LOAD_REPORT_LOG_H
#define LOAD_REPORT_LOG_H

#include "load/result.h"

typedef struct load_log load_log;

/** Open the file (it is emptied) and write the heading. @return 0; -ENOMEM; what opening or writing said. */
int load_log_open(load_log **out, const char *path);
/** The requests of a step. What cannot be written is told by load_log_close(); from the first such line on nothing is
 *  written any more. */
void load_log_write(load_log *log, const load_step *step, const load_record *records, size_t count);
/** Write what is still buffered and close. NULL is accepted; *log becomes NULL.
 *  @return 0; what the first write that failed said. */
int load_log_close(load_log **log);

#endif
