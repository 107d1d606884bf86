/* SPDX-License-Identifier: MIT */
/* DESIGN: the part of RFC 9110 and 9112 that llhttp leaves to its user. A message that two readers could take apart in
 * two ways is how one client's bytes become another's request, so what the RFCs leave open is refused here: bare LF,
 * folded fields, forms of the target that belong to other methods. Line and target are judged byte by byte from the
 * left, and the first thing wrong decides; so it does not matter how the bytes were cut on their way. */
#include "server/message.h"

#include <string.h>
#include <strings.h>

enum { TOKEN = 1, TARGET = 2, HOST = 4, QUOTED = 8 };

/* What a byte may be part of: a token; a request target (as lenient as browsers are, and no '#'); a host's name and
 * port; a quoted string, as itself. */
/* clang-format off */
static const unsigned char kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    8, 15, 2, 9, 15, 15, 15, 15, 14, 14, 15, 15, 14, 15, 15, 10,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 14, 10, 14, 10, 10,
    10, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 2, 10, 11, 15,
    11, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 10, 11, 10, 15, 0,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
};
/* clang-format on */

static size_t span(const char *text, size_t size, unsigned kind)
{
    size_t n = 0;
    while (n < size && (kinds[(unsigned char) text[n]] & kind))
        n++;
    return n;
}

bool tdm__message_token_byte(unsigned char byte)
{
    return kinds[byte] & TOKEN;
}

bool tdm__message_quoted_byte(unsigned char byte)
{
    return kinds[byte] & QUOTED;
}

/* ---- the request line ---- */

static const char *known_method(const char *text, size_t size)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == size && memcmp(names[i], text, size) == 0)
            return names[i];
    }
    return NULL;
}

static bool begins_with(const char *text, size_t size, const char *word)
{
    return size >= strlen(word) && strncasecmp(text, word, strlen(word)) == 0;
}

/* "http://host:port", and then a path, a query or nothing. */
static bool is_absolute(const char *target, size_t size)
{
    size_t scheme = begins_with(target, size, "http://")    ? strlen("http://")
                    : begins_with(target, size, "https://") ? strlen("https://")
                                                            : 0;
    if (!scheme)
        return false;
    size_t end = scheme;
    while (end < size && target[end] != '/' && target[end] != '?')
        end++;
    return tdm__message_host_ok(target + scheme, end - scheme);
}

static bool is_target_of(const char *method, const char *target, size_t size)
{
    if (target[0] == '/')
        return true;
    if (size == 1 && target[0] == '*')
        return strcmp(method, "OPTIONS") == 0;
    return is_absolute(target, size);
}

/* "HTTP/1.1" CRLF, or its beginning; digits are digits whatever they are. */
static bool looks_like_version(const char *text, size_t size)
{
    static const char pattern[] = "HTTP/0.0\r\n";
    if (size > sizeof pattern - 1)
        return false;
    for (size_t i = 0; i < size; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !digit : text[i] != pattern[i])
            return false;
    }
    return true;
}

int tdm__message_line(const char *line, size_t size, bool whole, size_t max_target, tdm__request_line *out)
{
    size_t method_size = span(line, size, TOKEN);
    if (method_size > TDM__METHOD_MAX)
        return 501;
    if (method_size == size)
        return whole ? 400 : 0;
    if (method_size == 0 || line[method_size] != ' ')
        return 400;
    const char *target = line + method_size + 1;
    size_t left = size - method_size - 1, target_size = span(target, left, TARGET);
    if (target_size > max_target)
        return 414;
    if (target_size == left)
        return whole ? 400 : 0;
    if (target_size == 0 || target[target_size] != ' ')
        return 400;
    const char *version = target + target_size + 1;
    size_t version_size = left - target_size - 1;
    if (!looks_like_version(version, version_size))
        return 400;
    if (!whole)
        return 0;
    if (version_size != strlen("HTTP/1.1\r\n"))
        return 400;
    if (version[5] != '1')
        return 505;
    out->method = known_method(line, method_size);
    if (!out->method)
        return 501;
    out->target_at = method_size + 1;
    out->target_size = target_size;
    out->old = version[7] == '0';
    out->patched = version[7] > '1';
    return is_target_of(out->method, target, target_size) ? 0 : 400;
}

/* ---- fields ---- */

bool tdm__message_field_line(const char *line, size_t size)
{
    if (size < 2 || line[size - 2] != '\r' || memchr(line, '\r', size - 2))
        return false;
    return size == 2 || (kinds[(unsigned char) line[0]] & TOKEN);
}

static bool is_port(const char *text, size_t size)
{
    size_t digits = 0;
    while (digits < size && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    return digits == size && size <= 5;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What stands between brackets: an IPv6 address, or a "v1.something" that nobody has seen yet. */
static bool is_literal(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!is_hex(text[i]) && text[i] != ':' && text[i] != '.')
            return false;
    }
    return size >= 2 && memchr(text, ':', size);
}

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!(kinds[(unsigned char) text[i]] & HOST) || text[i] == ':')
            return false;
        if (text[i] == '%' && (i + 2 >= size || !is_hex(text[i + 1]) || !is_hex(text[i + 2])))
            return false;
    }
    return size > 0;
}

bool tdm__message_host_ok(const char *host, size_t size)
{
    size_t name_size;
    if (size && host[0] == '[') {
        const char *end = memchr(host, ']', size);
        if (!end || !is_literal(host + 1, (size_t) (end - host) - 1))
            return false;
        name_size = (size_t) (end - host) + 1;
    } else {
        const char *colon = size ? memchr(host, ':', size) : NULL;
        name_size = colon ? (size_t) (colon - host) : size;
        if (!is_name(host, name_size))
            return false;
    }
    if (name_size == size)
        return true;
    return host[name_size] == ':' && is_port(host + name_size + 1, size - name_size - 1);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool tdm__message_lists(const char *list, const char *option)
{
    size_t size = strlen(option);
    while (*list) {
        while (is_blank(*list) || *list == ',')
            list++;
        const char *end = list;
        while (*end && *end != ',')
            end++;
        size_t item = (size_t) (end - list);
        while (item && is_blank(list[item - 1]))
            item--;
        if (item == size && strncasecmp(list, option, size) == 0)
            return true;
        list = end;
    }
    return false;
}

bool tdm__message_length(const char *value, unsigned long long *out)
{
    size_t digits = strspn(value, "0123456789"), zeros = strspn(value, "0");
    if (digits == 0 || value[digits] || digits - zeros > 18)
        return false;
    *out = 0;
    for (size_t i = zeros; i < digits; i++)
        *out = *out * 10 + (unsigned) (value[i] - '0');
    return true;
}
