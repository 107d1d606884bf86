/* SPDX-License-Identifier: MIT */
/* DESIGN: the hostile and the friendly side of the client's tests. Blocking sockets and a thread for each connection
 * keep a test's server readable as a script: read, send, reset, return. */
#include "tests/load/fake_server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 4096 };

typedef struct connection {
    fake_server *server;
    pthread_t thread;
    unsigned number;
    int fd; /* -1 when closed; under the server's lock */
} connection;

struct fake_server {
    fake_serve *serve;
    void *arg;
    int listener;
    unsigned port;
    char url[512];
    pthread_t accepter;
    bool refused;             /* under `refusing`, which is held until the accepter has left */
    pthread_mutex_t refusing; /* taken before `lock` */
    pthread_mutex_t lock;
    connection *connections[CONNECTIONS_MAX];
    unsigned count;
};

static void *run_connection(void *arg)
{
    connection *c = arg;
    c->server->serve(c->fd, c->number, c->server->arg);
    pthread_mutex_lock(&c->server->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static void *run_accepter(void *arg)
{
    fake_server *server = arg;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0)
            return NULL;
        connection *c = calloc(1, sizeof *c);
        assert(c && server->count < CONNECTIONS_MAX);
        pthread_mutex_lock(&server->lock);
        *c = (connection){.server = server, .number = server->count + 1, .fd = fd};
        server->connections[server->count++] = c;
        pthread_mutex_unlock(&server->lock);
        int err = pthread_create(&c->thread, NULL, run_connection, c);
        assert(!err);
        (void) err;
    }
}

fake_server *fake_server_start(fake_serve *serve, void *arg)
{
    fake_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert(server);
    server->serve = serve;
    server->arg = arg;
    pthread_mutex_init(&server->lock, NULL);
    pthread_mutex_init(&server->refusing, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = server->listener >= 0 && bind(server->listener, (struct sockaddr *) &address, sizeof address) == 0 &&
                listen(server->listener, 4096) == 0 &&
                getsockname(server->listener, (struct sockaddr *) &address, &size) == 0;
    server->port = ntohs(address.sin_port);
    good = good && pthread_create(&server->accepter, NULL, run_accepter, server) == 0;
    if (!good)
        abort();
    return server;
}

unsigned fake_server_port(const fake_server *server)
{
    return server->port;
}

const char *fake_server_url(fake_server *server, const char *path)
{
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u%s", server->port, path);
    return server->url;
}

void fake_server_refuse(fake_server *server)
{
    pthread_mutex_lock(&server->refusing);
    if (!server->refused) {
        server->refused = true;
        shutdown(server->listener, SHUT_RDWR); /* wakes the accept */
        pthread_join(server->accepter, NULL);
        close(server->listener);
    }
    pthread_mutex_unlock(&server->refusing);
}

void fake_server_stop(fake_server **server)
{
    fake_server *s = *server;
    fake_server_refuse(s);
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->count; i++)
        if (s->connections[i]->fd >= 0)
            shutdown(s->connections[i]->fd, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->count; i++) {
        pthread_join(s->connections[i]->thread, NULL);
        free(s->connections[i]);
    }
    pthread_mutex_destroy(&s->refusing);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *server = NULL;
}

bool fake_read_request(int fd, char *path, size_t size)
{
    char head[8192];
    size_t n = 0;
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        if (n == sizeof head || recv(fd, head + n, 1, 0) != 1)
            return false;
        n++;
    }
    const char *start = memchr(head, ' ', n);
    const char *end = start ? memchr(start + 1, ' ', n - (size_t) (start + 1 - head)) : NULL;
    if (!end || (size_t) (end - start) > size)
        abort();
    memcpy(path, start + 1, (size_t) (end - start) - 1);
    path[end - start - 1] = '\0';
    return true;
}

bool fake_read_whole(int fd, char *text, size_t size)
{
    static const char length[] = "\r\nContent-Length: ";
    size_t n = 0, want = SIZE_MAX;
    while (n < want) {
        if (n + 1 == size || recv(fd, text + n, 1, 0) != 1)
            return false;
        text[++n] = '\0';
        if (want == SIZE_MAX && n >= 4 && !memcmp(text + n - 4, "\r\n\r\n", 4)) {
            const char *field = strstr(text, length);
            want = n + (field ? strtoul(field + strlen(length), NULL, 10) : 0);
        }
    }
    return true;
}

void fake_send_n(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size) {
        ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        p += n;
        size -= (size_t) n;
    }
}

void fake_send(int fd, const char *text)
{
    fake_send_n(fd, text, strlen(text));
}

bool fake_is_open(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

void fake_reply(int fd, const char *status, const char *fields, const char *body)
{
    char *text = NULL;
    if (asprintf(&text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, fields, strlen(body), body) < 0)
        abort();
    fake_send(fd, text);
    free(text);
}

void fake_reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) < 0)
        abort();
}
