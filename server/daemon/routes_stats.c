/* SPDX-License-Identifier: MIT */
/* DESIGN: what the server did, and whether it should get more. `/health` is asked by machines that route traffic, so it
 * turns to 503 with the first step of a drain and must not be kept by a cache. */
#include <errno.h>
#include <stdlib.h>

#include "server/daemon/routes.h"
#include "server/daemon/rows.h"

static int get_stats(tdm_request *req)
{
    tdm_stats *stats = malloc(sizeof *stats); /* too large for a fiber's stack */
    if (!stats)
        return -ENOMEM;
    int err = tdm_stats_get(tdm_request_executor(req), stats);
    if (!err) {
        tdm_app_stats app;
        tdm_app_stats_get(tdm_request_app(req), &app);
        tdm_json_writer w;
        tdm_json_init(&w);
        write_stats(&w, stats, &app);
        err = tdm_reply_json(req, 200, &w);
        tdm_json_finish(&w);
    }
    free(stats);
    return err;
}

static int post_stats_reset(tdm_request *req)
{
    int err = tdm_stats_reset(tdm_request_executor(req));
    return err ? err : tdm_reply_json_text(req, 200, "{\"status\":\"reset\"}");
}

static int get_health(tdm_request *req)
{
    int err = tdm_reply_header(req, "Cache-Control", "no-store");
    if (err)
        return err;
    if (tdm_app_draining(tdm_request_app(req)))
        return tdm_reply_json_text(req, 503, "{\"status\":\"draining\"}");
    return tdm_reply_json_text(req, 200, "{\"status\":\"ok\"}");
}

static const char *const tags[] = {"server", NULL};
static const tdm_reply_doc draining[] = {{503, "It is stopping", NULL}, {0}};

static const tdm_route routes[] = {
    {.method = "GET", .path = "/stats", .run = get_stats, .tags = tags, .summary = "What the server did"},
    {.method = "POST",
     .path = "/stats/reset",
     .run = post_stats_reset,
     .tags = tags,
     .summary = "Begin a new window of the stats"},
    {.method = "GET",
     .path = "/health",
     .run = get_health,
     .tags = tags,
     .other = draining,
     .summary = "Should it get more requests?"},
};

int routes_stats(tdm_app *app)
{
    return routes_add(app, routes, sizeof routes / sizeof routes[0]);
}
