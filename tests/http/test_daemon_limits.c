/* SPDX-License-Identifier: MIT */
/* Each limit as an option of tandemd: what is just within it, and what is past it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/http/daemon.h"

static daemon_process tandemd;

static void begin(const char *const *options)
{
    const char *args[12] = {"--port", "0", "--log-level", "error"};
    for (int i = 0; options[i]; i++)
        args[4 + i] = options[i];
    daemon_start(&tandemd, args, NULL);
}

#define BEGIN(...) begin((const char *const[]){__VA_ARGS__, NULL})

static void end(void)
{
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    daemon_finish(&tandemd);
}

static void send_and_expect(const char *what, size_t body, int status)
{
    http_connection c;
    char *bytes = calloc(1, body + 1);
    http_connect(&c, tandemd.url);
    http_say(&c, "%s", what);
    http_send(&c, bytes, body);
    http_expect_status(&c, status);
    http_disconnect(&c);
    free(bytes);
}

START_TEST(sizes_are_kept_to_the_byte)
{
#define GET "GET /health HTTP/1.1\r\n"
#define POST "POST /stats/reset HTTP/1.1\r\nHost: x\r\nContent-Length: "
    static const struct {
        const char *option, *value, *within, *past;
        size_t body_within, body_past; /* bytes that follow */
        int status;
    } cases[] = {
        {"--max-target", "10", "GET /health?23 HTTP/1.1\r\nHost: x\r\n\r\n",
         "GET /health?234 HTTP/1.1\r\nHost: x\r\n\r\n", 0, 0, 414},
        {"--max-head", "64", GET "Host: x\r\nX: abcdefghijklmnopqrstuvwxyz\r\n\r\n",
         GET "Host: x\r\nX: abcdefghijklmnopqrstuvwxyz.\r\n\r\n", 0, 0, 431},
        {"--max-fields", "2", GET "Host: x\r\nX: 1\r\n\r\n", GET "Host: x\r\nX: 1\r\nX: 2\r\n\r\n", 0, 0, 431},
        {"--max-body", "10", POST "10\r\n\r\n", POST "11\r\n\r\n", 10, 11, 413},
        /* Bodies are read into memory of a power of two. */
        {"--max-buffered", "65536", POST "65536\r\n\r\n", POST "65537\r\n\r\n", 65536, 65537, 503},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        BEGIN(cases[i].option, cases[i].value);
        send_and_expect(cases[i].within, cases[i].body_within, 200);
        send_and_expect(cases[i].past, cases[i].body_past, cases[i].status);
        end();
    }
}
END_TEST

START_TEST(times_end_what_is_too_slow)
{
    BEGIN("--head-timeout", "0.3", "--body-timeout", "0.2", "--idle-timeout", "0.1");
    http_connection head, body, idle;
    http_connect(&idle, tandemd.url);
    http_connect(&head, tandemd.url);
    http_connect(&body, tandemd.url);
    http_say(&head, "GET /health HTTP/1.1\r\nHo");
    http_say(&body, POST "10\r\n\r\n12345");
    http_expect_fin(&idle);
    http_expect_status(&body, 408);
    http_expect_status(&head, 408);
    http_disconnect(&head);
    http_disconnect(&body);
    http_disconnect(&idle);
    end();
}
END_TEST

START_TEST(a_client_that_takes_nothing_is_cut_off_in_its_time)
{
    BEGIN("--write-timeout", "0.2", "--max-requests", "1000000");
    http_connection c;
    struct pollfd cut;
    http_connect(&c, tandemd.url);
    static const char ask[] = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    char asks[60 * (sizeof ask - 1)];
    for (size_t at = 0; at < sizeof asks; at += sizeof ask - 1)
        memcpy(asks + at, ask, sizeof ask - 1);
    do { /* until there are more replies than the kernel keeps for somebody who does not read */
        if (send(c.fd, asks, sizeof asks, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            ck_assert(errno == EAGAIN || errno == ECONNRESET || errno == EPIPE);
        cut = (struct pollfd){.fd = c.fd};
        poll(&cut, 1, 10);
    } while (!(cut.revents & POLLERR));
    http_disconnect(&c);
    http_expect(tandemd.url, "GET", "/health", 200, NULL);
    end();
}
END_TEST

START_TEST(a_connection_has_its_number_of_requests)
{
    BEGIN("--max-requests", "2");
    http_connection c;
    http_connect(&c, tandemd.url);
    for (int i = 0; i < 3; i++)
        http_ask(&c, "GET", "/health", NULL);
    http_expect_status(&c, 200);
    http_expect_status(&c, 200);
    http_expect_fin(&c);
    http_disconnect(&c);
    end();
}
END_TEST

START_TEST(connections_past_the_limit_wait_for_one_to_end)
{
    BEGIN("--max-connections", "2");
    http_connection c[3];
    for (int i = 0; i < 3; i++) {
        http_connect(&c[i], tandemd.url);
        http_ask(&c[i], "GET", "/health", NULL);
    }
    http_expect_status(&c[0], 200);
    http_expect_status(&c[1], 200);
    http_ask(&c[0], "GET", "/stats", NULL);
    http_reply stats = http_read(&c[0], false);
    tdm_json *json = daemon_json(stats.body);
    ck_assert_double_eq(daemon_number(json, PATH("http", "accepted")), 2);
    tdm_json_destroy(&json);
    http_reply_finish(&stats);
    http_disconnect(&c[0]);
    http_expect_status(&c[2], 200);
    http_disconnect(&c[1]);
    http_disconnect(&c[2]);
    end();
}
END_TEST

static int connect_soon(const http_connection *like)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getpeername(like->fd, (struct sockaddr *) &address, &size), 0);
    if (connect(fd, (struct sockaddr *) &address, size))
        ck_assert_int_eq(errno, EINPROGRESS);
    return fd;
}

static bool is_connected(int fd, int wait_ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    return poll(&poller, 1, wait_ms) == 1 && poller.revents == POLLOUT;
}

START_TEST(the_kernel_keeps_as_many_as_the_backlog_says)
{
    enum { BACKLOG = 3, KEPT = BACKLOG + 1 /* Linux takes one more */ };
    BEGIN("--backlog", "3");
    http_connection first;
    int fds[KEPT + 1];
    http_connect(&first, tandemd.url);
    http_ask(&first, "GET", "/health", NULL);
    http_expect_status(&first, 200);
    daemon_signal(&tandemd, SIGSTOP);
    siginfo_t stopped;
    ck_assert_int_eq(waitid(P_PID, (id_t) tandemd.pid, &stopped, WSTOPPED), 0); /* before that it still accepts */
    for (int i = 0; i <= KEPT; i++) {
        fds[i] = connect_soon(&first);
        ck_assert_msg(is_connected(fds[i], 100) == (i < KEPT), "number %d", i);
    }
    daemon_signal(&tandemd, SIGCONT);
    ck_assert(is_connected(fds[KEPT], HTTP_PATIENCE_S * 1000)); /* it tries again */
    for (int i = 0; i <= KEPT; i++)
        close(fds[i]);
    http_disconnect(&first);
    end();
}
END_TEST

int main(void)
{
    return http_main("daemon_limits", (const TTest *const[]){
                                          sizes_are_kept_to_the_byte,
                                          times_end_what_is_too_slow,
                                          a_client_that_takes_nothing_is_cut_off_in_its_time,
                                          a_connection_has_its_number_of_requests,
                                          connections_past_the_limit_wait_for_one_to_end,
                                          the_kernel_keeps_as_many_as_the_backlog_says,
                                          NULL,
                                      });
}
