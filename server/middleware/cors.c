/* SPDX-License-Identifier: MIT */
/* DESIGN: what browsers ask before they let a page of one origin read another's replies. A preflight is answered before
 * any route is looked at, so that it works for every path. Requests are never refused for their origin: the browser
 * keeps the reply from the page, and other clients have no origin. `Vary: Origin` is said wherever the answer depends
 * on it, also where there was none, so that no cache gives one origin's answer to another. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <tandem/log.h>

#include "server/request.h"

#define LIST_MAX 2048

static bool has(const char *const *list, const char *word)
{
    for (; list && *list; list++) {
        if (strcmp(*list, word) == 0)
            return true;
    }
    return false;
}

static const char *const *methods_of(const tdm_cors_options *options)
{
    static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};
    return options->methods ? options->methods : usual;
}

/* Header names of `size` bytes, in whatever case; the safe ones are always right. */
static bool has_name(const char *const *list, const char *name, size_t size)
{
    for (; list && *list; list++) {
        if (strlen(*list) == size && strncasecmp(*list, name, size) == 0)
            return true;
    }
    return false;
}

static bool has_headers(const tdm_cors_options *options, const char *asked)
{
    static const char *const safe[] = {"Accept", "Accept-Language", "Content-Language", "Content-Type", NULL};
    if (!asked || has(options->headers, "*"))
        return true;
    for (const char *p = asked; *p;) {
        p += strspn(p, ", \t");
        size_t size = strcspn(p, ", \t");
        if (size && !has_name(options->headers, p, size) && !has_name(safe, p, size))
            return false;
        p += size;
    }
    return true;
}

static bool is_preflight(const tdm_request *req)
{
    return strcmp(req->method, "OPTIONS") == 0 && tdm_request_header(req, "Origin") &&
           tdm_request_header(req, "Access-Control-Request-Method");
}

/* "a, b" */
static int add_list(tdm_request *req, const char *name, const char *const *list)
{
    char text[LIST_MAX];
    size_t at = 0;
    for (size_t i = 0; list[i] && at < sizeof text; i++) {
        int n = snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "", list[i]);
        at += n > 0 ? (size_t) n : sizeof text;
    }
    return at && at < sizeof text ? tdm_reply_header(req, name, text) : 0;
}

static int add_origin(tdm_request *req, const tdm_cors_options *options, const char *origin)
{
    bool any = has(options->origins, "*");
    int err = any ? 0 : tdm_reply_header(req, "Vary", "Origin");
    if (err || !origin || (!any && !has(options->origins, origin)))
        return err;
    err = tdm_reply_header(req, "Access-Control-Allow-Origin", any ? "*" : origin);
    if (!err && options->credentials)
        err = tdm_reply_header(req, "Access-Control-Allow-Credentials", "true");
    return err;
}

static int answer_preflight(tdm_request *req, const tdm_cors_options *options)
{
    const char *origin = tdm_request_header(req, "Origin");
    const char *method = tdm_request_header(req, "Access-Control-Request-Method");
    const char *asked;
    int err = tdm_request_header_list(req, "Access-Control-Request-Headers", &asked);
    if (err)
        return err;
    if (!has(options->origins, "*") && !has(options->origins, origin))
        return tdm_reply_error(req, 400, "CORS: this origin is not allowed");
    if (!has(options->methods, "*") && !has(methods_of(options), method))
        return tdm_reply_error(req, 400, "CORS: this method is not allowed");
    if (!has_headers(options, asked))
        return tdm_reply_error(req, 400, "CORS: these header fields are not allowed");
    char age[16];
    snprintf(age, sizeof age, "%u", options->max_age ? options->max_age : 600);
    if (has(options->methods, "*")) /* which with credentials would be a method of this name */
        err = tdm_reply_header(req, "Access-Control-Allow-Methods", method);
    else
        err = add_list(req, "Access-Control-Allow-Methods", methods_of(options));
    /* All that was asked for, the safe ones too: they are safe for some values only (Content-Type is for three). */
    if (!err && asked)
        err = tdm_reply_header(req, "Access-Control-Allow-Headers", asked);
    if (!err)
        err = tdm_reply_header(req, "Access-Control-Max-Age", age);
    return err ? err : tdm_reply_empty(req, 204);
}

static int arrive(tdm_request *req, void *arg)
{
    return is_preflight(req) ? answer_preflight(req, arg) : 0;
}

static int after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    const tdm_cors_options *options = arg;
    const char *origin = tdm_request_header(req, "Origin");
    (void) reply;
    int err = add_origin(req, options, origin);
    if (!err && origin && options->expose && !is_preflight(req))
        err = add_list(req, "Access-Control-Expose-Headers", options->expose);
    return err;
}

static int check(const tdm_cors_options *options)
{
    const char *why = NULL;
    if (!options || !options->origins || !options->origins[0])
        why = "names no origins";
    else if (options->credentials && has(options->origins, "*"))
        why = "allows credentials to all origins, which browsers refuse: name the origins";
    if (why)
        tdm_log_error("CORS %s", why);
    return why ? -EINVAL : 0;
}

tdm_middleware tdm_cors(const tdm_cors_options *options)
{
    tdm_middleware middleware = {.name = "cors", .arrive = arrive, .after = after, .drop = free};
    middleware.error = check(options);
    if (middleware.error)
        return middleware;
    tdm_cors_options *kept = malloc(sizeof *kept);
    if (kept)
        *kept = *options;
    middleware.arg = kept;
    middleware.error = kept ? 0 : -ENOMEM;
    return middleware;
}
