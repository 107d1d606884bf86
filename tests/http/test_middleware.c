/* SPDX-License-Identifier: MIT */
/* Middleware: its order, and each that the library brings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "tests/http/http.h"

static tdm_testclient *t;
static tdm_app *app;
static char trail[256];
static _Atomic int dropped, done_count;

static void note(const char *what, const char *who)
{
    size_t at = strlen(trail);
    snprintf(trail + at, sizeof trail - at, "%s%s ", what, who);
}

static int on_arrive(tdm_request *req, void *arg)
{
    note("+", arg);
    ck_assert_ptr_eq(tdm_request_params(req), NULL); /* nothing was looked at yet */
    return strcmp(arg, "stop") == 0 ? tdm_reply_text(req, 403, "stopped") : strcmp(arg, "fail") == 0 ? -EAGAIN : 0;
}

static int on_before(tdm_request *req, void *arg)
{
    note("(", arg);
    ck_assert_int_eq(tdm_sleep(0.001), 0); /* it may wait */
    return strcmp(arg, "deny") == 0 ? tdm_reply_text(req, 403, "denied") : 0;
}

static int on_after(tdm_request *req, tdm_outgoing *reply, void *arg)
{
    note(")", arg);
    if (strcmp(arg, "break") == 0)
        return -EIO;
    reply->status = reply->status == 200 && strcmp(arg, "b") == 0 ? 203 : reply->status;
    return tdm_reply_header(req, "X-After", arg);
}

static void on_done(tdm_request *req, void *arg)
{
    ck_assert_int_gt(tdm_request_status(req), 0);
    ck_assert_double_ge(tdm_request_seconds(req), 0);
    note("-", arg);
    done_count++;
}

static void on_drop(void *arg)
{
    (void) arg;
    dropped++;
}

static tdm_middleware noter(const char *name)
{
    return (tdm_middleware){.name = name,
                            .arg = (void *) (uintptr_t) name,
                            .arrive = on_arrive,
                            .before = on_before,
                            .after = on_after,
                            .done = on_done,
                            .drop = on_drop};
}

static int get_hello(tdm_request *req)
{
    note("!", "");
    return tdm_reply_text(req, 200, "hello");
}

static const char long_text[] =
    "{\"text\":\"a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a "
    "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a\"}";

static int get_long(tdm_request *req)
{
    tdm_reply_header(req, "ETag", "\"1\"");
    return tdm_reply_json_text(req, 200, long_text);
}

static int get_noise(tdm_request *req)
{
    static char noise[4096];
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        noise[i] = (char) ('!' + (state >> 33) % 90);
    }
    return tdm_reply(req, 200, strcmp(tdm_request_query(req, "type"), "text") == 0 ? "text/plain" : "image/png", noise,
                     sizeof noise);
}

static int get_log(tdm_request *req)
{
    tdm_log_info("made %d", 7);
    return tdm_reply_text(req, 200, tdm_request_client(req));
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

START_TEST(it_runs_in_the_order_it_was_added_and_back)
{
    create();
    ck_assert_int_eq(tdm_app_use(app, noter("a")), 0);
    ck_assert_int_eq(tdm_app_use(app, noter("b")), 0);
    tdm_router *root = tdm_app_router(app), *inner = router_with(root, "/in", noter("c"));
    get(inner, "/hello", get_hello);
    get(router_with(root, "/stop", noter("stop")), "/hello", get_hello);
    get(router_with(root, "/deny", noter("deny")), "/hello", get_hello);
    get(router_with(root, "/fail", noter("fail")), "/hello", get_hello);
    get(router_with(root, "/break", noter("break")), "/hello", get_hello);
    get(router_with(router_with(root, "/early", noter("stop")), "/in", noter("never")), "/hello", get_hello);
    start();
    static const struct {
        const char *target, *trail, *body;
        int status;
    } cases[] = {
        {"/in/hello", "+a +b +c (a (b (c ! )c )b )a -c -b -a ", "hello", 203},
        {"/stop/hello", "+a +b +stop )stop )b )a -stop -b -a ", "stopped", 403},
        {"/deny/hello", "+a +b +deny (a (b (deny )deny )b )a -deny -b -a ", "denied", 403},
        {"/fail/hello", "+a +b +fail )fail )b )a -fail -b -a ", "{\"detail\":\"Service Unavailable\"}", 503},
        {"/break/hello", "+a +b +break (a (b (break ! )break -break -b -a ", "{\"detail\":\"Internal Server Error\"}",
         500},
        {"/early/in/hello", "+a +b +stop )stop )b )a -stop -b -a ", "stopped", 403},
        {"/nope", "+a +b )b )a -b -a ", "{\"detail\":\"Not Found\"}", 404},
        {"/in/%zz", "+a +b )b )a -b -a ", NULL, 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        trail[0] = '\0';
        int before = done_count;
        const tdm_testreply *reply = ask("GET", cases[i].target, NULL);
        http_wait_for(&done_count, before + (i < 6 ? 3 : 2));
        ck_assert_str_eq(trail, cases[i].trail);
        ck_assert_int_eq(reply->status, cases[i].status);
        if (cases[i].body)
            ck_assert_str_eq(reply->body, cases[i].body);
    }
    end();
    ck_assert_int_eq(dropped, 9);
}
END_TEST

START_TEST(what_cannot_be_added_is_dropped_and_says_why)
{
    create();
    ck_assert_int_eq(tdm_app_use(app, (tdm_middleware){.drop = on_drop}), -EINVAL);
    ck_assert_int_eq(dropped, 1);
    ck_assert_int_eq(tdm_app_use(app, tdm_cors(&(tdm_cors_options){0})), -EINVAL);
    static const char *const all[] = {"*", NULL};
    ck_assert_int_eq(tdm_app_use(app, tdm_cors(&(tdm_cors_options){.origins = all, .credentials = true})), -EINVAL);
    ck_assert_int_eq(tdm_app_use(app, tdm_gzip(&(tdm_gzip_options){.level = 10})), -EINVAL);
    ck_assert_int_eq(tdm_app_use(app, tdm_basic_auth(&(tdm_basic_options){0})), -EINVAL);
    ck_assert_int_eq(tdm_app_use(app, tdm_api_key(&(tdm_token_options){0})), -EINVAL);
    start();
    ck_assert_int_eq(tdm_app_use(app, noter("late")), -EBUSY);
    ck_assert_int_eq(dropped, 2);
    end();
}
END_TEST

START_TEST(each_request_has_an_id_that_a_client_may_bring)
{
    create();
    ck_assert_int_eq(tdm_app_use(app, tdm_request_ids(NULL)), 0);
    get(tdm_app_router(app), "/", get_hello);
    start();
    static const char trace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
    static const struct {
        const char *headers, *id; /* NULL: a new one */
    } cases[] = {
        {NULL, NULL},
        {"X-Request-ID: abc-1.2:3\r\n", "abc-1.2:3"},
        {"X-Request-ID: a b\r\n", NULL},
        {"X-Request-ID: a\"b\r\n", NULL},
        {"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", trace},
        {"X-Request-ID: mine\r\ntraceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more\r\n", trace},
        {"X-Request-ID: mine\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more\r\n", "mine"},
        {"X-Request-ID: mine\r\ntraceparent: ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", "mine"},
        {"X-Request-ID: mine\r\ntraceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01\r\n", "mine"},
        {"X-Request-ID: mine\r\ntraceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01\r\n", "mine"},
        {"X-Request-ID: mine\r\ntraceparent: 00-4bf9\r\n", "mine"},
    };
    char last[64] = "";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *id = header(ask("GET", "/", cases[i].headers), "X-Request-ID");
        if (cases[i].id) {
            ck_assert_str_eq(id, cases[i].id);
            continue;
        }
        ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
        ck_assert_str_ne(id, last);
        snprintf(last, sizeof last, "%s", id);
    }
    ck_assert_str_ne(header(ask("GET", "/nope", NULL), "X-Request-ID"), "");
    end();
}
END_TEST

static FILE *log_file;

static void start_log(void)
{
    log_file = tmpfile();
    ck_assert_ptr_nonnull(log_file);
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.level = TDM_LOG_INFO, .fd = fileno(log_file)}), 0);
}

/* What was logged, once the app has stopped. */
static const char *logged(void)
{
    static char text[8192];
    tdm_log_stop();
    rewind(log_file);
    text[fread(text, 1, sizeof text - 1, log_file)] = '\0';
    return text;
}

START_TEST(the_access_log_has_uvicorns_line_and_the_id)
{
    start_log();
    create();
    ck_assert_int_eq(tdm_app_use(app, tdm_request_ids(NULL)), 0);
    ck_assert_int_eq(tdm_app_use(app, tdm_access_log(NULL)), 0);
    get(tdm_app_router(app), "/log", get_log);
    start();
    char line[256];
    snprintf(line, sizeof line, "[me] %s - \"GET /log?x=1 HTTP/1.1\" 200 OK\n",
             ask("GET", "/log?x=1", "X-Request-ID: me\r\n")->body);
    ck_assert_int_eq(strncmp(line, "[me] 127.0.0.1:", 15), 0);
    ask("POST", "/log", "X-Request-ID: you\r\n");
    end();
    const char *text = logged();
    ck_assert_msg(strstr(text, line), "%s", text);
    ck_assert_msg(strstr(text, "made 7 trace=me\n"), "%s", text);
    ck_assert_msg(strstr(text, " - \"POST /log HTTP/1.1\" 405 Method Not Allowed\n"), "%s", text);
}
END_TEST

START_TEST(the_access_log_can_be_json)
{
    start_log();
    create();
    ck_assert_int_eq(tdm_app_use(app, tdm_access_log(&(tdm_access_log_options){.json = true})), 0);
    get(tdm_app_router(app), "/log", get_log);
    start();
    ask("GET", "/log?a=%22", NULL);
    end();
    const char *text = logged(), *object = strstr(text, "{\"client\"");
    ck_assert_msg(object != NULL, "%s", text);
    tdm_json *json;
    ck_assert_int_eq(tdm_json_parse(&json, object, strcspn(object, "\n"), NULL), 0);
    double status;
    const char *target;
    ck_assert(tdm_json_as_double(tdm_json_get(json, "status"), &status) && status == 200);
    ck_assert(tdm_json_as_string(tdm_json_get(json, "target"), &target));
    ck_assert_str_eq(target, "/log?a=%22");
    tdm_json_destroy(&json);
}
END_TEST

START_TEST(the_log_names_users_and_keeps_secrets)
{
    static const char *const users[] = {"ada:pa55word", NULL}, *const tokens[] = {"s3cret", NULL};
    start_log();
    create();
    tdm_router *root = tdm_app_router(app);
    ck_assert_int_eq(tdm_app_use(app, tdm_access_log(&(tdm_access_log_options){.json = true})), 0);
    get(router_with(root, "/basic", tdm_basic_auth(&(tdm_basic_options){.users = users})), "/", get_hello);
    get(router_with(root, "/bearer", tdm_bearer_auth(&(tdm_token_options){.tokens = tokens})), "/", get_hello);
    get(router_with(root, "/key", tdm_api_key(&(tdm_token_options){.tokens = tokens})), "/", get_hello);
    start();
    ck_assert_int_eq(ask("GET", "/basic/", "Authorization: Basic YWRhOnBhNTV3b3Jk\r\n")->status, 200);
    ck_assert_int_eq(ask("GET", "/bearer/", "Authorization: Bearer s3cret\r\n")->status, 200);
    ck_assert_int_eq(ask("GET", "/key/", "X-API-Key: s3cret\r\n")->status, 200);
    end();
    const char *text = logged();
    ck_assert_msg(!strstr(text, "s3cret") && !strstr(text, "pa55word"), "%s", text);
    static const char *const targets[] = {"/basic/", "/bearer/", "/key/"};
    for (size_t i = 0; i < 3; i++) {
        char target[32];
        snprintf(target, sizeof target, "\"target\":\"%s\"", targets[i]);
        const char *line = strstr(text, target);
        ck_assert_msg(line != NULL, "%s", text);
        const char *user = strstr(line, "\"user\":"), *right = i ? "\"user\":null" : "\"user\":\"ada\"";
        ck_assert_msg(user && strncmp(user, right, strlen(right)) == 0, "%s", line);
    }
}
END_TEST

START_TEST(preflights_are_answered_for_every_path_and_replies_say_who_may_read_them)
{
    static const char *const origins[] = {"https://a.example", "https://b.example", NULL};
    static const char *const headers[] = {"X-Token", NULL}, *const expose[] = {"X-Total", "ETag", NULL};
    create();
    tdm_cors_options options = {
        .origins = origins, .headers = headers, .expose = expose, .credentials = true, .max_age = 5};
    ck_assert_int_eq(tdm_app_use(app, tdm_cors(&options)), 0);
    get(tdm_app_router(app), "/", get_hello);
    start();
    static const char ask_put[] = "Origin: https://b.example\r\nAccess-Control-Request-Method: PUT\r\n"
                                  "Access-Control-Request-Headers: x-token, content-type\r\n";
    const tdm_testreply *reply = ask("OPTIONS", "/whatever", ask_put);
    ck_assert_int_eq(reply->status, 204);
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Origin"), "https://b.example");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Methods"), "GET, HEAD, POST, PUT, PATCH, DELETE");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Headers"), "x-token, content-type");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Credentials"), "true");
    ck_assert_str_eq(header(reply, "Access-Control-Max-Age"), "5");
    ck_assert_str_eq(header(reply, "Vary"), "Origin");
    static const char *const wrong[] = {
        "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n",
        "Origin: https://a.example\r\nAccess-Control-Request-Method: TRACE\r\n",
        "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x-evil\r\n",
    };
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(ask("OPTIONS", "/", wrong[i])->status, 400);
    reply = ask("GET", "/", "Origin: https://a.example\r\n");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Origin"), "https://a.example");
    ck_assert_str_eq(header(reply, "Access-Control-Expose-Headers"), "X-Total, ETag");
    reply = ask("GET", "/", "Origin: https://evil.example\r\n");
    ck_assert_int_eq(reply->status, 200); /* it is the browser that keeps it from the page */
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Origin"), "");
    ck_assert_str_eq(header(ask("GET", "/", NULL), "Vary"), "Origin");
    ck_assert_int_eq(ask("OPTIONS", "/", NULL)->status, 204); /* no preflight */
    end();
}
END_TEST

START_TEST(a_page_may_send_json_and_any_method_with_credentials)
{
    static const char *const origins[] = {"https://a.example", NULL}, *const any[] = {"*", NULL};
    create();
    tdm_cors_options options = {.origins = origins, .methods = any, .credentials = true};
    ck_assert_int_eq(tdm_app_use(app, tdm_cors(&options)), 0);
    start();
    const tdm_testreply *reply = ask("OPTIONS", "/",
                                     "Origin: https://a.example\r\nAccess-Control-Request-Method: DELETE\r\n"
                                     "Access-Control-Request-Headers: content-type\r\n");
    ck_assert_int_eq(reply->status, 204);
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Methods"), "DELETE"); /* "*" would be a name here */
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Headers"), "content-type");
    reply = ask("OPTIONS", "/", "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Methods"), "PUT");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Headers"), "");
    end();
}
END_TEST

START_TEST(all_origins_can_be_allowed)
{
    static const char *const all[] = {"*", NULL};
    create();
    ck_assert_int_eq(tdm_app_use(app, tdm_cors(&(tdm_cors_options){.origins = all, .headers = all})), 0);
    get(tdm_app_router(app), "/", get_hello);
    start();
    const tdm_testreply *reply = ask("OPTIONS", "/",
                                     "Origin: null\r\nAccess-Control-Request-Method: GET\r\n"
                                     "Access-Control-Request-Headers: x-any\r\n");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Origin"), "*");
    ck_assert_str_eq(header(reply, "Access-Control-Allow-Headers"), "x-any");
    ck_assert_str_eq(header(reply, "Vary"), "");
    end();
}
END_TEST

static void expect_gzip(const tdm_testreply *reply, const char *right)
{
    unsigned char out[8192];
    z_stream z = {.next_in = (unsigned char *) (uintptr_t) reply->body,
                  .avail_in = (uInt) reply->size,
                  .next_out = out,
                  .avail_out = sizeof out};
    ck_assert_str_eq(header(reply, "Content-Encoding"), "gzip");
    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.total_out, strlen(right));
    ck_assert_mem_eq(out, right, strlen(right));
    inflateEnd(&z);
}

START_TEST(bodies_are_compressed_where_it_pays_and_the_client_takes_it)
{
    create();
    ck_assert_int_eq(tdm_app_use(app, tdm_gzip(&(tdm_gzip_options){.min_size = 100})), 0);
    tdm_router *root = tdm_app_router(app);
    get(root, "/long", get_long);
    get(root, "/hello", get_hello);
    get(root, "/noise", get_noise);
    start();
    static const char *const yes[] = {"gzip", "br, gzip;q=0.5", "*", "deflate, GZIP", "x-gzip", "gzip; q=1.0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        char headers[64];
        snprintf(headers, sizeof headers, "Accept-Encoding: %s\r\n", yes[i]);
        const tdm_testreply *reply = ask("GET", "/long", headers);
        expect_gzip(reply, long_text);
        ck_assert_uint_lt(reply->size, sizeof long_text / 2);
        ck_assert_str_eq(header(reply, "ETag"), "W/\"1\"");
        ck_assert_str_eq(header(reply, "Vary"), "Accept-Encoding");
    }
    static const char *const no[] = {"br", "gzip;q=0", "*;q=0", "gzip;q=0.000, br", "identity", "gzipped"};
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        char headers[64];
        snprintf(headers, sizeof headers, "Accept-Encoding: %s\r\n", no[i]);
        const tdm_testreply *reply = ask("GET", "/long", headers);
        ck_assert_str_eq(reply->body, long_text);
        ck_assert_str_eq(header(reply, "Vary"), "Accept-Encoding");
        ck_assert_str_eq(header(reply, "ETag"), "\"1\"");
    }
    ck_assert_str_eq(header(ask("GET", "/hello", "Accept-Encoding: gzip\r\n"), "Content-Encoding"), "");
    ck_assert_str_eq(header(ask("GET", "/noise?type=png", "Accept-Encoding: gzip\r\n"), "Content-Encoding"), "");
    const tdm_testreply *head = ask("HEAD", "/long", "Accept-Encoding: gzip\r\n");
    ck_assert_str_eq(header(head, "Content-Encoding"), "gzip");
    ck_assert_int_lt(strtol(header(head, "Content-Length"), NULL, 10), (long) sizeof long_text / 2);
    end();
}
END_TEST

int main(void)
{
    return http_main(
        "middleware",
        (const TTest *const[]){
            it_runs_in_the_order_it_was_added_and_back, what_cannot_be_added_is_dropped_and_says_why,
            each_request_has_an_id_that_a_client_may_bring, the_access_log_has_uvicorns_line_and_the_id,
            the_access_log_can_be_json, preflights_are_answered_for_every_path_and_replies_say_who_may_read_them,
            a_page_may_send_json_and_any_method_with_credentials, all_origins_can_be_allowed,
            the_log_names_users_and_keeps_secrets, bodies_are_compressed_where_it_pays_and_the_client_takes_it, NULL});
}
