/* SPDX-License-Identifier: MIT */
/* Percent-encoding, query strings and cookies: bytes of a request to names and values. Pure; any thread. */
#ifndef TANDEM_SERVER_SCHEMA_QUERY_H
#define TANDEM_SERVER_SCHEMA_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/arena.h"

typedef struct tdm__pair {
    const char *name, *value; /* decoded, NUL-terminated, and without a NUL inside */
    size_t name_size, value_size;
} tdm__pair;

typedef struct tdm__pairs {
    tdm__pair *list;
    size_t count;
} tdm__pairs;

/* More pairs than this in one query, or cookies in one field, are refused. */
#define TDM__MAX_PAIRS 1000

bool tdm__is_utf8(const char *text, const char *end);

/* Decode `size` bytes into `to`, which has room for as many and a NUL. @param plus: '+' is a space.
 * @return the size; -EINVAL: a '%' without two hexadecimal digits, a NUL, or what comes out is not UTF-8. */
long tdm__decode(char *to, const char *text, size_t size, bool plus);

/* Take "a=1&b=2" apart, in order. A name without '=' has an empty value; empty pieces are passed over.
 * @return 0; -EINVAL as above; -E2BIG; -ENOMEM. */
int tdm__query_parse(tdm__arena *arena, const char *query, size_t size, tdm__pairs *out);

/* Take "a=1; b=2" apart, in order: values as they are, without the quotes around them. Appends to *out.
 * @return 0; -E2BIG; -ENOMEM. */
int tdm__cookies_parse(tdm__arena *arena, const char *text, tdm__pairs *out);

#endif
