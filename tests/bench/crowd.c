/* SPDX-License-Identifier: MIT */
/* DESIGN: those who only hold connections. Idle ones: each has had one request answered, and is silent from then on.
 * Slow ones: each sends one byte of an endless head a second, all of them evenly spread over the second; the server ends
 * such a connection after a time, and it is opened again at once. They begin one after another over SPREAD seconds, so
 * that their ends are spread as well.
 *     crowd PORT IDLE SLOW SPREAD REQUEST
 * Prints {"idle", "slow"} when all are there, holds them until its input ends, then prints how that went: idle ones that
 * the server closed (`lost`), slow ones that were answered with 408 (`refused`) or ended in another way (`other`). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <tandem/clock.h>

enum { REPLY_MAX = 65536, HELD_MAX = 65536, EVENTS = 256, PATIENCE_S = 20, TICK_MS = 1 };

static const char slow_head[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";

static struct {
    unsigned short port;
    int epoll;
    int idle, slow;
    int fds[HELD_MAX]; /* the idle ones, then the slow ones */
    unsigned long lost, refused, other;
} crowd;

static void die(const char *what)
{
    fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_connection(void)
{
    const int on = 1;
    struct timeval patience = {PATIENCE_S, 0};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(crowd.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience))
        die("connect");
    return fd;
}

/* Be told when something comes, or the end does. */
static void watch(int fd, int place)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = place};
    if (epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, fd, &event))
        die("epoll_ctl");
}

/* ---- idle ones ---- */

/* The whole reply: a 200 with a Content-Length, or chunks. */
static void read_reply(int fd)
{
    static const char last[] = "\r\n0\r\n\r\n";
    char reply[REPLY_MAX + 1];
    size_t size = 0;
    for (;;) {
        ssize_t n = recv(fd, reply + size, REPLY_MAX - size, 0);
        if (n <= 0)
            die("no reply");
        size += (size_t) n;
        reply[size] = '\0';
        const char *end = strstr(reply, "\r\n\r\n");
        if (!end)
            continue;
        if (strncmp(reply, "HTTP/1.1 200", 12) != 0) {
            fprintf(stderr, "crowd: not a 200: %.200s\n", reply);
            exit(1);
        }
        const char *length = strcasestr(reply, "\r\ncontent-length: ");
        if (length && length < end && size >= (size_t) (end - reply) + 4 + strtoul(length + 18, NULL, 10))
            return;
        if (size >= sizeof last && memcmp(reply + size - (sizeof last - 1), last, sizeof last - 1) == 0)
            return;
    }
}

static void add_idle(int place, const char *request)
{
    int fd = crowd.fds[place] = open_connection();
    size_t size = strlen(request);
    if (send(fd, request, size, MSG_NOSIGNAL) != (ssize_t) size)
        die("send");
    read_reply(fd);
    watch(fd, place);
}

/* ---- slow ones ---- */

static void add_slow(int place)
{
    int fd = crowd.fds[place] = open_connection();
    if (send(fd, slow_head, sizeof slow_head - 1, MSG_NOSIGNAL) != (ssize_t) sizeof slow_head - 1)
        die("send");
    watch(fd, place);
}

/* One byte more. Where the server has just ended the connection, the event of that comes next. */
static void drip(int place)
{
    if (send(crowd.fds[place], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1 && errno != EPIPE && errno != ECONNRESET)
        die("drip");
}

static void end_slow(int place)
{
    char reply[512];
    ssize_t n = recv(crowd.fds[place], reply, sizeof reply, MSG_DONTWAIT);
    bool refused = n > 12 && strncmp(reply, "HTTP/1.1 408", 12) == 0;
    crowd.refused += refused;
    crowd.other += !refused;
    close(crowd.fds[place]);
    add_slow(place);
}

/* ---- all of them ---- */

static void end_idle(int place)
{
    crowd.lost++;
    close(crowd.fds[place]);
    crowd.fds[place] = -1;
}

/* @return did the input end? */
static bool take_events(int wait_ms)
{
    struct epoll_event ready[EVENTS];
    bool ended = false;
    int n = epoll_wait(crowd.epoll, ready, EVENTS, wait_ms);
    for (int i = 0; i < n; i++) {
        int place = ready[i].data.fd;
        if (place < 0)
            ended = true;
        else if (place < crowd.idle)
            end_idle(place);
        else
            end_slow(place);
    }
    return ended;
}

/* Drip and look until `until_ns`, or until the input ends. Of drips that are late, because nobody let this process run,
 * those of the last tick are made up for and the others are not: there must be no volley of them. */
static void hold(int there, int64_t until_ns)
{
    static int next;
    int64_t due = tdm_clock_ns();
    bool ended = false;
    while (!ended && tdm_clock_ns() < until_ns) {
        ended = take_events(TICK_MS);
        if (there == 0)
            continue;
        int64_t now = tdm_clock_ns(), step = TDM_NS_PER_S / there;
        if (now - due > 20 * TICK_MS * (TDM_NS_PER_S / 1000))
            due = now - step;
        for (; due <= now; due += step)
            drip(crowd.idle + next++ % there);
    }
}

static void come(double spread_s, const char *request)
{
    for (int i = 0; i < crowd.idle; i++)
        add_idle(i, request);
    int64_t begin = tdm_clock_ns();
    for (int i = 0; i < crowd.slow; i++) {
        add_slow(crowd.idle + i);
        hold(i + 1, begin + tdm_ns_from_s(spread_s * (i + 1) / crowd.slow));
    }
    printf("{\"idle\": %d, \"slow\": %d}\n", crowd.idle, crowd.slow);
    fflush(stdout);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        die("setrlimit");
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "use: crowd PORT IDLE SLOW SPREAD REQUEST\n");
        return 2;
    }
    crowd.port = (unsigned short) strtoul(argv[1], NULL, 10);
    crowd.idle = (int) strtol(argv[2], NULL, 10);
    crowd.slow = (int) strtol(argv[3], NULL, 10);
    if (crowd.idle < 0 || crowd.slow < 0 || crowd.idle + crowd.slow > HELD_MAX) {
        fprintf(stderr, "crowd: at most %d connections\n", HELD_MAX);
        return 2;
    }
    raise_descriptor_limit();
    crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (crowd.epoll < 0)
        die("epoll_create1");
    come(strtod(argv[4], NULL), argv[5]);
    watch(STDIN_FILENO, -1);
    hold(crowd.slow, INT64_MAX);
    printf("{\"lost\": %lu, \"refused\": %lu, \"other\": %lu}\n", crowd.lost, crowd.refused, crowd.other);
    return 0;
}
