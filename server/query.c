/* SPDX-License-Identifier: MIT */
/* DESIGN: query strings as browsers send them (application/x-www-form-urlencoded), decoded strictly: a broken escape
 * or an encoded NUL refuses the request instead of being guessed at, because a guess that differs from a proxy's is
 * how filters are passed by. Decoded text lives in the request's arena. What is not escaped is not copied twice: a
 * name or value is copied once, to get its NUL. */
#include "server/query.h"

#include <errno.h>
#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int tdm__decode(tdm__arena *arena, const char *text, size_t size, bool plus, const char **out)
{
    char *to = tdm__arena_alloc(arena, size + 1);
    if (!to)
        return -ENOMEM;
    *out = to;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < size ? hex(text[i + 1]) : -1;
            int low = high >= 0 ? hex(text[i + 2]) : -1;
            if (low < 0)
                return -EINVAL;
            c = (char) (high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return -EINVAL;
        *to++ = c;
    }
    *to = '\0';
    return 0;
}

static size_t count_pieces(const char *query)
{
    size_t count = 0;
    for (const char *p = query; *p;) {
        size_t size = strcspn(p, "&");
        count += size > 0;
        p += size + (p[size] == '&');
    }
    return count;
}

static int take_pair(tdm__arena *arena, const char *piece, size_t size, tdm__pair *out)
{
    const char *equals = memchr(piece, '=', size);
    size_t name_size = equals ? (size_t) (equals - piece) : size;
    const char *value = equals ? equals + 1 : "";
    size_t value_size = equals ? size - name_size - 1 : 0;
    int err = tdm__decode(arena, piece, name_size, true, &out->name);
    return err ? err : tdm__decode(arena, value, value_size, true, &out->value);
}

int tdm__query_parse(tdm__arena *arena, const char *query, tdm__pairs *out)
{
    out->list = NULL;
    out->count = 0;
    size_t count = count_pieces(query);
    if (count == 0)
        return 0;
    if (count > TDM__MAX_PAIRS)
        return -E2BIG;
    out->list = tdm__arena_alloc(arena, count * sizeof *out->list);
    if (!out->list)
        return -ENOMEM;
    for (const char *p = query; *p;) {
        size_t size = strcspn(p, "&");
        int err = size ? take_pair(arena, p, size, &out->list[out->count]) : 0;
        if (err)
            return err;
        out->count += size > 0;
        p += size + (p[size] == '&');
    }
    return 0;
}
