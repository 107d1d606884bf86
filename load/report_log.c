/* SPDX-License-Identifier: MIT */
/* DESIGN: load threads wait while their records are written, so a line is made by hand, not by printf, into one buffer
 * of LOG_BUFFER bytes that goes to the kernel when it is full: memory does not grow with the run. Lines are CSV, in the
 * order in which requests ended on their thread. A label that would be too long for a line is cut. A full disk ends the
 * log, not the run. */
#include "load/report_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/report_csv.h"
#include "load/words.h"

enum {
    LOG_BUFFER = 64 * 1024,
    LABEL_MOST = 400,                 /* bytes of a label that are written; each may become two in quotes */
    STEP_MOST = 2 * LABEL_MOST + 100, /* label, level, round */
    LINE_MOST = STEP_MOST + 400,
};

struct load_log {
    int fd, error;
    size_t used;
    char buffer[LOG_BUFFER];
};

static void empty(load_log *log)
{
    for (size_t at = 0; at < log->used && !log->error;) {
        ssize_t n = write(log->fd, log->buffer + at, log->used - at);
        if (n < 0 && errno != EINTR)
            log->error = -errno;
        at += n > 0 ? (size_t) n : 0;
    }
    log->used = 0;
}

static char *put_text(char *at, const char *text, size_t most)
{
    size_t size = strnlen(text, most);
    memcpy(at, text, size);
    return at + size;
}

static char *put_uint(char *at, uint64_t value)
{
    char digits[24], *p = digits + sizeof digits;
    do
        *--p = (char) ('0' + value % 10);
    while (value /= 10);
    size_t size = (size_t) (digits + sizeof digits - p);
    memcpy(at, p, size);
    return at + size;
}

/* Seconds with nine digits behind the point, and the comma after them. */
static char *put_seconds(char *at, int64_t ns)
{
    uint64_t value = ns < 0 ? (uint64_t) -ns : (uint64_t) ns;
    if (ns < 0)
        *at++ = '-';
    at = put_uint(at, value / 1000000000);
    *at++ = '.';
    uint64_t rest = value % 1000000000;
    for (uint64_t unit = 100000000; unit; unit /= 10)
        *at++ = (char) ('0' + rest / unit % 10);
    *at++ = ',';
    return at;
}

/* As much of a label as there is room for. Half a character would not be UTF-8 any more. */
static void cut_label(char into[LABEL_MOST + 1], const char *label)
{
    size_t size = strnlen(label, LABEL_MOST), least = size > 3 ? size - 3 : 0;
    if (label[size])
        while (size > least && ((unsigned char) label[size] & 0xc0) == 0x80)
            size--;
    memcpy(into, label, size);
    into[size] = '\0';
}

/* What a step's lines begin with: label, level, round. */
static size_t put_step(char into[STEP_MOST], const load_step *step)
{
    char label[LABEL_MOST + 1], *text = NULL;
    size_t size = 0;
    cut_label(label, step->target->label);
    FILE *to = open_memstream(&text, &size);
    if (to)
        load_csv_text(to, label);
    if (!to || fclose(to) != 0)
        size = 0; /* without memory the name is missing, never a field */
    char *at = put_text(into, size ? text : "", size);
    free(text);
    *at++ = ',';
    at = put_text(at, load_words_level(step).text, sizeof(load_text));
    *at++ = ',';
    at = put_uint(at, step->round + UINT64_C(1));
    *at++ = ',';
    return (size_t) (at - into);
}

static char *put_record(char *at, const load_step *step, const load_record *r)
{
    at = put_uint(at, r->url);
    *at++ = ',';
    at = put_uint(at, r->thread);
    *at++ = ',';
    at = put_uint(at, r->connection);
    *at++ = ',';
    at = put_seconds(at, r->due_ns);
    at = put_seconds(at, r->sent_ns);
    at = put_seconds(at, r->ended_ns);
    at = put_seconds(at, r->ended_ns - (step->loop == LOAD_LOOP_OPEN ? r->due_ns : r->sent_ns));
    at = put_uint(at, r->status);
    *at++ = ',';
    if (r->error >= 0)
        at = put_text(at, load_error_name((load_error) r->error), 40);
    *at++ = ',';
    if (r->first_task)
        at = put_uint(at, r->first_task);
    *at++ = ',';
    if (r->last_task)
        at = put_uint(at, r->last_task);
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

int load_log_open(load_log **out, const char *path)
{
    static const char heading[] = "label,level,round,url,thread,connection,due,sent,ended,latency,status,error,"
                                  "first_task,last_task\r\n";
    load_log *log = malloc(sizeof *log);
    if (!log)
        return -ENOMEM;
    log->error = 0;
    log->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (log->fd < 0) {
        int err = -errno;
        free(log);
        return err;
    }
    log->used = (size_t) (put_text(log->buffer, heading, sizeof heading) - log->buffer);
    empty(log);
    *out = log;
    return log->error ? load_log_close(out) : 0;
}

void load_log_write(load_log *log, const load_step *step, const load_record *records, size_t count)
{
    char begin[STEP_MOST];
    size_t size = put_step(begin, step);
    for (size_t i = 0; i < count && !log->error; i++) {
        char *at = log->buffer + log->used;
        memcpy(at, begin, size);
        at = put_record(at + size, step, &records[i]);
        log->used = (size_t) (at - log->buffer);
        if (log->used > LOG_BUFFER - LINE_MOST)
            empty(log);
    }
}

int load_log_close(load_log **log)
{
    load_log *l = *log;
    if (!l)
        return 0;
    empty(l);
    int err = l->error;
    if (close(l->fd) < 0 && !err)
        err = -errno;
    free(l);
    *log = NULL;
    return err;
}
