/* SPDX-License-Identifier: MIT */
/* Who is asking: Basic, bearer tokens and keys. */
#include <string.h>

#include "tests/http/http.h"

static tdm_testclient *t;
static tdm_app *app;

static int get_user(tdm_request *req)
{
    const char *user = tdm_request_user(req);
    return tdm_reply_text(req, 200, user ? user : "nobody");
}

static void create(void)
{
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
}

static void get(tdm_router *router, const char *path, tdm_handler_fn *run)
{
    ck_assert_int_eq(tdm_router_get(router, path, run), 0);
}

static void start(void)
{
    ck_assert_int_eq(tdm_testclient_start(&t, app), 0);
}

static void end(void)
{
    ck_assert_int_eq(tdm_testclient_stop(&t), 0);
}

static const tdm_testreply *ask(const char *method, const char *target, const char *headers)
{
    const tdm_testreply *reply =
        tdm_testclient_send(t, &(tdm_testrequest){.method = method, .target = target, .headers = headers});
    ck_assert_msg(reply->error == 0, "%s %s: %s", method, target, strerror(-reply->error));
    return reply;
}

static const char *header(const tdm_testreply *reply, const char *name)
{
    const char *value = tdm_testclient_header(t, reply, name);
    return value ? value : "";
}

static tdm_router *router_with(tdm_router *parent, const char *prefix, tdm_middleware middleware)
{
    tdm_router *router;
    ck_assert_int_eq(tdm_router_create(&router, parent, &(tdm_router_options){.prefix = prefix}), 0);
    ck_assert_int_eq(tdm_router_use(router, middleware), 0);
    return router;
}

static char realm[] = "realm";

static bool check_user(const char *user, const char *password, void *arg)
{
    return arg == realm && tdm_equal_in_constant_time(user, "eve") && tdm_equal_in_constant_time(password, "p:w");
}

static void expect_user(const char *target, const char *headers, const char *user)
{
    const tdm_testreply *reply = ask("GET", target, headers);
    ck_assert_msg(reply->status == (user ? 200 : 401), "%s %s: %d", target, headers ? headers : "", reply->status);
    ck_assert_str_eq(reply->body, user ? user : "{\"detail\":\"Not authenticated\"}");
    if (!user)
        ck_assert_str_ne(header(reply, "WWW-Authenticate"), "");
}

START_TEST(who_is_not_known_gets_401_before_anything_else_is_looked_at)
{
    static const char *const users[] = {"ada:secret", "bob:", NULL}, *const tokens[] = {"t0ken", "other", NULL};
    create();
    tdm_router *root = tdm_app_router(app);
    get(router_with(root, "/basic", tdm_basic_auth(&(tdm_basic_options){.users = users, .realm = "here"})), "/",
        get_user);
    get(router_with(root, "/check", tdm_basic_auth(&(tdm_basic_options){.check = check_user, .arg = realm})), "/",
        get_user);
    get(router_with(root, "/bearer", tdm_bearer_auth(&(tdm_token_options){.tokens = tokens})), "/", get_user);
    get(router_with(root, "/key", tdm_api_key(&(tdm_token_options){.tokens = tokens})), "/", get_user);
    get(router_with(root, "/query", tdm_api_key(&(tdm_token_options){.tokens = tokens, .in = TDM_QUERY, .key = "k"})),
        "/", get_user);
    get(router_with(root, "/cookie", tdm_api_key(&(tdm_token_options){.tokens = tokens, .in = TDM_COOKIE, .key = "k"})),
        "/", get_user);
    get(root, "/free", get_user);
    start();
    expect_user("/free", NULL, "nobody");
    expect_user("/basic/", "Authorization: Basic YWRhOnNlY3JldA==\r\n", "ada");
    expect_user("/basic/", "authorization: bASIC  YWRhOnNlY3JldA\r\n", "ada");
    expect_user("/basic/", "Authorization: Basic Ym9iOg==\r\n", "bob");
    static const char *const not_basic[] = {
        NULL,
        "Authorization: Basic\r\n",
        "Authorization: Basic !!!!\r\n",
        "Authorization: Basic YWRhOnNlY3JldHM=\r\n",
        "Authorization: Basic YWRh\r\n",
        "Authorization: Bearer YWRhOnNlY3JldA==\r\n",
        "Authorization: Basic YWRhAHNlY3JldA==\r\n",
        "Authorization: Basic YWRhOnNlY3JldA==\r\nAuthorization: Basic YWRhOnNlY3JldA==\r\n",
        "Authorization: Basic YWRhO\r\n",
    };
    for (size_t i = 0; i < sizeof not_basic / sizeof not_basic[0]; i++)
        expect_user("/basic/", not_basic[i], NULL);
    ck_assert_str_eq(header(ask("GET", "/basic/", NULL), "WWW-Authenticate"),
                     "Basic realm=\"here\", charset=\"UTF-8\"");
    expect_user("/check/", "Authorization: Basic ZXZlOnA6dw==\r\n", "eve");
    expect_user("/check/", "Authorization: Basic ZXZlOnA=\r\n", NULL);
    expect_user("/bearer/", "Authorization: Bearer t0ken\r\n", "t0ken");
    expect_user("/bearer/", "Authorization: Bearer t0ke\r\n", NULL);
    expect_user("/bearer/", "Authorization: Bearer \r\n", NULL);
    expect_user("/key/", "x-api-key: other\r\n", "other");
    expect_user("/key/", "X-API-Key: othe\r\n", NULL);
    expect_user("/query/?k=t0ken", NULL, "t0ken");
    expect_user("/query/?k=", NULL, NULL);
    expect_user("/cookie/", "Cookie: a=b; k=t0ken\r\n", "t0ken");
    expect_user("/cookie/", "Cookie: a=t0ken\r\n", NULL);
    end();
}
END_TEST

START_TEST(texts_are_compared_whole)
{
    static const struct {
        const char *given, *right;
        bool equal;
    } cases[] = {{"", "", true},       {"a", "a", true},     {"a", "b", false},
                 {"a", "", false},     {"", "a", false},     {"abc", "abd", false},
                 {"ab", "abc", false}, {"abc", "ab", false}, {"\xff\x01", "\xff\x01", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_int_eq(tdm_equal_in_constant_time(cases[i].given, cases[i].right), cases[i].equal);
}
END_TEST

int main(void)
{
    return http_main("auth", (const TTest *const[]){who_is_not_known_gets_401_before_anything_else_is_looked_at,
                                                    texts_are_compared_whole, NULL});
}
