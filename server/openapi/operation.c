/* SPDX-License-Identifier: MIT */
/* DESIGN: what a client may send to a route and what comes back. Besides what the route says, a reply is listed that
 * the library gives by itself: 422 where values are checked, 401 where somebody asks who is there, 503 where there may
 * be no room is left to the description, since every route can give it. */
#include "server/openapi/operation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/openapi/schema.h"
#include "server/status.h"

#define ID_MAX 256

static void write_pair(tdm_json_writer *w, const char *key, const char *value)
{
    tdm_json_key(w, key);
    tdm_json_string(w, value);
}

/* ---- a name for programs ---- */

static void make_id(char out[ID_MAX], const tdm__endpoint *e)
{
    size_t at = 0;
    for (const char *p = e->route.method; *p && at < ID_MAX - 2; p++)
        out[at++] = (char) tolower((unsigned char) *p);
    for (const char *p = e->route.path; *p && at < ID_MAX - 2; p++) {
        bool plain = isalnum((unsigned char) *p);
        if (plain || out[at - 1] != '_')
            out[at++] = plain ? *p : '_';
    }
    while (out[at - 1] == '_')
        at--;
    out[at] = '\0';
}

/* Ids are unique: where the same one came before, a number goes behind. */
static void write_id(tdm_json_writer *w, const tdm__router *tree, const tdm__endpoint *endpoint)
{
    char id[ID_MAX], other[ID_MAX];
    unsigned before = 0;
    make_id(id, endpoint);
    for (const tdm__endpoint *e = tree->first; e != endpoint; e = e->later) {
        make_id(other, e);
        before += strcmp(id, other) == 0;
    }
    char whole[ID_MAX + 16];
    snprintf(whole, sizeof whole, before ? "%s__%u" : "%s", id, before + 1);
    write_pair(w, "operationId", whole);
}

/* ---- what it takes ---- */

static void write_parameter(tdm_json_writer *w, const tdm_field *field, const char *name)
{
    static const char *const places[] = {"query", "path", "header", "cookie"};
    tdm_json_object_begin(w);
    write_pair(w, "name", name);
    write_pair(w, "in", places[field->in]);
    tdm_json_key(w, "required");
    tdm_json_bool(w, !field->optional && !field->fallback);
    if (field->summary)
        write_pair(w, "description", field->summary);
    tdm_json_key(w, "schema");
    tdm__schema_field(w, field, false);
    tdm_json_object_end(w);
}

static const tdm_field *field_of(const tdm__endpoint *e, const char *name)
{
    for (const tdm_field *field = e->route.params; field && field->name; field++) {
        if (field->in == TDM_PATH && strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static void write_path_parameters(tdm_json_writer *w, const tdm__endpoint *e, const tdm__endpoint *path)
{
    for (size_t i = 0; i < e->name_count; i++) {
        const tdm_field *field = field_of(e, e->names[i]);
        if (field) {
            write_parameter(w, field, path->names[i]);
            continue;
        }
        tdm_json_object_begin(w);
        write_pair(w, "name", path->names[i]);
        write_pair(w, "in", "path");
        tdm_json_key(w, "required");
        tdm_json_bool(w, true);
        tdm_json_key(w, "schema");
        tdm__schema_kind(w, e->kinds[i]);
        tdm_json_object_end(w);
    }
}

static void write_parameters(tdm_json_writer *w, const tdm__endpoint *e, const tdm__endpoint *path)
{
    tdm_json_key(w, "parameters");
    tdm_json_array_begin(w);
    write_path_parameters(w, e, path);
    for (const tdm_field *field = e->route.params; field && field->name; field++) {
        if (field->in != TDM_PATH)
            write_parameter(w, field, field->name);
    }
    tdm_json_array_end(w);
}

/* {TYPE: {"schema": …}} */
static void write_content(tdm_json_writer *w, const char *type, const tdm_schema *schema)
{
    tdm_json_key(w, "content");
    tdm_json_object_begin(w);
    tdm_json_key(w, type);
    tdm_json_object_begin(w);
    if (schema) {
        tdm_json_key(w, "schema");
        tdm__schema_ref(w, schema->name);
    }
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}

static void write_body(tdm_json_writer *w, const tdm_route *route)
{
    if (!route->body && !route->body_type)
        return;
    tdm_json_key(w, "requestBody");
    tdm_json_object_begin(w);
    tdm_json_key(w, "required");
    tdm_json_bool(w, true);
    write_content(w, route->body ? "application/json" : route->body_type, route->body);
    tdm_json_object_end(w);
}

/* ---- what comes back ---- */

static void begin_reply(tdm_json_writer *w, int status, const char *summary)
{
    char key[16];
    snprintf(key, sizeof key, "%d", status);
    tdm_json_key(w, key);
    tdm_json_object_begin(w);
    write_pair(w, "description", summary ? summary : tdm__status_phrase(status));
}

static bool has_reply(const tdm_route *route, int status)
{
    for (const tdm_reply_doc *doc = route->other; doc && doc->status; doc++) {
        if (doc->status == status)
            return true;
    }
    return (route->status ? route->status : 200) == status;
}

/* One that the library gives by itself. */
static void write_own(tdm_json_writer *w, const tdm_route *route, int status, const char *schema)
{
    if (has_reply(route, status))
        return;
    const tdm_schema named = {.name = schema};
    begin_reply(w, status, status == 422 ? "Validation Error" : NULL);
    write_content(w, "application/json", &named);
    tdm_json_object_end(w);
}

static bool is_guarded(const tdm__endpoint *e)
{
    for (unsigned i = 0; i < e->router->chain.count; i++) {
        if (e->router->chain.list[i]->security)
            return true;
    }
    return false;
}

static void write_replies(tdm_json_writer *w, const tdm__endpoint *e)
{
    const tdm_route *route = &e->route;
    int status = route->status ? route->status : 200;
    bool bodiless = status == 204 || status == 304;
    tdm_json_key(w, "responses");
    tdm_json_object_begin(w);
    begin_reply(w, status, NULL);
    if (!bodiless)
        write_content(w, route->reply_type ? route->reply_type : "application/json", route->reply);
    tdm_json_object_end(w);
    for (const tdm_reply_doc *doc = route->other; doc && doc->status; doc++) {
        const tdm_schema error = {.name = "HTTPError"};
        begin_reply(w, doc->status, doc->summary);
        if (doc->schema || doc->status >= 400)
            write_content(w, "application/json", doc->schema ? doc->schema : &error);
        tdm_json_object_end(w);
    }
    if (is_guarded(e))
        write_own(w, route, 401, "HTTPError");
    if (e->params || e->body)
        write_own(w, route, 422, "HTTPValidationError");
    tdm_json_object_end(w);
}

/* Does an outer one ask for the same scheme? */
static bool is_named_before(const tdm__chain *chain, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        const tdm_security *security = chain->list[i]->security;
        if (security && strcmp(security->name, chain->list[at]->security->name) == 0)
            return true;
    }
    return false;
}

static void write_security(tdm_json_writer *w, const tdm__endpoint *e)
{
    if (!is_guarded(e))
        return;
    tdm_json_key(w, "security");
    tdm_json_array_begin(w);
    tdm_json_object_begin(w);
    for (unsigned i = 0; i < e->router->chain.count; i++) {
        const tdm_security *security = e->router->chain.list[i]->security;
        if (!security || is_named_before(&e->router->chain, i))
            continue;
        tdm_json_key(w, security->name);
        tdm_json_array_begin(w);
        tdm_json_array_end(w);
    }
    tdm_json_object_end(w);
    tdm_json_array_end(w);
}

void tdm__operation_write(tdm_json_writer *w, const tdm__router *tree, const tdm__endpoint *e,
                          const tdm__endpoint *path)
{
    const tdm_route *route = &e->route;
    tdm_json_object_begin(w);
    if (route->tags && route->tags[0]) {
        tdm_json_key(w, "tags");
        tdm_json_array_begin(w);
        for (const char *const *tag = route->tags; *tag; tag++)
            tdm_json_string(w, *tag);
        tdm_json_array_end(w);
    }
    write_pair(w, "summary", route->summary ? route->summary : route->name ? route->name : route->path);
    if (route->description)
        write_pair(w, "description", route->description);
    write_id(w, tree, e);
    write_parameters(w, e, path);
    write_body(w, route);
    write_replies(w, e);
    write_security(w, e);
    tdm_json_object_end(w);
}
