/* SPDX-License-Identifier: MIT */
/* DESIGN: routers are a way to write routes down; requests never meet them. Their prefixes are put into the paths when
 * routes are added, and their middleware is laid out in one row per router when the app starts, so that a request walks
 * an array. What is wrong with a route is said in one log line that names the route and, in a conflict, the other. */
#include "server/route/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/app.h>
#include <tandem/log.h>

#include "server/front.h"

static bool is_started(const tdm_router *router)
{
    return atomic_load(&router->app->state) != TDM__NEW;
}

static tdm_router *new_router(struct tdm_app *app, tdm_router *parent, const char *prefix)
{
    const char *before = parent ? parent->prefix : "";
    size_t size = strlen(before), more = strlen(prefix);
    tdm_router *router = calloc(1, sizeof *router);
    char *whole = malloc(size + more + 1);
    if (!router || !whole) {
        free(router);
        free(whole);
        return NULL;
    }
    memcpy(whole, before, size);
    memcpy(whole + size, prefix, more + 1);
    router->app = app;
    router->parent = parent;
    router->prefix = whole;
    router->tags = parent ? parent->tags : NULL;
    return router;
}

int tdm__routers_init(tdm__routers *routers, struct tdm_app *app)
{
    routers->root = routers->newest = new_router(app, NULL, "");
    return routers->root ? 0 : -ENOMEM;
}

static void free_router(tdm_router *router)
{
    for (unsigned i = 0; i < router->own_count; i++) {
        if (router->own[i].drop)
            router->own[i].drop(router->own[i].arg);
    }
    free(router->own);
    free(router->chain.list);
    free(router->prefix);
    free(router);
}

void tdm__routers_finish(tdm__routers *routers)
{
    tdm__router_finish(&routers->tree);
    tdm__plans_finish(&routers->plans);
    while (routers->newest) {
        tdm_router *router = routers->newest;
        routers->newest = router->next;
        free_router(router);
    }
}

static int freeze(tdm_router *router)
{
    unsigned count = 0;
    for (const tdm_router *r = router; r; r = r->parent)
        count += r->own_count;
    router->chain.list = calloc(count + 1, sizeof(const tdm_middleware *));
    if (!router->chain.list)
        return -ENOMEM;
    router->chain.count = count;
    for (const tdm_router *r = router; r; r = r->parent) {
        for (unsigned i = r->own_count; i > 0; i--)
            router->chain.list[--count] = &r->own[i - 1];
    }
    return 0;
}

int tdm__routers_freeze(tdm__routers *routers)
{
    for (tdm_router *router = routers->newest; router; router = router->next) {
        free(router->chain.list); /* of a start that failed */
        int err = freeze(router);
        if (err)
            return err;
    }
    return 0;
}

/* ---- public ---- */

tdm_router *tdm_app_router(tdm_app *app)
{
    return app->routers.root;
}

static int check_prefix(const char *prefix, tdm__why *why)
{
    size_t size = strlen(prefix);
    if (size == 0)
        return 0;
    if (prefix[size - 1] == '/')
        return tdm__why_say(why, "it ends with a slash");
    return tdm__path_check(prefix, why);
}

int tdm_router_create(tdm_router **out, tdm_router *parent, const tdm_router_options *options)
{
    if (is_started(parent))
        return -EBUSY;
    const char *prefix = options->prefix ? options->prefix : "";
    tdm__why why;
    int err = check_prefix(prefix, &why);
    if (err) {
        tdm_log_error("router prefix `%s`: %s", prefix, why.text);
        return err;
    }
    tdm_router *router = new_router(parent->app, parent, prefix);
    if (!router)
        return -ENOMEM;
    if (options->tags)
        router->tags = options->tags;
    router->next = parent->app->routers.newest;
    parent->app->routers.newest = router;
    *out = router;
    return 0;
}

static int check_more(const tdm_route *route, tdm__why *why)
{
    if (!(route->deadline >= 0 && route->deadline <= TDM__MAX_SECONDS))
        return tdm__why_say(why, "its deadline is not a sensible number of seconds");
    if (!(route->wait_for_room >= 0 && route->wait_for_room <= TDM__MAX_SECONDS))
        return tdm__why_say(why, "its wait_for_room is not a sensible number of seconds");
    if ((unsigned) route->full > TDM_WAIT)
        return tdm__why_say(why, "its `full` is neither TDM_REFUSE nor TDM_WAIT");
    if ((unsigned) route->lane >= TDM_LANES)
        return tdm__why_say(why, "its lane is neither TDM_LOOP nor TDM_POOL");
    return 0;
}

/* Plans for all that the endpoint takes and gives. */
static int make_plans(tdm__plans *plans, tdm__endpoint *endpoint, tdm__why *why)
{
    const tdm_route *route = &endpoint->route;
    const tdm__plan *unused;
    int err = check_more(route, why);
    if (!err && route->params)
        err = tdm__plans_params(plans, route->params, route->params_size, &endpoint->params, why);
    if (!err && route->body)
        err = tdm__plans_object(plans, route->body, &endpoint->body, why);
    if (!err && route->reply)
        err = tdm__plans_object(plans, route->reply, &endpoint->reply, why);
    for (const tdm_reply_doc *doc = route->other; !err && doc && doc->status; doc++) {
        if (doc->schema)
            err = tdm__plans_object(plans, doc->schema, &unused, why);
    }
    return err;
}

int tdm_router_route(tdm_router *router, const tdm_route *route)
{
    if (is_started(router))
        return -EBUSY;
    tdm__routers *routers = &router->app->routers;
    tdm__why why = {""};
    tdm__endpoint *endpoint = NULL;
    const tdm__plan *plans_before = routers->plans.first;
    int err = tdm__endpoint_create(&endpoint, route, router->prefix, &why);
    if (!err)
        err = make_plans(&routers->plans, endpoint, &why);
    if (!err) {
        endpoint->router = router;
        if (!endpoint->route.tags)
            endpoint->route.tags = router->tags;
        err = tdm__router_add(&routers->tree, endpoint, &why);
    }
    if (err) {
        tdm_log_error("route %s %s%s: %s", route->method ? route->method : "?", router->prefix,
                      route->path ? route->path : "?", why.text[0] ? why.text : strerror(-err));
        free(endpoint);
        tdm__plans_drop(&routers->plans, plans_before);
    }
    return err;
}

int tdm_router_get(tdm_router *router, const char *path, tdm_handler_fn *run)
{
    return tdm_router_route(router, &(tdm_route){.method = "GET", .path = path, .run = run});
}

int tdm_router_post(tdm_router *router, const char *path, tdm_handler_fn *run)
{
    return tdm_router_route(router, &(tdm_route){.method = "POST", .path = path, .run = run});
}

static int use(tdm_router *router, const tdm_middleware *middleware)
{
    if (middleware->error)
        return middleware->error;
    if (!middleware->name) {
        tdm_log_error("middleware without a name");
        return -EINVAL;
    }
    if (is_started(router))
        return -EBUSY;
    tdm_middleware *grown = realloc(router->own, (router->own_count + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    grown[router->own_count++] = *middleware;
    router->own = grown;
    return 0;
}

int tdm_router_use(tdm_router *router, tdm_middleware middleware)
{
    int err = use(router, &middleware);
    if (err && middleware.drop)
        middleware.drop(middleware.arg);
    return err;
}

int tdm_app_use(tdm_app *app, tdm_middleware middleware)
{
    return tdm_router_use(app->routers.root, middleware);
}
