/* SPDX-License-Identifier: MIT */
/* DESIGN: what came with a request, against what its route declares: one answer lists all that is wrong with parameters
 * and body together. It is done on the loop before the handler starts, but a large body for a handler on the pool is
 * left to the pool, because checking a megabyte would hold the loop; its problems come in an answer of their own. */
#include "server/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "server/schema/body.h"

#define LARGE_BODY ((size_t) 64 << 10)

int tdm__request_query(tdm_request *req)
{
    if (req->query_parsed)
        return 0;
    int err = tdm__query_parse(&req->arena, req->query, req->query_size, &req->query_pairs);
    req->query_parsed = !err;
    return err;
}

static int collect_headers(tdm_request *req, tdm__pairs *out)
{
    out->list = tdm__arena_alloc(&req->arena, (req->field_count + 1) * sizeof *out->list);
    if (!out->list)
        return -ENOMEM;
    out->count = req->field_count;
    for (unsigned i = 0; i < req->field_count; i++) {
        const tdm__field *field = &req->fields[i];
        out->list[i] = (tdm__pair){field->name, field->value, strlen(field->name), strlen(field->value)};
    }
    return 0;
}

static int collect_cookies(tdm_request *req, tdm__pairs *out)
{
    int err = 0;
    for (unsigned i = 0; i < req->field_count && !err; i++) {
        if (strcasecmp(req->fields[i].name, "Cookie") == 0)
            err = tdm__cookies_parse(&req->arena, req->fields[i].value, out);
    }
    return err;
}

static int collect(tdm_request *req, const tdm__plan *plan, tdm__sources *sources)
{
    int err = 0;
    memset(sources, 0, sizeof *sources);
    sources->from[TDM_PATH] = req->path_values;
    if (plan->places[TDM_QUERY])
        err = tdm__request_query(req);
    sources->from[TDM_QUERY] = req->query_pairs;
    if (!err && plan->places[TDM_HEADER])
        err = collect_headers(req, &sources->from[TDM_HEADER]);
    if (!err && plan->places[TDM_COOKIE])
        err = collect_cookies(req, &sources->from[TDM_COOKIE]);
    return err;
}

/* Below, 0 is "go on", ANSWERED that the client has its answer, a negative errno that none could be made. */
enum { ANSWERED = 1 };

static int refuse(tdm_request *req, int status, const char *detail)
{
    int err = tdm_reply_error(req, status, detail);
    return req->replied ? ANSWERED : err;
}

static int fill_params(tdm_request *req, tdm__problems *problems)
{
    const tdm__plan *plan = req->endpoint->params;
    tdm__sources sources;
    int err = collect(req, plan, &sources);
    if (err == -EINVAL)
        return refuse(req, 400, "The query is not valid percent-encoding");
    if (err == -E2BIG)
        return refuse(req, 400, "The query or the cookies have too many parts");
    req->params = err ? NULL : tdm__arena_alloc(&req->arena, plan->size);
    if (!req->params || tdm__params_fill(plan, req->params, &sources, &req->arena, problems))
        return -EAGAIN;
    return 0;
}

/* "application/json", or anything that says it is JSON inside. */
static bool is_json(const char *type)
{
    size_t size = type ? strcspn(type, "; \t") : 0;
    if (size == strlen("application/json") && strncasecmp(type, "application/json", size) == 0)
        return true;
    return size > strlen("a/+json") && strncasecmp(type + size - strlen("+json"), "+json", strlen("+json")) == 0;
}

static int fill_model(tdm_request *req, tdm__problems *problems)
{
    const tdm__plan *plan = req->endpoint->body;
    if (req->body_size && !is_json(tdm_request_header(req, "Content-Type")))
        return refuse(req, 415, "The body must be JSON, and say so: Content-Type: application/json");
    req->model = tdm__arena_alloc(&req->arena, plan->size);
    if (!req->model || tdm__body_fill(plan, req->model, req->body, req->body_size, &req->arena, problems))
        return -EAGAIN;
    return 0;
}

static int judge(tdm_request *req, tdm__problems *problems)
{
    if (!problems->count)
        return 0;
    int err = tdm__problems_end(problems);
    if (!err)
        err = tdm_reply_json(req, 422, &problems->w);
    return req->replied ? ANSWERED : err;
}

static int fill(tdm_request *req)
{
    const tdm__endpoint *endpoint = req->endpoint;
    size_t limit = endpoint->route.max_body;
    if (limit && req->body_size > limit)
        return refuse(req, 413, "The body is larger than this route takes");
    if (!endpoint->params && !endpoint->body)
        return 0;
    tdm__problems problems = {0};
    int err = endpoint->params ? fill_params(req, &problems) : 0;
    bool pool = endpoint->route.choose_lane || endpoint->route.lane == TDM_POOL;
    req->fresh = endpoint->body && pool && !problems.count && req->body_size > LARGE_BODY;
    if (!err && endpoint->body && !req->fresh)
        err = fill_model(req, &problems);
    if (!err)
        err = judge(req, &problems);
    tdm__problems_finish(&problems);
    return err;
}

bool tdm__request_fill(tdm_request *req)
{
    int err = fill(req);
    if (err < 0)
        tdm__request_fail(req, err);
    return err == 0;
}

int tdm__request_fill_late(tdm_request *req)
{
    tdm__problems problems = {0};
    req->fresh = false;
    int err = fill_model(req, &problems);
    if (!err)
        err = judge(req, &problems);
    tdm__problems_finish(&problems);
    return err < 0 ? err : 0;
}
