/* SPDX-License-Identifier: MIT */
/* A request target, path and query, through the router and the typed parameters; on further lines the values of a header
 * field (two are a list) and a Cookie. Whatever the bytes, a route and filled values within their limits, or an answer
 * that is valid JSON. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/route/router.h"
#include "server/schema/params.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_LINES = 8 };

struct values {
    int64_t count, id;
    double period;
    const char *name, *code;
    int lane;
    const char *tag, *session;
    tdm_list ids, words;
    bool has_name, flag;
};

#define FIELD(name) offsetof(struct values, name)

static const char *const lanes[] = {"loop", "pool", NULL};

static const tdm_param params[] = {
    {.name = "count", .type = TDM_INT, .offset = FIELD(count), .fallback = "3", .range = TDM_RANGE(0, 1000)},
    {.name = "id", .in = TDM_PATH, .type = TDM_INT, .offset = FIELD(id)},
    {.name = "period", .type = TDM_FLOAT, .offset = FIELD(period), .fallback = "3", .range = TDM_RANGE(0, 3600)},
    {.name = "name", .type = TDM_STRING, .offset = FIELD(name), .optional = true, .given = FIELD(has_name)},
    {.name = "code",
     .type = TDM_STRING,
     .offset = FIELD(code),
     .optional = true,
     .max_length = 4,
     .pattern = "^(a|[bc]+)*$"},
    {.name = "lane", .type = TDM_ENUM, .offset = FIELD(lane), .fallback = "loop", .choices = lanes},
    {.name = "flag", .type = TDM_BOOL, .offset = FIELD(flag), .fallback = "no"},
    {.name = "X-Tag",
     .in = TDM_HEADER,
     .type = TDM_STRING,
     .offset = FIELD(tag),
     .optional = true,
     .min_length = 1,
     .max_length = 8,
     .pattern = "^\\p{L}*+(?<=\\p{Lu}|x)\\w?$"},
    {.name = "X-Word",
     .in = TDM_HEADER,
     .type = TDM_STRING,
     .offset = FIELD(words),
     .list = true,
     .optional = true,
     .pattern = "[^a]$"},
    {.name = "session",
     .in = TDM_COOKIE,
     .type = TDM_STRING,
     .offset = FIELD(session),
     .optional = true,
     .pattern = "^(\\p{Greek}|\\d|=)*"},
    {.name = "ids", .type = TDM_INT, .offset = FIELD(ids), .list = true, .optional = true, .max_items = 3},
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
    {.method = "GET", .path = "/n/{i:int}/{x:float}", .run = answer},
    {.method = "GET", .path = "/n/{any}/{x}", .run = answer},
    {.method = "GET", .path = "/files/{rest:path}", .run = answer},
};

static tdm__router filled;
static tdm__plans plans;
static bool ready;

static const tdm__router *router(void)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && !ready; i++) {
        tdm__why why;
        tdm__endpoint *endpoint = NULL;
        int err = tdm__endpoint_create(&endpoint, &routes[i], "", &why);
        if (!err && routes[i].params)
            err = tdm__plans_params(&plans, params, sizeof(struct values), &endpoint->params, &why);
        if (!err)
            err = tdm__router_add(&filled, endpoint, &why);
        assert(err == 0);
    }
    ready = true;
    return &filled;
}

/* Whatever was decoded is text that a handler can trust. */
static void check_values(const tdm__match *match)
{
    for (size_t i = 0; i < match->values.count; i++) {
        const tdm__pair *pair = &match->values.list[i];
        assert(strlen(pair->value) == pair->value_size && strlen(pair->name) == pair->name_size);
        bool rest = strcmp(pair->name, "rest") == 0;
        assert(rest || pair->value_size > 0);
        for (const char *p = pair->value; rest && *p; p += strcspn(p, "/"), p += *p == '/')
            assert(strncmp(p, "../", 3) != 0 && strcmp(p, "..") != 0);
    }
}

static void check_text(const char *text)
{
    assert(!text || tdm__is_utf8(text, text + strlen(text)));
}

/* A copy in a block of its own size, so that a byte read past its end is found. */
static char *copy(const char *text, size_t size)
{
    char *kept = malloc(size + 1);
    assert(kept);
    memcpy(kept, text, size);
    kept[size] = '\0';
    return kept;
}

/* The lines after the target: the first is a Cookie, the others are values of fields. */
typedef struct lines {
    char *text[MAX_LINES];
    unsigned count;
} lines;

static void take_lines(lines *out, const char *text)
{
    out->count = 0;
    while (*text == '\n' && out->count < MAX_LINES) {
        size_t size = strcspn(++text, "\n");
        out->text[out->count++] = copy(text, size);
        text += size;
    }
}

static void free_lines(lines *those)
{
    while (those->count)
        free(those->text[--those->count]);
}

static int take_fields(tdm__sources *sources, tdm__arena *arena, const lines *those, tdm__pair headers[MAX_LINES])
{
    static const char *const names[] = {"x-tag", "X-Word", "x-WORD", "X-Other"};
    for (unsigned i = 1; i < those->count; i++) {
        const char *name = names[(i - 1) % 4];
        headers[i - 1] = (tdm__pair){name, those->text[i], strlen(name), strlen(those->text[i])};
    }
    sources->from[TDM_HEADER] = (tdm__pairs){headers, those->count ? those->count - 1 : 0};
    return those->count ? tdm__cookies_parse(arena, those->text[0], &sources->from[TDM_COOKIE]) : 0;
}

static void fill(tdm__arena *arena, const tdm__match *match, const char *query, const lines *those)
{
    tdm__pair headers[MAX_LINES];
    tdm__sources sources = {.from[TDM_PATH] = match->values};
    if (!match->endpoint->params || tdm__query_parse(arena, query, strlen(query), &sources.from[TDM_QUERY]) < 0 ||
        take_fields(&sources, arena, those, headers) < 0)
        return;
    struct values v = {0};
    tdm__problems problems = {0};
    int err = tdm__params_fill(match->endpoint->params, &v, &sources, arena, &problems);
    assert(err == 0);
    if (problems.count) {
        size_t size;
        err = tdm__problems_end(&problems);
        const char *text = tdm_json_text(&problems.w, &size);
        tdm_json *root = NULL;
        assert(err == 0 && text);
        err = tdm_json_parse(&root, text, size, NULL);
        assert(err == 0 && tdm_json_first(tdm_json_get(root, "detail")));
        tdm_json_destroy(&root);
    } else {
        assert(v.count >= 0 && v.count <= 1000 && v.period >= 0 && v.period <= 3600 && (v.lane == 0 || v.lane == 1));
        assert((!v.has_name || v.name) && v.ids.count <= 3 && (!v.code || strspn(v.code, "abc") == strlen(v.code)));
        check_text(v.name);
        check_text(v.tag);
        check_text(v.session);
        for (size_t i = 0; i < v.words.count; i++)
            check_text(((const char **) v.words.items)[i]);
    }
    tdm__problems_finish(&problems);
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
    lines those;
    char *end = text + strcspn(text, "\n");
    take_lines(&those, end);
    *end = '\0';
    size_t path_size = strcspn(text, "?");
    const char *query = text[path_size] ? text + path_size + 1 : "";
    tdm__match match;
    int err = tdm__router_find(router(), &arena, "GET", text, path_size, &match);
    assert(err == 0 || err == -ENOENT || err == -EPERM || err == -EINVAL);
    if (err == 0) {
        check_values(&match);
        fill(&arena, &match, query, &those);
    }
    free_lines(&those);
    tdm__arena_finish(&arena);
    return 0;
}
