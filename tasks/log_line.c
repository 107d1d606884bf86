/* SPDX-License-Identifier: MIT */
/* DESIGN: the look of a log line, in text or JSON, and the write to the fd. Formatting goes into a buffer of a fixed
 * bound and never fails. Local time is converted once a second, not once a line. Messages carry what clients sent, so
 * no control character of theirs reaches the terminal or begins a line. */
#include "tasks/log_line.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tandem/clock.h>

#include "tasks/json_text.h"

static const char *const level_names[] = {
    [TDM_LOG_DEBUG] = "debug",
    [TDM_LOG_INFO] = "info",
    [TDM_LOG_WARNING] = "warning",
    [TDM_LOG_ERROR] = "error",
};
/* Every byte escaped, quotes, colons and commas instead of the NULs, and the two numbers. */
enum { CONTEXT_BOUND = 6 * TDM_LOG_CONTEXT_MAX + 80 };

_Static_assert(sizeof level_names / sizeof level_names[0] == TDM_LOG_OFF, "a name for each level");

unsigned tdm__log_clean(char *text, size_t room, size_t size)
{
    static const char dots[] = "…";
    if (size > room) {
        size_t cut = room - (sizeof dots - 1);
        for (int back = 0; back < 3 && ((unsigned char) text[cut] & 0xC0) == 0x80; back++)
            cut--; /* not in the middle of a character */
        memcpy(text + cut, dots, sizeof dots - 1);
        size = cut + sizeof dots - 1;
    }
    for (size_t i = 0; i < size; i++)
        if ((unsigned char) text[i] < 0x20 || text[i] == 0x7F)
            text[i] = ' ';
    return (unsigned) size;
}

void tdm__log_clean_context(char *context, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        if (((unsigned char) context[i] < 0x20 && context[i]) || context[i] == 0x7F)
            context[i] = ' ';
}

/* Date and time to the second; microseconds are appended by the caller. */
static const char *calendar_of(tdm__log_style *style, time_t second)
{
    if (style->known && style->second == second)
        return style->calendar;
    bool json = style->format == TDM_LOG_JSON;
    struct tm tm;
    bool converted = json ? gmtime_r(&second, &tm) : localtime_r(&second, &tm);
    if (!converted ||
        !strftime(style->calendar, sizeof style->calendar, json ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(style->calendar, sizeof style->calendar, "?");
    style->second = second;
    style->known = true;
    return style->calendar;
}

/* ---- whose line it is ---- */

/* The next name and value; *at moves behind them. @return false: there is none. */
static bool next_value(const char **at, const char *end, const char **name, const char **value)
{
    if (*at == end)
        return false;
    *name = *at;
    *value = *name + strlen(*name) + 1;
    *at = *value + strlen(*value) + 1;
    return true;
}

static bool is_plain(const char *value)
{
    for (const char *c = value; *c; c++)
        if (*c == ' ' || *c == '"' || *c == '=' || *c == '\\')
            return false;
    return *value;
}

static char *put_number(char *next, const char *name, uint64_t number)
{
    enum { DIGITS = 20 };
    return number ? next + snprintf(next, strlen(name) + DIGITS + 1, "%s%" PRIu64, name, number) : next;
}

static char *put_text_context(char *next, const tdm__log_entry *entry)
{
    const char *at = entry->text + entry->size, *end = at + entry->context_size, *name, *value;
    next = put_number(next, " request=", entry->request);
    next = put_number(next, " task=", entry->task);
    while (next_value(&at, end, &name, &value)) {
        *next++ = ' ';
        next = stpcpy(next, name);
        *next++ = '=';
        next = is_plain(value) ? stpcpy(next, value) : tdm__json_put_string(next, value, strlen(value));
    }
    return next;
}

static char *put_json_context(char *next, const tdm__log_entry *entry)
{
    const char *at = entry->text + entry->size, *end = at + entry->context_size, *name, *value;
    next = put_number(next, ",\"request\":", entry->request);
    next = put_number(next, ",\"task\":", entry->task);
    const char *before = ",\"context\":{";
    while (next_value(&at, end, &name, &value)) {
        next = stpcpy(next, before);
        next = tdm__json_put_string(next, name, strlen(name));
        *next++ = ':';
        next = tdm__json_put_string(next, value, strlen(value));
        before = ",";
    }
    if (entry->context_size)
        *next++ = '}';
    return next;
}

/* The line of a message that an entry stands for: its own, or the warning before it. */
static size_t format_line(tdm__log_style *style, const tdm__log_entry *entry, tdm_log_level level, const char *text,
                          size_t size, char *to, size_t room)
{
    const char *calendar = calendar_of(style, (time_t) (entry->wall_ns / TDM_NS_PER_S));
    int us = (int) (entry->wall_ns % TDM_NS_PER_S / 1000);
    const char *name = level_names[level];
    bool json = style->format == TDM_LOG_JSON, named = level > TDM_LOG_INFO;
    int head = json ? snprintf(to, room,
                               "{\"time\":\"%s.%06dZ\",\"level\":\"%s\",\"thread\":%" PRIu32 ",\"message\":", calendar,
                               us, name, entry->thread)
                    : snprintf(to, room, "%s.%06d [%" PRIu32 "] %s%s", calendar, us, entry->thread, named ? name : "",
                               named ? ": " : "");
    bool own = text == entry->text; /* not the warning before it */
    assert(head > 0 && (size_t) head + TDM__JSON_STRING_BOUND(size) + (own ? CONTEXT_BOUND : 0) + 2 <= room);
    char *next = to + head;
    if (json) {
        next = tdm__json_put_string(next, text, size);
        if (own)
            next = put_json_context(next, entry);
        *next++ = '}';
    } else {
        memcpy(next, text, size);
        next += size;
        if (own && !style->bare)
            next = put_text_context(next, entry);
    }
    *next++ = '\n';
    return (size_t) (next - to);
}

size_t tdm__log_format(tdm__log_style *style, const tdm__log_entry *entry, char to[TDM__LOG_BOUND])
{
    size_t used = 0;
    if (entry->lost) {
        char text[64];
        int n = snprintf(text, sizeof text, "%" PRIu64 " log line%s lost: the ring was full", entry->lost,
                         entry->lost == 1 ? " was" : "s were");
        used = format_line(style, entry, TDM_LOG_WARNING, text, (size_t) n, to, TDM__LOG_BOUND);
    }
    if (entry->level == TDM_LOG_OFF) /* no message of its own */
        return used;
    return used + format_line(style, entry, entry->level, entry->text, entry->size, to + used, TDM__LOG_BOUND - used);
}

/* @return false if the reader has gone. */
static bool write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n > 0) {
            data += n;
            size -= (size_t) n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return true;
        } else if (n == 0 || errno != EINTR) {
            return n == 0 || errno != EPIPE;
        }
    }
    return true;
}

void tdm__log_write(int fd, const char *data, size_t size)
{
    sigset_t pipe, before, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (!write_all(fd, data, size) && !sigismember(&pending, SIGPIPE)) { /* take back the signal that this raised */
        const struct timespec now = {0};
        while (sigtimedwait(&pipe, NULL, &now) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
