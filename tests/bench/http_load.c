/* SPDX-License-Identifier: MIT */
/* DESIGN: the lightest client that still checks what it gets, so that a fast server, and not the client, is what a round
 * measures: connections kept alive, one request on each, a send and a receive for each reply. Every reply must be a 200,
 * whole, by its Content-Length or its last chunk.
 * Connections are served by halves: while the replies to one half are taken, and then its next requests sent, the server
 * has the requests of the other half, so that it is never out of work, however fast it is.
 * And the client never sleeps. One that sleeps is woken by the server, at the server's expense, and the more often the
 * slower that is: the fastest would be measured without what the others pay.
 *     http_load PORT CONNECTIONS SECONDS < REQUEST        prints {"requests": N, "seconds": S} */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536, REPLY_MAX = 1 << 20, CONNECTIONS_MAX = 65536, PATIENCE_S = 20 };

static char request[REQUEST_MAX], reply[REPLY_MAX];
static size_t request_size;
static int fds[CONNECTIONS_MAX];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double) at.tv_sec + (double) at.tv_nsec / 1e9;
}

static int open_connection(int port)
{
    const int on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((unsigned short) port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
        die("connect");
    return fd;
}

static void send_request(int fd)
{
    if (send(fd, request, request_size, MSG_NOSIGNAL) != (ssize_t) request_size)
        die("send");
}

/* Is this all of a reply? */
static bool is_whole(size_t size)
{
    static const char last[] = "\r\n0\r\n\r\n";
    reply[size] = '\0';
    const char *end = strstr(reply, "\r\n\r\n");
    if (!end)
        return false;
    if (strncmp(reply, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "not a 200: %.*s\n", (int) (size < 500 ? size : 500), reply);
        exit(1);
    }
    const char *length = strcasestr(reply, "\r\ncontent-length: ");
    size_t head = (size_t) (end - reply) + 4;
    if (length && length < end)
        return size == head + strtoul(length + 18, NULL, 10);
    return size >= head + 5 && memcmp(reply + size - (sizeof last - 1), last, sizeof last - 1) == 0;
}

static void wait_for_more(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    double end = now() + PATIENCE_S;
    while (poll(&poller, 1, 0) == 0) {
        if (now() > end) {
            fprintf(stderr, "no reply for %d s\n", PATIENCE_S);
            exit(1);
        }
    }
}

static void receive_reply(int fd)
{
    size_t size = 0;
    do {
        ssize_t n = recv(fd, reply + size, sizeof reply - 1 - size, MSG_DONTWAIT);
        if (n > 0)
            size += (size_t) n;
        else if (n < 0 && errno == EAGAIN)
            wait_for_more(fd);
        else
            die("recv");
    } while (size == 0 || !is_whole(size));
}

static void drive(int count, double seconds)
{
    unsigned long done = 0;
    int half = (count + 1) / 2;
    double begin = now(), end = begin + seconds;
    for (int i = 0; i < count; i++)
        send_request(fds[i]);
    while (now() < end) {
        for (int from = 0; from < count; from += half) {
            int to = from + half < count ? from + half : count;
            for (int i = from; i < to; i++, done++)
                receive_reply(fds[i]);
            for (int i = from; i < to; i++)
                send_request(fds[i]);
        }
    }
    double took = now() - begin;
    for (int i = 0; i < count; i++)
        receive_reply(fds[i]);
    printf("{\"requests\": %lu, \"seconds\": %.6f}\n", done, took);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: http_load PORT CONNECTIONS SECONDS < REQUEST\n");
        return 2;
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    int count = (int) strtol(argv[2], NULL, 10);
    request_size = fread(request, 1, sizeof request, stdin);
    if (count < 1 || count > CONNECTIONS_MAX || request_size == 0)
        die("input");
    for (int i = 0; i < count; i++)
        fds[i] = open_connection((int) strtol(argv[1], NULL, 10));
    drive(count, strtod(argv[3], NULL));
    return 0;
}
