/* SPDX-License-Identifier: MIT */
/* The smallest service: one route, one reply. Port from the command line, else 8000. */
#include <tandem/tandem.h>

static int hello(tdm_request *req)
{
    return tdm_reply_text(req, 200, "Hello\n");
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (tdm_app_create(&app, &(tdm_app_options){.name = "hello", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int status = tdm_app_get(app, "/", hello) < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
