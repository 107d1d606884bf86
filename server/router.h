/* SPDX-License-Identifier: MIT */
/* The router: from a method and a path to a route and the values in the path.
 *
 * Filled before the app starts; after that only read, from any thread. */
#ifndef TANDEM_SERVER_ROUTER_H
#define TANDEM_SERVER_ROUTER_H

#include <tandem/route.h>

#include "server/query.h"

#define TDM__MAX_PATH_VALUES 16
#define TDM__ALLOW_MAX 128

typedef struct tdm__router {
    struct tdm__node *root;
} tdm__router;

/* Zeroed is an empty router. */
void tdm__router_finish(tdm__router *router);

/* @return 0; -EEXIST: the same method and shape of path is there; -EINVAL, and *why says what is wrong; -ENOMEM. */
int tdm__router_add(tdm__router *router, const tdm_route *route, const char **why);

typedef struct tdm__match {
    const tdm_route *route;
    tdm__pairs values;          /* the path's parameters, decoded, in the arena */
    char allow[TDM__ALLOW_MAX]; /* on -EPERM: "GET, HEAD" */
} tdm__match;

/* Find the route for a path (without its query). HEAD finds GET's route where it has none of its own. A literal segment
 * wins over a {parameter}; a parameter takes one segment that is not empty.
 * @return 0; -ENOENT: no such path; -EPERM: the path is there, the method is not; -EINVAL: a broken escape or a NUL;
 *         -ENOMEM. */
int tdm__router_find(const tdm__router *router, tdm__arena *arena, const char *method, const char *path,
                     size_t path_size, tdm__match *out);

#endif
