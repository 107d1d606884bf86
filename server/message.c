/* SPDX-License-Identifier: MIT */
/* DESIGN: checks on the head of a request that has been read. They stand above the transport because they are about
 * the message: where a length can be understood in two ways, one of the readers on the way will take part of the body
 * for a second request. Refused are several or malformed Content-Lengths, a Transfer-Encoding that is not exactly
 * `chunked` or that stands beside a Content-Length, a body where the method's reader expects none, and a Host that is
 * missing or there twice. */
#include "server/message.h"

#include <string.h>
#include <strings.h>

struct seen {
    unsigned hosts, lengths, encodings;
    bool chunked, bad_length, body;
};

static void see_length(struct seen *seen, const char *value)
{
    seen->lengths++;
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits] != '\0' || digits > 18)
        seen->bad_length = true;
    else if (value[strspn(value, "0")] != '\0')
        seen->body = true;
}

static struct seen look(const tdm__incoming *in)
{
    struct seen seen = {0};
    for (unsigned i = 0; i < in->field_count; i++) {
        const char *name = in->fields[i].name, *value = in->fields[i].value;
        if (strcasecmp(name, "Host") == 0) {
            seen.hosts++;
        } else if (strcasecmp(name, "Content-Length") == 0) {
            see_length(&seen, value);
        } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
            seen.encodings++;
            seen.chunked = strcasecmp(value, "chunked") == 0;
            seen.body = true;
        }
    }
    return seen;
}

int tdm__message_check(const tdm__incoming *in)
{
    if (!in->method[0])
        return 501;
    struct seen seen = look(in);
    if (seen.lengths > 1 || seen.bad_length || (seen.lengths && seen.encodings))
        return 400;
    if (seen.encodings && (seen.encodings > 1 || !seen.chunked))
        return 501;
    if (seen.encodings && in->old)
        return 400;
    if (seen.body && (strcmp(in->method, "HEAD") == 0 || strcmp(in->method, "TRACE") == 0))
        return 400;
    if (seen.hosts > 1 || (seen.hosts == 0 && !in->old))
        return 400;
    return 0;
}

bool tdm__message_connection_has(const tdm__incoming *in, const char *option)
{
    size_t size = strlen(option);
    for (unsigned i = 0; i < in->field_count; i++) {
        if (strcasecmp(in->fields[i].name, "Connection") != 0)
            continue;
        for (const char *p = in->fields[i].value; *p;) {
            p += strspn(p, " \t,");
            size_t n = strcspn(p, " \t,");
            if (n == size && strncasecmp(p, option, size) == 0)
                return true;
            p += n;
        }
    }
    return false;
}
