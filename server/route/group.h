/* SPDX-License-Identifier: MIT */
/* Routers as the app's owner sees them: prefixes, tags and middleware around routes. Before the start only one thread
 * touches them; after that they are only read. */
#ifndef TANDEM_SERVER_ROUTE_GROUP_H
#define TANDEM_SERVER_ROUTE_GROUP_H

#include <tandem/middleware.h>

#include "server/route/router.h"

/* Middleware of a router and its parents, outermost first. */
typedef struct tdm__chain {
    const tdm_middleware **list;
    unsigned count;
} tdm__chain;

struct tdm_router {
    struct tdm_app *app;
    tdm_router *parent, *next; /* `next`: made before this one */
    char *prefix;              /* with the parents' */
    const char *const *tags;
    tdm_middleware *own;
    unsigned own_count;
    tdm__chain chain; /* made by tdm__routers_freeze() */
};

/* What an app has of routes: zeroed is nothing. */
typedef struct tdm__routers {
    tdm_router *newest, *root;
    tdm__router tree;
    tdm__plans plans;
} tdm__routers;

/* @return 0; -ENOMEM. */
int tdm__routers_init(tdm__routers *routers, struct tdm_app *app);
void tdm__routers_finish(tdm__routers *routers);
/* No more will be added: make every router's chain. @return 0; -ENOMEM. */
int tdm__routers_freeze(tdm__routers *routers);

#endif
