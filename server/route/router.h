/* SPDX-License-Identifier: MIT */
/* The router: from a method and a path to an endpoint and the values in the path.
 *
 * Filled before the app starts; after that only read, from any thread. */
#ifndef TANDEM_SERVER_ROUTE_ROUTER_H
#define TANDEM_SERVER_ROUTE_ROUTER_H

#include <stdatomic.h>

#include <tandem/route.h>

#include "server/route/path.h"
#include "server/schema/plan.h"
#include "server/schema/query.h"

#define TDM__ALLOW_MAX 128

/* A route made ready. */
typedef struct tdm__endpoint {
    struct tdm__endpoint *next;  /* of the same path, with another method */
    struct tdm__endpoint *later; /* added after this one, by whatever path */
    tdm_route route;             /* its path is the whole one, prefix included */
    tdm_router *router;          /* under which it stands */
    const tdm__plan *params, *body, *reply;
    const char *names[TDM__MAX_PATH_VALUES]; /* of the path's parameters, in order */
    size_t name_sizes[TDM__MAX_PATH_VALUES];
    tdm__kind kinds[TDM__MAX_PATH_VALUES];
    size_t name_count;
    atomic_uint waiters; /* handlers that wait for room for their tasks */
    char text[];         /* the path, then the names */
} tdm__endpoint;

typedef struct tdm__router {
    struct tdm__node *root;
    tdm__endpoint *first, *last; /* in the order they were added */
} tdm__router;

/* Zeroed is an empty router. Endpoints that were added are freed with it. */
void tdm__router_finish(tdm__router *router);

/* A route with its path behind `prefix`. @return 0; -EINVAL, and *why says what is wrong; -ENOMEM. */
int tdm__endpoint_create(tdm__endpoint **out, const tdm_route *route, const char *prefix, tdm__why *why);

/* @return 0: the router owns it; -EEXIST: another takes the same method and paths, and *why names it; -ENOMEM. */
int tdm__router_add(tdm__router *router, tdm__endpoint *endpoint, tdm__why *why);

typedef struct tdm__match {
    tdm__endpoint *endpoint;
    tdm__pairs values;          /* the path's parameters, decoded, in the arena */
    char allow[TDM__ALLOW_MAX]; /* on -EPERM: "GET, HEAD, OPTIONS" */
} tdm__match;

/* Find the endpoint for a path (without its query).
 * @return 0; -ENOENT: no such path; -EPERM: the path is there, the method is not; -EINVAL: see tandem/route.h;
 *         -ENOMEM. */
int tdm__router_find(const tdm__router *router, tdm__arena *arena, const char *method, const char *path,
                     size_t path_size, tdm__match *out);

#endif
