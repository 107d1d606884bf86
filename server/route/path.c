/* SPDX-License-Identifier: MIT */
/* DESIGN: a path is cut at its slashes first and decoded after, each segment once, so that an encoded slash or dot is
 * data and can never move a path to another place. What no honest client sends is refused rather than cleaned: dot
 * segments, control characters, bytes that are not UTF-8. Most paths have nothing to decode: their segments are pieces
 * of the path as it came, and cost no memory. */
#include "server/route/path.h"

#include <errno.h>
#include <string.h>

#include "server/schema/query.h"

/* ---- a route's path ---- */

size_t tdm__part_length(const char *at)
{
    return strcspn(at, "/");
}

static const struct {
    const char *name;
    tdm__kind kind;
} kinds[] = {{"int", TDM__WHOLE}, {"float", TDM__NUMBER}, {"str", TDM__TEXT}, {"path", TDM__REST}};

int tdm__part_read(const char *at, tdm__part *out, tdm__why *why)
{
    size_t size = tdm__part_length(at);
    const char *end = at + size;
    *out = (tdm__part){.kind = TDM__LITERAL, .text = at, .size = size};
    if (!memchr(at, '{', size) && !memchr(at, '}', size))
        return 0;
    bool whole = size > 2 && at[0] == '{' && end[-1] == '}' && !memchr(at + 1, '{', size - 1) &&
                 memchr(at, '}', size) == end - 1;
    const char *colon = whole ? memchr(at, ':', size) : NULL;
    const char *name_end = colon ? colon : end - 1;
    if (!whole || name_end == at + 1)
        return tdm__why_say(why, "a parameter is a whole segment, /{name} or /{name:int}, which `%.*s` is not",
                            (int) size, at);
    *out = (tdm__part){.kind = TDM__TEXT, .text = at + 1, .size = (size_t) (name_end - at - 1)};
    if (!colon)
        return 0;
    size_t type_size = (size_t) (end - 1 - (colon + 1));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].name) == type_size && memcmp(kinds[i].name, colon + 1, type_size) == 0) {
            out->kind = kinds[i].kind;
            return 0;
        }
    }
    return tdm__why_say(why, "`%.*s` is none of int, float, str and path", (int) type_size, colon + 1);
}

static int check_part(const tdm__part *part, bool last, unsigned *values, tdm__why *why)
{
    const char *text = part->text;
    if (part->kind == TDM__LITERAL) {
        if (part->size == 0 && !last)
            return tdm__why_say(why, "it has two slashes in a row");
        if ((part->size == 1 && text[0] == '.') || (part->size == 2 && memcmp(text, "..", 2) == 0))
            return tdm__why_say(why, "it has a dot segment");
        return 0;
    }
    if (part->kind == TDM__REST && !last)
        return tdm__why_say(why, "`%.*s` takes the rest of the path, and there is more behind it", (int) part->size,
                            text);
    if (++*values > TDM__MAX_PATH_VALUES)
        return tdm__why_say(why, "it has more than %d parameters", TDM__MAX_PATH_VALUES);
    return 0;
}

int tdm__path_check(const char *path, tdm__why *why)
{
    if (!path || path[0] != '/')
        return tdm__why_say(why, "it does not begin with a slash");
    for (const char *p = path; *p; p++) {
        if ((unsigned char) *p <= ' ' || *p == 0x7f || strchr("?#%\"\\", *p))
            return tdm__why_say(why, "it has a character that does not belong into a route: '%c'", *p);
    }
    unsigned values = 0;
    for (const char *p = path; *p;) {
        tdm__part part;
        size_t size = tdm__part_length(++p);
        int err = tdm__part_read(p, &part, why);
        p += size;
        if (!err)
            err = check_part(&part, *p == '\0', &values, why);
        if (err)
            return err;
    }
    return 0;
}

/* ---- a client's path ---- */

static bool is_dots(const char *text, size_t size)
{
    return size && text[0] == '.' && (size == 1 || (size == 2 && text[1] == '.'));
}

static bool has_control(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
            return true;
    }
    return false;
}

static int decode_segment(tdm__arena *arena, tdm__segment *segment)
{
    char *to = tdm__arena_alloc(arena, segment->size + 1);
    if (!to)
        return -ENOMEM;
    long n = tdm__decode(to, segment->text, segment->size, false);
    if (n < 0 || has_control(to, (size_t) n))
        return -EINVAL;
    *segment = (tdm__segment){to, (size_t) n};
    return 0;
}

static size_t count_slashes(const char *path, size_t size)
{
    size_t count = 0;
    for (const char *p = path, *end = path + size; (p = memchr(p, '/', (size_t) (end - p))) != NULL; p++)
        count++;
    return count;
}

int tdm__path_split(tdm__arena *arena, const char *path, size_t size, tdm__segments *out)
{
    size_t count = count_slashes(path, size);
    const char *end = path + size;
    out->count = 0;
    out->decoded = memchr(path, '%', size) != NULL;
    out->list = count <= TDM__FEW_SEGMENTS ? out->few : tdm__arena_alloc(arena, count * sizeof *out->list);
    if (!out->list)
        return -ENOMEM;
    for (const char *p = path; p < end;) {
        p++; /* the slash */
        const char *slash = memchr(p, '/', (size_t) (end - p));
        tdm__segment *segment = &out->list[out->count++];
        *segment = (tdm__segment){p, (size_t) ((slash ? slash : end) - p)};
        p += segment->size;
        int err = out->decoded ? decode_segment(arena, segment) : 0;
        if (err)
            return err;
        if (is_dots(segment->text, segment->size))
            return -EINVAL;
    }
    return 0;
}

int tdm__path_rest(tdm__arena *arena, const tdm__segments *segments, size_t from, const char **text, size_t *size)
{
    size_t total = 0;
    for (size_t i = from; i < segments->count; i++) {
        const tdm__segment *segment = &segments->list[i];
        if (segments->decoded && memchr(segment->text, '/', segment->size))
            return -EINVAL;
        total += segment->size + 1;
    }
    char *to = tdm__arena_alloc(arena, total + 1);
    if (!to)
        return -ENOMEM;
    *text = to;
    for (size_t i = from; i < segments->count; i++) {
        if (i > from)
            *to++ = '/';
        memcpy(to, segments->list[i].text, segments->list[i].size);
        to += segments->list[i].size;
    }
    *to = '\0';
    *size = (size_t) (to - *text);
    return 0;
}

static size_t digits(const char *text, size_t size)
{
    size_t n = 0;
    while (n < size && text[n] >= '0' && text[n] <= '9')
        n++;
    return n;
}

bool tdm__segment_fits(const tdm__segment *segment, tdm__kind kind)
{
    const char *text = segment->text, *end = text + segment->size;
    if (kind == TDM__TEXT)
        return segment->size > 0;
    text += segment->size && text[0] == '-';
    size_t n = digits(text, (size_t) (end - text));
    text += n;
    if (n == 0 || text == end)
        return n > 0;
    if (kind != TDM__NUMBER || *text != '.')
        return false;
    n = digits(text + 1, (size_t) (end - text - 1));
    return n > 0 && text + 1 + n == end;
}
