/* SPDX-License-Identifier: MIT */
/* DESIGN: the document and the page are ordinary routes of the app's own router, so its middleware (who may see them,
 * gzip) stands around them too. The page is three embedded files that ask for nothing outside; its policy
 * (Content-Security-Policy) lets it run its own script and no other. Its addresses are relative, so that it works
 * behind a proxy that takes a prefix away. */
#include "server/openapi/docs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tandem/log.h>

#include "server/front.h"
#include "server/openapi/assets.h"
#include "server/openapi/document.h"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
                             "'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const char *or_default(const char *text, const char *fallback)
{
    return text ? text : fallback;
}

static int get_document(tdm_request *req)
{
    const tdm_app *app = req->front->app;
    return tdm_reply(req, 200, "application/json", app->docs.text, app->docs.size);
}

static int send_asset(tdm_request *req, const char *type, const char *bytes, size_t size)
{
    int err = tdm_reply_header(req, "Content-Security-Policy", policy);
    if (!err)
        err = tdm_reply_header(req, "X-Content-Type-Options", "nosniff");
    if (!err)
        err = tdm_reply_header(req, "Cache-Control", "no-cache");
    return err ? err : tdm_reply(req, 200, type, bytes, size);
}

static int get_page(tdm_request *req)
{
    const char *page = req->front->app->docs.page;
    return send_asset(req, "text/html; charset=utf-8", page, strlen(page));
}

static int get_style(tdm_request *req)
{
    return send_asset(req, "text/css; charset=utf-8", tdm__asset_page_css, tdm__asset_page_css_size);
}

static int get_script(tdm_request *req)
{
    return send_asset(req, "text/javascript; charset=utf-8", tdm__asset_page_js, tdm__asset_page_js_size);
}

/* ---- making them ---- */

static bool is_taken(const struct tdm_app *app, const char *path)
{
    for (const tdm__endpoint *e = app->routers.tree.first; e; e = e->later) {
        if (strcmp(e->route.method, "GET") == 0 && strcmp(e->route.path, path) == 0)
            return true;
    }
    return false;
}

static int add(struct tdm_app *app, const char *path, const char *more, tdm_handler_fn *run)
{
    char whole[512];
    size_t size = strlen(path);
    int n = snprintf(whole, sizeof whole, "%.*s%s", (int) (size && path[size - 1] == '/' && *more ? size - 1 : size),
                     path, more);
    if (n < 0 || (size_t) n >= sizeof whole)
        return -EINVAL;
    if (is_taken(app, whole))
        return 0;
    return tdm_app_route(app, &(tdm_route){.method = "GET", .path = whole, .run = run, .name = "docs", .hidden = true});
}

static char *put_escaped(char *to, const char *text)
{
    for (; *text; text++) {
        const char *escape = *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : *text == '"' ? "&quot;" : NULL;
        size_t size = escape ? strlen(escape) : 1;
        memcpy(to, escape ? escape : text, size);
        to += size;
    }
    return to;
}

/* From the page at "/a/docs" to "/a/openapi.json": "openapi.json". Where they have no directory in common, the address
 * from the root. */
static const char *relative(const char *from, const char *to)
{
    size_t directory = (size_t) (strrchr(from, '/') - from) + 1;
    return strncmp(from, to, directory) == 0 && !strchr(to + directory, '/') ? to + directory : to;
}

/* The page's own last segment, from where its parts are found. */
static const char *base_of(const char *docs)
{
    const char *last = strrchr(docs, '/') + 1;
    return *last ? last : "."; /* "/" itself, or another with a slash at its end */
}

/* The page with its places filled in. */
static char *make_page(const struct tdm_app *app, const char *docs, const char *openapi)
{
    const char *title = or_default(app->options.title, app->name);
    const struct {
        const char *mark, *text;
    } places[] = {
        {"@TITLE@", title}, {"@BASE@", base_of(docs)}, {"@OPENAPI@", relative(docs, openapi)}, {"@PATH@", openapi}};
    size_t room = tdm__asset_page_html_size + 1;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        room += 4 * 6 * strlen(places[i].text); /* each stands in the page at most four times */
    char *page = malloc(room), *to = page;
    if (!page)
        return NULL;
    for (const char *p = tdm__asset_page_html; *p;) {
        size_t i = 0;
        while (i < sizeof places / sizeof places[0] && strncmp(p, places[i].mark, strlen(places[i].mark)) != 0)
            i++;
        if (i < sizeof places / sizeof places[0]) {
            to = put_escaped(to, places[i].text);
            p += strlen(places[i].mark);
        } else {
            *to++ = *p++;
        }
    }
    *to = '\0';
    return page;
}

int tdm__docs_add(struct tdm_app *app)
{
    const char *openapi = or_default(app->options.openapi, "/openapi.json");
    const char *docs = or_default(app->options.docs, "/docs");
    if (!*openapi)
        return 0;
    int err = add(app, openapi, "", get_document);
    if (err || !*docs || is_taken(app, docs))
        return err;
    free(app->docs.page); /* of a start that failed */
    app->docs.page = *docs == '/' ? make_page(app, docs, openapi) : NULL;
    if (*docs == '/' && !app->docs.page)
        return -ENOMEM;
    err = add(app, docs, "", get_page); /* first: it says what is wrong with the path, if anything is */
    if (!err)
        err = add(app, docs, "/page.css", get_style);
    if (!err)
        err = add(app, docs, "/page.js", get_script);
    return err;
}

int tdm__docs_write(struct tdm_app *app)
{
    tdm_json_finish(&app->docs.document);
    tdm__openapi_write(&app->docs.document, app);
    int err = tdm_json_error(&app->docs.document);
    app->docs.text = tdm_json_text(&app->docs.document, &app->docs.size); /* once: loops only read */
    if (err)
        tdm_log_error("the OpenAPI document cannot be written: %s", strerror(-err));
    return err;
}

void tdm__docs_finish(struct tdm_app *app)
{
    tdm_json_finish(&app->docs.document);
    free(app->docs.page);
}
