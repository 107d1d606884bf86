/* SPDX-License-Identifier: MIT */
/* DESIGN: asks one server the same small question over and over on one connection, from when it is started until its
 * standard input ends, and then prints every answer as `SENT LATENCY` in nanoseconds of the monotonic clock, which all
 * processes share. Whoever started it picks the answers that fell into the time of interest: a percentile over a whole
 * run would hide a short bad moment. Use: prober PORT TARGET. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tandem/clock.h>

enum { MAX_ANSWERS = 4 * 1000 * 1000, BYTES = 4096 };

typedef struct answer {
    int64_t sent_ns, latency_ns;
} answer;

static void die(const char *what)
{
    fprintf(stderr, "prober: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int connect_to(unsigned long port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t) port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        die("connect");
    return fd;
}

/* Read one reply, whose body is a JSON object. */
static void expect_ok(int fd)
{
    char bytes[BYTES + 1];
    size_t size = 0;
    do {
        ssize_t got = recv(fd, bytes + size, BYTES - size, 0);
        if (got <= 0)
            die("the server closed the connection");
        size += (size_t) got;
    } while (bytes[size - 1] != '}' && size < BYTES);
    bytes[size] = '\0';
    if (strncmp(bytes, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "prober: not a 200 reply: %.60s\n", bytes);
        exit(1);
    }
}

static int input_ended(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "use: prober PORT TARGET\n");
        return 2;
    }
    answer *answers = malloc(MAX_ANSWERS * sizeof *answers);
    char ask[256];
    int size = snprintf(ask, sizeof ask, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
    if (!answers || size <= 0 || (size_t) size >= sizeof ask)
        die("cannot begin");
    int fd = connect_to(strtoul(argv[1], NULL, 10));
    size_t count = 0;
    while (count < MAX_ANSWERS && !input_ended()) {
        int64_t sent = tdm_clock_ns();
        if (send(fd, ask, (size_t) size, MSG_NOSIGNAL) != size)
            die("send");
        expect_ok(fd);
        answers[count++] = (answer){sent, tdm_clock_ns() - sent};
    }
    for (size_t i = 0; i < count; i++)
        printf("%lld %lld\n", (long long) answers[i].sent_ns, (long long) answers[i].latency_ns);
    free(answers);
    return 0;
}
