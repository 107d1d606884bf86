/* SPDX-License-Identifier: MIT */
/** @file
 *  A table in plain text whose columns line up. One owner; no locks. */
#ifndef LOAD_REPORT_GRID_H
#define LOAD_REPORT_GRID_H

#include <stdbool.h>
#include <stdio.h>

typedef struct load_grid {
    struct load_cell *cells;
    const bool *gaps; /**< an empty line before row i; NULL: none */
    unsigned columns, rows;
    unsigned keys;  /**< so many columns say what a row is about; 0 is 1 */
    unsigned width; /**< the most columns of text, 0: any. A wider table goes into several, each with the keys */
} load_grid;

/** Room for a cell's text, its NUL included; a longer one is cut. */
enum { LOAD_CELL_SIZE = 96 };

/** Every cell is "-" at first. @return 0; -ENOMEM. */
int load_grid_init(load_grid *grid, unsigned rows, unsigned columns);
void load_grid_finish(load_grid *grid);
void load_grid_put(load_grid *grid, unsigned row, unsigned column, const char *text);
/** The first column starts at the left, the others end at the right; columns that are "-" in all rows but the first
 *  are left out. */
void load_grid_print(FILE *to, const load_grid *grid);

#endif
