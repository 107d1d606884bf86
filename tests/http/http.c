/* SPDX-License-Identifier: MIT */
/* DESIGN: blocking sockets with time limits, one buffer per connection. A test that waits, waits here, and a wait that
 * takes HTTP_PATIENCE_S fails the test with what it waited for. */
#include "tests/http/http.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 65536

static struct addrinfo *resolve(const char *url)
{
    char host[64], port[8];
    ck_assert_msg(sscanf(url, "http://[%63[^]]]:%7[0-9]", host, port) == 2 ||
                      sscanf(url, "http://%63[^:]:%7[0-9]", host, port) == 2,
                  "not a URL: %s", url);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    ck_assert_int_eq(getaddrinfo(host, port, &hints, &list), 0);
    return list;
}

/* "unix:/path" */
static bool is_unix(const char *url, struct sockaddr_un *address)
{
    static const char scheme[] = "unix:";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "%s", url + sizeof scheme - 1);
    return true;
}

int http_try_connect(http_connection *c, const char *url)
{
    struct sockaddr_un address;
    struct addrinfo local = {
        .ai_family = AF_UNIX, .ai_addr = (struct sockaddr *) &address, .ai_addrlen = sizeof address};
    struct addrinfo *list = is_unix(url, &address) ? &local : resolve(url);
    struct timeval patience = {HTTP_PATIENCE_S, 0};
    *c = (http_connection){.fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    ck_assert_int_ge(c->fd, 0);
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    int err = connect(c->fd, list->ai_addr, list->ai_addrlen) ? -errno : 0;
    if (list != &local)
        freeaddrinfo(list);
    if (err) {
        close(c->fd);
        c->fd = -1;
    }
    return err;
}

void http_connect(http_connection *c, const char *url)
{
    int err = http_try_connect(c, url);
    ck_assert_msg(err == 0, "connecting to %s: %s", url, strerror(-err));
}

void http_disconnect(http_connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->data);
    *c = (http_connection){.fd = -1};
}

void http_reset(http_connection *c)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    http_disconnect(c);
}

void http_send(http_connection *c, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = send(c->fd, at, size, MSG_NOSIGNAL);
        ck_assert_msg(n > 0, "sending: %s", strerror(errno));
        at += n;
        size -= (size_t) n;
    }
}

void http_say(http_connection *c, const char *format, ...)
{
    char text[65536];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ck_assert(n >= 0 && (size_t) n < sizeof text);
    http_send(c, text, (size_t) n);
}

void http_ask(http_connection *c, const char *method, const char *target, const char *fields)
{
    http_say(c, "%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n", method, target, fields ? fields : "");
}

/* ---- replies ---- */

/* More bytes. @return false: the connection has ended. */
static bool receive(http_connection *c)
{
    if (c->capacity < c->size + READ_SIZE + 1) {
        c->capacity = 2 * (c->size + READ_SIZE + 1);
        c->data = realloc(c->data, c->capacity);
        ck_assert_ptr_nonnull(c->data);
    }
    ssize_t n = recv(c->fd, c->data + c->size, READ_SIZE, 0);
    ck_assert_msg(n >= 0 || errno == ECONNRESET, "receiving: %s, after '%.*s'", strerror(errno), (int) c->size,
                  c->data);
    c->size += n > 0 ? (size_t) n : 0;
    c->data[c->size] = '\0';
    return n > 0;
}

static char *take(http_connection *c, size_t size)
{
    char *taken = malloc(size + 1);
    ck_assert_ptr_nonnull(taken);
    memcpy(taken, c->data, size);
    taken[size] = '\0';
    memmove(c->data, c->data + size, c->size - size + 1);
    c->size -= size;
    return taken;
}

static char *end_of_head(const http_connection *c)
{
    return c->size ? memmem(c->data, c->size, "\r\n\r\n", 4) : NULL;
}

/* Chunks, put together. */
static void read_chunks(http_connection *c, http_reply *reply)
{
    size_t capacity = READ_SIZE;
    reply->body = calloc(1, capacity);
    ck_assert_ptr_nonnull(reply->body);
    for (size_t size = 1; size;) {
        const char *end;
        while (!c->size || !(end = memmem(c->data, c->size, "\r\n", 2)))
            ck_assert_msg(receive(c), "the connection ended inside a chunk's size");
        size = strtoul(c->data, NULL, 16);
        free(take(c, (size_t) (end - c->data) + 2));
        while (c->size < size + 2)
            ck_assert_msg(receive(c), "the connection ended inside a chunk");
        while (capacity < reply->body_size + size + 1) {
            capacity *= 2;
            reply->body = realloc(reply->body, capacity);
            ck_assert_ptr_nonnull(reply->body);
        }
        memcpy(reply->body + reply->body_size, c->data, size);
        reply->body_size += size;
        reply->body[reply->body_size] = '\0';
        free(take(c, size + 2));
    }
}

/* Content-Length, or else chunks, or else all up to the end of the connection. */
static void read_body(http_connection *c, http_reply *reply)
{
    const char *length = http_field(reply, "Content-Length");
    if (http_field(reply, "Transfer-Encoding")) {
        read_chunks(c, reply);
        return;
    }
    bool open = !length && reply->status >= 200 && reply->status != 204 && reply->status != 304;
    while (open && receive(c))
        continue;
    reply->body_size = length ? strtoul(length, NULL, 10) : open ? c->size : 0;
    while (c->size < reply->body_size)
        ck_assert_msg(receive(c), "the connection ended inside a body");
    reply->body = take(c, reply->body_size);
}

static bool read_reply(http_connection *c, bool head_only, http_reply *reply)
{
    char *end;
    while (!(end = end_of_head(c))) {
        bool more = receive(c);
        if (!more && c->size == 0)
            return false;
        ck_assert_msg(more, "the connection ended inside a head: '%s'", c->data);
    }
    *reply = (http_reply){.head = take(c, (size_t) (end - c->data) + 4)};
    ck_assert_msg(sscanf(reply->head, "HTTP/1.1 %d ", &reply->status) == 1, "not a reply: '%s'", reply->head);
    if (head_only)
        reply->body = take(c, 0);
    else
        read_body(c, reply);
    return true;
}

http_reply http_read(http_connection *c, bool head_only)
{
    http_reply reply;
    ck_assert_msg(read_reply(c, head_only, &reply), "the connection ended before a reply");
    return reply;
}

bool http_try_read(http_connection *c, http_reply *reply)
{
    return read_reply(c, false, reply);
}

void http_reply_finish(http_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (http_reply){0};
}

const char *http_field(const http_reply *reply, const char *name)
{
    static _Thread_local char value[1024];
    size_t size = strlen(name);
    for (const char *line = strstr(reply->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            line += size + 1 + strspn(line + size + 1, " ");
            snprintf(value, sizeof value, "%.*s", (int) strcspn(line, "\r"), line);
            return value;
        }
    }
    return NULL;
}

void http_expect_status(http_connection *c, int status)
{
    http_reply reply = http_read(c, false);
    ck_assert_msg(reply.status == status, "%d, not %d: %s", reply.status, status, reply.body);
    http_reply_finish(&reply);
}

void http_read_hello(http_connection *c)
{
    http_reply reply = http_read(c, false);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "hello");
    http_reply_finish(&reply);
}

void http_expect_hello(http_connection *c)
{
    http_ask(c, "GET", "/", NULL);
    http_read_hello(c);
}

bool http_is_silent(const http_connection *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

void http_expect_end(http_connection *c)
{
    while (c->size == 0 && receive(c))
        continue;
    ck_assert_msg(c->size == 0, "more came: '%s'", c->data);
}

void http_expect_fin(http_connection *c)
{
    char byte;
    ck_assert_msg(c->size == 0, "more came: '%s'", c->data);
    ssize_t n = recv(c->fd, &byte, 1, 0);
    ck_assert_msg(n == 0, "not a FIN: %s", n < 0 ? strerror(errno) : "data");
}

http_reply http_once(const char *url, const char *method, const char *target, int status)
{
    http_connection c;
    http_connect(&c, url);
    http_ask(&c, method, target, NULL);
    http_reply reply = http_read(&c, strcmp(method, "HEAD") == 0);
    ck_assert_msg(reply.status == status, "%s %s: %d, not %d: %s", method, target, reply.status, status, reply.body);
    http_disconnect(&c);
    return reply;
}

void http_expect(const char *url, const char *method, const char *target, int status, const char *body)
{
    http_reply reply = http_once(url, method, target, status);
    if (body)
        ck_assert_str_eq(reply.body, body);
    http_reply_finish(&reply);
}

void http_tasks(const http_reply *reply, uint64_t *first, uint64_t *last)
{
    const char *tasks = http_field(reply, "Tandem-Tasks");
    unsigned long long a, b;
    ck_assert_msg(tasks && sscanf(tasks, "%llu-%llu", &a, &b) == 2, "no tasks in: %s", reply->head);
    *first = a;
    *last = b;
}

/* ---- apps ---- */

tdm_transport http_transport(void)
{
    const char *name = getenv("TANDEM_TRANSPORT");
    bool direct = name && strcmp(name, "direct") == 0;
    ck_assert_msg(!name || direct || strcmp(name, "evhttp") == 0, "no such transport: %s", name);
    return direct ? TDM_DIRECT : TDM_EVHTTP;
}

tdm_app *http_app(const tdm_app_options *options, void (*add)(tdm_app *app))
{
    tdm_app_options with_port = options ? *options : (tdm_app_options){0};
    if (!with_port.port)
        with_port.port = "0";
    with_port.transport = http_transport();
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    tdm_app *app;
    ck_assert_int_eq(tdm_app_create(&app, &with_port), 0);
    add(app);
    ck_assert_int_eq(tdm_app_start(app), 0);
    return app;
}

int http_get_hello(tdm_request *req)
{
    return tdm_reply_text(req, 200, "hello");
}

int http_post_size(tdm_request *req)
{
    char text[32];
    size_t size;
    tdm_request_body(req, &size);
    snprintf(text, sizeof text, "%zu", size);
    return tdm_reply_text(req, 200, text);
}

void http_add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_post(app, "/size", http_post_size), 0);
}

void http_app_end(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_destroy(&app), 0);
    ck_assert_ptr_null(app);
}

void http_wait_ended(tdm_executor *executor, tdm_cursor *cursor, tdm_task_info *rows, unsigned count)
{
    uint64_t missed;
    for (unsigned have = 0; have < count;) {
        int n = tdm_task_ended(executor, cursor, rows + have, count - have, HTTP_PATIENCE_S, &missed);
        ck_assert_msg(n > 0, "%u of %u tasks ended: %s", have, count, n < 0 ? strerror(-n) : "time is over");
        have += (unsigned) n;
    }
}

void http_wait_for(const _Atomic int *flag, int value)
{
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    while (*flag < value) {
        ck_assert_msg(tdm_clock_ns() < until, "a flag stayed at %d, not %d", *flag, value);
        usleep(500);
    }
}

int http_main(const char *name, const TTest *const *tests)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 60); /* for the sanitizers; a test that takes as long as this hangs */
    for (; *tests; tests++)
        tcase_add_test(tc, *tests);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
