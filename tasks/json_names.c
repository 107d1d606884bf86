/* SPDX-License-Identifier: MIT */
/* DESIGN: names in checked JSON: escapes decoded in place (decoding never makes text longer), and the search for a name
 * that an object has twice. Names of all open objects stand in one growing row; when an object ends, its own are
 * sorted and neighbours compared, so a body full of names costs n log n, whatever names a client thinks of. */
#include "tasks/json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/json.h>

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned) (c - '0') : (unsigned) ((c | 0x20) - 'a' + 10);
}

static unsigned hex4(const char *p)
{
    return hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]);
}

static char *put_character(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char) c;
    } else if (c < 0x800) {
        *to++ = (char) (0xC0 | c >> 6);
        *to++ = (char) (0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char) (0xE0 | c >> 12);
        *to++ = (char) (0x80 | (c >> 6 & 0x3F));
        *to++ = (char) (0x80 | (c & 0x3F));
    } else {
        *to++ = (char) (0xF0 | c >> 18);
        *to++ = (char) (0x80 | (c >> 12 & 0x3F));
        *to++ = (char) (0x80 | (c >> 6 & 0x3F));
        *to++ = (char) (0x80 | (c & 0x3F));
    }
    return to;
}

/* `from` stands behind the 'u'. @return behind the escape, or both of a pair. */
static const char *take_unicode(const char *from, uint32_t *c)
{
    *c = hex4(from);
    if (*c < 0xD800 || *c > 0xDBFF)
        return from + 4;
    *c = 0x10000 + ((*c - 0xD800) << 10) + (hex4(from + 6) - 0xDC00);
    return from + 10;
}

size_t tdm__json_unescape(char *text, size_t size)
{
    static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
    const char *from = text, *end = text + size;
    char *to = text;
    while (from < end) {
        if (*from != '\\') {
            *to++ = *from++;
            continue;
        }
        char letter = from[1];
        from += 2;
        if (letter == 'u') {
            uint32_t c;
            from = take_unicode(from, &c);
            to = put_character(to, c);
        } else {
            const char *found = strchr(letters, letter);
            *to++ = found ? controls[found - letters] : letter;
        }
    }
    *to = '\0';
    return (size_t) (to - text);
}

/* ---- names that are there twice ---- */

typedef struct name {
    const char *text;
    size_t size, at;
} name;

typedef struct row {
    name *names;
    size_t count, capacity;
    char *decoded; /* names with escapes go here; as large as the document */
    size_t used;
} row;

static int compare(const void *a, const void *b)
{
    const name *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->size < y->size ? x->size : y->size);
    if (order)
        return order;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The place in [first, count) where a name comes again. @return NULL: none does. */
static const name *find_double(row *r, size_t first)
{
    if (r->count - first < 2)
        return NULL;
    qsort(r->names + first, r->count - first, sizeof *r->names, compare);
    for (size_t i = first + 1; i < r->count; i++) {
        const name *x = &r->names[i - 1], *y = &r->names[i];
        if (x->size == y->size && memcmp(x->text, y->text, x->size) == 0)
            return y;
    }
    return NULL;
}

static bool add_name(row *r, const char *document, size_t document_size, const char *from, size_t size)
{
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 64;
        name *grown = realloc(r->names, capacity * sizeof *grown);
        if (!grown)
            return false;
        r->names = grown;
        r->capacity = capacity;
    }
    name *n = &r->names[r->count++];
    *n = (name){from, size, (size_t) (from - document) - 1};
    if (!memchr(from, '\\', size))
        return true;
    if (!r->decoded && !(r->decoded = malloc(document_size + 1)))
        return false;
    char *copy = r->decoded + r->used;
    memcpy(copy, from, size);
    n->text = copy;
    n->size = tdm__json_unescape(copy, size);
    r->used += size + 1; /* the quote that ends it keeps the sum below the document's size */
    return true;
}

static const char *end_of_string(const char *quote)
{
    const char *p = quote + 1;
    while (*p != '"')
        p += *p == '\\' ? 2 : 1;
    return p;
}

static int look_through(row *r, const char *text, size_t size, const name **twice)
{
    size_t first[TDM_JSON_MAX_DEPTH]; /* of each open object or array: where its names begin */
    bool object[TDM_JSON_MAX_DEPTH];
    int depth = 0;
    for (const char *p = text, *end = text + size; p < end; p++) {
        if (*p == '{' || *p == '[') {
            first[depth] = r->count;
            object[depth++] = *p == '{';
        } else if (*p == '}' || *p == ']') {
            *twice = find_double(r, first[--depth]);
            if (*twice)
                return -EEXIST;
            r->count = first[depth];
        } else if (*p == '"') {
            const char *from = p + 1;
            p = end_of_string(p);
            const char *next = p + 1;
            next += depth && object[depth - 1] ? strspn(next, " \t\r\n") : 0;
            bool is_name = depth && object[depth - 1] && next < end && *next == ':';
            if (is_name && !add_name(r, text, size, from, (size_t) (p - from)))
                return -ENOMEM;
        }
    }
    return 0;
}

int tdm__json_unique(const char *text, size_t size, size_t *at, char *out, size_t room)
{
    row r = {0};
    const name *twice = NULL;
    int err = look_through(&r, text, size, &twice);
    if (err == -EEXIST) {
        size_t n = twice->size < room - 1 ? twice->size : room - 1;
        memcpy(out, twice->text, n);
        out[n] = '\0';
        *at = twice->at;
    }
    free(r.names);
    free(r.decoded);
    return err;
}
