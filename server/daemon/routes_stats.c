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

int routes_stats(tdm_app *app)
{
    int err = tdm_app_get(app, "/stats", get_stats);
    if (!err)
        err = tdm_app_post(app, "/stats/reset", post_stats_reset);
    return err ? err : tdm_app_get(app, "/health", get_health);
}
