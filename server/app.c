/* SPDX-License-Identifier: MIT */
/* DESIGN: the app ties an executor, a router and a server together and owns all three. Options are checked and resolved
 * here once, so that the rest can trust them. Order matters: the executor's loops exist before the server listens on
 * them, and the server is gone before the executor ends. The drain is in drain.c, main() in main.c. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <tandem/clock.h>
#include <tandem/log.h>

#include "server/front.h"
#include "server/openapi/docs.h"

#define MAX_FIELDS 100000
#define MAX_HEAD ((size_t) 256 << 20) /* places in it are 32-bit numbers */

static int refuse_option(const char *option, const char *why)
{
    tdm_log_error("app option `%s` %s", option, why);
    return -EINVAL;
}

static int resolve_seconds(const char *option, const double *given, double fallback, double *out)
{
    *out = given ? *given : fallback;
    if (!isfinite(*out) || *out < 0 || *out > TDM__MAX_SECONDS)
        return refuse_option(option, "is not a sensible number of seconds");
    return 0;
}

/* The resolver takes the names of services too, and of 70000 the lower 16 bits. */
static int check_port(const char *port)
{
    size_t digits = strspn(port, "0123456789");
    if (!digits || digits > 5 || port[digits] || strtoul(port, NULL, 10) > 65535)
        return refuse_option("port", "is not a number from 0 to 65535");
    return 0;
}

/* Zero is the default. */
static int resolve_time(const char *option, double fallback, double *seconds)
{
    double given = *seconds != 0 ? *seconds : fallback;
    return resolve_seconds(option, &given, 0, seconds);
}

static unsigned number_or(unsigned given, unsigned fallback)
{
    return given ? given : fallback;
}

static size_t size_or(size_t given, size_t fallback)
{
    return given ? given : fallback;
}

static int resolve_limits(tdm_app_options *options)
{
    if ((unsigned) options->transport > TDM_DIRECT)
        return refuse_option("transport", "is none that there is");
    if (options->max_fields > MAX_FIELDS)
        return refuse_option("max_fields", "is more than 100,000");
    if (options->max_head > MAX_HEAD)
        return refuse_option("max_head", "is more than 256 MiB");
    if (options->unix_mode > 0777)
        return refuse_option("unix_mode", "is more than 0777");
    options->unix_mode = number_or(options->unix_mode, 0660);
    options->backlog = number_or(options->backlog, 4096);
    options->max_connections = number_or(options->max_connections, 10000);
    options->max_requests = number_or(options->max_requests, 1000);
    options->max_target = size_or(options->max_target, (size_t) 8 << 10);
    options->max_head = size_or(options->max_head, (size_t) 16 << 10);
    options->max_fields = number_or(options->max_fields, 100);
    options->max_body = size_or(options->max_body, (size_t) 1 << 20);
    options->max_buffered = size_or(options->max_buffered, (size_t) 256 << 20);
    int err = resolve_time("head_timeout", 10, &options->head_timeout);
    if (!err)
        err = resolve_time("body_timeout", 30, &options->body_timeout);
    if (!err)
        err = resolve_time("idle_timeout", 75, &options->idle_timeout);
    return err ? err : resolve_time("write_timeout", 30, &options->write_timeout);
}

static int resolve_options(tdm_app *app)
{
    tdm_app_options *options = &app->options;
    int err = check_port(app->port);
    if (!err && options->executor.workers && options->executor.min_workers > options->executor.workers)
        err = refuse_option("executor.min_workers", "is more than `workers`");
    if (!err)
        err = resolve_seconds("drain_timeout", options->drain_timeout, 30, &app->drain_timeout);
    if (!err)
        err = resolve_seconds("drain_announce", options->drain_announce, 0, &app->drain_announce);
    if (!err)
        err = resolve_seconds("drain_grace", options->drain_grace, 2, &app->drain_grace);
    return err ? err : resolve_limits(options);
}

static char *copy_of(const char *text, const char *fallback)
{
    return strdup(text ? text : fallback);
}

/* @return false: no memory. */
static bool copy_if(const char *text, char **copy)
{
    *copy = text ? strdup(text) : NULL;
    return !text == !*copy;
}

/* Those that stay where they are told, as copies. */
static const char **text_at(tdm_app_options *options, size_t i)
{
    const char **const texts[] = {&options->title, &options->description, &options->openapi, &options->docs};
    return texts[i];
}

int tdm_app_create(tdm_app **out, const tdm_app_options *given)
{
    tdm_app *app = calloc(1, sizeof *app);
    if (!app)
        return -ENOMEM;
    static const tdm_app_options defaults;
    app->options = given ? *given : defaults;
    pthread_mutex_init(&app->lock, NULL);
    tdm__cond_init(&app->changed);
    app->name = copy_of(app->options.name, "tandem");
    app->version = copy_of(app->options.version, tdm_version());
    app->host = copy_of(app->options.host, "127.0.0.1");
    app->port = copy_of(app->options.port, "8000");
    bool copied =
        app->name && app->version && app->host && app->port && copy_if(app->options.unix_path, &app->unix_path);
    for (size_t i = 0; i < sizeof app->texts / sizeof app->texts[0] && copied; i++) {
        const char **text = text_at(&app->options, i);
        copied = copy_if(*text, &app->texts[i]);
        *text = app->texts[i];
    }
    int err = copied ? resolve_options(app) : -ENOMEM;
    if (!err)
        err = tdm__routers_init(&app->routers, app);
    if (err) {
        tdm_app_destroy(&app);
        return err;
    }
    *out = app;
    return 0;
}

/* ---- routes ---- */

int tdm_app_route(tdm_app *app, const tdm_route *route)
{
    return tdm_router_route(app->routers.root, route);
}

int tdm_app_get(tdm_app *app, const char *path, tdm_handler_fn *run)
{
    return tdm_app_route(app, &(tdm_route){.method = "GET", .path = path, .run = run});
}

int tdm_app_post(tdm_app *app, const char *path, tdm_handler_fn *run)
{
    return tdm_app_route(app, &(tdm_route){.method = "POST", .path = path, .run = run});
}

/* ---- start ---- */

static void log_of_libevent(int severity, const char *message)
{
    static const tdm_log_level levels[] = {TDM_LOG_DEBUG, TDM_LOG_INFO, TDM_LOG_WARNING, TDM_LOG_ERROR};
    tdm_log(severity >= 0 && severity < 4 ? levels[severity] : TDM_LOG_WARNING, "libevent: %s", message);
}

static int make_fronts(tdm_app *app)
{
    app->front_count = tdm_executor_settings(app->executor)->loops;
    app->fronts = aligned_alloc(_Alignof(tdm__front), app->front_count * sizeof *app->fronts);
    if (!app->fronts)
        return -ENOMEM;
    memset(app->fronts, 0, app->front_count * sizeof *app->fronts);
    for (unsigned i = 0; i < app->front_count; i++) {
        tdm__front *front = &app->fronts[i];
        front->app = app;
        front->loop = tdm__executor_loop(app->executor, i);
        TAILQ_INIT(&front->handling);
    }
    return 0;
}

static void free_fronts(tdm_app *app)
{
    for (unsigned i = 0; app->fronts && i < app->front_count; i++)
        tdm__spares_finish(&app->fronts[i].requests_kept);
    free(app->fronts);
    app->fronts = NULL;
}

static int start_serving(tdm_app *app)
{
    int err = make_fronts(app);
    if (err)
        return err;
    const tdm_app_options *given = &app->options;
    tdm__server_options options = {
        .transport = given->transport,
        .listen = {.inherit = given->inherit,
                   .unix_path = app->unix_path,
                   .unix_mode = given->unix_mode,
                   .host = app->host,
                   .port = app->port,
                   .backlog = given->backlog},
        .max_connections = given->max_connections,
        .max_requests = given->max_requests,
        .max_target = given->max_target,
        .max_head = given->max_head,
        .max_fields = given->max_fields,
        .max_body = given->max_body,
        .max_buffered = given->max_buffered,
        .buffered = &app->buffered,
        .head_ns = tdm_ns_from_s(given->head_timeout),
        .body_ns = tdm_ns_from_s(given->body_timeout),
        .idle_ns = tdm_ns_from_s(given->idle_timeout),
        .write_ns = tdm_ns_from_s(given->write_timeout),
        .hooks = &tdm__request_hooks,
        .context = app,
    };
    return tdm__server_create(&app->server, app->executor, &options);
}

int tdm_app_start(tdm_app *app)
{
    if (atomic_load(&app->state) != TDM__NEW)
        return -EALREADY;
    event_set_log_callback(log_of_libevent);
    int err = tdm_executor_create(&app->executor, &app->options.executor);
    if (err) {
        tdm_log_error("cannot start: %s", strerror(-err));
        return err;
    }
    err = tdm__docs_add(app);
    if (!err)
        err = tdm__routers_freeze(&app->routers);
    if (!err)
        err = tdm__docs_write(app);
    if (!err)
        err = start_serving(app);
    if (err) {
        if (tdm_executor_destroy(&app->executor))
            app->fronts = NULL; /* a handler was running already, and holds its thread: what it uses stays */
        free_fronts(app);
        return err;
    }
    app->quiet = false;
    atomic_store(&app->state, TDM__STARTED);
    return 0;
}

tdm_executor *tdm_app_executor(const tdm_app *app)
{
    return app->executor;
}

const char *tdm_app_url(const tdm_app *app)
{
    return app->server ? tdm__server_url(app->server) : NULL;
}

bool tdm_app_draining(const tdm_app *app)
{
    return atomic_load_explicit(&app->draining, memory_order_relaxed);
}

void tdm_app_stats_get(const tdm_app *app, tdm_app_stats *out)
{
    *out = (tdm_app_stats){0};
    tdm__server_count(app->server, out);
    for (unsigned i = 0; i < app->front_count; i++) {
        const tdm__front *front = &app->fronts[i];
        out->requests += atomic_load_explicit(&front->requests, memory_order_relaxed);
        out->replies += atomic_load_explicit(&front->replies, memory_order_relaxed);
        out->left += atomic_load_explicit(&front->left, memory_order_relaxed);
    }
}

/* ---- end ---- */

static int end_everything(tdm_app *app)
{
    int err = 0;
    if (atomic_load(&app->state) == TDM__STARTED) {
        app->drain_timeout = app->drain_announce = app->drain_grace = 0;
        tdm_app_stop(app, NULL);
    }
    /* Abandoned tasks hold their threads, and what these use stays. */
    const tdm_manifest *manifest = &app->manifest;
    if (manifest->lanes[TDM_LOOP].state[TDM_ABANDONED] || manifest->lanes[TDM_POOL].state[TDM_ABANDONED])
        return -EBUSY;
    err = tdm__server_destroy(&app->server);
    if (!err && app->executor)
        err = tdm_executor_destroy(&app->executor);
    return err;
}

int tdm_app_destroy(tdm_app **app_at)
{
    tdm_app *app = *app_at;
    if (!app)
        return 0;
    *app_at = NULL;
    int err = end_everything(app);
    if (err)
        return err;
    tdm__docs_finish(app);
    tdm__routers_finish(&app->routers);
    free_fronts(app);
    free(app->name);
    free(app->version);
    free(app->host);
    free(app->port);
    free(app->unix_path);
    for (size_t i = 0; i < sizeof app->texts / sizeof app->texts[0]; i++)
        free(app->texts[i]);
    tdm__cond_finish(&app->changed);
    pthread_mutex_destroy(&app->lock);
    free(app);
    return 0;
}
