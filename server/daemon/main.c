/* SPDX-License-Identifier: MIT */
/* DESIGN: tandemd, the daemon that shows what libtandem does: an ordinary user of the library's public headers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tandem/tandem.h>

#include "server/daemon/options.h"
#include "server/daemon/routes.h"

enum { STARTED_WRONG = 1, WRONG_USAGE = 2 };

static int add_routes(tdm_app *app)
{
    int err = routes_experiment(app);
    if (!err)
        err = routes_tasks(app);
    return err ? err : routes_stats(app);
}

/* @return the exit status. */
static int serve(daemon_options *options)
{
    tdm_app_options app_options = daemon_options_for_app(options);
    tdm_app *app = NULL;
    int err = tdm_app_create(&app, &app_options);
    if (!err)
        err = add_routes(app);
    if (err) {
        tdm_log_error("tandemd cannot start: %s", strerror(-err));
        tdm_app_destroy(&app);
        return STARTED_WRONG;
    }
    int status = tdm_app_main(app);
    if (tdm_app_destroy(&app) == -EBUSY) { /* abandoned tasks still run: nothing may be taken from under them */
        tdm_log_flush();
        _exit(status);
    }
    return status;
}

int main(int argc, char **argv)
{
    daemon_options options = {0};
    int err = daemon_options_parse(&options, argc, argv);
    if (err)
        return err > 0 ? 0 : WRONG_USAGE;
    tdm_log_options log = daemon_options_for_log(&options);
    err = tdm_log_start(&log);
    if (err) {
        fprintf(stderr, "tandemd: cannot start the log: %s\n", strerror(-err));
        return STARTED_WRONG;
    }
    int status = serve(&options);
    tdm_log_stop();
    return status;
}
