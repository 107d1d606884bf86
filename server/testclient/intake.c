/* SPDX-License-Identifier: MIT */
/* DESIGN: just enough of HTTP to read what our own server writes, and to notice when it does not: a length, chunks, or
 * the end of the connection. It shares no code with the server, so that a test does not agree with a mistake. */
#include "server/testclient/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <tandem/clock.h>
#include <tandem/fd.h>

void tdm__intake_finish(tdm__intake *in)
{
    free(in->data);
    *in = (tdm__intake){0};
}

/* Wait for more bytes. @return how many came; 0: the end; a negative errno. */
static long receive(tdm__intake *in, int fd, int64_t deadline_ns)
{
    if (in->capacity - in->size < 4096) {
        size_t capacity = in->capacity ? in->capacity * 2 : 16384;
        char *grown = realloc(in->data, capacity);
        if (!grown)
            return -ENOMEM;
        in->data = grown;
        in->capacity = capacity;
    }
    for (;;) {
        int ready = tdm_wait_fd(fd, TDM_FD_READABLE, tdm_s_from_ns(deadline_ns - tdm_clock_ns()));
        if (ready < 0)
            return ready;
        ssize_t n = recv(fd, in->data + in->size, in->capacity - in->size - 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        in->size += (size_t) n;
        return n;
    }
}

/* Have at least `size` bytes. */
static int fill(tdm__intake *in, int fd, size_t size, int64_t deadline_ns)
{
    while (in->size < size) {
        long n = receive(in, fd, deadline_ns);
        if (n <= 0)
            return n < 0 ? (int) n : -ECONNRESET;
    }
    return 0;
}

/* The offset behind `end`, looked for from `from` on; more is read until it is there. @return a negative errno. */
static long find(tdm__intake *in, int fd, size_t from, const char *end, int64_t deadline_ns)
{
    size_t size = strlen(end);
    for (;;) {
        const char *found = in->size > from ? memmem(in->data + from, in->size - from, end, size) : NULL;
        if (found)
            return found - in->data + (long) size;
        long n = receive(in, fd, deadline_ns);
        if (n <= 0)
            return n < 0 ? n : -ECONNRESET;
    }
}

static char *copy_of(const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return NULL;
    memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

/* Forget the first `size` bytes. */
static void drop(tdm__intake *in, size_t size)
{
    if (in->data && size < in->size)
        memmove(in->data, in->data + size, in->size - size);
    in->size -= size;
}

const char *tdm__intake_field(const char *head, const char *name, size_t *size)
{
    size_t name_size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
            continue;
        const char *value = line + name_size + 1;
        value += strspn(value, " \t");
        *size = strcspn(value, "\r");
        return value;
    }
    return NULL;
}

static bool field_is(const char *head, const char *name, const char *value)
{
    size_t size;
    const char *found = tdm__intake_field(head, name, &size);
    return found && size == strlen(value) && strncasecmp(found, value, size) == 0;
}

static int take_head(tdm__intake *in, int fd, int64_t deadline_ns, tdm__taken *out)
{
    bool begun = false;
    do {
        free(out->head);
        out->head = NULL;
        long end = find(in, fd, 0, "\r\n\r\n", deadline_ns);
        if (end < 0)
            return end == -ECONNRESET && !begun && in->size == 0 ? -ENOTCONN : (int) end;
        begun = true;
        out->head_size = (size_t) end;
        out->head = copy_of(in->data, out->head_size);
        if (!out->head)
            return -ENOMEM;
        if (out->head_size < strlen("HTTP/1.1 200") || memcmp(out->head, "HTTP/1.", 7) != 0)
            return -EPROTO;
        out->status = (int) strtol(out->head + strlen("HTTP/1.1 "), NULL, 10);
        drop(in, out->head_size);
    } while (out->status >= 100 && out->status < 200);
    return out->status >= 200 && out->status < 600 ? 0 : -EPROTO;
}

/* Chunks are put together in place, and *size is the sum. @return where they ended, or a negative errno. */
static long take_chunks(tdm__intake *in, int fd, int64_t deadline_ns, size_t *size)
{
    size_t at = 0;
    *size = 0;
    for (;;) {
        long line = find(in, fd, at, "\r\n", deadline_ns);
        if (line < 0)
            return line;
        char *end;
        unsigned long long n = strtoull(in->data + at, &end, 16);
        if (end == in->data + at || (*end != '\r' && *end != ';') || n > SIZE_MAX / 2)
            return -EPROTO;
        int err = fill(in, fd, (size_t) line + n + 2, deadline_ns);
        if (err)
            return err;
        if (memcmp(in->data + line + n, "\r\n", 2) != 0)
            return -EPROTO;
        memmove(in->data + *size, in->data + line, n);
        *size += n;
        at = (size_t) line + n + 2;
        if (n == 0)
            return (long) at;
    }
}

static int take_body(tdm__intake *in, int fd, int64_t deadline_ns, tdm__taken *out)
{
    size_t size = 0, length_size;
    long end = 0;
    const char *length = tdm__intake_field(out->head, "Content-Length", &length_size);
    if (field_is(out->head, "Transfer-Encoding", "chunked")) {
        end = take_chunks(in, fd, deadline_ns, &size);
    } else if (length) {
        size = strtoull(length, NULL, 10);
        end = fill(in, fd, size, deadline_ns);
        end = end ? end : (long) size;
    } else {
        out->close = true;
        do
            end = receive(in, fd, deadline_ns);
        while (end > 0);
        size = in->size;
        end = end ? end : (long) size;
    }
    if (end < 0)
        return (int) end;
    out->body_size = size;
    out->body = copy_of(in->data ? in->data : "", size);
    drop(in, (size_t) end);
    return out->body ? 0 : -ENOMEM;
}

int tdm__intake_reply(tdm__intake *in, int fd, bool head_only, int64_t deadline_ns, tdm__taken *out)
{
    *out = (tdm__taken){0};
    int err = take_head(in, fd, deadline_ns, out);
    if (!err) {
        out->close = field_is(out->head, "Connection", "close");
        if (head_only || out->status == 204 || out->status == 304)
            err = (out->body = copy_of("", 0)) ? 0 : -ENOMEM;
        else
            err = take_body(in, fd, deadline_ns, out);
    }
    if (!err)
        return 0;
    free(out->head);
    free(out->body);
    *out = (tdm__taken){0};
    return err;
}
