/* SPDX-License-Identifier: MIT */
/* The examples of the HTTP layer, run as they stand. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/daemon.h"

static daemon_process example;
static http_connection c;

static void begin(const char *name, const char *const *args)
{
    char program[1024];
    const char *directory = getenv("EXAMPLES");
    ck_assert_ptr_nonnull(directory);
    snprintf(program, sizeof program, "%s/%s", directory, name);
    ck_assert_int_eq(setenv("PROGRAM", program, 1), 0);
    daemon_start(&example, args, NULL);
    http_connect(&c, example.url);
}

static void end(void)
{
    http_disconnect(&c);
    daemon_signal(&example, SIGTERM);
    ck_assert_int_eq(daemon_wait(&example), 0);
}

static const char *const any_port[] = {"0", NULL};

static http_reply send_body(const char *method, const char *target, const char *fields, const char *body)
{
    http_say(&c, "%s %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", method, target, fields, strlen(body));
    http_send(&c, body, strlen(body));
    return http_read(&c, false);
}

static void expect(http_reply reply, int status, const char *body)
{
    ck_assert_msg(reply.status == status, "%d: %s", reply.status, reply.body);
    if (body)
        ck_assert_str_eq(reply.body, body);
    http_reply_finish(&reply);
}

static http_reply ask(const char *method, const char *target, const char *fields)
{
    http_ask(&c, method, target, fields);
    return http_read(&c, strcmp(method, "HEAD") == 0);
}

#define JSON "Content-Type: application/json\r\n"

START_TEST(items_are_added_changed_listed_and_taken_out)
{
    begin("items", any_port);
    http_reply reply =
        send_body("POST", "/shop/items", JSON, "{\"name\":\"tea\",\"price\":\"2.5\",\"tags\":[\"hot\"]}");
    ck_assert_str_eq(http_field(&reply, "Location"), "/shop/items/1");
    ck_assert_str_eq(http_field(&reply, "Tandem-Tasks"), "1-1");
    static const char tea[] =
        "{\"id\":1,\"name\":\"tea\",\"price\":2.5,\"unit\":\"piece\",\"tags\":[\"hot\"],\"note\":null}";
    expect(reply, 201, tea);
    expect(ask("GET", "/shop/items/1", NULL), 200, tea);
    expect(send_body("PUT", "/shop/items/1", JSON, "{\"name\":\"tea\",\"price\":3,\"unit\":\"gram\",\"note\":\"n\"}"),
           200, "{\"id\":1,\"name\":\"tea\",\"price\":3,\"unit\":\"gram\",\"tags\":[],\"note\":\"n\"}");
    expect(ask("GET", "/shop/items", NULL), 200,
           "[{\"id\":1,\"name\":\"tea\",\"price\":3,\"unit\":\"gram\",\"tags\":[],\"note\":\"n\"}]");
    expect(send_body("PUT", "/shop/items/2", JSON, "{\"name\":\"x\",\"price\":1}"), 404, "{\"detail\":\"no item 2\"}");
    expect(send_body("POST", "/shop/items", JSON, "{\"name\":\"\",\"price\":-1,\"tags\":[\"A\"]}"), 422, NULL);
    expect(ask("GET", "/shop/items/101", NULL), 422, NULL);
    expect(ask("GET", "/shop/items/x", NULL), 404, NULL);
    expect(ask("DELETE", "/shop/items/1", NULL), 204, "");
    expect(ask("DELETE", "/shop/items/1", NULL), 404, NULL);
    expect(ask("GET", "/shop/items", NULL), 200, "[]");
    end();
    char *err = daemon_err(&example);
    ck_assert_ptr_nonnull(strstr(err, "label for tea printed"));
    ck_assert_ptr_nonnull(strstr(err, " - \"DELETE /shop/items/1 HTTP/1.1\" 204 No Content\n"));
    free(err);
    daemon_finish(&example);
}
END_TEST

START_TEST(primes_stream_and_clocks_tick_on_from_the_last)
{
    begin("events", any_port);
    expect(ask("GET", "/primes?below=20", NULL), 200, "2\n3\n5\n7\n11\n13\n17\n19\n");
    http_reply reply = ask("GET", "/primes?below=100000", NULL);
    ck_assert_uint_gt(reply.body_size, 50000);
    http_reply_finish(&reply);
    expect(ask("GET", "/ticks?period=0.01&count=3", "Last-Event-ID: 1\r\n"), 200,
           "id: 2\nevent: tick\ndata: 2\n\nid: 3\nevent: tick\ndata: 3\n\n");
    end();
    daemon_finish(&example);
}
END_TEST

START_TEST(files_go_up_and_come_back)
{
    char directory[64], command[96];
    snprintf(directory, sizeof directory, "%s/tandem-upload-XXXXXX", P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    const char *const args[] = {"0", directory, NULL};
    begin("upload", args);
    expect(send_body("PUT", "/files/notes.txt", "", "0123456789"), 201, "{\"name\":\"notes.txt\",\"size\":10}");
    expect(ask("GET", "/files/notes.txt", NULL), 200, "0123456789");
    expect(ask("GET", "/files/notes.txt", "Range: bytes=2-3\r\n"), 206, "23");
    expect(send_body("PUT", "/files/.hidden", "", "x"), 422, NULL);
    expect(send_body("PUT", "/files/a%20b", "", "x"), 422, NULL);
    expect(send_body("PUT", "/files/..", "", "x"), 400, NULL);
    expect(ask("GET", "/files/nope", NULL), 404, NULL);
    /* Larger than the app's limit, within the route's. */
    enum { SIZE = 3 << 20 };
    char *body = calloc(1, SIZE + 1);
    memset(body, 'x', SIZE);
    expect(send_body("PUT", "/files/large", "", body), 201, "{\"name\":\"large\",\"size\":3145728}");
    free(body);
    expect(ask("GET", "/files/large", "Range: bytes=-5\r\n"), 206, "xxxxx");
    end();
    daemon_finish(&example);
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(each_part_asks_for_its_own_credentials)
{
    begin("auth", any_port);
    expect(ask("GET", "/", NULL), 200, "for everybody\n");
    expect(ask("GET", "/people/me", NULL), 401, NULL);
    expect(ask("GET", "/people/me", "Authorization: Basic YWRhOnNlY3JldA==\r\n"), 200, "{\"user\":\"ada\"}");
    expect(ask("GET", "/programs/me", "Authorization: Basic YWRhOnNlY3JldA==\r\n"), 401, NULL);
    expect(ask("GET", "/programs/me", "Authorization: Bearer t0ken\r\n"), 200, "{\"user\":\"t0ken\"}");
    expect(ask("GET", "/browsers/me", "Cookie: session=other\r\n"), 401, NULL);
    expect(ask("GET", "/browsers/me", "Cookie: a=b; session=c00kie\r\n"), 200, "{\"user\":\"c00kie\"}");
    end();
    daemon_finish(&example);
}
END_TEST

static void echo_with(const char *transport)
{
    const char *const args[] = {"--port", "0", "--transport", transport, "--max-body", "64", NULL};
    begin("echo", args);
    ck_assert_ptr_nonnull(strstr(example.ready, "listening on http://127.0.0.1:"));
    http_reply reply = send_body("PUT", "/a?b=%20", "X-Test: t\r\n", "body");
    ck_assert_str_eq(http_field(&reply, "X-Uri"), "/a?b=%20");
    ck_assert_str_eq(http_field(&reply, "X-Body-Len"), "4");
    ck_assert_str_eq(http_field(&reply, "X-Method"), "PUT");
    expect(reply, 200, "hello m=PUT x=[t]\n");
    expect(ask("HEAD", "/docs", NULL), 200, "");
    expect(ask("OPTIONS", "/x", NULL), 200, "hello m=OPTIONS x=[]\n");
    expect(ask("GET", "/nope", NULL), 404, NULL);
    reply = ask("POST", "/only-get", NULL);
    ck_assert_str_eq(http_field(&reply, "Allow"), "GET, HEAD");
    expect(reply, 405, NULL);
    reply = ask("GET", "/big", NULL);
    ck_assert_uint_eq(reply.body_size, (size_t) 32 << 20);
    http_reply_finish(&reply);
    expect(ask("GET", "/slow?ms=1", NULL), 200, NULL);
    http_connection other;
    http_connect(&other, example.url);
    http_say(&other, "GET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(other.fd, SHUT_WR);
    expect(http_read(&other, false), 200, NULL); /* after a FIN the answer is still tried */
    http_disconnect(&other);
    expect(ask("GET", "/stats", NULL), 200, "{\"slow_done\":1,\"slow_gone\":1}");
    end();
    daemon_finish(&example);
}

START_TEST(echo_says_what_it_heard_on_either_transport)
{
    echo_with("evhttp");
    echo_with("direct");
}
END_TEST

int main(void)
{
    return http_main("services",
                     (const TTest *const[]){items_are_added_changed_listed_and_taken_out,
                                            primes_stream_and_clocks_tick_on_from_the_last, files_go_up_and_come_back,
                                            each_part_asks_for_its_own_credentials,
                                            echo_says_what_it_heard_on_either_transport, NULL});
}
