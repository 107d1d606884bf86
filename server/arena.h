/* SPDX-License-Identifier: MIT */
/* An arena: memory that is given out piece by piece and freed all at once.
 *
 * One owner at a time; nothing here is locked. */
#ifndef TANDEM_SERVER_ARENA_H
#define TANDEM_SERVER_ARENA_H

#include <stddef.h>

typedef struct tdm__arena {
    char *at, *end;                   /* what is left of the block in use */
    struct tdm__arena_block *further; /* blocks beyond the first, newest first */
} tdm__arena;

/* Begin with `size` bytes at `first`, which stay the caller's. */
void tdm__arena_init(tdm__arena *arena, void *first, size_t size);
/* Free what was allocated beyond the first block. */
void tdm__arena_finish(tdm__arena *arena);

/* Aligned for any type; not zeroed. @return NULL: out of memory. */
void *tdm__arena_alloc(tdm__arena *arena, size_t size);
/* A copy of `size` bytes with a NUL after them. @return NULL: out of memory. */
char *tdm__arena_copy(tdm__arena *arena, const void *bytes, size_t size);
char *tdm__arena_string(tdm__arena *arena, const char *text);

#endif
