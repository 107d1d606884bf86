/* SPDX-License-Identifier: MIT */
/* DESIGN: the document is made from the routes and nothing else, so it cannot say anything that is not so. It is
 * written once, when the app starts. Two things of ours OpenAPI cannot say: two routes whose paths differ only in the
 * kinds of their parameters are one path to it (the first is shown), and so are two that name a parameter differently
 * (the first one's names are shown for both). */
#include "server/openapi/document.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/front.h"
#include "server/openapi/operation.h"
#include "server/openapi/schema.h"

static void write_pair(tdm_json_writer *w, const char *key, const char *value)
{
    tdm_json_key(w, key);
    tdm_json_string(w, value);
}

/* ---- paths ---- */

/* The same path, whatever their parameters are called and take? */
static bool same_shape(const char *a, const char *b)
{
    while (*a && *b) {
        tdm__part x, y;
        tdm__why why;
        size_t a_size = tdm__part_length(++a), b_size = tdm__part_length(++b);
        if (tdm__part_read(a, &x, &why) || tdm__part_read(b, &y, &why))
            return false;
        bool literal = x.kind == TDM__LITERAL;
        if (literal != (y.kind == TDM__LITERAL) ||
            (literal && (x.size != y.size || memcmp(x.text, y.text, x.size) != 0)))
            return false;
        a += a_size;
        b += b_size;
    }
    return *a == *b;
}

/* The first endpoint to be shown whose path has the same shape. */
static const tdm__endpoint *first_like(const tdm__router *tree, const tdm__endpoint *endpoint)
{
    const tdm__endpoint *e = tree->first;
    while (e->route.hidden || !same_shape(e->route.path, endpoint->route.path))
        e = e->later;
    return e;
}

/* Is there an earlier one of the same shape and method? */
static bool is_covered(const tdm__router *tree, const tdm__endpoint *endpoint)
{
    for (const tdm__endpoint *e = tree->first; e != endpoint; e = e->later) {
        if (!e->route.hidden && strcmp(e->route.method, endpoint->route.method) == 0 &&
            same_shape(e->route.path, endpoint->route.path))
            return true;
    }
    return false;
}

/* "/items/{id:int}" as "/items/{id}" */
static void write_path_key(tdm_json_writer *w, const char *path)
{
    char text[1024];
    size_t at = 0;
    for (const char *p = path; *p && at < sizeof text - 1; p++) {
        if (*p == ':') { /* a colon is in a parameter, unless it is outside braces */
            const char *open = p;
            while (open > path && *open != '{' && *open != '/')
                open--;
            if (*open == '{')
                p += strcspn(p, "}");
        }
        text[at++] = *p;
    }
    text[at] = '\0';
    tdm_json_key(w, text);
}

static void write_method(tdm_json_writer *w, const char *method)
{
    char lower[16];
    size_t i = 0;
    for (; i < sizeof lower - 1 && method[i]; i++)
        lower[i] = (char) tolower((unsigned char) method[i]);
    lower[i] = '\0';
    tdm_json_key(w, lower);
}

static void write_paths(tdm_json_writer *w, const tdm__router *tree)
{
    tdm_json_key(w, "paths");
    tdm_json_object_begin(w);
    for (const tdm__endpoint *path = tree->first; path; path = path->later) {
        if (path->route.hidden || first_like(tree, path) != path)
            continue;
        write_path_key(w, path->route.path);
        tdm_json_object_begin(w);
        for (const tdm__endpoint *e = path; e; e = e->later) {
            if (e->route.hidden || !same_shape(e->route.path, path->route.path) || is_covered(tree, e))
                continue;
            write_method(w, e->route.method);
            tdm__operation_write(w, tree, e, path);
        }
        tdm_json_object_end(w);
    }
    tdm_json_object_end(w);
}

/* ---- components ---- */

/* FastAPI's own, which the 422 refers to. */
static const char validation_schemas[] =
    "{\"type\":\"object\",\"title\":\"HTTPValidationError\",\"properties\":{\"detail\":{\"type\":\"array\",\"items\":{"
    "\"$ref\":\"#/components/schemas/ValidationError\"}}}}";
static const char validation_entry[] =
    "{\"type\":\"object\",\"title\":\"ValidationError\",\"properties\":{\"type\":{\"type\":\"string\"},\"loc\":{"
    "\"type\":\"array\",\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}},\"msg\":{\"type\":"
    "\"string\"},\"input\":{},\"ctx\":{\"type\":\"object\"}},\"required\":[\"type\",\"loc\",\"msg\"]}";
static const char error_schema[] = "{\"type\":\"object\",\"title\":\"Error\",\"properties\":{\"detail\":{\"type\":"
                                   "\"string\"}},\"required\":[\"detail\"]}";

static void write_schemas(tdm_json_writer *w, const tdm__plans *plans)
{
    tdm_json_key(w, "schemas");
    tdm_json_object_begin(w);
    for (const tdm__plan *plan = plans->first; plan; plan = plan->next) {
        if (!plan->schema || !plan->ready)
            continue;
        tdm_json_key(w, plan->schema->name);
        tdm__schema_object(w, plan->schema);
    }
    tdm_json_key(w, "HTTPValidationError");
    tdm_json_raw(w, validation_schemas);
    tdm_json_key(w, "ValidationError");
    tdm_json_raw(w, validation_entry);
    tdm_json_key(w, "HTTPError");
    tdm_json_raw(w, error_schema);
    tdm_json_object_end(w);
}

static void write_scheme(tdm_json_writer *w, const tdm_security *security)
{
    tdm_json_key(w, security->name);
    tdm_json_object_begin(w);
    write_pair(w, "type", security->type);
    if (strcmp(security->type, "http") == 0) {
        write_pair(w, "scheme", security->scheme);
    } else {
        write_pair(w, "in", security->in);
        write_pair(w, "name", security->key);
    }
    tdm_json_object_end(w);
}

/* Is it the first of its name among all routers' middleware? */
static bool is_first(const tdm__routers *routers, const tdm_security *security)
{
    for (const tdm_router *router = routers->newest; router; router = router->next) {
        for (unsigned i = 0; i < router->own_count; i++) {
            const tdm_security *other = router->own[i].security;
            if (other == security)
                return true;
            if (other && strcmp(other->name, security->name) == 0)
                return false;
        }
    }
    return false;
}

static void write_security(tdm_json_writer *w, const tdm__routers *routers)
{
    bool any = false;
    for (const tdm_router *router = routers->newest; router; router = router->next) {
        for (unsigned i = 0; i < router->own_count; i++) {
            const tdm_security *security = router->own[i].security;
            if (!security || !is_first(routers, security))
                continue;
            if (!any) {
                tdm_json_key(w, "securitySchemes");
                tdm_json_object_begin(w);
            }
            any = true;
            write_scheme(w, security);
        }
    }
    if (any)
        tdm_json_object_end(w);
}

void tdm__openapi_write(tdm_json_writer *w, const struct tdm_app *app)
{
    tdm_json_object_begin(w);
    write_pair(w, "openapi", "3.1.0");
    tdm_json_key(w, "info");
    tdm_json_object_begin(w);
    write_pair(w, "title", app->options.title ? app->options.title : app->name);
    write_pair(w, "version", app->version);
    if (app->options.description)
        write_pair(w, "description", app->options.description);
    tdm_json_object_end(w);
    write_paths(w, &app->routers.tree);
    tdm_json_key(w, "components");
    tdm_json_object_begin(w);
    write_schemas(w, &app->routers.plans);
    write_security(w, &app->routers);
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}
