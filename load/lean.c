/* SPDX-License-Identifier: MIT */
/* DESIGN: most of what a client spends on a reply is the state machine of a full parser, one byte after another. This
 * reader knows one shape only: HTTP/1.1, a status from 200 that may have a body, fields of plain bytes, exactly one
 * Content-Length, no Transfer-Encoding, and the whole of it in the buffer. Whatever is not that shape, or is not
 * clearly right, is left to llhttp; so it never decides that a reply is wrong, and what it accepts llhttp accepts with
 * the same result (the fuzzer holds the two against each other). */
#include "load/lean.h"

#include <string.h>
#include <strings.h>

/* A promise longer than this is not believed: no request of the server can start so many. */
#define PROMISE_MAX 1000000
#define NAME_MAX_SIZE 63
#define LENGTH_DIGITS_MAX 15
#define VALUE_MAX_SIZE 63 /* of the fields that are read */

typedef struct cursor {
    const char *at, *end;
} cursor;

/* Letters, digits and '-' are all that a usual name is made of. */
static const bool name_bytes[256] = {
    ['-'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
    ['8'] = 1, ['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1, ['G'] = 1,
    ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1, ['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1,
    ['Q'] = 1, ['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1, ['X'] = 1, ['Y'] = 1,
    ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1,
    ['i'] = 1, ['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1, ['p'] = 1, ['q'] = 1,
    ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1, ['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1};

/* The first byte that is no printable ASCII. Eight at a time: below ' ' a subtraction borrows, '\x7f' is carried over by
 * an addition, and the rest has its high bit set; what that may do to later bytes does not matter. */
static const char *skip_plain(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    for (uint64_t bytes, odd; end - p >= 8; p += 8) {
        memcpy(&bytes, p, 8);
        odd = ((bytes - ones * ' ') | (bytes + ones) | bytes) & high;
        if (odd)
            return p + __builtin_ctzll(odd) / 8;
    }
#endif
    while (p < end && *p >= ' ' && *p <= '~')
        p++;
    return p;
}

static bool read_number(cursor *c, uint64_t *out)
{
    uint64_t value = 0;
    const char *start = c->at;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (value > (UINT64_MAX >> 10) / 10)
            return false;
        value = value * 10 + (uint64_t) (*c->at - '0');
    }
    *out = value;
    return c->at != start;
}

void load_reply_promise(load_reply *reply, const char *value, size_t size)
{
    uint64_t first, last = 0;
    cursor c = {value, value + size};
    bool good = read_number(&c, &first) && c.at < c.end && *c.at++ == '-' && read_number(&c, &last) && c.at == c.end &&
                first <= last && last - first < PROMISE_MAX;
    if (!good || reply->has_tasks) {
        reply->bad_tasks = true;
        reply->has_tasks = false;
    } else if (!reply->bad_tasks) {
        reply->has_tasks = true;
        reply->first_task = first;
        reply->last_task = last;
    }
}

void load_reply_retry(load_reply *reply, const char *value, size_t size)
{
    uint64_t seconds;
    cursor c = {value, value + size};
    if (read_number(&c, &seconds) && c.at == c.end)
        reply->retry_after_s = (int64_t) seconds;
}

/* "HTTP/1.1 200 OK\r\n" */
static bool read_status(cursor *c, load_reply *reply)
{
    if (c->end - c->at < 15 || memcmp(c->at, "HTTP/1.1 ", 9) != 0)
        return false;
    const char *p = c->at + 9;
    if (p[0] < '2' || p[0] > '9' || p[1] < '0' || p[1] > '9' || p[2] < '0' || p[2] > '9' || p[3] != ' ')
        return false;
    reply->status = (unsigned) ((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    p = skip_plain(p + 4, c->end);
    if (c->end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return false;
    c->at = p + 2;
    return reply->status != 204 && reply->status != 304;
}

typedef struct field {
    const char *name, *value;
    size_t name_size, value_size;
} field;

/* "Name: value\r\n", or the empty line: then the name is empty. */
static bool read_field(cursor *c, field *f)
{
    const char *p = c->at, *end = c->end;
    f->name = p;
    while (p < end && name_bytes[(unsigned char) *p])
        p++;
    f->name_size = (size_t) (p - f->name);
    if (f->name_size == 0) {
        c->at = p + 2;
        return end - p >= 2 && p[0] == '\r' && p[1] == '\n';
    }
    if (f->name_size > NAME_MAX_SIZE || end - p < 4 || p[0] != ':')
        return false;
    for (p++; p < end && *p == ' '; p++)
        ;
    f->value = p;
    p = skip_plain(p, end);
    f->value_size = (size_t) (p - f->value);
    if (f->value_size == 0 || p[-1] == ' ' || end - p < 3 || p[0] != '\r' || p[1] != '\n' || p[2] == ' ' ||
        p[2] == '\t')
        return false;
    c->at = p + 2;
    return true;
}

static bool is(const char *text, size_t size, const char *word, size_t word_size)
{
    return size == word_size && !strncasecmp(text, word, size);
}

#define IS_NAME(f, word) is((f)->name, (f)->name_size, word, sizeof(word) - 1)
#define IS_VALUE(f, word) is((f)->value, (f)->value_size, word, sizeof(word) - 1)

/* What the field means. @return false: it takes the full parser. */
static bool note_field(const field *f, load_reply *reply, uint64_t *length, bool *has_length)
{
    cursor digits = {f->value, f->value + f->value_size};
    switch (f->name[0] | 0x20) {
    case 'c':
        if (IS_NAME(f, "content-length")) {
            bool again = *has_length;
            *has_length = true;
            return !again && f->value_size <= LENGTH_DIGITS_MAX && read_number(&digits, length) &&
                   digits.at == digits.end;
        }
        if (!IS_NAME(f, "connection"))
            return true;
        reply->keep_alive = IS_VALUE(f, "keep-alive");
        return reply->keep_alive;
    case 'p':
        return !IS_NAME(f, "proxy-connection");
    case 't':
        if (!IS_NAME(f, "tandem-tasks"))
            return !IS_NAME(f, "transfer-encoding");
        load_reply_promise(reply, f->value, f->value_size);
        return f->value_size <= VALUE_MAX_SIZE;
    case 'r':
        if (!IS_NAME(f, "retry-after"))
            return true;
        load_reply_retry(reply, f->value, f->value_size);
        return f->value_size <= VALUE_MAX_SIZE;
    case 'u':
        return !IS_NAME(f, "upgrade");
    default:
        return true;
    }
}

size_t load_lean_read(load_reply *reply, const char *data, size_t size)
{
    cursor c = {data, data + (size < LOAD_HEAD_LIMIT / 2 ? size : LOAD_HEAD_LIMIT / 2)};
    load_reply read = {.retry_after_s = -1, .keep_alive = true};
    uint64_t length = 0;
    bool has_length = false;
    field f;
    if (!read_status(&c, &read))
        return 0;
    for (;;) {
        if (!read_field(&c, &f))
            return 0;
        if (f.name_size == 0)
            break;
        if (!note_field(&f, &read, &length, &has_length))
            return 0;
    }
    size_t head = (size_t) (c.at - data);
    if (!has_length || length > size - head)
        return 0;
    read.body_bytes = length;
    *reply = read;
    return head + (size_t) length;
}
