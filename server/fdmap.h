/* SPDX-License-Identifier: MIT */
/* What belongs to a descriptor: an array, since the kernel gives out the lowest free numbers. For one thread. */
#ifndef TANDEM_SERVER_FDMAP_H
#define TANDEM_SERVER_FDMAP_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed is empty. */
typedef struct tdm__fdmap {
    void **slots;
    size_t size;
} tdm__fdmap;

void tdm__fdmap_finish(tdm__fdmap *map);
/* @return false: no memory. `what` NULL forgets, and never fails. */
bool tdm__fdmap_set(tdm__fdmap *map, int fd, void *what);
/* NULL: nothing is known of it. */
void *tdm__fdmap_get(const tdm__fdmap *map, int fd);

#endif
