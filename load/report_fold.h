/* SPDX-License-Identifier: MIT */
/** @file
 *  Text that fits a terminal. One owner; no locks. */
#ifndef LOAD_REPORT_FOLD_H
#define LOAD_REPORT_FOLD_H

#include <stddef.h>
#include <stdio.h>

/** Text on its way to a stream. */
typedef struct load_fold {
    FILE *to, *wide;
    char *text;
    size_t size;
    unsigned columns, indent;
} load_fold;

/** @return where to write. Lines of more than `columns` (0: as long as they are) will be broken at blanks, and what is
 *  carried over begins `indent` columns from the left. Without memory for that lines stay as they are. */
FILE *load_fold_begin(load_fold *fold, FILE *to, unsigned columns, unsigned indent);
/** What was written goes to its stream. */
void load_fold_end(load_fold *fold);

#endif
