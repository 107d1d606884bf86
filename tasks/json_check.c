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
    const char *why; /* the first that was said */
} scanner;

/* Say what is wrong, unless it was said. @return false. */
static bool blame(scanner *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

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
    return blame(s, "a number of more than 63 characters");
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
        return blame(s, "an escape that JSON does not have");
    s->at++;
    if (c != 'u')
        return true;
    int unit = take_hex4(s);
    if (unit < 0)
        return blame(s, "an escape \\u without four hexadecimal digits");
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        if (!check_word(s, "\\u"))
            return blame(s, "half a surrogate pair");
        const char *second = s->at;
        int low = take_hex4(s);
        if (low >= 0xDC00 && low <= 0xDFFF)
            return true;
        if (low >= 0)
            s->at = second;
        return blame(s, "half a surrogate pair");
    }
    if (unit && (unit < 0xDC00 || unit > 0xDFFF))
        return true;
    s->at = start;
    return blame(s, unit ? "half a surrogate pair" : "the escape \\u0000, which a string cannot hold");
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
        if (!length)
            return blame(s, "bytes that are not UTF-8");
        if ((unsigned char) *s->at < 0x20)
            return blame(s, "a control character in a string");
        s->at += length;
    }
    return take(s, '"') || blame(s, "a string without its end");
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
        return blame(s, "expecting a name in double quotes");
    skip_space(s);
    return take(s, ':') || blame(s, "expecting a colon");
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
        return check_scalar(s) || blame(s, "expecting a value") ? 0 : -EINVAL;
    if (l->depth == TDM_JSON_MAX_DEPTH) {
        blame(s, "nested deeper than 64");
        return -E2BIG;
    }
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
            return blame(s, object ? "expecting a comma or a closing brace" : "expecting a comma or a closing bracket");
        l->depth--;
    }
    return true;
}

_Static_assert(TDM_JSON_MAX_DEPTH == 64 && NUMBER_MAX == 63, "as the words above say");

int tdm__json_check_why(const char *text, size_t size, size_t *error_at, const char **why)
{
    scanner s = {text, text + size, NULL};
    levels l = {0};
    bool open;
    int err;
    do {
        err = check_value(&s, &l, &open);
        if (!err && !open && !check_ends(&s, &l))
            err = -EINVAL;
    } while (!err && l.depth);
    if (!err && s.at < s.end) {
        blame(&s, "text after the document");
        err = -EINVAL;
    }
    if (err && error_at)
        *error_at = (size_t) (s.at - text);
    *why = s.why;
    return err;
}

int tdm__json_check(const char *text, size_t size, size_t *error_at)
{
    const char *why;
    return tdm__json_check_why(text, size, error_at, &why);
}
