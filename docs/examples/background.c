/* SPDX-License-Identifier: MIT */
/* A sign-up that answers at once and sends its mail afterwards:
 *
 *     curl -i -X POST 'http://127.0.0.1:8000/signup?to=ada@example.org'
 *
 * The same function would run on the worker pool with `.lane = TDM_POOL`; nothing in it would change. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/tandem.h>

struct signup {
    const char *to;
};

static const tdm_param signup_params[] = {
    {.name = "to", .type = TDM_STRING, .offset = offsetof(struct signup, to)},
    {0},
};

static int send_mail(tdm_task *task, void *arg)
{
    (void) task;
    if (tdm_sleep(0.2) < 0) /* yields on the loop, blocks on a worker */
        return -ECANCELED;
    tdm_log_info("mail to %s sent", (const char *) arg);
    return 0;
}

static int signup(tdm_request *req)
{
    const struct signup *params = tdm_request_params(req);
    char *to = strdup(params->to);
    if (!to)
        return -ENOMEM;
    tdm_task_spec mail = {.name = "send_mail", .run = send_mail, .arg = to, .drop = free, .lane = TDM_LOOP};
    int err = tdm_background(req, &mail);
    if (err) { /* no room: the argument is still ours, and the client gets 503 */
        free(to);
        return err;
    }
    return tdm_reply_json_text(req, 202, "{\"status\":\"accepted\"}"); /* goes out now; the task starts after it */
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (tdm_app_create(&app, &(tdm_app_options){.name = "background", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int err = tdm_app_route(app, &(tdm_route){.method = "POST",
                                              .path = "/signup",
                                              .run = signup,
                                              .params = signup_params,
                                              .params_size = sizeof(struct signup)});
    int status = err < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
