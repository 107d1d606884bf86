/* SPDX-License-Identifier: MIT */
/* DESIGN: query strings as browsers send them (application/x-www-form-urlencoded), decoded strictly: a broken escape,
 * an encoded NUL or what is not UTF-8 refuses the request instead of being guessed at, because a guess that differs
 * from a proxy's is how filters are passed by. All pairs and their text are one piece of the request's arena: decoding
 * never makes text longer, and each name and value has a separator after it whose byte its NUL takes. */
#include "server/schema/query.h"

#include <errno.h>
#include <string.h>

#include "tasks/utf8.h"

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

bool tdm__is_utf8(const char *text, const char *end)
{
    while (text < end) {
        size_t n = tdm__utf8_length((const unsigned char *) text, (const unsigned char *) end);
        if (!n)
            return false;
        text += n;
    }
    return true;
}

long tdm__decode(char *to, const char *text, size_t size, bool plus)
{
    const char *start = to;
    unsigned char seen = 0;
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
        seen |= (unsigned char) c;
        *to++ = c;
    }
    *to = '\0';
    if (seen >= 0x80 && !tdm__is_utf8(start, to))
        return -EINVAL;
    return to - start;
}

static size_t count_pieces(const char *text, size_t size, char between)
{
    size_t count = 1;
    for (const char *p = text, *end = text + size; (p = memchr(p, between, (size_t) (end - p))) != NULL; p++)
        count++;
    return count;
}

/* Decodes one piece. @return where the next text goes; NULL: it cannot be decoded. */
static char *take_pair(char *to, const char *piece, size_t size, tdm__pair *out)
{
    const char *equals = memchr(piece, '=', size);
    size_t raw = equals ? (size_t) (equals - piece) : size;
    long n = tdm__decode(to, piece, raw, true);
    if (n < 0)
        return NULL;
    *out = (tdm__pair){.name = to, .value = to + n, .name_size = (size_t) n};
    if (!equals)
        return to + n + 1;
    to += n + 1;
    n = tdm__decode(to, equals + 1, size - raw - 1, true);
    if (n < 0)
        return NULL;
    out->value = to;
    out->value_size = (size_t) n;
    return to + n + 1;
}

int tdm__query_parse(tdm__arena *arena, const char *query, size_t size, tdm__pairs *out)
{
    *out = (tdm__pairs){0};
    if (size == 0)
        return 0;
    size_t count = count_pieces(query, size, '&');
    if (count > TDM__MAX_PAIRS)
        return -E2BIG;
    out->list = tdm__arena_alloc(arena, count * sizeof *out->list + size + 1);
    if (!out->list)
        return -ENOMEM;
    char *to = (char *) (out->list + count);
    const char *end = query + size;
    for (const char *p = query; p <= end;) {
        const char *stop = memchr(p, '&', (size_t) (end - p));
        size_t n = (size_t) ((stop ? stop : end) - p);
        if (n) {
            to = take_pair(to, p, n, &out->list[out->count]);
            if (!to)
                return -EINVAL;
            out->count++;
        }
        p += n + 1;
    }
    return 0;
}

static void trim(const char **text, size_t *size)
{
    while (*size && (**text == ' ' || **text == '\t')) {
        ++*text;
        --*size;
    }
    while (*size && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\t'))
        --*size;
}

static int take_cookie(tdm__arena *arena, const char *piece, size_t size, tdm__pair *out)
{
    const char *equals = memchr(piece, '=', size);
    const char *value = equals ? equals + 1 : piece + size;
    size_t value_size = (size_t) (piece + size - value);
    size_t name_size = equals ? (size_t) (equals - piece) : size;
    trim(&piece, &name_size);
    trim(&value, &value_size);
    if (value_size >= 2 && value[0] == '"' && value[value_size - 1] == '"') {
        value++;
        value_size -= 2;
    }
    *out = (tdm__pair){tdm__arena_copy(arena, piece, name_size), tdm__arena_copy(arena, value, value_size), name_size,
                       value_size};
    return out->name && out->value ? 0 : -ENOMEM;
}

int tdm__cookies_parse(tdm__arena *arena, const char *text, tdm__pairs *out)
{
    size_t size = strlen(text), count = count_pieces(text, size, ';');
    if (out->count + count > TDM__MAX_PAIRS)
        return -E2BIG;
    tdm__pair *grown = tdm__arena_alloc(arena, (out->count + count) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    if (out->count)
        memcpy(grown, out->list, out->count * sizeof *grown);
    out->list = grown;
    for (const char *p = text, *end = text + size; p <= end;) {
        const char *stop = memchr(p, ';', (size_t) (end - p));
        size_t n = (size_t) ((stop ? stop : end) - p);
        if (n && take_cookie(arena, p, n, &out->list[out->count]))
            return -ENOMEM;
        out->count += n > 0;
        p += n + 1;
    }
    return 0;
}
