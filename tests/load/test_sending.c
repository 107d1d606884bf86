/* SPDX-License-Identifier: MIT */
/* DESIGN: what the client sends, as the server sees it: methods, fields, bodies, values that are filled in, mixes,
 * pipelines, planned reconnects, Unix sockets, threads; and that it counts what it sent. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/load/witness.h"
#include "tests/unit/unit.h"

enum { TEXT = WITNESS_TEXT };

static void done(witness *w, load_run *r)
{
    load_run_finish(r);
    witness_finish(w);
}

static void check_all_succeeded(const load_step *step, uint64_t made)
{
    ck_assert_uint_eq(step->made, made);
    ck_assert_uint_eq(step->succeeded, made);
    ck_assert_uint_eq(load_step_errors(step), 0);
}

START_TEST(method_fields_and_body_arrive_as_typed)
{
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/x", "-c", "2", "-n", "6", "-X", "PUT", "-H", "X-A: one", "-HX-B: two", "--header=X-C: three",
                "--header", "Content-Type: text/plain", "--body", "hello");
    check_all_succeeded(&r.sweep.steps[0], 6);
    ck_assert_uint_eq(w.count, 6);
    ck_assert_uint_eq(witness_matching(&w, "PUT /x HTTP/1.1\r\n"), 6);
    ck_assert_uint_eq(witness_matching(&w, "\r\nX-A: one\r\nX-B: two\r\nX-C: three\r\nContent-Type: text/plain\r\n"),
                      6);
    ck_assert_uint_eq(witness_matching(&w, "\r\nContent-Length: 5\r\n\r\nhello"), 6);
    done(&w, &r);
}
END_TEST

START_TEST(a_header_option_does_not_swallow_its_neighbours)
{
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/", "-qH", "X-A: -c", "-n", "3", "--label", "-H", "-c3");
    check_all_succeeded(&r.sweep.steps[0], 3);
    ck_assert(r.plan.options.quiet);
    ck_assert_str_eq(r.plan.targets[0].label, "-H");
    ck_assert_uint_eq(witness_matching(&w, "\r\nX-A: -c\r\n"), 3);
    ck_assert_uint_eq(r.sweep.steps[0].connections, 3);
    done(&w, &r);
}
END_TEST

START_TEST(a_body_comes_from_a_file)
{
    char path[] = "/tmp/tandem-load-body-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "from a file", 11), 11);
    close(fd);
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/", "-n", "2", "--body-file", path);
    check_all_succeeded(&r.sweep.steps[0], 2);
    ck_assert_uint_eq(witness_matching(&w, "POST / "), 2);
    ck_assert_uint_eq(witness_matching(&w, "\r\nContent-Length: 11\r\n\r\nfrom a file"), 2);
    unlink(path);
    done(&w, &r);
}
END_TEST

START_TEST(a_head_reply_has_no_body_to_wait_for)
{
    witness w;
    load_run r;
    WITNESS_RUN(&w, &r, "/", "-c", "2", "-n", "10", "-X", "HEAD");
    check_all_succeeded(&r.sweep.steps[0], 10);
    done(&w, &r);
}
END_TEST

START_TEST(a_counter_gives_every_request_its_own_number_over_all_threads)
{
    witness w;
    load_run r;
    bool seen[4096] = {false};
    WITNESS_RUN(&w, &r, "/{{counter}}", "-c", "8", "-n", "400", "-t", "4", "--body", "id={{counter}}");
    check_all_succeeded(&r.sweep.steps[0], 400);
    for (unsigned i = 0; i < w.count; i++) {
        unsigned number = 0, id = 0, length = 0;
        ck_assert_int_eq(sscanf(w.requests[i], "POST /%u HTTP", &number), 1);
        const char *body = strstr(w.requests[i], "\r\n\r\nid=");
        ck_assert(body && sscanf(body + 7, "%u", &id) == 1);
        ck_assert_int_eq(sscanf(strstr(w.requests[i], "Content-Length: "), "Content-Length: %u", &length), 1);
        ck_assert_uint_eq(length, strlen(body + 4));
        ck_assert_uint_eq(id, number + 4); /* its thread's next */
        ck_assert(number < sizeof seen && id < sizeof seen && !seen[number] && !seen[id]);
        seen[number] = seen[id] = true;
    }
    ck_assert_uint_eq(r.sweep.steps[0].thread_count, 4);
    done(&w, &r);
}
END_TEST

/* By their first lines: the port in their Host differs. */
static int compare_lines(const char *a, const char *b)
{
    size_t size = strcspn(a, "\r"), other = strcspn(b, "\r");
    int order = memcmp(a, b, size < other ? size : other);
    return order ? order : (size > other) - (size < other);
}

static int compare_requests(const void *a, const void *b)
{
    return compare_lines(*(char *const *) a, *(char *const *) b);
}

/* All requests of two rounds of two steps, sorted. */
static void run_rounds_with_values(witness *w, const char *seed)
{
    load_run r;
    WITNESS_RUN(w, &r, "/{{counter}}/{{uuid}}/{{random}}", "-c", "2,4", "-n", "60", "-r", "2", "-t", "2", "--seed",
                seed);
    ck_assert_uint_eq(r.sweep.step_count, 4);
    for (unsigned i = 0; i < 4; i++)
        check_all_succeeded(&r.sweep.steps[i], 60);
    ck_assert_uint_eq(w->count, 240);
    load_run_finish(&r);
    qsort(w->requests, w->count, sizeof *w->requests, compare_requests);
}

START_TEST(no_value_comes_twice_in_a_run_and_the_same_come_in_the_next)
{
    witness first, second, other;
    bool seen[4096] = {false};
    run_rounds_with_values(&first, "7");
    run_rounds_with_values(&second, "7");
    run_rounds_with_values(&other, "8");
    for (unsigned i = 0; i < first.count; i++) {
        unsigned number = 0;
        char uuid[40] = "", part[48];
        ck_assert_int_eq(sscanf(first.requests[i], "GET /%u/%39[0-9a-f-]/", &number, uuid), 2);
        ck_assert(number < sizeof seen && !seen[number]);
        seen[number] = true;
        snprintf(part, sizeof part, "/%s/", uuid);
        ck_assert_uint_eq(witness_matching(&first, part), 1);
        ck_assert_uint_eq(witness_matching(&other, part), 0);
        ck_assert_int_eq(compare_lines(first.requests[i], second.requests[i]), 0);
    }
    witness_finish(&first);
    witness_finish(&second);
    witness_finish(&other);
}
END_TEST

START_TEST(a_mix_is_sent_by_weight)
{
    witness w;
    load_run r;
    fake_server *server = fake_server_start(witness_serve, &w);
    char a[96], b[96], c[96];
    snprintf(a, sizeof a, "3*%s", fake_server_url(server, "/a"));
    snprintf(b, sizeof b, "%s", fake_server_url(server, "/b"));
    snprintf(c, sizeof c, "6*%s", fake_server_url(server, "/c"));
    witness_init(&w);
    LOAD_RUN(&r, "--mix", "-c", "1", "-n", "1000", "--label", "a,b,c", a, b, c);
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(r.sweep.step_count, 1);
    check_all_succeeded(step, 1000);
    fake_server_stop(&server);
    ck_assert_uint_eq(witness_matching(&w, "GET /a "), 300);
    ck_assert_uint_eq(witness_matching(&w, "GET /b "), 100);
    ck_assert_uint_eq(witness_matching(&w, "GET /c "), 600);
    ck_assert_uint_eq(step->url_count, 3);
    ck_assert_uint_eq(step->urls[0].succeeded, 300);
    ck_assert_uint_eq(tdm_histogram_count(step->urls[2].latency), 600);
    ck_assert_str_eq(step->target->requests[1].label, "b");
    done(&w, &r);
}
END_TEST

START_TEST(a_planned_reconnect_comes_after_so_many_requests)
{
    witness w;
    load_run r;
    unsigned carried[64] = {0};
    WITNESS_RUN(&w, &r, "/", "-c", "2", "-n", "40", "--reconnect", "5");
    const load_step *step = &r.sweep.steps[0];
    check_all_succeeded(step, 40);
    for (unsigned i = 0; i < w.count; i++)
        carried[w.connection[i]]++;
    for (unsigned i = 0; i < 64; i++)
        ck_assert_uint_le(carried[i], 5);
    ck_assert_uint_ge(step->reopened, 6);
    done(&w, &r);
}
END_TEST

/* ---- pipelining ---- */

enum { DEPTH = 8 };

/* Answers only when `DEPTH` requests have come: a client that does not pipeline would wait for ever. */
static void serve_in_eights(int fd, unsigned number, void *arg)
{
    char path[256], text[DEPTH * 80] = "";
    (void) number;
    (void) arg;
    for (;;) {
        size_t n = 0;
        for (int i = 0; i < DEPTH; i++) {
            if (!fake_read_request(fd, path, sizeof path))
                return;
            n += (size_t) snprintf(text + n, sizeof text - n, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%d!", i);
        }
        fake_send(fd, text);
    }
}

START_TEST(a_pipeline_has_that_many_requests_on_their_way)
{
    fake_server *server = fake_server_start(serve_in_eights, NULL);
    load_run r;
    LOAD_RUN(&r, "-c", "2", "-n", "80", "--pipeline", "8", "--timeout", "5", fake_server_url(server, "/"));
    check_all_succeeded(&r.sweep.steps[0], 80);
    ck_assert_uint_eq(tdm_histogram_count(r.sweep.steps[0].latency), 80);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* Answers three requests of a connection, the third with Connection: close, whatever else has come. */
static void serve_three(int fd, unsigned number, void *arg)
{
    char path[256];
    (void) number;
    (void) arg;
    for (int i = 0; i < 3 && fake_read_request(fd, path, sizeof path); i++)
        fake_send(fd, i == 2 ? "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                             : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    shutdown(fd, SHUT_WR);
    while (fake_read_request(fd, path, sizeof path))
        ;
}

START_TEST(pipelined_requests_behind_a_close_are_sent_once_more_and_each_is_counted_once)
{
    fake_server *server = fake_server_start(serve_three, NULL);
    load_run r;
    LOAD_RUN(&r, "-c", "1", "-n", "30", "--pipeline", "4", "--timeout", "5", fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(step->made, 30);
    ck_assert_uint_eq(step->made, step->succeeded + load_step_errors(step));
    ck_assert_uint_ge(step->succeeded, 28); /* one that met two such ends has failed */
    ck_assert_uint_ge(step->retried, 5);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

/* Answers two requests that came together, each half a timeout and more after the one before. */
static void serve_two_slowly(int fd, unsigned number, void *arg)
{
    char path[256];
    (void) number;
    (void) arg;
    for (int i = 0; i < 2; i++) {
        if (!fake_read_request(fd, path, sizeof path))
            return;
    }
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 600000000}, NULL);
    fake_reply(fd, "200 OK", "", "");
    nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
    fake_reply(fd, "200 OK", "", "");
    (void) fake_read_request(fd, path, sizeof path);
}

START_TEST(the_timeout_of_a_pipelined_request_counts_from_when_it_was_sent)
{
    fake_server *server = fake_server_start(serve_two_slowly, NULL);
    load_run r;
    LOAD_RUN(&r, "-c", "1", "-n", "2", "--pipeline", "2", "--timeout", "3", fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 1);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_TIMEOUT], 1);
    load_run_finish(&r);
    fake_server_stop(&server);
}
END_TEST

static void serve_then_close(int fd, unsigned number, void *arg)
{
    char text[TEXT];
    (void) number;
    if (!fake_read_whole(fd, text, sizeof text))
        return;
    witness_note(arg, number, text);
    fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (fake_read_whole(fd, text, sizeof text))
        witness_note(arg, number, text); /* … and no answer to this one */
}

START_TEST(a_post_that_met_the_end_of_its_connection_is_not_sent_again)
{
    witness w;
    load_run r;
    witness_init(&w);
    fake_server *server = fake_server_start(serve_then_close, &w);
    LOAD_RUN(&r, "-c", "1", "-n", "4", "--body", "x", fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    ck_assert_uint_eq(step->succeeded, 2);
    ck_assert_uint_eq(step->errors[LOAD_ERROR_CLOSED], 2);
    ck_assert_uint_eq(step->retried, 0);
    fake_server_stop(&server);
    ck_assert_uint_eq(w.count, 4);
    done(&w, &r);
}
END_TEST

/* ---- large requests ---- */

/* Reads a body by blocks; answers only when all of it has come. */
static void serve_large(int fd, unsigned number, void *arg)
{
    static const char length[] = "\r\nContent-Length: ";
    char head[4096], block[65536];
    (void) number;
    (void) arg;
    for (;;) {
        size_t n = 0;
        while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)
            if (n + 1 == sizeof head || recv(fd, head + n++, 1, 0) != 1)
                return;
        head[n] = '\0';
        const char *field = strstr(head, length);
        size_t left = field ? strtoul(field + strlen(length), NULL, 10) : 0;
        while (left) {
            ssize_t got = recv(fd, block, left < sizeof block ? left : sizeof block, 0);
            if (got <= 0)
                return;
            left -= (size_t) got;
        }
        fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
}

START_TEST(a_body_that_does_not_fit_the_socket_is_sent_in_full)
{
    char path[] = "/tmp/tandem-load-body-XXXXXX";
    static char block[1 << 20];
    int fd = mkstemp(path);
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(write(fd, block, sizeof block), sizeof block);
    close(fd);
    load_run r;
    fake_server *server = fake_server_start(serve_large, NULL);
    LOAD_RUN(&r, "-c", "2", "-n", "6", "--body-file", path, fake_server_url(server, "/"));
    const load_step *step = &r.sweep.steps[0];
    check_all_succeeded(step, 6);
    ck_assert_uint_gt(step->bytes_sent, 6 * (8u << 20));
    load_run_finish(&r);
    LOAD_RUN(&r, "-c", "1", "-n", "6", "-H", "X-N: {{counter}}", "--pipeline", "3", "--body-file", path,
             fake_server_url(server, "/")); /* put together, and copied where it does not fit */
    check_all_succeeded(&r.sweep.steps[0], 6);
    load_run_finish(&r);
    fake_server_stop(&server);
    unlink(path);
}
END_TEST

/* ---- where to ---- */

typedef struct unix_server {
    int listener;
    char path[108];
    pthread_t thread;
} unix_server;

static void *serve_unix(void *arg)
{
    unix_server *s = arg;
    char path[256];
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0; close(fd))
        while (fake_read_request(fd, path, sizeof path))
            fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return NULL;
}

START_TEST(a_unix_socket_is_loaded_like_any_other)
{
    unix_server s = {.listener = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(s.path, sizeof s.path, "/tmp/tandem-load-%d.sock", (int) getpid());
    memcpy(address.sun_path, s.path, sizeof address.sun_path);
    unlink(s.path);
    ck_assert_int_eq(bind(s.listener, (struct sockaddr *) &address, sizeof address), 0);
    ck_assert_int_eq(listen(s.listener, 16), 0);
    ck_assert_int_eq(pthread_create(&s.thread, NULL, serve_unix, &s), 0);
    load_run r;
    LOAD_RUN(&r, "-c", "1", "-n", "20", "--unix-socket", s.path, "http://service/");
    check_all_succeeded(&r.sweep.steps[0], 20);
    load_run_finish(&r);
    shutdown(s.listener, SHUT_RDWR);
    pthread_join(s.thread, NULL);
    close(s.listener);
    unlink(s.path);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        method_fields_and_body_arrive_as_typed,
        a_header_option_does_not_swallow_its_neighbours,
        a_body_comes_from_a_file,
        a_head_reply_has_no_body_to_wait_for,
        a_counter_gives_every_request_its_own_number_over_all_threads,
        no_value_comes_twice_in_a_run_and_the_same_come_in_the_next,
        a_mix_is_sent_by_weight,
        a_planned_reconnect_comes_after_so_many_requests,
        a_pipeline_has_that_many_requests_on_their_way,
        pipelined_requests_behind_a_close_are_sent_once_more_and_each_is_counted_once,
        the_timeout_of_a_pipelined_request_counts_from_when_it_was_sent,
        a_post_that_met_the_end_of_its_connection_is_not_sent_again,
        a_body_that_does_not_fit_the_socket_is_sent_in_full,
        a_unix_socket_is_loaded_like_any_other,
        NULL,
    };
    return unit_main("load_sending", tests);
}
