/* SPDX-License-Identifier: MIT */
/* DESIGN: doubled whenever a descriptor lies beyond its end, never shrunk: its size is bounded by the limit on open
 * files. */
#include "server/fdmap.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 64 };

void tdm__fdmap_finish(tdm__fdmap *map)
{
    free(map->slots);
    *map = (tdm__fdmap){0};
}

static bool grow(tdm__fdmap *map, size_t beyond)
{
    size_t size = map->size ? map->size : FIRST_SIZE;
    while (size <= beyond)
        size *= 2;
    void **slots = reallocarray(map->slots, size, sizeof *slots);
    if (!slots)
        return false;
    memset(slots + map->size, 0, (size - map->size) * sizeof *slots);
    map->slots = slots;
    map->size = size;
    return true;
}

bool tdm__fdmap_set(tdm__fdmap *map, int fd, void *what)
{
    size_t at = (size_t) fd;
    if (at >= map->size && (!what || !grow(map, at)))
        return !what;
    map->slots[at] = what;
    return true;
}

void *tdm__fdmap_get(const tdm__fdmap *map, int fd)
{
    return fd >= 0 && (size_t) fd < map->size ? map->slots[fd] : NULL;
}
