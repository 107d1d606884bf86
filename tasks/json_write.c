/* SPDX-License-Identifier: MIT */
/* DESIGN: a JSON writer that appends to one growing buffer, which at first is the room in the writer itself. It keeps
 * just enough state to notice a wrong order of calls: one bit for each open level (object or array), whether a comma is
 * due, and whether a key waits for its value. The first error sticks and silences all later calls. Numbers are
 * formatted here, not by printf, except doubles with a fraction; those are tried with 15, 16 and 17 digits until they
 * read back as the same double. The buffer always has one byte to spare, for the NUL. */
#include <tandem/json.h>

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/clock.h>

#include "tasks/json_text.h"

enum { NUMBER_BOUND = 40 };

static void fail(tdm_json_writer *w, int error)
{
    if (!w->_error)
        w->_error = error;
}

/* What is to be freed. */
static char *memory_of(tdm_json_writer *w)
{
    return w->_data == w->_room ? NULL : w->_data;
}

static bool grow(tdm_json_writer *w, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(w->_size + 1, more, &needed)) {
        fail(w, -ENOMEM);
        return false;
    }
    if (!w->_data && needed <= sizeof w->_room) {
        w->_data = w->_room;
        w->_capacity = sizeof w->_room;
        return true;
    }
    size_t capacity = sizeof w->_room;
    while (capacity < needed)
        if (__builtin_mul_overflow(capacity, 2, &capacity))
            capacity = needed;
    char *data = realloc(memory_of(w), capacity);
    if (!data) {
        fail(w, -ENOMEM);
        return false;
    }
    if (w->_data == w->_room)
        memcpy(data, w->_room, w->_size);
    w->_data = data;
    w->_capacity = capacity;
    return true;
}

/* Room for so many bytes and the NUL. */
static inline bool reserve(tdm_json_writer *w, size_t more)
{
    return (w->_capacity > w->_size && w->_capacity - w->_size > more) || grow(w, more);
}

static bool in_object(const tdm_json_writer *w)
{
    return w->_depth && (w->_objects >> (w->_depth - 1) & 1);
}

/* May a value of at most `bound` bytes come here? Writes the comma before it. */
static bool begin_value(tdm_json_writer *w, size_t bound)
{
    if (w->_error)
        return false;
    if (!w->_key && (in_object(w) || (!w->_depth && w->_comma))) { /* no key, or a second document */
        fail(w, -EINVAL);
        return false;
    }
    if (!reserve(w, bound + 1))
        return false;
    if (w->_comma && !w->_key)
        w->_data[w->_size++] = ',';
    w->_key = false;
    w->_comma = true;
    return true;
}

static inline void append(tdm_json_writer *w, const char *text, size_t size)
{
    memcpy(w->_data + w->_size, text, size);
    w->_size += size;
}

void tdm_json_init(tdm_json_writer *w)
{
    memset(w, 0, offsetof(tdm_json_writer, _room)); /* what is in the room is written before it is read */
}

void tdm_json_finish(tdm_json_writer *w)
{
    free(memory_of(w));
    tdm_json_init(w);
}

static void begin(tdm_json_writer *w, bool object)
{
    if (!w->_error && w->_depth == TDM_JSON_MAX_DEPTH)
        fail(w, -EINVAL);
    if (!begin_value(w, 1))
        return;
    uint64_t bit = UINT64_C(1) << w->_depth++;
    w->_objects = object ? w->_objects | bit : w->_objects & ~bit;
    w->_data[w->_size++] = object ? '{' : '[';
    w->_comma = false;
}

static void end(tdm_json_writer *w, bool object)
{
    if (w->_error)
        return;
    if (!w->_depth || in_object(w) != object || w->_key) {
        fail(w, -EINVAL);
        return;
    }
    if (!reserve(w, 1))
        return;
    w->_depth--;
    w->_data[w->_size++] = object ? '}' : ']';
    w->_comma = true;
}

void tdm_json_object_begin(tdm_json_writer *w)
{
    begin(w, true);
}

void tdm_json_object_end(tdm_json_writer *w)
{
    end(w, true);
}

void tdm_json_array_begin(tdm_json_writer *w)
{
    begin(w, false);
}

void tdm_json_array_end(tdm_json_writer *w)
{
    end(w, false);
}

/* Room was reserved: size + 2 if the text is plain, more if not. */
static void append_string(tdm_json_writer *w, const char *text, size_t size)
{
    if (tdm__json_plain(text, size) == size) {
        w->_data[w->_size++] = '"';
        append(w, text, size);
        w->_data[w->_size++] = '"';
        return;
    }
    if (size > SIZE_MAX / 8 || !reserve(w, TDM__JSON_STRING_BOUND(size) + 1)) {
        fail(w, -ENOMEM);
        return;
    }
    w->_size = (size_t) (tdm__json_put_string(w->_data + w->_size, text, size) - w->_data);
}

void tdm_json_key(tdm_json_writer *w, const char *key)
{
    if (w->_error)
        return;
    size_t size = strlen(key);
    if (!in_object(w) || w->_key) {
        fail(w, -EINVAL);
        return;
    }
    if (!reserve(w, size + 4))
        return;
    if (w->_comma)
        w->_data[w->_size++] = ',';
    append_string(w, key, size);
    if (w->_error || !reserve(w, 1))
        return;
    w->_data[w->_size++] = ':';
    w->_key = true;
}

void tdm_json_string_n(tdm_json_writer *w, const char *text, size_t size)
{
    if (!text)
        tdm_json_null(w);
    else if (begin_value(w, size + 2))
        append_string(w, text, size);
}

void tdm_json_string(tdm_json_writer *w, const char *text)
{
    tdm_json_string_n(w, text, text ? strlen(text) : 0);
}

/* Decimal digits of `value`, right-aligned before `end`. @return where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    do
        *--end = (char) ('0' + value % 10);
    while (value /= 10);
    return end;
}

static void write_integer(tdm_json_writer *w, uint64_t magnitude, bool negative)
{
    char text[NUMBER_BOUND], *last = text + sizeof text, *first = digits_before(last, magnitude);
    if (negative)
        *--first = '-';
    if (begin_value(w, NUMBER_BOUND))
        append(w, first, (size_t) (last - first));
}

void tdm_json_uint(tdm_json_writer *w, uint64_t value)
{
    write_integer(w, value, false);
}

void tdm_json_int(tdm_json_writer *w, int64_t value)
{
    write_integer(w, value < 0 ? -(uint64_t) value : (uint64_t) value, value < 0);
}

void tdm_json_seconds(tdm_json_writer *w, int64_t ns)
{
    uint64_t magnitude = ns < 0 ? -(uint64_t) ns : (uint64_t) ns;
    uint64_t fraction = magnitude % (uint64_t) TDM_NS_PER_S;
    char text[NUMBER_BOUND], *last = text + sizeof text, *first = last;
    if (fraction) { /* nine digits, and then the zeros at the end go */
        first = digits_before(last, fraction + (uint64_t) TDM_NS_PER_S);
        *first = '.';
        while (last[-1] == '0')
            last--;
    }
    first = digits_before(first, magnitude / (uint64_t) TDM_NS_PER_S);
    if (ns < 0)
        *--first = '-';
    if (begin_value(w, NUMBER_BOUND))
        append(w, first, (size_t) (last - first));
}

/* printf's %g as JSON wants it: a point whatever the locale says, and no needless signs and zeros in the exponent. */
static size_t tidy(char *text)
{
    char *to = text, *from = text;
    while (*from && *from != 'e') {
        if ((*from >= '0' && *from <= '9') || *from == '-') {
            *to++ = *from++;
        } else {
            *to++ = '.';
            while (*from && *from != 'e' && (*from < '0' || *from > '9'))
                from++;
        }
    }
    if (*from) {
        *to++ = *from++;
        if (*from == '-')
            *to++ = '-';
        while (*from == '-' || *from == '+' || (*from == '0' && from[1]))
            from++;
        while (*from)
            *to++ = *from++;
    }
    return (size_t) (to - text);
}

/* What people mostly mean: a few digits after the point. Up to 15 digits and a small power of ten are exact as doubles,
 * so if their quotient is the value, they are the only 15 digits that are, and without zeros at the end the fewest.
 * @return 0: it is not such a value. */
static size_t format_short(char *text, double value)
{
    static const double powers[] = {1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double magnitude = fabs(value);
    if (!(magnitude < 1e9 && magnitude >= 1e-3))
        return 0;
    for (int places = 1; places <= 6; places++) {
        double power = powers[places - 1], scaled = nearbyint(magnitude * power);
        if (scaled >= 1e15 || scaled / power != magnitude)
            continue;
        char *last = text + NUMBER_BOUND, *to = text;
        uint64_t digits = (uint64_t) scaled, whole = digits / (uint64_t) power;
        char *first = digits_before(last, digits % (uint64_t) power + (uint64_t) power);
        *first = '.'; /* over the 1 that kept the zeros in front */
        first = digits_before(first, whole);
        if (value < 0)
            *to++ = '-';
        memmove(to, first, (size_t) (last - first));
        return (size_t) (to - text) + (size_t) (last - first);
    }
    return 0;
}

/* The fewest digits that read back as the same double. 15 digits (of which %g strips zeros) are never too many for a
 * normal number; a subnormal one may need fewer. */
static size_t format_double(char *text, double value)
{
    size_t size = format_short(text, value);
    if (size)
        return size;
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        int n = snprintf(text, NUMBER_BOUND, "%.*g", digits, value);
        assert(n > 0 && n < NUMBER_BOUND);
        if (strtod(text, NULL) == value)
            break;
    }
    return tidy(text);
}

void tdm_json_double(tdm_json_writer *w, double value)
{
    if (isnan(value))
        tdm_json_string(w, "NaN");
    else if (isinf(value))
        tdm_json_string(w, value > 0 ? "Infinity" : "-Infinity");
    else if (fabs(value) < 1e15 && value == (double) (int64_t) value && (value != 0 || !signbit(value)))
        tdm_json_int(w, (int64_t) value);
    else if (begin_value(w, NUMBER_BOUND))
        w->_size += format_double(w->_data + w->_size, value);
}

void tdm_json_bool(tdm_json_writer *w, bool value)
{
    if (begin_value(w, 5))
        append(w, value ? "true" : "false", value ? 4 : 5);
}

void tdm_json_null(tdm_json_writer *w)
{
    if (begin_value(w, 4))
        append(w, "null", 4);
}

void tdm_json_raw_n(tdm_json_writer *w, const char *json, size_t size)
{
    if (!size)
        fail(w, -EINVAL);
    if (begin_value(w, size))
        append(w, json, size);
}

void tdm_json_raw(tdm_json_writer *w, const char *json)
{
    tdm_json_raw_n(w, json, strlen(json));
}

const char *tdm_json_text(const tdm_json_writer *w, size_t *size)
{
    if (tdm_json_error(w))
        return NULL;
    w->_data[w->_size] = '\0';
    if (size)
        *size = w->_size;
    return w->_data;
}

int tdm_json_error(const tdm_json_writer *w)
{
    if (w->_error)
        return w->_error;
    return w->_depth || !w->_comma ? -EINVAL : 0;
}
