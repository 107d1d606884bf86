/* SPDX-License-Identifier: MIT */
/* Blocks of one size, kept for the next that wants one: what comes and goes with every request costs no allocation.
 *
 * One thread at a time; nothing here is locked. */
#ifndef TANDEM_SERVER_SPARES_H
#define TANDEM_SERVER_SPARES_H

#include <stddef.h>

/* Zeroed is empty. */
typedef struct tdm__spares {
    struct tdm__spare *first;
    unsigned count;
} tdm__spares;

/* A block of `size` bytes, not zeroed; always the same size for the same spares. @return NULL: no memory. */
void *tdm__spares_take(tdm__spares *spares, size_t size);
/* Give one back. */
void tdm__spares_give(tdm__spares *spares, void *block);
/* Free those that are kept. */
void tdm__spares_finish(tdm__spares *spares);

#endif
