/* SPDX-License-Identifier: MIT */
/* Percent-encoding and query strings: bytes of a request target to names and values. Pure; any thread. */
#ifndef TANDEM_SERVER_QUERY_H
#define TANDEM_SERVER_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/arena.h"

typedef struct tdm__pair {
    const char *name, *value; /* decoded, NUL-terminated, and without a NUL inside */
} tdm__pair;

typedef struct tdm__pairs {
    tdm__pair *list;
    size_t count;
} tdm__pairs;

/* More pairs than this in one query are refused. */
#define TDM__MAX_PAIRS 1000

/* Decode `size` bytes. @param plus: '+' is a space.
 * @return 0; -EINVAL: a '%' without two hexadecimal digits, or a NUL; -ENOMEM. */
int tdm__decode(tdm__arena *arena, const char *text, size_t size, bool plus, const char **out);

/* Take "a=1&b=2" apart, in order. A name without '=' has an empty value; empty pieces are passed over.
 * @return 0; -EINVAL as above; -E2BIG; -ENOMEM. */
int tdm__query_parse(tdm__arena *arena, const char *query, tdm__pairs *out);

#endif
