/* SPDX-License-Identifier: MIT */
/* Says what it heard: the server that the HTTP message cases (tests/http/cases.json) are run against, as its options are
 * those that the cases need. Any path answers with X-Method, X-Uri and X-Body-Len; /only-get, /nope, /big, /slow and
 * /stats are special. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

#define BIG ((size_t) 32 << 20)
#define URI_MAX 150

static _Atomic long slow_done, slow_gone;

/* ---- options ---- */

struct options {
    unsigned port, max_body;
    int transport;
    double header_timeout, body_timeout, idle_timeout, write_timeout;
};

#define FIELD(name) offsetof(struct options, name)

static const char *const transports[] = {"evhttp", "direct", NULL};
_Static_assert(TDM_EVHTTP == 0 && TDM_DIRECT == 1, "the transports' names are in the enum's order");

static const tdm_option option_table[] = {
    {"port", 'p', TDM_OPTION_UINT, FIELD(port), "8000", 0, 65535, .value_name = "N",
     .help = "0: choose one and print it"},
    {"transport", 0, TDM_OPTION_CHOICE, FIELD(transport), "evhttp", .choices = transports, .value_name = "NAME",
     .help = "evhttp or direct"},
    {"max-body", 0, TDM_OPTION_UINT, FIELD(max_body), "1048576", 1, 1u << 30, .value_name = "BYTES",
     .help = "of a request, else 413"},
    {"header-timeout", 0, TDM_OPTION_SECONDS, FIELD(header_timeout), "10", 0.001, 3600, .value_name = "S",
     .help = "for a request's head"},
    {"body-timeout", 0, TDM_OPTION_SECONDS, FIELD(body_timeout), "30", 0.001, 3600, .value_name = "S",
     .help = "for its body"},
    {"idle-timeout", 0, TDM_OPTION_SECONDS, FIELD(idle_timeout), "75", 0.001, 3600, .value_name = "S",
     .help = "between requests"},
    {"write-timeout", 0, TDM_OPTION_SECONDS, FIELD(write_timeout), "30", 0.001, 3600, .value_name = "S",
     .help = "in which a client must take 1 KiB of a reply"},
    {0},
};

static const tdm_command command = {
    .name = "echo", .version = "1", .summary = "A server that says what it heard.", .options = option_table};

/* ---- the answer ---- */

/* The target in origin form, with nothing in it that a header field could not hold. */
static void make_uri(const char *target, char out[URI_MAX + 1])
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    size_t n = 0;
    if (authority) {
        target = authority + 3 + strcspn(authority + 3, "/?");
        if (*target != '/')
            out[n++] = '/';
    }
    for (; *target && n < URI_MAX; target++)
        out[n++] = *target >= 0x21 && *target <= 0x7e ? *target : '?';
    out[n] = '\0';
}

static int echo(tdm_request *req)
{
    char uri[URI_MAX + 1], length[24], body[512];
    const char *method = tdm_request_method(req), *test = tdm_request_header(req, "X-Test");
    size_t size;
    tdm_request_body(req, &size);
    make_uri(tdm_request_target(req), uri);
    snprintf(length, sizeof length, "%zu", size);
    int err = tdm_reply_header(req, "X-Uri", uri);
    if (!err)
        err = tdm_reply_header(req, "X-Body-Len", length);
    if (!err)
        err = tdm_reply_header(req, "X-Method", method);
    snprintf(body, sizeof body, "hello m=%s x=[%.400s]\n", method, test ? test : "");
    return err ? err : tdm_reply_text(req, 200, body);
}

static int get_nope(tdm_request *req)
{
    return tdm_reply_error(req, 404, "Not Found");
}

static int get_big(tdm_request *req)
{
    static const char piece[1 << 16];
    int err = tdm_stream_begin(req, 200, "application/octet-stream", BIG);
    for (size_t sent = 0; sent < BIG && !err; sent += sizeof piece)
        err = tdm_stream_write(req, piece, sizeof piece);
    return err ? err : tdm_stream_end(req);
}

struct slow {
    int64_t ms;
};

static const tdm_param slow_params[] = {
    {.name = "ms",
     .type = TDM_INT,
     .offset = offsetof(struct slow, ms),
     .fallback = "1000",
     .range = TDM_RANGE(0, 60000)},
    {0},
};

static int get_slow(tdm_request *req)
{
    const struct slow *params = tdm_request_params(req);
    int err = tdm_sleep((double) params->ms / 1000);
    bool gone = err || tdm_request_gone(req) || tdm_request_half_closed(req);
    atomic_fetch_add(gone ? &slow_gone : &slow_done, 1);
    return err ? err : echo(req); /* after a FIN the answer is still tried */
}

static int get_stats(tdm_request *req)
{
    char text[96];
    snprintf(text, sizeof text, "{\"slow_done\":%ld,\"slow_gone\":%ld}", atomic_load(&slow_done),
             atomic_load(&slow_gone));
    return tdm_reply_json_text(req, 200, text);
}

static int refuse_method(tdm_request *req)
{
    int err = tdm_reply_header(req, "Allow", "GET, HEAD");
    return err ? err : tdm_reply_error(req, 405, "Method Not Allowed");
}

/* ---- the app ---- */

static int add_routes(tdm_app *app)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    int err = tdm_app_get(app, "/only-get", echo);
    /* The route for any path would take them. */
    for (size_t i = 2; i < sizeof methods / sizeof methods[0] && !err; i++)
        err = tdm_app_route(app, &(tdm_route){.method = methods[i], .path = "/only-get", .run = refuse_method});
    for (size_t i = 0; i < sizeof methods / sizeof methods[0] && !err; i++) {
        err = tdm_app_route(app, &(tdm_route){.method = methods[i], .path = "/{any:path}", .run = echo});
        if (!err)
            err = tdm_app_route(app, &(tdm_route){.method = methods[i], .path = "/nope", .run = get_nope});
    }
    if (!err)
        err = tdm_app_get(app, "/big", get_big);
    if (!err)
        err = tdm_app_route(app, &(tdm_route){.method = "GET",
                                              .path = "/slow",
                                              .run = get_slow,
                                              .params = slow_params,
                                              .params_size = sizeof(struct slow)});
    return err ? err : tdm_app_get(app, "/stats", get_stats);
}

int main(int argc, char **argv)
{
    struct options options;
    int operands, err = tdm_options_parse(&command, &options, argc, argv, &operands);
    if (err)
        return err > 0 ? 0 : 2;
    char port[8];
    snprintf(port, sizeof port, "%u", options.port);
    tdm_app *app;
    tdm_app_options app_options = {.name = "echo",
                                   .port = port,
                                   .transport = (tdm_transport) options.transport,
                                   .max_body = options.max_body,
                                   .head_timeout = options.header_timeout,
                                   .body_timeout = options.body_timeout,
                                   .idle_timeout = options.idle_timeout,
                                   .write_timeout = options.write_timeout,
                                   .openapi = ""}; /* every path is an echo */
    if (tdm_app_create(&app, &app_options) < 0)
        return 1;
    int status = add_routes(app) < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
