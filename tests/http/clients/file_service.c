/* SPDX-License-Identifier: MIT */
/* A directory as a service, at /files, with a short time for slow readers; /stats counts as tandemd's does.
 * file_service TRANSPORT DIRECTORY */
#include <stdio.h>
#include <string.h>

#include <tandem/tandem.h>

static int get_stats(tdm_request *req)
{
    char text[200];
    tdm_app_stats is;
    tdm_app_stats_get(tdm_request_app(req), &is);
    snprintf(text, sizeof text,
             "{\"http\":{\"connections\":%llu,\"accepted\":%llu,\"requests\":%llu,\"refused\":%llu}}",
             (unsigned long long) is.connections, (unsigned long long) is.accepted, (unsigned long long) is.requests,
             (unsigned long long) is.refused);
    return tdm_reply_json_text(req, 200, text);
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (argc != 3)
        return 2;
    tdm_app_options options = {.name = "file_service",
                               .port = "0",
                               .transport = strcmp(argv[1], "direct") == 0 ? TDM_DIRECT : TDM_EVHTTP,
                               .write_timeout = 2};
    if (tdm_app_create(&app, &options) < 0)
        return 1;
    int err = tdm_router_static(tdm_app_router(app), "/files", &(tdm_static_options){.directory = argv[2]});
    if (!err)
        err = tdm_app_get(app, "/stats", get_stats);
    int status = err < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
