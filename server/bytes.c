/* SPDX-License-Identifier: MIT */
/* DESIGN: memory that doubles while it is filled and is given back when it is not needed: most connections are idle. */
#include "server/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 1024

bool tdm__bytes_grow(tdm__bytes *bytes, size_t more)
{
    size_t room = bytes->capacity ? bytes->capacity : FIRST;
    while (room - bytes->size < more)
        room *= 2;
    char *grown = realloc(bytes->at, room);
    if (!grown)
        return false;
    bytes->at = grown;
    bytes->capacity = room;
    return true;
}

void tdm__bytes_take(tdm__bytes *bytes, size_t size)
{
    assert(size <= bytes->size);
    bytes->size -= size;
    if (bytes->size)
        memmove(bytes->at, bytes->at + size, bytes->size);
}

void tdm__bytes_clear(tdm__bytes *bytes, size_t kept)
{
    bytes->size = 0;
    if (bytes->capacity <= kept)
        return;
    free(bytes->at);
    *bytes = (tdm__bytes){.size = 0};
}
