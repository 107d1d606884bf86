/* SPDX-License-Identifier: MIT */
/* DESIGN: what a person types is taken apart here, once, and everything wrong with it is said in words: a target that
 * reaches the engine can be asked for without further checks. Only http is spoken. Bytes that would have to be
 * escaped on the wire (spaces, controls, anything above ASCII) are refused, never escaped behind the user's back.
 * Labels: a report shows several URLs side by side, and what a reader needs there is what differs between them. */
#include "load/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool port_valid(const char *port, size_t size)
{
    unsigned value = 0;
    if (size == 0 || size > 5)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (port[i] < '0' || port[i] > '9')
            return false;
        value = value * 10 + (unsigned) (port[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

/* Split "host", "host:port", "[v6]" or "[v6]:port". Returns what is wrong, or NULL. */
static const char *split_authority(const char *text, size_t size, const char **host, size_t *host_size,
                                   const char **port, size_t *port_size)
{
    const char *end = text + size;
    const char *colon;
    if (memchr(text, '@', size))
        return "a user name in the URL is not supported";
    if (size && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (!bracket)
            return "the bracket of the IPv6 address is not closed";
        *host = text + 1;
        *host_size = (size_t) (bracket - text) - 1;
        colon = bracket + 1;
        if (colon < end && *colon != ':')
            return "only a port may follow the IPv6 address";
    } else {
        *host = text;
        colon = memchr(text, ':', size);
        if (!colon)
            colon = end;
        *host_size = (size_t) (colon - text);
    }
    if (*host_size == 0)
        return "the host is missing";
    if (colon >= end) {
        *port = "80";
        *port_size = 2;
        return NULL;
    }
    *port = colon + 1;
    *port_size = (size_t) (end - *port);
    return port_valid(*port, *port_size) ? NULL : "the port must be a number from 1 to 65535";
}

static char *make_target(const char *path, size_t size)
{
    char *target = NULL;
    if (asprintf(&target, "%s%.*s", size && *path == '/' ? "" : "/", (int) size, path) < 0)
        return NULL;
    return target;
}

static const char *check_text(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f)
            return "it holds a blank or a character that must be percent-encoded";
    if (!strncasecmp(text, "https://", 8))
        return "https is not supported, only http";
    if (strncasecmp(text, "http://", 7) != 0)
        return "it must start with http://";
    return strlen(text) > 32768 ? "it is longer than 32768 characters" : NULL;
}

int load_url_parse(load_url *url, const char *text, const char **why)
{
    *url = (load_url){0};
    *why = check_text(text);
    if (*why)
        return -EINVAL;
    const char *authority = text + 7, *host = NULL, *port = NULL;
    size_t authority_size = strcspn(authority, "/?#"), host_size = 0, port_size = 0;
    *why = split_authority(authority, authority_size, &host, &host_size, &port, &port_size);
    if (*why)
        return -EINVAL;
    const char *path = authority + authority_size;
    url->text = strdup(text);
    url->host = strndup(host, host_size);
    url->port = strndup(port, port_size);
    url->authority = strndup(authority, authority_size);
    url->target = make_target(path, strcspn(path, "#"));
    if (url->text && url->host && url->port && url->authority && url->target)
        return 0;
    load_url_finish(url);
    return -ENOMEM;
}

void load_url_finish(load_url *url)
{
    free(url->text);
    free(url->host);
    free(url->port);
    free(url->authority);
    free(url->target);
    *url = (load_url){0};
}

static size_t path_size(const load_url *url)
{
    return strcspn(url->target, "?");
}

static const char *query_of(const load_url *url)
{
    const char *mark = strchr(url->target, '?');
    return mark ? mark + 1 : "";
}

static bool query_has(const char *query, const char *parameter, size_t size)
{
    for (;;) {
        size_t n = strcspn(query, "&");
        if (n == size && !memcmp(query, parameter, n))
            return true;
        if (!query[n])
            return false;
        query += n + 1;
    }
}

static bool in_every_query(const load_url *urls, unsigned count, const char *parameter, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        if (!query_has(query_of(&urls[i]), parameter, size))
            return false;
    return true;
}

/* What differs: which parts a label must show. */
struct difference {
    bool authority, path;
};

static struct difference compare(const load_url *urls, unsigned count)
{
    struct difference differ = {false, false};
    for (unsigned i = 1; i < count; i++) {
        if (strcasecmp(urls[i].authority, urls[0].authority) != 0)
            differ.authority = true;
        if (path_size(&urls[i]) != path_size(&urls[0]) ||
            strncmp(urls[i].target, urls[0].target, path_size(&urls[0])) != 0)
            differ.path = true;
    }
    return differ;
}

static void write_label(FILE *to, const load_url *urls, unsigned count, unsigned which, struct difference differ)
{
    const load_url *url = &urls[which];
    bool prefixed = differ.authority || differ.path, any = false;
    if (differ.authority)
        fputs(url->authority, to);
    if (prefixed)
        fprintf(to, "%.*s", (int) path_size(url), url->target);
    for (const char *p = query_of(url); *p;) {
        size_t n = strcspn(p, "&");
        if (n && !in_every_query(urls, count, p, n)) {
            fprintf(to, "%s%.*s", any ? "&" : prefixed ? "?" : "", (int) n, p);
            any = true;
        }
        p += n + (p[n] == '&');
    }
    if (!any && !prefixed)
        fprintf(to, "%.*s", (int) path_size(url), url->target);
    unsigned twin = 1;
    for (unsigned i = 0; i < which; i++)
        twin += !strcmp(urls[i].target, url->target) && !strcmp(urls[i].authority, url->authority);
    if (twin > 1)
        fprintf(to, " (%u)", twin);
}

static char *make_label(const load_url *urls, unsigned count, unsigned which, struct difference differ)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return NULL;
    if (count == 1)
        fputs(urls[0].target, to);
    else
        write_label(to, urls, count, which, differ);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

int load_url_labels(const load_url *urls, unsigned count, char **labels)
{
    struct difference differ = compare(urls, count);
    for (unsigned i = 0; i < count; i++) {
        labels[i] = make_label(urls, count, i, differ);
        if (labels[i])
            continue;
        while (i-- > 0) {
            free(labels[i]);
            labels[i] = NULL;
        }
        return -ENOMEM;
    }
    return 0;
}
