/* SPDX-License-Identifier: MIT */
/* DESIGN: the order in which conditions count is RFC 9110's (13.2.2): a tag beats a date, a precondition beats a range.
 * What is malformed is as if it were not there; several ranges in one request are answered with the whole, which the RFC
 * allows and which leaves no room for overlapping ones that would make a reply many times as large as the file. */
#include "server/files/condition.h"

#include <stdlib.h>
#include <string.h>

#include "server/files/date.h"

#define DATE_SETTLES_S 1 /* the older RFC 7232 said 60 */

/* Is the tag one of `"a", W/"b"`, in a form that counts? */
static bool has_tag(const char *list, const char *tag, bool strong_counts, bool weak_counts)
{
    size_t size = strlen(tag);
    for (const char *p = list; *p;) {
        p += strspn(p, ", \t");
        bool is_weak = strncmp(p, "W/", 2) == 0;
        p += is_weak ? 2 : 0;
        const char *end = *p == '"' ? strchr(p + 1, '"') : NULL;
        if (!end)
            return false;
        if ((is_weak ? weak_counts : strong_counts) && (size_t) (end + 1 - p) == size && memcmp(p, tag, size) == 0)
            return true;
        p = end + 1;
    }
    return false;
}

bool tdm__has_weak_tag(const char *list, const char *tag)
{
    return has_tag(list, tag, false, true);
}

static bool is_star(const char *list)
{
    return strcmp(list, "*") == 0;
}

static bool is_newer(const tdm__version *is, const char *date)
{
    time_t when;
    return !tdm__date_read(date, &when) || is->modified > when;
}

/* @return 0: go on; else the status. */
static int precondition(const tdm__conditions *asked, const tdm__version *is)
{
    time_t when;
    if (asked->if_match) {
        if (!is_star(asked->if_match) && !has_tag(asked->if_match, is->tag, true, false))
            return 412;
    } else if (asked->if_unmodified_since && tdm__date_read(asked->if_unmodified_since, &when) && is->modified > when) {
        return 412;
    }
    if (asked->if_none_match)
        return is_star(asked->if_none_match) || has_tag(asked->if_none_match, is->tag, true, true) ? 304 : 0;
    return asked->if_modified_since && !is_newer(is, asked->if_modified_since) ? 304 : 0;
}

/* Digits up to something else. @return false: there are none, or too many. */
static bool take_number(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t value = 0;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t) (*p - '0'), &value))
            return false;
    }
    bool some = p != *text;
    *text = p;
    *out = value;
    return some;
}

/* "bytes=5-9", "bytes=5-", "bytes=-5". @return 200: to be passed over; 206; 416. */
static int read_range(const char *text, uint64_t size, uint64_t *first, uint64_t *count)
{
    if (strncmp(text, "bytes=", strlen("bytes=")) != 0)
        return 200;
    const char *p = text + strlen("bytes=");
    uint64_t from = 0, to = 0;
    bool has_from = take_number(&p, &from);
    if (*p++ != '-')
        return 200;
    bool has_to = take_number(&p, &to);
    if (*p || (!has_from && !has_to) || (has_from && has_to && to < from))
        return 200;
    if (!has_from) { /* the last `to` bytes */
        *count = to < size ? to : size;
        *first = size - *count;
        return *count ? 206 : 416;
    }
    if (from >= size)
        return 416;
    *first = from;
    *count = (has_to && to < size - 1 ? to : size - 1) - from + 1;
    return 206;
}

/* Is the second of the last change over? Else the next change may have the same date (RFC 9110, 8.8.2.2). */
static bool has_strong_date(const tdm__version *is)
{
    return is->modified <= is->seen - DATE_SETTLES_S;
}

/* Is what the client has a part of still the same, byte for byte? A weak tag does not say so. */
static bool is_same(const char *if_range, const tdm__version *is)
{
    time_t when;
    if (if_range[0] == '"')
        return strcmp(if_range, is->tag) == 0;
    return tdm__date_read(if_range, &when) && when == is->modified && has_strong_date(is);
}

tdm__part_wanted tdm__conditions_judge(const tdm__conditions *asked, const tdm__version *is)
{
    tdm__part_wanted whole = {.status = precondition(asked, is), .size = is->size};
    if (whole.status)
        return whole;
    whole.status = 200;
    if (!asked->range || (asked->if_range && !is_same(asked->if_range, is)))
        return whole;
    tdm__part_wanted part = {0};
    part.status = read_range(asked->range, is->size, &part.first, &part.size);
    return part.status == 200 ? whole : part;
}
