/* SPDX-License-Identifier: MIT */
/* tandemd's endpoints, one file for each kind. Each call adds its routes. @return 0; or what tdm_app_route() says. */
#ifndef TANDEM_DAEMON_ROUTES_H
#define TANDEM_DAEMON_ROUTES_H

#include <tandem/app.h>

int routes_experiment(tdm_app *app); /* / and /sleep */
int routes_tasks(tdm_app *app);      /* /tasks */
int routes_stats(tdm_app *app);      /* /stats and /health */

static inline int routes_add(tdm_app *app, const tdm_route *routes, size_t count)
{
    int err = 0;
    for (size_t i = 0; i < count && !err; i++)
        err = tdm_app_route(app, &routes[i]);
    return err;
}

#endif
