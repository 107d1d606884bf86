/* SPDX-License-Identifier: MIT */
/* DESIGN: where a length can be understood in two ways, one of the readers on the way will take part of the body for a
 * second request. Refused are several or malformed Content-Lengths, a Transfer-Encoding that is not exactly `chunked`,
 * stands beside a Content-Length or comes with HTTP/1.0, a body where some readers expect none, and a Host that is
 * missing, empty, malformed or there twice. */
#include "server/head.h"

#include <string.h>
#include <strings.h>

static void see_length(tdm__head *head, const char *value)
{
    /* One that is no length is as bad as two. */
    head->lengths += tdm__message_length(value, &head->length) ? 1 : 2;
}

static void see_encoding(tdm__head *head, const char *value, size_t size)
{
    static const char last[] = "chunked";
    const size_t n = sizeof last - 1;
    bool ends = size >= n && strcasecmp(value + size - n, last) == 0;
    head->encodings++;
    head->chunked = ends && size == n;
    head->coded = ends && size > n && strchr(" \t,", value[size - n - 1]);
}

static void see_expect(tdm__head *head, const char *value)
{
    head->expects++;
    head->continues = strcasecmp(value, "100-continue") == 0;
}

/* Is this token the word, in small letters and '-', whatever its case? Most fields differ in the first byte. */
static bool is_word(const char *name, const char *word)
{
    while (*word && (*name | 0x20) == *word) {
        name++;
        word++;
    }
    return !*word;
}

void tdm__head_see(tdm__head *head, const char *name, size_t name_size, const char *value, size_t value_size)
{
    switch (name_size) { /* most fields are none of these, and are told by their length */
    case 4:
        if (is_word(name, "host")) {
            head->hosts++;
            head->host_ok = tdm__message_host_ok(value, value_size);
        }
        break;
    case 6:
        if (is_word(name, "expect"))
            see_expect(head, value);
        break;
    case 10:
        if (is_word(name, "connection")) {
            head->close = head->close || tdm__message_lists(value, "close");
            head->keep_alive = head->keep_alive || tdm__message_lists(value, "keep-alive");
        }
        break;
    case 14:
        if (is_word(name, "content-length"))
            see_length(head, value);
        break;
    case 17:
        if (is_word(name, "transfer-encoding"))
            see_encoding(head, value, value_size);
        break;
    default:
        break;
    }
}

static int judge_framing(const tdm__head *head, const tdm__request_line *line)
{
    if (head->lengths > 1 || (head->lengths && head->encodings) || (head->encodings && line->old))
        return 400;
    if (head->encodings && (head->encodings > 1 || !head->chunked))
        return head->encodings == 1 && head->coded ? 501 : 400; /* without `chunked` at the end there is no length */
    bool bodiless = strcmp(line->method, "HEAD") == 0 || strcmp(line->method, "TRACE") == 0;
    return bodiless && tdm__head_has_body(head) ? 400 : 0;
}

int tdm__head_judge(const tdm__head *head, const tdm__request_line *line)
{
    int status = judge_framing(head, line);
    if (status)
        return status;
    if (head->hosts > 1 || (head->hosts == 0 && !line->old) || (head->hosts && !head->host_ok))
        return 400;
    return head->expects && !line->old && (head->expects > 1 || !head->continues) ? 417 : 0;
}
