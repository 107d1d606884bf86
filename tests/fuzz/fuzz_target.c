/* SPDX-License-Identifier: MIT */
/* A request target: method, path and query, through the router and the typed parameters. Whatever the bytes, a route and
 * filled values within their limits, or an answer that is valid JSON. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "server/params.h"
#include "server/router.h"
#include "tests/fuzz/fuzz.h"

struct values {
    int64_t count, id;
    double period;
    const char *name;
    int lane;
    bool has_name;
};

static const char *const lanes[] = {"loop", "pool", NULL};

static const tdm_param params[] = {
    {.name = "count",
     .type = TDM_INT,
     .offset = offsetof(struct values, count),
     .fallback = "3",
     .range = TDM_RANGE(0, 1000)},
    {.name = "id", .in = TDM_PATH, .type = TDM_INT, .offset = offsetof(struct values, id)},
    {.name = "period",
     .type = TDM_FLOAT,
     .offset = offsetof(struct values, period),
     .fallback = "3",
     .range = TDM_RANGE(0, 3600)},
    {.name = "name",
     .type = TDM_STRING,
     .offset = offsetof(struct values, name),
     .optional = true,
     .given = offsetof(struct values, has_name)},
    {.name = "lane", .type = TDM_ENUM, .offset = offsetof(struct values, lane), .fallback = "loop", .choices = lanes},
    {0},
};

static int answer(tdm_request *req)
{
    (void) req;
    return 0;
}

static const tdm_route routes[] = {
    {.method = "GET", .path = "/", .run = answer},
    {.method = "GET", .path = "/tasks/{id}", .run = answer, .params = params, .params_size = sizeof(struct values)},
    {.method = "DELETE", .path = "/tasks/{id}", .run = answer, .params = params, .params_size = sizeof(struct values)},
    {.method = "GET", .path = "/tasks/all", .run = answer},
};

static bool ready;

static const tdm__router *router(void)
{
    static tdm__router filled;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && !ready; i++) {
        const char *why;
        int err = tdm__router_add(&filled, &routes[i], &why);
        assert(err == 0);
    }
    ready = true;
    return &filled;
}

static void fill(tdm__arena *arena, const tdm__match *match, const char *query)
{
    tdm__pairs pairs;
    if (!match->route->params || tdm__query_parse(arena, query, &pairs) < 0)
        return;
    struct values v = {0};
    tdm_json_writer problems;
    tdm_json_init(&problems);
    int err = tdm__params_fill(params, &v, &match->values, &pairs, &problems);
    assert(err == 0 || err == -EBADMSG);
    if (err) {
        size_t size;
        const char *text = tdm_json_text(&problems, &size);
        tdm_json *root;
        err = tdm_json_parse(&root, text, size, NULL);
        assert(err == 0 && tdm_json_first(tdm_json_get(root, "detail")));
        tdm_json_destroy(&root);
    } else {
        assert(v.count >= 0 && v.count <= 1000 && v.period >= 0 && v.period <= 3600 && (v.lane == 0 || v.lane == 1));
        assert(!v.has_name || v.name);
    }
    tdm_json_finish(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[1024], text[4096];
    if (size >= sizeof text || memchr(data, 0, size))
        return 0; /* a target is text */
    memcpy(text, data, size);
    text[size] = '\0';
    tdm__arena arena;
    tdm__arena_init(&arena, room, sizeof room);
    size_t path_size = strcspn(text, "?");
    const char *query = text[path_size] ? text + path_size + 1 : "";
    tdm__match match;
    int err = tdm__router_find(router(), &arena, "GET", text, path_size, &match);
    assert(err == 0 || err == -ENOENT || err == -EPERM || err == -EINVAL);
    if (err == 0)
        fill(&arena, &match, query);
    tdm__arena_finish(&arena);
    return 0;
}
