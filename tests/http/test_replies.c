/* SPDX-License-Identifier: MIT */
/* Bodies, parameters, replies and routers, as a user's test would look at them: through the library's test client. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/http.h"

struct item {
    const char *name;
    double price;
    tdm_list tags;
};

static const tdm_field item_fields[] = {
    {.name = "name", .type = TDM_STRING, .offset = offsetof(struct item, name), .max_length = 10},
    {.name = "price", .type = TDM_FLOAT, .offset = offsetof(struct item, price), .range = TDM_RANGE(0, 100)},
    {.name = "tags", .type = TDM_STRING, .offset = offsetof(struct item, tags), .list = true, .optional = true},
    {0},
};
static const tdm_schema item_schema = {.name = "Item", .fields = item_fields, .size = sizeof(struct item)};

struct item_params {
    int64_t id;
    const char *agent, *session;
};

static const tdm_param item_params[] = {
    {.name = "id",
     .in = TDM_PATH,
     .type = TDM_INT,
     .offset = offsetof(struct item_params, id),
     .range = TDM_RANGE(1, 9)},
    {.name = "X-Agent",
     .in = TDM_HEADER,
     .type = TDM_STRING,
     .offset = offsetof(struct item_params, agent),
     .optional = true},
    {.name = "session",
     .in = TDM_COOKIE,
     .type = TDM_STRING,
     .offset = offsetof(struct item_params, session),
     .optional = true},
    {0},
};

static int put_item(tdm_request *req)
{
    const struct item_params *params = tdm_request_params(req);
    const struct item *item = tdm_request_model(req);
    char id[32];
    snprintf(id, sizeof id, "%lld", (long long) params->id);
    tdm_reply_header(req, "X-Id", id);
    tdm_reply_header(req, "X-Seen", params->agent ? params->agent : params->session ? params->session : "nobody");
    return tdm_reply_struct(req, 201, &item_schema, item);
}

static int get_path(tdm_request *req)
{
    return tdm_reply_text(req, 200, tdm_request_path(req, "rest"));
}

static int get_query(tdm_request *req)
{
    const char *q = tdm_request_query(req, "q"), *cookie = tdm_request_cookie(req, "c");
    char text[128];
    snprintf(text, sizeof text, "%s %s", q ? q : "-", cookie ? cookie : "-");
    return tdm_reply_html(req, 200, text);
}

static int get_elsewhere(tdm_request *req)
{
    ck_assert_int_eq(tdm_reply_redirect(req, 200, "/x"), -EINVAL);
    ck_assert_int_eq(tdm_reply_redirect(req, 307, "/x\r\nSet-Cookie: a=b"), -EINVAL);
    return tdm_reply_redirect(req, 303, "/über \"uns\"?a=%41");
}

static int get_cookies(tdm_request *req)
{
    static const tdm_cookie wrong[] = {
        {.name = "a b", .value = "x"},
        {.name = "a", .value = "x;y"},
        {.name = "a", .value = "x", .path = "/;x"},
        {.name = "a", .value = "x y"},
        {.name = "a", .value = "\r\nX: y"},
        {.name = "a", .value = "x", .domain = "a\nb"},
        {.name = "a", .value = "x", .same_site = TDM_SAME_SITE_NONE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(tdm_reply_cookie(req, &wrong[i]), -EINVAL);
    int err = tdm_reply_cookie(req, &(tdm_cookie){.name = "id", .value = "7", .max_age = 60, .secure = true});
    return err ? err : tdm_reply_empty(req, 204);
}

static int get_failure(tdm_request *req)
{
    return tdm_fail(req, 418, "no %s in pot %d", "tea", 7);
}

static int get_errno(tdm_request *req)
{
    (void) req;
    return -EIO;
}

static int get_nothing(tdm_request *req)
{
    (void) req;
    return 0;
}

static int get_late(tdm_request *req)
{
    int err = tdm_sleep(60);
    ck_assert_int_eq(err, -ECANCELED);
    ck_assert(!tdm_request_gone(req));
    return err;
}

static int get_nan(tdm_request *req)
{
    struct item item = {.name = "x", .price = (double) (0.0f / (float) (tdm_request_id(req) == 0))};
    return tdm_reply_struct(req, 200, &item_schema, &item);
}

static int post_large(tdm_request *req)
{
    size_t size;
    const char *name = ((const struct item *) tdm_request_model(req))->name;
    tdm_request_body(req, &size);
    char text[64];
    snprintf(text, sizeof text, "%s %zu", name, size);
    return tdm_reply_text(req, 200, text);
}

static tdm_testclient *t;

static void add(tdm_router *router, const tdm_route *route)
{
    ck_assert_int_eq(tdm_router_route(router, route), 0);
}

static void begin(void)
{
    tdm_app *app;
    tdm_router *root, *api, *v1;
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
    root = tdm_app_router(app);
    ck_assert_int_eq(tdm_router_create(&api, root, &(tdm_router_options){.prefix = "/api"}), 0);
    ck_assert_int_eq(tdm_router_create(&v1, api, &(tdm_router_options){.prefix = "/v1"}), 0);
    add(v1, &(tdm_route){.method = "PUT",
                         .path = "/items/{id:int}",
                         .run = put_item,
                         .params = item_params,
                         .params_size = sizeof(struct item_params),
                         .body = &item_schema});
    add(root,
        &(tdm_route){.method = "POST", .path = "/large", .run = post_large, .body = &item_schema, .lane = TDM_POOL});
    add(root,
        &(tdm_route){.method = "POST", .path = "/small", .run = post_large, .body = &item_schema, .max_body = 64});
    add(root, &(tdm_route){.method = "GET", .path = "/late", .run = get_late, .deadline = 0.05});
    add(root,
        &(tdm_route){.method = "GET", .path = "/late-on-pool", .run = get_late, .deadline = 0.05, .lane = TDM_POOL});
    static const struct {
        const char *path;
        tdm_handler_fn *run;
    } simple[] = {{"/files/{rest:path}", get_path}, {"/query", get_query},     {"/elsewhere", get_elsewhere},
                  {"/cookies", get_cookies},        {"/failure", get_failure}, {"/errno", get_errno},
                  {"/nothing", get_nothing},        {"/nan", get_nan}};
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++)
        ck_assert_int_eq(tdm_app_get(app, simple[i].path, simple[i].run), 0);
    ck_assert_int_eq(tdm_testclient_start(&t, app), 0);
}

static void end(void)
{
    ck_assert_int_eq(tdm_testclient_stop(&t), 0);
    ck_assert_ptr_null(t);
}

static void expect(const tdm_testreply *reply, int status, const char *body)
{
    ck_assert_int_eq(reply->error, 0);
    ck_assert_int_eq(reply->status, status);
    if (body)
        ck_assert_str_eq(reply->body, body);
}

static const char *header(const tdm_testreply *reply, const char *name)
{
    const char *value = tdm_testclient_header(t, reply, name);
    return value ? value : "";
}

START_TEST(a_json_body_fills_the_handlers_struct)
{
    begin();
    const tdm_testreply *reply = tdm_testclient_put(
        t, "/api/v1/items/7", "application/json", "{\"name\":\"tea\",\"price\":\"2.5\",\"tags\":[\"hot\"],\"more\":1}");
    expect(reply, 201, "{\"name\":\"tea\",\"price\":2.5,\"tags\":[\"hot\"]}");
    ck_assert_str_eq(header(reply, "X-Id"), "7");
    ck_assert_str_eq(header(reply, "X-Seen"), "nobody");
    tdm_testrequest request = {.method = "PUT",
                               .target = "/api/v1/items/1",
                               .body = "{\"name\":\"a\",\"price\":1}",
                               .size = 22,
                               .headers =
                                   "content-type: application/vnd.x+json; charset=utf-8\r\nCookie: session=s1\r\n"};
    reply = tdm_testclient_send(t, &request);
    expect(reply, 201, NULL);
    ck_assert_str_eq(header(reply, "X-Seen"), "s1");
    request.headers = "Content-Type: application/json\r\nx-agent: me\r\n";
    ck_assert_str_eq(header(tdm_testclient_send(t, &request), "X-Seen"), "me");
    double price;
    ck_assert(tdm_json_as_double(tdm_json_get(tdm_testclient_json(t, reply), "price"), &price));
    ck_assert_double_eq(price, 1);
    end();
}
END_TEST

START_TEST(parameters_and_body_are_told_wrong_together)
{
    begin();
    expect(
        tdm_testclient_put(t, "/api/v1/items/10", "application/json", "{\"price\":101}"), 422,
        "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"path\",\"id\"],\"msg\":\"Input should be less than or "
        "equal to 9\",\"input\":\"10\",\"ctx\":{\"le\":9}},"
        "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"price\"],\"msg\":\"Input should be less than or equal to "
        "100\",\"input\":101,\"ctx\":{\"le\":100}},"
        "{\"type\":\"missing\",\"loc\":[\"body\",\"name\"],\"msg\":\"Field required\",\"input\":{\"price\":101}}]}");
    expect(tdm_testclient_put(t, "/api/v1/items/1", "application/json", "{"), 422, NULL);
    expect(tdm_testclient_put(t, "/api/v1/items/x", "application/json", "{}"), 404, NULL);
    expect(tdm_testclient_put(t, "/api/v1/items/1", "text/plain", "{}"), 415, NULL);
    expect(tdm_testclient_send(
               t, &(tdm_testrequest){.method = "PUT", .target = "/api/v1/items/1", .body = "{}", .size = 2}),
           415, NULL);
    expect(tdm_testclient_send(t, &(tdm_testrequest){.method = "PUT", .target = "/api/v1/items/1"}), 422,
           "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],\"msg\":\"Field required\",\"input\":null}]}");
    end();
}
END_TEST

START_TEST(a_large_body_is_checked_in_the_handlers_lane)
{
    begin();
    enum { SIZE = 200000 };
    char *body = calloc(1, SIZE + 64);
    int at = snprintf(body, 64, "{\"name\":\"tea\",\"price\":1,\"more\":\"");
    memset(body + at, 'x', SIZE);
    memcpy(body + at + SIZE, "\"}", 3);
    char right[32];
    snprintf(right, sizeof right, "tea %zu", strlen(body));
    expect(tdm_testclient_post(t, "/large", "application/json", body), 200, right);
    body[2] = 'N';
    expect(tdm_testclient_post(t, "/large", "application/json", body), 422,
           "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"name\"],\"msg\":\"Field required\"}]}");
    free(body);
    end();
}
END_TEST

START_TEST(a_routes_own_body_limit_is_kept)
{
    begin();
    char body[128];
    for (int size = 64; size <= 65; size++) {
        int n = snprintf(body, sizeof body, "{\"name\":\"tea\",\"price\":1}%*s", size - 24, "");
        ck_assert_int_eq(n, size);
        expect(tdm_testclient_post(t, "/small", "application/json", body), size == 64 ? 200 : 413, NULL);
    }
    end();
}
END_TEST

START_TEST(paths_queries_and_cookies_can_be_asked_for_without_a_table)
{
    begin();
    expect(tdm_testclient_get(t, "/files/a/b%20c"), 200, "a/b c");
    expect(tdm_testclient_get(t, "/files/a%2fb"), 400, NULL);
    expect(tdm_testclient_get(t, "/files/../x"), 400, NULL);
    const tdm_testreply *reply =
        tdm_testclient_send(t, &(tdm_testrequest){.target = "/query?x=1&q=a+b&q=2", .headers = "Cookie: b=1; c=2\r\n"});
    expect(reply, 200, "a b 2");
    ck_assert_str_eq(header(reply, "Content-Type"), "text/html; charset=utf-8");
    expect(tdm_testclient_get(t, "/query"), 200, "- -");
    expect(tdm_testclient_get(t, "/query?q=%zz"), 200, "- -");
    end();
}
END_TEST

START_TEST(redirects_and_cookies_are_safe_in_a_header)
{
    begin();
    const tdm_testreply *reply = tdm_testclient_get(t, "/elsewhere");
    expect(reply, 303, "");
    ck_assert_str_eq(header(reply, "Location"), "/%C3%BCber%20%22uns%22?a=%41");
    reply = tdm_testclient_get(t, "/cookies");
    expect(reply, 204, "");
    ck_assert_str_eq(header(reply, "Set-Cookie"), "id=7; Path=/; Max-Age=60; SameSite=Lax; Secure; HttpOnly");
    end();
}
END_TEST

START_TEST(failures_are_mapped_in_one_place)
{
    begin();
    expect(tdm_testclient_get(t, "/failure"), 418, "{\"detail\":\"no tea in pot 7\"}");
    expect(tdm_testclient_get(t, "/errno"), 500, "{\"detail\":\"Internal Server Error\"}");
    expect(tdm_testclient_get(t, "/nothing"), 500, "{\"detail\":\"Internal Server Error\"}");
    expect(tdm_testclient_get(t, "/late"), 504, "{\"detail\":\"Gateway Timeout\"}");
    expect(tdm_testclient_get(t, "/late-on-pool"), 504, "{\"detail\":\"Gateway Timeout\"}");
    expect(tdm_testclient_get(t, "/nan"), 200, "{\"name\":\"x\",\"price\":\"NaN\",\"tags\":[]}");
    end();
}
END_TEST

START_TEST(head_and_options_come_by_themselves)
{
    begin();
    const tdm_testreply *reply = tdm_testclient_send(t, &(tdm_testrequest){.method = "HEAD", .target = "/query"});
    expect(reply, 200, "");
    ck_assert_str_eq(header(reply, "Content-Length"), "3");
    reply = tdm_testclient_send(t, &(tdm_testrequest){.method = "OPTIONS", .target = "/query"});
    expect(reply, 204, "");
    ck_assert_str_eq(header(reply, "Allow"), "GET, HEAD, OPTIONS");
    reply = tdm_testclient_delete(t, "/api/v1/items/5");
    expect(reply, 405, NULL);
    ck_assert_str_eq(header(reply, "Allow"), "PUT, OPTIONS");
    end();
}
END_TEST

START_TEST(routers_refuse_malformed_prefixes_and_close_with_the_start)
{
    tdm_app *app;
    tdm_router *router;
    ck_assert_int_eq(tdm_app_create(&app, NULL), 0);
    static const char *const wrong[] = {"api", "/", "/api/", "/a//b", "/{", "/a?"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(tdm_router_create(&router, tdm_app_router(app), &(tdm_router_options){.prefix = wrong[i]}),
                         -EINVAL);
    ck_assert_int_eq(tdm_router_create(&router, tdm_app_router(app), &(tdm_router_options){.prefix = "/{tenant}"}), 0);
    ck_assert_int_eq(tdm_router_get(router, "/x", get_nothing), 0);
    ck_assert_int_eq(tdm_app_get(app, "/{other}/x", get_nothing), -EEXIST);
    ck_assert_int_eq(
        tdm_router_route(router, &(tdm_route){.method = "GET", .path = "/y", .run = get_nothing, .deadline = -1}),
        -EINVAL);
    ck_assert_int_eq(tdm_testclient_start(&t, app), 0);
    ck_assert_int_eq(tdm_router_get(router, "/z", get_nothing), -EBUSY);
    ck_assert_int_eq(tdm_router_create(&router, tdm_app_router(app), &(tdm_router_options){.prefix = "/q"}), -EBUSY);
    end();
}
END_TEST

int main(void)
{
    return http_main("replies", (const TTest *const[]){
                                    a_json_body_fills_the_handlers_struct, parameters_and_body_are_told_wrong_together,
                                    a_large_body_is_checked_in_the_handlers_lane, a_routes_own_body_limit_is_kept,
                                    paths_queries_and_cookies_can_be_asked_for_without_a_table,
                                    redirects_and_cookies_are_safe_in_a_header, failures_are_mapped_in_one_place,
                                    head_and_options_come_by_themselves,
                                    routers_refuse_malformed_prefixes_and_close_with_the_start, NULL});
}
