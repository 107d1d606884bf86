/* SPDX-License-Identifier: MIT */
/* DESIGN: what the data's description asks of an echo server, answered straight from the transport's up-calls. Each
 * exchange has an owner, so that a slow answer can be called off when its client leaves. */
#include "tests/http/echo_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/status.h"
#include "server/transport.h"
#include "server/wire.h"
#include "tests/http/http.h"

#define BIG ((size_t) 32 << 20)
#define URI_MAX 150

typedef struct answer {
    tdm__timer timer;
    tdm__loop *loop;
    tdm__exchange *exchange;
    char uri[URI_MAX + 1], value[256];
    const char *method;
    size_t body_size;
    bool keep_alive, old;
} answer;

static tdm_executor *executor;
static tdm__server *server;
static atomic_size_t buffered;

static void add(tdm__wire *wire, tdm__extra *extra, tdm__extra *next, const char *name, const char *value)
{
    *extra = (tdm__extra){next, name, value, strlen(name), strlen(value)};
    wire->extras = extra;
}

static void send_wire(const answer *a, tdm__wire *wire)
{
    wire->head_only = strcmp(a->method, "HEAD") == 0;
    wire->close = !a->keep_alive;
    wire->keep_alive = a->old;
    char *bytes = malloc(tdm__wire_bound(wire));
    ck_assert_ptr_nonnull(bytes);
    tdm__exchange_send(a->exchange, bytes, tdm__wire_write(wire, bytes), wire->close);
    free(bytes);
}

static void send_error(const answer *a, int status)
{
    tdm__wire wire = {.status = status, .type = "text/plain", .body = "no", .body_size = 2};
    tdm__extra allow;
    if (status == 405)
        add(&wire, &allow, NULL, "Allow", "GET, HEAD");
    send_wire(a, &wire);
}

static void send_big(const answer *a)
{
    char *body = calloc(1, BIG);
    ck_assert_ptr_nonnull(body);
    send_wire(a, &(tdm__wire){.status = 200, .body = body, .body_size = BIG});
    free(body);
}

static void send_echo(const answer *a)
{
    char body[512], length[24];
    snprintf(length, sizeof length, "%zu", a->body_size);
    int size = snprintf(body, sizeof body, "hello m=%s x=[%s]\n", a->method, a->value);
    tdm__wire wire = {.status = 200, .type = "text/plain", .body = body, .body_size = (size_t) size};
    tdm__extra extras[3];
    add(&wire, &extras[0], NULL, "X-Method", a->method);
    add(&wire, &extras[1], &extras[0], "X-Body-Len", length);
    add(&wire, &extras[2], &extras[1], "X-Uri", a->uri);
    send_wire(a, &wire);
}

static void on_time(tdm__timer *timer)
{
    send_echo((answer *) timer);
}

/* The target in origin form, as far as it can stand in a field. */
static void set_uri(answer *a, const char *target)
{
    const char *authority = target[0] == '/' ? NULL : strstr(target, "://");
    if (authority) {
        target = authority + 3;
        target += strcspn(target, "/?");
    }
    size_t n = 0;
    if (target[0] != '/' && authority)
        a->uri[n++] = '/';
    for (; *target && n < URI_MAX; target++)
        a->uri[n++] = *target >= 0x21 && *target <= 0x7e ? *target : '?';
    a->uri[n] = '\0';
}

static answer *new_answer(tdm__loop *loop, tdm__exchange *exchange, const tdm__incoming *in)
{
    answer *a = calloc(1, sizeof *a);
    ck_assert_ptr_nonnull(a);
    a->timer.run = on_time;
    a->loop = loop;
    a->exchange = exchange;
    a->method = in->method;
    a->body_size = in->body_size;
    a->keep_alive = in->keep_alive;
    a->old = in->old;
    set_uri(a, in->target);
    for (unsigned i = 0; i < in->field_count; i++) {
        if (strcasecmp(in->fields[i].name, "X-Test") == 0)
            snprintf(a->value, sizeof a->value, "%s", in->fields[i].value);
    }
    return a;
}

static void on_arrived(void *context, tdm__loop *loop, tdm__exchange *exchange, const tdm__incoming *in)
{
    (void) context;
    answer *a = new_answer(loop, exchange, in);
    bool reads = strcmp(a->method, "GET") == 0 || strcmp(a->method, "HEAD") == 0;
    int ms;
    tdm__exchange_own(exchange, a);
    if (strcmp(a->uri, "/nope") == 0)
        send_error(a, 404);
    else if (strcmp(a->method, "TRACE") == 0 || (strcmp(a->uri, "/only-get") == 0 && !reads))
        send_error(a, 405);
    else if (strcmp(a->uri, "/big") == 0)
        send_big(a);
    else if (sscanf(a->uri, "/slow?ms=%d", &ms) == 1)
        ck_assert_int_eq(tdm__timer_arm(loop, &a->timer, tdm_clock_ns() + ms * (TDM_NS_PER_S / 1000)), 0);
    else
        send_echo(a);
}

static void on_over(void *owner, tdm__ending ending)
{
    (void) ending;
    answer *a = owner;
    tdm__timer_disarm(a->loop, &a->timer);
    free(a);
}

static const tdm__hooks hooks = {.arrived = on_arrived, .over = on_over};

const char *echo_start(bool hurried)
{
    const int64_t second = hurried ? TDM_NS_PER_S : 20 * TDM_NS_PER_S;
    tdm__server_options options = {
        .transport = http_transport(),
        .listen = {.host = "127.0.0.1", .port = "0", .backlog = 4096},
        .max_connections = 5000,
        .max_requests = 1000,
        .max_target = 8192,
        .max_head = 16384,
        .max_fields = 100,
        .max_body = 1 << 20,
        .max_buffered = 64 << 20,
        .buffered = &buffered,
        .head_ns = 2 * second,
        .body_ns = 4 * second,
        .idle_ns = 3 * second,
        .write_ns = 4 * second,
        .hooks = &hooks,
    };
    ck_assert_int_eq(tdm_executor_create(&executor, NULL), 0);
    ck_assert_int_eq(tdm__server_create(&server, executor, &options), 0);
    return tdm__server_url(server);
}

void echo_stop(void)
{
    ck_assert_int_eq(tdm__server_destroy(&server), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}
