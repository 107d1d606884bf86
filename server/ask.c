/* SPDX-License-Identifier: MIT */
/* DESIGN: what a handler or middleware may ask of its request. Nothing here changes what the client will see; what must
 * be parsed to be known (query, cookies) is parsed when it is first asked for. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include <tandem/clock.h>

#include "server/client.h"
#include "server/front.h"

uint64_t tdm_request_id(const tdm_request *req)
{
    return req->id;
}

const char *tdm_request_method(const tdm_request *req)
{
    return req->method;
}

const char *tdm_request_target(const tdm_request *req)
{
    return req->target;
}

const tdm_route *tdm_request_route(const tdm_request *req)
{
    return req->endpoint ? &req->endpoint->route : NULL;
}

void *tdm_request_params(const tdm_request *req)
{
    return req->params;
}

void *tdm_request_model(const tdm_request *req)
{
    return req->model;
}

static const char *value_of(const tdm__pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->list[i].name, name) == 0)
            return pairs->list[i].value;
    }
    return NULL;
}

const char *tdm_request_path(const tdm_request *req, const char *name)
{
    return value_of(&req->path_values, name);
}

const char *tdm_request_query(tdm_request *req, const char *name)
{
    return tdm__request_query(req) ? NULL : value_of(&req->query_pairs, name);
}

const char *tdm_request_cookie(tdm_request *req, const char *name)
{
    for (unsigned i = 0; i < req->field_count; i++) {
        tdm__pairs pairs = {0};
        if (strcasecmp(req->fields[i].name, "Cookie") != 0 ||
            tdm__cookies_parse(&req->arena, req->fields[i].value, &pairs))
            continue;
        const char *value = value_of(&pairs, name);
        if (value)
            return value;
    }
    return NULL;
}

const char *tdm_request_client(tdm_request *req)
{
    if (req->client || tdm__loop_current() != req->front->loop || !req->exchange) /* which is the loop's to look at */
        return req->client;
    char name[TDM__CLIENT_MAX];
    if (tdm__client_name(req->exchange, name))
        req->client = tdm__arena_string(&req->arena, name);
    return req->client;
}

tdm_app *tdm_request_app(const tdm_request *req)
{
    return req->front->app;
}

tdm_executor *tdm_request_executor(const tdm_request *req)
{
    return req->front->app->executor;
}

const char *tdm_request_header(const tdm_request *req, const char *name)
{
    for (unsigned i = 0; i < req->field_count; i++) {
        if (strcasecmp(req->fields[i].name, name) == 0)
            return req->fields[i].value;
    }
    return NULL;
}

int tdm_request_header_list(tdm_request *req, const char *name, const char **out)
{
    unsigned count = 0;
    size_t size = 0;
    *out = NULL;
    for (unsigned i = 0; i < req->field_count; i++) {
        if (strcasecmp(req->fields[i].name, name) != 0)
            continue;
        *out = req->fields[i].value;
        size += strlen(*out) + strlen(", ");
        count++;
    }
    if (count < 2)
        return 0;
    const char *between = "";
    char *list = tdm__arena_alloc(&req->arena, size + 1), *end = list;
    *out = list;
    for (unsigned i = 0; i < req->field_count && list; i++) {
        if (strcasecmp(req->fields[i].name, name) != 0)
            continue;
        end = stpcpy(stpcpy(end, between), req->fields[i].value);
        between = ", ";
    }
    return list ? 0 : -ENOMEM;
}

const void *tdm_request_body(const tdm_request *req, size_t *size)
{
    if (size)
        *size = req->body_size;
    return req->body;
}

bool tdm_request_gone(const tdm_request *req)
{
    return atomic_load_explicit(&req->gone, memory_order_relaxed);
}

bool tdm_request_half_closed(const tdm_request *req)
{
    return atomic_load_explicit(&req->half_closed, memory_order_relaxed);
}

int tdm_request_status(const tdm_request *req)
{
    return req->status;
}

double tdm_request_seconds(const tdm_request *req)
{
    return tdm_s_from_ns(tdm_clock_ns() - req->arrived_ns);
}

const char *tdm_request_trace(const tdm_request *req)
{
    return req->trace;
}

void *tdm_request_alloc(tdm_request *req, size_t size)
{
    return tdm__arena_alloc(&req->arena, size);
}

int tdm_request_keep(tdm_request *req, const void *key, void *value)
{
    tdm__kept *kept = tdm__arena_alloc(&req->arena, sizeof *kept);
    if (!kept)
        return -ENOMEM;
    *kept = (tdm__kept){req->kept, key, value};
    req->kept = kept;
    return 0;
}

void *tdm_request_kept(const tdm_request *req, const void *key)
{
    for (const tdm__kept *kept = req->kept; kept; kept = kept->next) {
        if (kept->key == key)
            return kept->value;
    }
    return NULL;
}
