/* SPDX-License-Identifier: MIT */
/* The seam itself, without an app above it: replies whole and in pieces, on each transport. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/transport.h"
#include "tests/http/http.h"

#define PIECE (64u << 10)
#define PIECES 128
#define HEAD "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define HEAD_UNTIL_CLOSE "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

/* One exchange at a time; what the server's side of the test has seen of it. */
static struct {
    tdm__exchange *exchange;
    unsigned written, wanted;
    bool chunked, close;
    atomic_int drained, over, most_unsent;
    atomic_int ending;
} stream;

static char piece[PIECE];
static atomic_size_t buffered;

/* Write until something waits. The exchange may be gone after any call. */
static void write_on(void)
{
    while (stream.written < stream.wanted) {
        if (tdm__exchange_write(stream.exchange, piece, PIECE))
            return;
        stream.written++;
        int unsent = (int) tdm__exchange_unsent(stream.exchange);
        if (unsent > stream.most_unsent)
            stream.most_unsent = unsent;
        if (unsent)
            return;
    }
    tdm__exchange_end(stream.exchange, stream.close);
}

static void on_drained(void *owner)
{
    ck_assert_ptr_eq(owner, &stream);
    stream.drained++;
    write_on();
}

static void on_over(void *owner, tdm__ending ending)
{
    ck_assert_ptr_eq(owner, &stream);
    stream.ending = (int) ending;
    stream.over++;
}

static void on_arrived(void *context, tdm__loop *loop, tdm__exchange *exchange, const tdm__incoming *in)
{
    (void) context, (void) loop;
    stream.exchange = exchange;
    stream.written = 0;
    tdm__exchange_own(exchange, &stream);
    if (strcmp(in->target, "/cut") == 0) {
        tdm__exchange_cut(exchange);
        return;
    }
    const char *head = stream.chunked ? HEAD : HEAD_UNTIL_CLOSE;
    if (tdm__exchange_begin(exchange, head, strlen(head), stream.chunked) == 0)
        write_on();
}

static const tdm__hooks hooks = {.arrived = on_arrived, .drained = on_drained, .over = on_over};
static tdm_executor *executor;
static tdm__server *server;
static http_connection c;

static void begin(bool chunked, unsigned pieces)
{
    stream.chunked = chunked;
    stream.close = !chunked;
    stream.wanted = pieces;
    for (size_t i = 0; i < PIECE; i++)
        piece[i] = (char) ('a' + i % 26);
    ck_assert_int_eq(tdm_executor_create(&executor, NULL), 0);
    tdm__server_options options = {
        .transport = http_transport(),
        .listen = {.host = "127.0.0.1", .port = "0", .backlog = 4096},
        .max_connections = 10,
        .max_requests = 10,
        .max_target = 1000,
        .max_head = 10000,
        .max_fields = 20,
        .max_body = 1000,
        .max_buffered = 100000,
        .buffered = &buffered,
        .head_ns = 20 * TDM_NS_PER_S,
        .body_ns = 20 * TDM_NS_PER_S,
        .idle_ns = 20 * TDM_NS_PER_S,
        .write_ns = 20 * TDM_NS_PER_S,
        .hooks = &hooks,
    };
    ck_assert_int_eq(tdm__server_create(&server, executor, &options), 0);
    http_connect(&c, tdm__server_url(server));
}

static void end(void)
{
    http_disconnect(&c);
    ck_assert_int_eq(tdm__server_destroy(&server), 0);
    ck_assert_int_eq(tdm_executor_destroy(&executor), 0);
}

static char *read_line(char *line, size_t size)
{
    size_t n = 0;
    while (n < 2 || line[n - 2] != '\r' || line[n - 1] != '\n') {
        ck_assert_uint_lt(n, size - 1);
        ck_assert_int_eq(recv(c.fd, line + n++, 1, 0), 1);
    }
    line[n - 2] = '\0';
    return line;
}

/* A chunked body of this many pieces, and its end. */
static void expect_pieces(unsigned pieces)
{
    static char bytes[PIECE];
    char line[256];
    ck_assert_str_eq(read_line(line, sizeof line), "HTTP/1.1 200 OK");
    while (*read_line(line, sizeof line))
        ;
    for (unsigned i = 0; i < pieces; i++) {
        ck_assert_uint_eq(strtoul(read_line(line, sizeof line), NULL, 16), PIECE);
        ck_assert_int_eq(recv(c.fd, bytes, PIECE, MSG_WAITALL), PIECE);
        ck_assert(memcmp(bytes, piece, PIECE) == 0);
        ck_assert_str_eq(read_line(line, sizeof line), "");
    }
    ck_assert_str_eq(read_line(line, sizeof line), "0");
    ck_assert_str_eq(read_line(line, sizeof line), "");
}

START_TEST(a_reply_in_pieces_waits_for_a_slow_reader_and_the_connection_goes_on)
{
    begin(true, PIECES);
    for (int i = 1; i <= 3; i++) {
        http_ask(&c, "GET", "/", NULL);
        expect_pieces(PIECES);
        http_wait_for(&stream.over, i);
        ck_assert_int_eq(stream.ending, TDM__HANDED);
    }
    ck_assert_int_gt(stream.drained, 0);
    ck_assert_int_le(stream.most_unsent, (int) PIECE + 100);
    end();
}
END_TEST

START_TEST(a_reply_of_one_small_piece_needs_no_waiting)
{
    begin(true, 1);
    http_ask(&c, "GET", "/", NULL);
    expect_pieces(1);
    http_ask(&c, "GET", "/", NULL);
    expect_pieces(1);
    ck_assert_int_eq(stream.drained, 0);
    end();
}
END_TEST

START_TEST(a_reply_without_length_ends_with_the_connection)
{
    begin(false, PIECES);
    http_ask(&c, "GET", "/", NULL);
    char line[256];
    ck_assert_str_eq(read_line(line, sizeof line), "HTTP/1.1 200 OK");
    while (*read_line(line, sizeof line))
        ;
    static char bytes[PIECE];
    for (unsigned i = 0; i < PIECES; i++) {
        ck_assert_int_eq(recv(c.fd, bytes, PIECE, MSG_WAITALL), PIECE);
        ck_assert(memcmp(bytes, piece, PIECE) == 0);
    }
    http_expect_fin(&c);
    http_wait_for(&stream.over, 1);
    ck_assert_int_eq(stream.ending, TDM__HANDED);
    end();
}
END_TEST

START_TEST(a_client_that_leaves_a_reply_in_pieces_ends_it)
{
    begin(true, PIECES);
    http_ask(&c, "GET", "/", NULL);
    char byte;
    ck_assert_int_eq(recv(c.fd, &byte, 1, 0), 1);
    http_reset(&c);
    http_wait_for(&stream.over, 1);
    ck_assert_int_eq(stream.ending, TDM__LEFT);
    end();
}
END_TEST

START_TEST(an_exchange_that_is_cut_says_so)
{
    begin(true, 1);
    http_ask(&c, "GET", "/cut", NULL);
    http_expect_end(&c);
    http_wait_for(&stream.over, 1);
    ck_assert_int_eq(stream.ending, TDM__CUT);
    end();
}
END_TEST

int main(void)
{
    return http_main("exchange", (const TTest *const[]){
                                     a_reply_in_pieces_waits_for_a_slow_reader_and_the_connection_goes_on,
                                     a_reply_of_one_small_piece_needs_no_waiting,
                                     a_reply_without_length_ends_with_the_connection,
                                     a_client_that_leaves_a_reply_in_pieces_ends_it,
                                     an_exchange_that_is_cut_says_so,
                                     NULL,
                                 });
}
