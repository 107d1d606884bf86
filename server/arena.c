/* SPDX-License-Identifier: MIT */
/* DESIGN: a request's strings, parameters, body and reply live exactly as long as the request, so they share one
 * arena: most requests fit in the block that is allocated together with the request, and cost one malloc in all.
 * A piece that does not fit gets a further block, sized for it if it is large, so that a big body does not waste
 * the rest of a small block. */
#include "server/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t) 4096)

struct tdm__arena_block {
    struct tdm__arena_block *next;
    max_align_t bytes[];
};

void tdm__arena_init(tdm__arena *arena, void *first, size_t size)
{
    arena->at = first;
    arena->end = arena->at + size;
    arena->further = NULL;
}

void tdm__arena_finish(tdm__arena *arena)
{
    while (arena->further) {
        struct tdm__arena_block *block = arena->further;
        arena->further = block->next;
        free(block);
    }
    arena->at = arena->end = NULL;
}

static void *from_new_block(tdm__arena *arena, size_t size)
{
    size_t room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
    if (room > SIZE_MAX - sizeof(struct tdm__arena_block))
        return NULL;
    struct tdm__arena_block *block = malloc(sizeof *block + room);
    if (!block)
        return NULL;
    block->next = arena->further;
    arena->further = block;
    char *bytes = (char *) block->bytes;
    if (room != size) { /* a block of common size becomes the one in use */
        arena->at = bytes + size;
        arena->end = bytes + room;
    }
    return bytes;
}

void *tdm__arena_alloc(tdm__arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    size_t skip = (size_t) (-(uintptr_t) arena->at & (align - 1));
    size_t left = (size_t) (arena->end - arena->at);
    if (skip <= left && size <= left - skip) {
        void *piece = arena->at + skip;
        arena->at += skip + size;
        return piece;
    }
    return from_new_block(arena, size);
}

char *tdm__arena_copy(tdm__arena *arena, const void *bytes, size_t size)
{
    char *copy = size < SIZE_MAX ? tdm__arena_alloc(arena, size + 1) : NULL;
    if (!copy)
        return NULL;
    if (size)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *tdm__arena_string(tdm__arena *arena, const char *text)
{
    return tdm__arena_copy(arena, text, strlen(text));
}
