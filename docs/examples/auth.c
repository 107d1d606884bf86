/* SPDX-License-Identifier: MIT */
/* Who is asking: a part of a service for everybody, one for people with a password, one for programs with a token, and
 * one for browsers with a key in a cookie.
 *
 *     curl -i -u ada:secret http://127.0.0.1:8000/people/me
 *     curl -i -H 'Authorization: Bearer t0ken' http://127.0.0.1:8000/programs/me
 *     curl -i -b 'session=c00kie' http://127.0.0.1:8000/browsers/me
 *
 * A real service keeps neither passwords nor tokens in its source: `check` in place of `users` and `tokens` asks
 * whatever knows them. */
#include <string.h>

#include <tandem/tandem.h>

static const char *const users[] = {"ada:secret", "bob:hidden", NULL};
static const char *const tokens[] = {"t0ken", NULL}, *const sessions[] = {"c00kie", NULL};
static const char *const origins[] = {"https://app.example.org", NULL};

static int get_public(tdm_request *req)
{
    return tdm_reply_text(req, 200, "for everybody\n");
}

static int get_me(tdm_request *req)
{
    tdm_json_writer w;
    tdm_json_init(&w);
    tdm_json_object_begin(&w);
    tdm_json_key(&w, "user");
    tdm_json_string(&w, tdm_request_user(req));
    tdm_json_object_end(&w);
    int err = tdm_reply_json(req, 200, &w);
    tdm_json_finish(&w);
    return err;
}

static int add_guarded(tdm_app *app, const char *prefix, tdm_middleware guard)
{
    tdm_router *router;
    int err = tdm_router_create(&router, tdm_app_router(app), &(tdm_router_options){.prefix = prefix});
    if (err)
        guard.drop(guard.arg); /* nobody has it yet */
    else
        err = tdm_router_use(router, guard);
    return err ? err : tdm_router_get(router, "/me", get_me);
}

static int set_up(tdm_app *app)
{
    /* The order here is the order on the way in; the way out is the reverse. */
    int err = tdm_app_use(app, tdm_request_ids(NULL));
    if (!err)
        err = tdm_app_use(app, tdm_access_log(&(tdm_access_log_options){.json = true}));
    if (!err)
        err = tdm_app_use(app, tdm_cors(&(tdm_cors_options){.origins = origins, .credentials = true}));
    if (!err)
        err = tdm_app_use(app, tdm_gzip(NULL));
    if (!err)
        err = tdm_app_get(app, "/", get_public);
    if (!err)
        err = add_guarded(app, "/people", tdm_basic_auth(&(tdm_basic_options){.users = users, .realm = "people"}));
    if (!err)
        err = add_guarded(app, "/programs", tdm_bearer_auth(&(tdm_token_options){.tokens = tokens}));
    const tdm_token_options cookie = {.tokens = sessions, .in = TDM_COOKIE, .key = "session"};
    return err ? err : add_guarded(app, "/browsers", tdm_api_key(&cookie));
}

int main(int argc, char **argv)
{
    tdm_app *app;
    if (tdm_app_create(&app, &(tdm_app_options){.name = "auth", .port = argc > 1 ? argv[1] : NULL}) < 0)
        return 1;
    int status = set_up(app) < 0 ? 1 : tdm_app_main(app);
    tdm_app_destroy(&app);
    return status;
}
