/* SPDX-License-Identifier: MIT */
/* The message cases on sockets. All go out at once, whole, and the answers of each are judged when the server has nothing
 * more to say. Then each goes out byte by byte and in random pieces, with a FIN behind it, and must get the same answers.
 * The server is the one in echo_server.c; or, if the variable ECHO names a program, that program. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/answers.h"
#include "tests/http/cases.h"
#include "tests/http/daemon.h"
#include "tests/http/echo_server.h"

#define SILENCE_MS 400 /* a server that says nothing for so long has nothing to say */
#define PIECES 5

static const char *url;
static daemon_process echo;
static bool is_program;
static char program_url[300];

/* @param hurried with the timing cases' limits. */
static void begin(bool hurried)
{
    static const char *args[] = {"--transport", NULL, "--port", "0",  "--max-body", "1048576", NULL, NULL,
                                 NULL,          NULL, NULL,     NULL, NULL,         NULL,      NULL};
    static const char *const limits[] = {"--header-timeout", "2", "--body-timeout",  "4",
                                         "--idle-timeout",   "3", "--write-timeout", "4"};
    const char *program = getenv("ECHO");
    is_program = program && *program;
    if (!is_program) {
        url = echo_start(hurried);
        return;
    }
    setenv("PROGRAM", program, 1);
    args[1] = http_transport() == TDM_DIRECT ? "direct" : "evhttp";
    for (size_t i = 0; hurried && i < sizeof limits / sizeof limits[0]; i++)
        args[6 + i] = limits[i];
    daemon_start(&echo, args, NULL);
    snprintf(program_url, sizeof program_url, "%s", echo.url);
    url = program_url;
}

static void end(void)
{
    if (!is_program) {
        echo_stop();
        return;
    }
    daemon_signal(&echo, SIGTERM);
    ck_assert_int_eq(daemon_wait(&echo), 0);
}

/* What an app above the transport answers is not for the echo on the seam to show. */
static bool is_ours(const http_case *c)
{
    return !c->drip && (is_program || strcmp(c->layer, "framework") != 0 || c->has_header);
}

/* The server may have had enough before it has all. */
static void send_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t) n;
    }
}

static void send_segments(http_connection *c, const http_case *what)
{
    for (size_t i = 0; i < what->segment_count; i++) {
        const http_segment *segment = &what->segments[i];
        send_all(c->fd, segment->send.bytes, segment->send.size);
        if (segment->wait_ms)
            usleep((useconds_t) segment->wait_ms * 1000);
        while (segment->wait_status && !answers_has(c->data, c->size, segment->wait_status))
            ck_assert_msg(answers_receive(c), "%s: no %d", what->name, segment->wait_status);
    }
}

/* ---- whole ---- */

static bool poll_all(http_connection *c, const bool *open, size_t count)
{
    static struct pollfd fds[4096];
    ck_assert_uint_le(count, 4096);
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = open[i] ? c[i].fd : -1, .events = POLLIN};
    return poll(fds, count, SILENCE_MS) > 0;
}

static void read_all(http_connection *c, bool *open, size_t count)
{
    while (poll_all(c, open, count)) {
        for (size_t i = 0; i < count; i++) {
            struct pollfd one = {.fd = c[i].fd, .events = POLLIN};
            if (open[i] && poll(&one, 1, 0) > 0)
                open[i] = answers_receive(&c[i]);
        }
    }
}

static answers *whole;

static void judge(const http_case *c, const http_connection *connection, bool open, answers *out)
{
    const char *wrong = answers_parse(out, connection->data, connection->size, c->head);
    ck_assert_msg(!wrong, "%s: %s: '%.*s'", c->name, wrong, (int) (connection->size < 1000 ? connection->size : 1000),
                  connection->data ? connection->data : "");
    wrong = answers_judge(out, c, open);
    ck_assert_msg(!wrong, "%s (%s): %s: '%.*s'", c->name, c->why, wrong,
                  (int) (connection->size < 1000 ? connection->size : 1000), connection->data ? connection->data : "");
}

static void run_whole(void)
{
    http_connection *c = calloc(http_case_count, sizeof *c);
    bool *open = calloc(http_case_count, sizeof *open);
    whole = calloc(http_case_count, sizeof *whole);
    ck_assert(c && open && whole);
    for (size_t i = 0; i < http_case_count; i++) {
        c[i].fd = -1;
        if (!is_ours(&http_cases[i]))
            continue;
        http_connect(&c[i], url);
        open[i] = true;
        if (http_cases[i].segment_count)
            send_segments(&c[i], &http_cases[i]);
        else
            send_all(c[i].fd, http_cases[i].request.bytes, http_cases[i].request.size);
        if (http_cases[i].half_close)
            shutdown(c[i].fd, SHUT_WR);
    }
    read_all(c, open, http_case_count);
    for (size_t i = 0; i < http_case_count; i++) {
        if (is_ours(&http_cases[i]))
            judge(&http_cases[i], &c[i], open[i], &whole[i]);
        http_disconnect(&c[i]);
    }
    free(c);
    free(open);
}

/* ---- in pieces ---- */

static uint64_t state = 0x9e3779b97f4a7c15;

static size_t next_random(size_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t) (state % below);
}

/* @param longest of a piece; 1: byte by byte. */
static void send_pieces(int fd, http_blob bytes, size_t longest)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t n = longest == 1 ? 1 : 1 + next_random(longest);
        n = n > bytes.size - at ? bytes.size - at : n;
        if (send(fd, bytes.bytes + at, n, MSG_NOSIGNAL) < 0)
            return; /* it has been refused already */
        at += n;
        if (next_random(8) == 0)
            sched_yield();
    }
}

static void run_cut(size_t i, size_t longest)
{
    const http_case *c = &http_cases[i];
    http_connection connection;
    answers cut;
    http_connect(&connection, url);
    send_pieces(connection.fd, c->request, longest);
    shutdown(connection.fd, SHUT_WR);
    while (answers_receive(&connection))
        ;
    const char *wrong = answers_parse(&cut, connection.data, connection.size, c->head);
    ck_assert_msg(!wrong, "%s, in pieces of %zu: %s", c->name, longest, wrong);
    wrong = answers_differ(&whole[i], &cut);
    ck_assert_msg(!wrong, "%s, in pieces of %zu: %s", c->name, longest, wrong);
    http_disconnect(&connection);
}

START_TEST(every_case_is_answered_right_whole_and_in_pieces)
{
    begin(false);
    run_whole();
    for (size_t i = 0; i < http_case_count; i++) {
        const http_case *c = &http_cases[i];
        if (!is_ours(c) || c->segment_count)
            continue;
        for (int n = 0; n < PIECES; n++)
            run_cut(i, 2 + next_random(c->request.size / (size_t) (n + 1) + 2));
        if (c->request.size < 20000)
            run_cut(i, 1);
    }
    free(whole);
    end();
}
END_TEST

/* ---- slow clients ---- */

static void *drip(void *arg)
{
    const http_case *c = arg;
    http_connection connection;
    http_connect(&connection, url);
    int64_t begin_ns = tdm_clock_ns();
    bool open = true;
    send_all(connection.fd, c->drip->start.bytes, c->drip->start.size);
    while (open && tdm_clock_ns() - begin_ns < c->drip->until_ms * (TDM_NS_PER_S / 1000)) {
        struct pollfd one = {.fd = connection.fd, .events = c->drip->no_read ? 0 : POLLIN};
        if (poll(&one, 1, c->drip->every_ms) > 0)
            open = !(one.revents & (POLLERR | POLLHUP)) && answers_receive(&connection);
        else
            send_all(connection.fd, c->drip->piece.bytes, c->drip->piece.size);
    }
    while (c->drip->no_read && answers_receive(&connection)) /* what was on its way, and then the end */
        ;
    answers got;
    const char *wrong = answers_parse(&got, connection.data, connection.size, false);
    ck_assert_msg(!wrong || c->drip->no_read, "%s: %s", c->name, wrong);
    ck_assert_msg(!open || c->drip->no_read, "%s: still open after %d ms", c->name, c->drip->until_ms);
    if (c->drip->no_read)
        ck_assert_msg(connection.size < (size_t) 32 << 20, "%s: all of it came", c->name);
    else
        ck_assert_msg(!answers_judge(&got, c, open), "%s: %s", c->name, answers_judge(&got, c, open));
    http_disconnect(&connection);
    return NULL;
}

START_TEST(slow_clients_have_their_time_and_no_more)
{
    begin(true);
    pthread_t threads[64];
    size_t count = 0;
    for (size_t i = 0; i < http_case_count; i++) {
        union {
            const void *in;
            void *out;
        } arg = {&http_cases[i]};
        if (http_cases[i].drip)
            ck_assert_int_eq(pthread_create(&threads[count++], NULL, drip, arg.out), 0);
    }
    ck_assert_uint_ge(count, 4);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    end();
}
END_TEST

int main(void)
{
    return http_main("cases", (const TTest *const[]){every_case_is_answered_right_whole_and_in_pieces,
                                                     slow_clients_have_their_time_and_no_more, NULL});
}
