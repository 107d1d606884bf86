/* SPDX-License-Identifier: MIT */
/* DESIGN: text tables, written once. Widths are counted in characters and not in bytes. A column in which nothing is
 * known is not shown: a table tells what was seen. */
#include "load/report_grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/format.h"

struct load_cell {
    char text[LOAD_CELL_SIZE];
};

int load_grid_init(load_grid *grid, unsigned rows, unsigned columns)
{
    *grid = (load_grid){.rows = rows, .columns = columns};
    grid->cells = calloc((size_t) rows * columns + 1, sizeof *grid->cells);
    if (!grid->cells)
        return -ENOMEM;
    for (unsigned row = 0; row < rows; row++)
        for (unsigned column = 0; column < columns; column++)
            load_grid_put(grid, row, column, "-");
    return 0;
}

void load_grid_finish(load_grid *grid)
{
    free(grid->cells);
    *grid = (load_grid){0};
}

static struct load_cell *cell_at(const load_grid *grid, unsigned row, unsigned column)
{
    return &grid->cells[(size_t) row * grid->columns + column];
}

void load_grid_put(load_grid *grid, unsigned row, unsigned column, const char *text)
{
    snprintf(cell_at(grid, row, column)->text, LOAD_CELL_SIZE, "%s", text);
}

static unsigned keys_of(const load_grid *grid)
{
    return grid->keys ? grid->keys : 1;
}

/* 0: the column says nothing. */
static size_t width_of(const load_grid *grid, unsigned column)
{
    size_t width = 0;
    bool known = grid->rows < 2;
    for (unsigned row = 0; row < grid->rows; row++) {
        const char *text = cell_at(grid, row, column)->text;
        size_t columns = load_format_columns(text);
        width = columns > width ? columns : width;
        known = known || (row && strcmp(text, "-") != 0);
    }
    return known ? width : 0;
}

/* The keys, and the columns from `from` to before `to`. */
static void print_row(FILE *to, const load_grid *grid, unsigned row, const size_t *widths, unsigned from, unsigned upto)
{
    bool any = false;
    for (unsigned column = 0; column < upto; column++) {
        const char *text = cell_at(grid, row, column)->text;
        if (!widths[column] || (column >= keys_of(grid) && column < from))
            continue;
        int pad = (int) (widths[column] - load_format_columns(text));
        if (column == 0)
            fprintf(to, "%s%*s", text, pad, "");
        else
            fprintf(to, "%s%*s%s", any ? "  " : "", pad, "", text);
        any = true;
    }
    fputc('\n', to);
}

/* How far a table can go that has the keys and begins with column `from`: at least one column further. */
static unsigned reach(const load_grid *grid, const size_t *widths, unsigned from)
{
    size_t used = 0;
    unsigned column;
    for (column = 0; column < keys_of(grid); column++)
        used += widths[column] ? widths[column] + 2 : 0;
    for (column = from; column < grid->columns; column++) {
        used += widths[column] ? widths[column] + 2 : 0;
        if (grid->width && used > grid->width + 2 && column > from)
            break;
    }
    return column;
}

void load_grid_print(FILE *to, const load_grid *grid)
{
    size_t *widths = calloc(grid->columns + 1, sizeof *widths);
    if (!widths)
        return;
    for (unsigned column = 0; column < grid->columns; column++)
        widths[column] = width_of(grid, column);
    for (unsigned from = keys_of(grid), upto; from < grid->columns; from = upto) {
        upto = reach(grid, widths, from);
        for (unsigned row = 0; row < grid->rows; row++) {
            if ((grid->gaps && grid->gaps[row]) || (row == 0 && from > keys_of(grid)))
                fputc('\n', to);
            print_row(to, grid, row, widths, from, upto);
        }
    }
    free(widths);
}
