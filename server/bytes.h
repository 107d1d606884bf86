/* SPDX-License-Identifier: MIT */
/* Bytes that are collected. Zeroed is empty, and takes no memory. */
#ifndef TANDEM_SERVER_BYTES_H
#define TANDEM_SERVER_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct tdm__bytes {
    char *at;
    size_t size, capacity;
} tdm__bytes;

/* Make room for `more` bytes; `at` may move. @return false: no memory. */
bool tdm__bytes_grow(tdm__bytes *bytes, size_t more);
/* Forget the first `size`. */
void tdm__bytes_take(tdm__bytes *bytes, size_t size);
/* Forget them all; memory beyond `kept` is given back. */
void tdm__bytes_clear(tdm__bytes *bytes, size_t kept);

/* Add a copy at the end; `at` may move. @return false: no memory, nothing was added. */
static inline bool tdm__bytes_add(tdm__bytes *bytes, const void *more, size_t size)
{
    if (size > bytes->capacity - bytes->size && !tdm__bytes_grow(bytes, size))
        return false;
    if (size)
        memcpy(bytes->at + bytes->size, more, size);
    bytes->size += size;
    return true;
}

#endif
