/* SPDX-License-Identifier: MIT */
/* DESIGN: the users' test client: an app and one connection to it. Everything it gives out hangs on it and is freed with
 * it, so that a test can be written in single lines and has nothing to clean up. A connection that the server has closed
 * since is opened again; if it closes it just then, a request that may be repeated is, once. */
#include <tandem/testclient.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tandem/clock.h>

#include "server/front.h"
#include "server/testclient/intake.h"

typedef struct kept_reply {
    tdm_testreply reply;
    struct kept_reply *next;
    tdm__taken taken;
    tdm_json *json;
} kept_reply;

typedef struct kept_text {
    struct kept_text *next;
    char text[];
} kept_text;

struct tdm_testclient {
    tdm_app *app;
    int fd; /* -1: not connected */
    tdm__intake in;
    kept_reply *replies;
    kept_text *texts;
};

static const tdm_testreply no_memory = {.error = -ENOMEM, .head = "", .body = ""};

/* ---- life ---- */

static int give_port(tdm_app *app)
{
    char *host = strdup("127.0.0.1"), *port = strdup("0");
    if (!host || !port) {
        free(host);
        free(port);
        return -ENOMEM;
    }
    free(app->host);
    free(app->port);
    free(app->unix_path);
    app->host = host;
    app->port = port;
    app->unix_path = NULL;
    app->options.inherit = false;
    return 0;
}

int tdm_testclient_start(tdm_testclient **out, tdm_app *app)
{
    tdm_testclient *client = calloc(1, sizeof *client);
    if (!client)
        return -ENOMEM;
    client->fd = -1;
    client->app = app;
    int err = give_port(app);
    if (!err)
        err = tdm_app_start(app);
    if (err)
        free(client);
    else
        *out = client;
    return err;
}

static void disconnect(tdm_testclient *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->in.size = 0;
}

static void free_replies(tdm_testclient *client)
{
    while (client->replies) {
        kept_reply *kept = client->replies;
        client->replies = kept->next;
        free(kept->taken.head);
        free(kept->taken.body);
        tdm_json_destroy(&kept->json);
        free(kept);
    }
    while (client->texts) {
        kept_text *kept = client->texts;
        client->texts = kept->next;
        free(kept);
    }
}

int tdm_testclient_stop(tdm_testclient **client_at)
{
    tdm_testclient *client = *client_at;
    if (!client)
        return 0;
    *client_at = NULL;
    disconnect(client);
    int err = tdm_app_destroy(&client->app);
    free_replies(client);
    tdm__intake_finish(&client->in);
    free(client);
    return err;
}

tdm_app *tdm_testclient_app(const tdm_testclient *client)
{
    return client->app;
}

/* ---- a request ---- */

static int connect_to(tdm_testclient *client)
{
    const char *url = tdm_app_url(client->app), *colon = strrchr(url, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t) strtoul(colon + 1, NULL, 10));
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(client->fd, (const struct sockaddr *) &address, sizeof address) == 0)
        return 0;
    int err = -errno;
    disconnect(client);
    return err;
}

static int send_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        size -= (size_t) n;
    }
    return 0;
}

static char *write_head(const tdm_testrequest *request, size_t *size)
{
    const char *method = request->method ? request->method : "GET", *target = request->target ? request->target : "/";
    const char *fields = request->headers ? request->headers : "";
    size_t room = strlen(method) + strlen(target) + strlen(fields) + 128;
    char *head = malloc(room), length[48] = "";
    if (!head)
        return NULL;
    if (request->body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", request->size);
    int n = snprintf(head, room, "%s %s HTTP/1.1\r\nHost: testclient\r\n%s%s\r\n", method, target, length, fields);
    *size = (size_t) n;
    return head;
}

static int exchange(tdm_testclient *client, const tdm_testrequest *request, const char *head, size_t head_size,
                    tdm__taken *taken)
{
    int64_t deadline_ns = tdm_clock_ns() + TDM_TESTCLIENT_PATIENCE * TDM_NS_PER_S;
    int err = client->fd < 0 ? connect_to(client) : 0;
    if (err)
        return err;
    int sent = send_all(client->fd, head, head_size);
    if (!sent && request->body)
        sent = send_all(client->fd, request->body, request->size);
    /* A server that has heard enough answers before it has heard all. */
    bool head_only = request->method && strcmp(request->method, "HEAD") == 0;
    err = tdm__intake_reply(&client->in, client->fd, head_only, deadline_ns, taken);
    if (err || sent || taken->close)
        disconnect(client);
    return err;
}

/* Has the server left it open, and not said anything that nobody asked for? */
static bool is_open(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* What comes to the same whether it is done once or twice (RFC 9110, 9.2.2). */
static bool can_be_repeated(const char *method)
{
    static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    for (size_t i = 0; method && i < sizeof idempotent / sizeof idempotent[0]; i++) {
        if (strcmp(method, idempotent[i]) == 0)
            return true;
    }
    return !method;
}

const tdm_testreply *tdm_testclient_send(tdm_testclient *client, const tdm_testrequest *request)
{
    size_t head_size;
    char *head = write_head(request, &head_size);
    kept_reply *kept = calloc(1, sizeof *kept);
    if (!head || !kept) {
        free(head);
        free(kept);
        return &no_memory;
    }
    if (client->fd >= 0 && !is_open(client->fd))
        disconnect(client);
    bool reused = client->fd >= 0;
    int err = exchange(client, request, head, head_size, &kept->taken);
    if (reused && err == -ENOTCONN && can_be_repeated(request->method))
        err = exchange(client, request, head, head_size, &kept->taken);
    free(head);
    kept->reply = (tdm_testreply){.status = kept->taken.status, .error = err, .head = "", .body = ""};
    if (!err) {
        kept->reply.head = kept->taken.head;
        kept->reply.body = kept->taken.body;
        kept->reply.size = kept->taken.body_size;
    }
    kept->next = client->replies;
    client->replies = kept;
    return &kept->reply;
}

const tdm_testreply *tdm_testclient_get(tdm_testclient *client, const char *target)
{
    return tdm_testclient_send(client, &(tdm_testrequest){.target = target});
}

const tdm_testreply *tdm_testclient_delete(tdm_testclient *client, const char *target)
{
    return tdm_testclient_send(client, &(tdm_testrequest){.method = "DELETE", .target = target});
}

static const tdm_testreply *send_text(tdm_testclient *client, const char *method, const char *target, const char *type,
                                      const char *body)
{
    char field[160];
    int n = snprintf(field, sizeof field, "Content-Type: %s\r\n", type);
    if (n < 0 || (size_t) n >= sizeof field)
        return &no_memory;
    return tdm_testclient_send(
        client,
        &(tdm_testrequest){.method = method, .target = target, .headers = field, .body = body, .size = strlen(body)});
}

const tdm_testreply *tdm_testclient_post(tdm_testclient *client, const char *target, const char *type, const char *body)
{
    return send_text(client, "POST", target, type, body);
}

const tdm_testreply *tdm_testclient_put(tdm_testclient *client, const char *target, const char *type, const char *body)
{
    return send_text(client, "PUT", target, type, body);
}

/* ---- a reply ---- */

const char *tdm_testclient_header(tdm_testclient *client, const tdm_testreply *reply, const char *name)
{
    size_t size;
    const char *value = tdm__intake_field(reply->head, name, &size);
    kept_text *kept = value ? malloc(sizeof *kept + size + 1) : NULL;
    if (!kept)
        return NULL;
    memcpy(kept->text, value, size);
    kept->text[size] = '\0';
    kept->next = client->texts;
    client->texts = kept;
    return kept->text;
}

const tdm_json *tdm_testclient_json(tdm_testclient *client, const tdm_testreply *reply)
{
    for (kept_reply *kept = client->replies; kept; kept = kept->next) {
        if (&kept->reply != reply)
            continue;
        if (!kept->json && tdm_json_parse(&kept->json, reply->body, reply->size, NULL))
            return NULL;
        return kept->json;
    }
    return NULL;
}
