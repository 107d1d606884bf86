/* SPDX-License-Identifier: MIT */
/* DESIGN: load threads wait while their records are written, so a line is made by hand, not by printf, into one buffer
 * of LOG_BUFFER bytes that goes to the kernel when it is full: memory does not grow with the run. Lines are CSV, in the
 * order in which requests ended on their thread. A full disk ends the log, not the run. */
#include "load/report_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/report_csv.h"
#include "load/words.h"

enum { LOG_BUFFER = 64 * 1024, LINE_MOST = 1024 };

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

/* What a step's lines begin with: label, level, round. */
static size_t put_step(char *into, const load_step *step)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return 0;
    load_csv_text(to, step->target->label);
    fprintf(to, ",%s,%u,", load_words_level(step).text, step->round + 1);
    if (fclose(to) != 0 || size > LINE_MOST / 2)
        size = 0;
    memcpy(into, text, size);
    free(text);
    return size;
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
    char begin[LINE_MOST / 2];
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
