/* SPDX-License-Identifier: MIT */
/* DESIGN: replies are formatted here, in one pass into one buffer, so that head and body leave in one send. This is on
 * the path of every request: pieces are copied, not printed, and the Date line is made once a second per thread.
 * Content-Length is always there (but for 204 and 304), also on the answer to a HEAD. */
#include "server/wire.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "server/status.h"
#include "tasks/clock.h"

#define DATE_SIZE 37  /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
#define FIXED_MAX 320 /* everything whose size does not depend on what the handler gave */
#define DIGITS_MAX 20

static char *put(char *to, const char *text, size_t size)
{
    memcpy(to, text, size);
    return to + size;
}

#define PUT(to, literal) put((to), "" literal, sizeof(literal) - 1)

static char *put_number(char *to, uint64_t value)
{
    char digits[DIGITS_MAX];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char) ('0' + value % 10);
        value /= 10;
    } while (value);
    return put(to, digits + n, sizeof digits - n);
}

static char *put_date(char *to)
{
    static _Thread_local time_t made_for = -1;
    static _Thread_local char line[128]; /* more than any numbers could need */
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = (time_t) tdm__clock_wall_s();
    if (now != made_for) {
        struct tm tm;
        gmtime_r(&now, &tm);
        snprintf(line, sizeof line, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * tm.tm_wday,
                 tm.tm_mday % 100, months + 3 * tm.tm_mon, (tm.tm_year + 1900) % 10000, tm.tm_hour % 100,
                 tm.tm_min % 100, tm.tm_sec % 100);
        made_for = now;
    }
    return put(to, line, DATE_SIZE);
}

static char *put_status(char *to, int status)
{
    if (status == 200)
        return PUT(to, "HTTP/1.1 200 OK\r\n");
    const char *phrase = tdm__status_phrase(status);
    to = PUT(to, "HTTP/1.1 ");
    to = put_number(to, (uint64_t) status);
    *to++ = ' ';
    to = put(to, phrase, strlen(phrase));
    return PUT(to, "\r\n");
}

bool tdm__wire_bodiless(int status)
{
    return status == 204 || status == 304;
}

bool tdm__wire_reserved(const char *name)
{
    static const char *const names[] = {"Connection", "Content-Length", "Date", "Tandem-Tasks", "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(names[i], name) == 0)
            return true;
    }
    return false;
}

bool tdm__wire_name_ok(const char *name)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return *name && name[strspn(name, token)] == '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool tdm__wire_value_ok(const char *value)
{
    const char *end = value;
    for (; *end; end++) {
        unsigned char c = (unsigned char) *end;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return end == value || !(is_blank(*value) || is_blank(end[-1]));
}

size_t tdm__wire_bound(const tdm__wire *wire)
{
    size_t size = FIXED_MAX + (wire->type ? strlen(wire->type) : 0) + (wire->head_only ? 0 : wire->body_size);
    for (const tdm__extra *extra = wire->extras; extra; extra = extra->next)
        size += extra->name_size + extra->value_size + 4;
    return size;
}

size_t tdm__wire_write(const tdm__wire *wire, char *to)
{
    char *start = to;
    to = put_status(to, wire->status);
    to = put_date(to);
    if (wire->type) {
        to = PUT(to, "Content-Type: ");
        to = put(to, wire->type, strlen(wire->type));
        to = PUT(to, "\r\n");
    }
    if (wire->chunked) {
        to = PUT(to, "Transfer-Encoding: chunked\r\n");
    } else if (!wire->unsized && !tdm__wire_bodiless(wire->status)) {
        to = PUT(to, "Content-Length: ");
        to = put_number(to, wire->body_size);
        to = PUT(to, "\r\n");
    }
    if (wire->tasks) {
        to = PUT(to, "Tandem-Tasks: ");
        to = put_number(to, wire->first_id);
        *to++ = '-';
        to = put_number(to, wire->last_id);
        to = PUT(to, "\r\n");
    }
    if (wire->close)
        to = PUT(to, "Connection: close\r\n");
    else if (wire->keep_alive)
        to = PUT(to, "Connection: keep-alive\r\n");
    for (const tdm__extra *extra = wire->extras; extra; extra = extra->next) {
        to = put(to, extra->name, extra->name_size);
        to = PUT(to, ": ");
        to = put(to, extra->value, extra->value_size);
        to = PUT(to, "\r\n");
    }
    to = PUT(to, "\r\n");
    if (!wire->head_only && wire->body_size)
        to = put(to, wire->body, wire->body_size);
    return (size_t) (to - start);
}
