/* SPDX-License-Identifier: MIT */
/* DESIGN: a reader of responses that takes nothing on trust: status line, fields, and exactly the body that the length
 * tells. What is left over at the end, or missing, is an error. */
#include "tests/http/answers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

bool answers_receive(http_connection *c)
{
    enum { ROOM = 65536 };
    c->data = realloc(c->data, c->size + ROOM + 1);
    ck_assert_ptr_nonnull(c->data);
    ssize_t n = recv(c->fd, c->data + c->size, ROOM, 0);
    ck_assert_msg(n >= 0 || errno == ECONNRESET, "receiving: %s, after '%.*s'", strerror(errno), (int) c->size,
                  c->data);
    c->size += n > 0 ? (size_t) n : 0;
    c->data[c->size] = '\0';
    return n > 0;
}

bool answers_has(const char *bytes, size_t size, int status)
{
    char line[32];
    int n = snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    return bytes && memmem(bytes, size, line, (size_t) n);
}

/* The value of a field in a head, into `value`. */
static bool field(const char *head, size_t size, const char *name, char *value, size_t room)
{
    const char *end = head + size;
    for (const char *line = memchr(head, '\n', size); line && line + 1 < end;
         line = memchr(line, '\n', (size_t) (end - line))) {
        line++;
        size_t n = strlen(name);
        if ((size_t) (end - line) > n && strncasecmp(line, name, n) == 0 && line[n] == ':') {
            const char *at = line + n + 1;
            while (*at == ' ')
                at++;
            snprintf(value, room, "%.*s", (int) strcspn(at, "\r"), at);
            return true;
        }
    }
    return false;
}

static bool is_status_line(const char *line, size_t size)
{
    if (size < 13 || memcmp(line, "HTTP/1.1 ", 9) != 0 || line[12] != ' ')
        return false;
    for (int i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return false;
    }
    return true;
}

/* One response at `*at`. */
static const char *parse_one(answers *out, const char **at, const char *end, bool head_only)
{
    const char *head = *at, *stop = memmem(head, (size_t) (end - head), "\r\n\r\n", 4);
    if (!stop)
        return "a response without an end of its head";
    size_t size = (size_t) (stop - head) + 4;
    if (!is_status_line(head, size))
        return "no status line";
    int status = (int) strtol(head + 9, NULL, 10);
    *at = head + size;
    if (status < 200) {
        out->interim = out->interim || (out->count == 0 && status == 100);
        return status == 100 ? NULL : "an interim response that is no 100";
    }
    if (out->count == ANSWERS_MAX)
        return "too many responses";
    char value[200];
    size_t length = 0;
    if (field(head, size, "Content-Length", value, sizeof value))
        length = strtoul(value, NULL, 10);
    else if (status != 204 && status != 304)
        return "a response without a length";
    if (head_only)
        length = 0;
    if ((size_t) (end - *at) < length)
        return "a response that is cut short";
    unsigned n = out->count++;
    out->answer[n].status = status;
    out->answer[n].head = head;
    out->answer[n].head_size = size;
    out->answer[n].body = *at;
    out->answer[n].body_size = length;
    out->answer[n].body_len = field(head, size, "X-Body-Len", value, sizeof value) ? (int) strtol(value, NULL, 10) : -1;
    field(head, size, "X-Uri", out->answer[n].uri, sizeof out->answer[n].uri);
    *at += length;
    return NULL;
}

const char *answers_parse(answers *out, const char *bytes, size_t size, bool head)
{
    memset(out, 0, sizeof *out);
    if (size == 0)
        return NULL; /* there may be no bytes at all to point to */
    const char *at = bytes, *end = bytes + size, *wrong = NULL;
    while (at < end && !wrong)
        wrong = parse_one(out, &at, end, head && out->count == 0);
    return wrong;
}

static bool is_among(int status, const int *list)
{
    for (; *list; list++) {
        if (*list == status)
            return true;
    }
    return false;
}

static bool are_uris(const answers *got, const char *const *uris)
{
    unsigned n = 0;
    while (uris[n])
        n++;
    if (n != got->count)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(got->answer[i].uri, uris[i]) != 0)
            return false;
    }
    return true;
}

static const char *judge_first(const answers *got, const http_case *c, bool open)
{
    if (got->count == 0)
        return open ? (c->may_stay_open ? NULL : "no response") : (c->may_close ? NULL : "closed without a response");
    if (!is_among(got->answer[0].status, c->expect_status))
        return "the wrong status";
    char value[300];
    if (c->has_header && !field(got->answer[0].head, got->answer[0].head_size, c->has_header, value, sizeof value))
        return "a field is missing";
    if (c->body_len >= 0 && got->answer[0].body_len != c->body_len)
        return "the body has another length";
    if (c->need_100 && !got->interim)
        return "no 100";
    return c->no_100 && got->interim ? "a 100" : NULL;
}

static const char *judge_all(const answers *got, const http_case *c)
{
    for (unsigned i = 0; i < got->count; i++) {
        if (c->no_uri && strcmp(got->answer[i].uri, c->no_uri) == 0)
            return "a request that nobody made was answered";
        if (c->body_not && memmem(got->answer[i].body, got->answer[i].body_size, c->body_not, strlen(c->body_not)))
            return "a text that must not be in a body";
        char value[64];
        if (!field(got->answer[i].head, got->answer[i].head_size, "Date", value, sizeof value))
            return "a response without a Date";
    }
    for (unsigned i = 0; c->statuses && (c->statuses[i] || i < got->count); i++) {
        if (i >= got->count || c->statuses[i] != got->answer[i].status)
            return "other statuses";
    }
    return NULL;
}

const char *answers_judge(const answers *got, const http_case *c, bool open)
{
    const char *wrong = judge_first(got, c, open);
    if (!wrong)
        wrong = judge_all(got, c);
    if (wrong)
        return wrong;
    bool listed = !c->uris[0] || (got->count == 1 && got->answer[0].status >= 400);
    for (size_t i = 0; c->uris[i]; i++)
        listed = listed || are_uris(got, c->uris[i]);
    if (!listed)
        return "other targets";
    if (c->must_close && open)
        return "still open";
    if (c->max_responses && got->count > (unsigned) c->max_responses)
        return "too many responses";
    return c->n_responses && got->count != (unsigned) c->n_responses ? "another number of responses" : NULL;
}

const char *answers_differ(const answers *a, const answers *b)
{
    if (a->count != b->count)
        return "another number of responses than whole";
    for (unsigned i = 0; i < a->count; i++) {
        if (a->answer[i].status != b->answer[i].status)
            return "another status than whole";
        if (strcmp(a->answer[i].uri, b->answer[i].uri) != 0 || a->answer[i].body_len != b->answer[i].body_len)
            return "another request than whole";
    }
    return NULL;
}
