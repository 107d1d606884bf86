/* SPDX-License-Identifier: MIT */
/* DESIGN: a strict JSON checker, run before cJSON. cJSON is recursive and lenient (01, 1., -.5, raw control bytes,
 * bytes that are not UTF-8 and a byte order mark all pass), so the grammar is kept here, without recursion: one bit
 * for each open level says whether it is an object, and what may come next is one small state. What passes is then
 * built by cJSON, which can fail only for want of memory. Refused besides: what cJSON or a C string would read wrongly
 * (see tandem/json.h). */
#include "tasks/json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <tandem/json.h>

#include "tasks/utf8.h"

enum { NUMBER_MAX = 63 }; /* cJSON copies a number into 64 bytes and cuts the rest */

/* `at` stops on the first wrong byte. */
typedef struct scanner {
    const char *at, *end;
} scanner;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The byte at hand; NUL at the end (and a NUL in the text is never right). */
static char peek(const scanner *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static bool take(scanner *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static void skip_space(scanner *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool check_word(scanner *s, const char *word)
{
    while (*word)
        if (!take(s, *word++))
            return false;
    return true;
}

static bool check_digits(scanner *s)
{
    if (!is_digit(peek(s)))
        return false;
    while (is_digit(peek(s)))
        s->at++;
    return true;
}

static bool check_number(scanner *s)
{
    const char *start = s->at;
    take(s, '-');
    if (!take(s, '0') && !check_digits(s))
        return false;
    if (take(s, '.') && !check_digits(s))
        return false;
    if (take(s, 'e') || take(s, 'E')) {
        if (!take(s, '+'))
            take(s, '-');
        if (!check_digits(s))
            return false;
    }
    if (s->at - start <= NUMBER_MAX)
        return true;
    s->at = start + NUMBER_MAX;
    return false;
}

/* Four hex digits. @return their value, or -1. */
static int take_hex4(scanner *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(s), lower = (char) (c | 0x20);
        if (is_digit(c))
            value = value * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (lower - 'a' + 10);
        else
            return -1;
        s->at++;
    }
    return value;
}

/* What follows a backslash. */
static bool check_escape(scanner *s)
{
    const char *start = s->at;
    char c = peek(s);
    if (!c || !strchr("\"\\/bfnrtu", c))
        return false;
    s->at++;
    if (c != 'u')
        return true;
    int unit = take_hex4(s);
    if (unit < 0)
        return false;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        if (!check_word(s, "\\u"))
            return false;
        const char *second = s->at;
        int low = take_hex4(s);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return true;
        if (low >= 0)
            s->at = second;
        return false;
    }
    if (unit && (unit < 0xDC00 || unit > 0xDFFF))
        return true;
    s->at = start;
    return false;
}

static bool check_string(scanner *s)
{
    if (!take(s, '"'))
        return false;
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\') {
            s->at++;
            if (!check_escape(s))
                return false;
            continue;
        }
        size_t length = tdm__utf8_length((const unsigned char *) s->at, (const unsigned char *) s->end);
        if (!length || (unsigned char) *s->at < 0x20)
            return false;
        s->at += length;
    }
    return take(s, '"');
}

/* A value that is not an object or array. */
static bool check_scalar(scanner *s)
{
    switch (peek(s)) {
    case '"':
        return check_string(s);
    case 't':
        return check_word(s, "true");
    case 'f':
        return check_word(s, "false");
    case 'n':
        return check_word(s, "null");
    default:
        return check_number(s);
    }
}

static bool check_key(scanner *s)
{
    skip_space(s);
    if (!check_string(s))
        return false;
    skip_space(s);
    return take(s, ':');
}

/* The open levels, as bits: 1 is an object. */
typedef struct levels {
    uint64_t objects;
    int depth;
} levels;

static bool top_is_object(const levels *l)
{
    return l->objects >> (l->depth - 1) & 1;
}

/* One value, or the beginning of one: *open says that an object or array began and has a value to come. */
static int check_value(scanner *s, levels *l, bool *open)
{
    skip_space(s);
    *open = false;
    bool object = peek(s) == '{';
    if (!object && peek(s) != '[')
        return check_scalar(s) ? 0 : -EINVAL;
    if (l->depth == TDM_JSON_MAX_DEPTH)
        return -E2BIG;
    s->at++;
    skip_space(s);
    if (take(s, object ? '}' : ']'))
        return 0;
    uint64_t bit = UINT64_C(1) << l->depth++;
    l->objects = object ? l->objects | bit : l->objects & ~bit;
    *open = true;
    return object && !check_key(s) ? -EINVAL : 0;
}

/* After a value: the ends of objects and arrays, and a comma if there is more. */
static bool check_ends(scanner *s, levels *l)
{
    for (skip_space(s); l->depth; skip_space(s)) {
        bool object = top_is_object(l);
        if (take(s, ','))
            return !object || check_key(s);
        if (!take(s, object ? '}' : ']'))
            return false;
        l->depth--;
    }
    return true;
}

int tdm__json_check(const char *text, size_t size, size_t *error_at)
{
    scanner s = {text, text + size};
    levels l = {0};
    bool open;
    int err;
    do {
        err = check_value(&s, &l, &open);
        if (!err && !open && !check_ends(&s, &l))
            err = -EINVAL;
    } while (!err && l.depth);
    if (!err && s.at < s.end) /* text after the document */
        err = -EINVAL;
    if (err && error_at)
        *error_at = (size_t) (s.at - text);
    return err;
}
