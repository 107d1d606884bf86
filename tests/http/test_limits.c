/* SPDX-License-Identifier: MIT */
/* What a server must bear: many connections, no descriptors, clients that take their time. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/http.h"

#define BIG (32u << 20)

static atomic_int big_ended;
static atomic_int held, let_go;

static void note_big(void *arg)
{
    (void) arg;
    big_ended++;
}

static int do_nothing(tdm_task *task, void *arg)
{
    (void) task;
    (void) arg;
    return 0;
}

static int get_big(tdm_request *req)
{
    char *body = calloc(1, BIG);
    if (!body)
        return -ENOMEM;
    int err = tdm_background(
        req, &(tdm_task_spec){.name = "gone", .run = do_nothing, .drop = note_big, .when = TDM_WHEN_CLIENT_GONE});
    if (!err)
        err = tdm_reply(req, 200, NULL, body, BIG);
    free(body);
    return err;
}

/* Holds the loop, so that what clients do meanwhile comes to it at once. */
static int get_hold(tdm_request *req)
{
    held = 1;
    while (!let_go)
        usleep(200);
    return tdm_reply_text(req, 200, "held");
}

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
    ck_assert_int_eq(tdm_app_get(app, "/hold", get_hold), 0);
    ck_assert_int_eq(tdm_app_get(app, "/big", get_big), 0);
}

#define LIMIT 4
#define CLIENTS 12

/* Read what has been answered. @return how many more connections the server has open for us. */
static int read_answers(http_connection *c, bool *answered)
{
    int count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        if (c[i].fd < 0 || answered[i] || http_is_silent(&c[i]))
            continue;
        http_read_hello(&c[i]);
        answered[i] = true;
        count++;
    }
    return count;
}

static bool leave_one(http_connection *c, const bool *answered)
{
    for (int i = 0; i < CLIENTS; i++) {
        if (c[i].fd < 0 || !answered[i])
            continue;
        http_expect_hello(&c[i]); /* those that are in go on */
        http_disconnect(&c[i]);
        return true;
    }
    return false;
}

static void crowd(unsigned loops)
{
    tdm_app *app = http_app(&(tdm_app_options){.max_connections = LIMIT, .executor = {.loops = loops}}, add_routes);
    http_connection c[CLIENTS];
    bool answered[CLIENTS] = {false};
    for (int i = 0; i < CLIENTS; i++) {
        http_connect(&c[i], tdm_app_url(app));
        http_ask(&c[i], "GET", "/", NULL);
    }
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    int open = 0;
    for (int served = 0; served < CLIENTS;) {
        ck_assert_msg(tdm_clock_ns() < until, "%d of %d were served", served, CLIENTS);
        int more = read_answers(c, answered);
        served += more;
        open += more;
        ck_assert_int_le(open, LIMIT + (int) loops - 1);
        /* Each loop may be one late to see that the limit is reached; below the limit somebody must come in. */
        if (open >= LIMIT)
            open -= leave_one(c, answered);
        else
            usleep(200);
    }
    for (int i = 0; i < CLIENTS; i++)
        http_disconnect(&c[i]);
    http_app_end(app);
}

START_TEST(beyond_the_limit_connections_wait_until_others_close)
{
    crowd(1);
    crowd(2);
}
END_TEST

START_TEST(without_descriptors_accepting_pauses_and_does_not_spin)
{
    tdm_app *app = http_app(NULL, add_routes);
    http_connection c[8];
    for (int i = 0; i < 8; i++)
        c[i].fd = -1;
    http_connect(&c[0], tdm_app_url(app));
    http_expect_hello(&c[0]);
    for (int i = 1; i < 8; i++) /* our ends first; the server has none left for its own */
        c[i] = (http_connection){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int highest = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(highest, 0);
    close(highest);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t) highest;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ck_assert_int_eq(getpeername(c[0].fd, (struct sockaddr *) &address, &size), 0);
    for (int i = 1; i < 8; i++) {
        ck_assert_int_eq(connect(c[i].fd, (struct sockaddr *) &address, size), 0);
        http_ask(&c[i], "GET", "/", NULL);
    }
    struct timespec cpu_before, cpu_after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_before);
    for (int i = 0; i < 10; i++) { /* those that are open go on meanwhile */
        http_expect_hello(&c[0]);
        usleep(30000);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_after);
    double used =
        (double) (cpu_after.tv_sec - cpu_before.tv_sec) + (double) (cpu_after.tv_nsec - cpu_before.tv_nsec) / 1e9;
    ck_assert_msg(used < 0.2, "%.3f s of processor time in 0.3 s", used);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 1; i < 8; i++) {
        http_read_hello(&c[i]);
        http_disconnect(&c[i]);
    }
    http_disconnect(&c[0]);
    http_app_end(app);
}
END_TEST

START_TEST(idle_connections_close_after_their_time)
{
    tdm_app *app = http_app(&(tdm_app_options){.idle_timeout = 0.2}, add_routes);
    http_connection fresh, used;
    http_connect(&fresh, tdm_app_url(app));
    http_connect(&used, tdm_app_url(app));
    http_expect_hello(&used);
    int64_t begin = tdm_clock_ns();
    http_expect_fin(&fresh);
    http_expect_fin(&used);
    ck_assert_int_ge(tdm_clock_ns() - begin, TDM_NS_PER_S / 10);
    http_disconnect(&fresh);
    http_disconnect(&used);
    http_app_end(app);
}
END_TEST

START_TEST(a_request_that_drips_is_408_in_its_time_however_often_a_byte_comes)
{
    tdm_app *app = http_app(&(tdm_app_options){.head_timeout = 0.3}, add_routes);
    http_connection c;
    http_connect(&c, tdm_app_url(app));
    http_say(&c, "GET / HTTP/1.1\r\nX: ");
    int64_t until = tdm_clock_ns() + 5 * TDM_NS_PER_S;
    while (http_is_silent(&c)) {
        ck_assert(tdm_clock_ns() < until);
        http_send(&c, "x", 1);
        usleep(5000);
    }
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 408);
    ck_assert_str_eq(reply.body, "{\"detail\":\"Request Timeout\"}");
    http_reply_finish(&reply);
    http_disconnect(&c);
    http_app_end(app);
}
END_TEST

START_TEST(a_reset_that_comes_with_part_of_a_message_ends_the_connection_at_once)
{
    static const char *const parts[] = {"\r\n", "GET / HT",
                                        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab"};
    enum { PARTS = sizeof parts / sizeof *parts };
    tdm_app *app = http_app(&(tdm_app_options){0}, add_routes);
    http_connection holder, leaving[PARTS];
    for (int i = 0; i < PARTS; i++) {
        http_connect(&leaving[i], tdm_app_url(app));
        http_expect_hello(&leaving[i]);
    }
    http_connect(&holder, tdm_app_url(app));
    http_ask(&holder, "GET", "/hold", NULL);
    http_wait_for(&held, 1);
    for (int i = 0; i < PARTS; i++) {
        http_say(&leaving[i], "%s", parts[i]);
        http_reset(&leaving[i]);
    }
    let_go = 1;
    http_reply reply = http_read(&holder, false);
    ck_assert_str_eq(reply.body, "held");
    http_reply_finish(&reply);
    http_disconnect(&holder);
    int64_t until = tdm_clock_ns() + 5 * TDM_NS_PER_S; /* their times are longer */
    tdm_app_stats stats;
    do {
        tdm_app_stats_get(app, &stats);
        ck_assert_msg(tdm_clock_ns() < until, "%u connections are open", (unsigned) stats.connections);
        usleep(200);
    } while (stats.connections);
    http_app_end(app);
}
END_TEST

START_TEST(a_client_that_does_not_read_its_reply_counts_as_gone)
{
    tdm_app *app = http_app(&(tdm_app_options){.write_timeout = 0.3}, add_routes);
    http_connection stuck, leaving;
    tdm_task_info row;
    tdm_cursor cursor = {""};
    http_connect(&stuck, tdm_app_url(app));
    http_ask(&stuck, "GET", "/big", NULL);
    http_wait_ended(tdm_app_executor(app), &cursor, &row, 1); /* the write's time is over */
    ck_assert_int_eq(row.state, TDM_DONE);
    http_connect(&leaving, tdm_app_url(app));
    http_ask(&leaving, "GET", "/big", NULL);
    char byte;
    ck_assert_int_eq(recv(leaving.fd, &byte, 1, 0), 1);
    http_reset(&leaving);
    http_wait_ended(tdm_app_executor(app), &cursor, &row, 1);
    ck_assert_int_eq(row.state, TDM_DONE);
    http_disconnect(&stuck);
    http_app_end(app);
    ck_assert_int_eq(big_ended, 2);
}
END_TEST

START_TEST(a_client_that_is_cut_off_gets_no_more_of_its_reply)
{
    tdm_app *app = http_app(&(tdm_app_options){.write_timeout = 0.3}, add_routes);
    static char bytes[1 << 16];
    http_connection stuck;
    tdm_task_info row;
    tdm_cursor cursor = {""};
    http_connect(&stuck, tdm_app_url(app));
    http_ask(&stuck, "GET", "/big", NULL);
    http_wait_ended(tdm_app_executor(app), &cursor, &row, 1);
    ssize_t n;
    while ((n = recv(stuck.fd, bytes, sizeof bytes, 0)) > 0) /* what its own side of the connection has already */
        ;
    ck_assert_msg(n < 0 && errno == ECONNRESET, "the kernel went on sending");
    http_disconnect(&stuck);
    http_app_end(app);
}
END_TEST

START_TEST(a_volley_of_connections_is_served)
{
    tdm_app *app = http_app(&(tdm_app_options){.executor = {.loops = 2}}, add_routes);
    enum { COUNT = 300 };
    static http_connection c[COUNT];
    for (int i = 0; i < COUNT; i++)
        http_connect(&c[i], tdm_app_url(app));
    for (int i = 0; i < COUNT; i++)
        http_ask(&c[i], "GET", "/", NULL);
    for (int i = 0; i < COUNT; i++) {
        http_read_hello(&c[i]);
        http_disconnect(&c[i]);
    }
    http_app_end(app);
}
END_TEST

START_TEST(a_body_has_its_time_and_more_the_longer_it_is)
{
    enum { LONG = 256 << 10 };
    static char body[LONG];
    tdm_app *app = http_app(&(tdm_app_options){.body_timeout = 0.2, .idle_timeout = 0.1}, http_add_routes);
    http_connection little, much;
    http_connect(&little, tdm_app_url(app));
    http_connect(&much, tdm_app_url(app));
    http_say(&much, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", LONG);
    http_say(&little, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    http_expect_status(&little, 408); /* by then the other one's first 0.2 s are over, too */
    http_expect_fin(&little);
    http_send(&much, body, LONG);
    http_expect_status(&much, 200);
    http_disconnect(&little);
    http_disconnect(&much);
    http_app_end(app);
}
END_TEST

START_TEST(a_chunked_body_earns_its_time_by_what_it_sends)
{
    enum { MUCH = 256 << 10 };
    static char body[MUCH];
    tdm_app *app = http_app(&(tdm_app_options){.body_timeout = 0.2}, http_add_routes);
    http_connection little, much;
    http_connect(&little, tdm_app_url(app));
    http_connect(&much, tdm_app_url(app));
    http_say(&much, "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", MUCH);
    http_send(&much, body, MUCH - 1); /* which is worth three seconds */
    http_say(&little, "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\nx", MUCH);
    http_expect_status(&little, 408);
    http_expect_fin(&little);
    http_say(&much, "x\r\n0\r\n\r\n");
    http_expect_status(&much, 200);
    http_disconnect(&little);
    http_disconnect(&much);
    http_app_end(app);
}
END_TEST

START_TEST(a_client_that_takes_some_of_its_reply_in_time_gets_it_all)
{
    enum { SIP = 256 << 10, SIPS = 12, PAUSE_US = 100000 };
    tdm_app *app = http_app(&(tdm_app_options){.write_timeout = 0.4}, add_routes);
    static char bytes[SIP];
    http_connection slow;
    http_connect(&slow, tdm_app_url(app));
    http_ask(&slow, "GET", "/big", NULL);
    size_t got = 0;
    for (int i = 0; i < SIPS; i++) { /* three times as long as a client may take nothing */
        ssize_t n = recv(slow.fd, bytes, sizeof bytes, MSG_WAITALL);
        ck_assert_int_gt(n, 0);
        got += (size_t) n;
        usleep(PAUSE_US);
    }
    while (got < BIG) {
        ssize_t n = recv(slow.fd, bytes, sizeof bytes, 0);
        ck_assert_msg(n > 0, "cut off after %zu bytes", got);
        got += (size_t) n;
    }
    http_disconnect(&slow);
    http_app_end(app);
}
END_TEST

int main(void)
{
    return http_main("limits", (const TTest *const[]){
                                   beyond_the_limit_connections_wait_until_others_close,
                                   without_descriptors_accepting_pauses_and_does_not_spin,
                                   idle_connections_close_after_their_time,
                                   a_request_that_drips_is_408_in_its_time_however_often_a_byte_comes,
                                   a_reset_that_comes_with_part_of_a_message_ends_the_connection_at_once,
                                   a_client_that_does_not_read_its_reply_counts_as_gone,
                                   a_client_that_is_cut_off_gets_no_more_of_its_reply,
                                   a_volley_of_connections_is_served,
                                   a_body_has_its_time_and_more_the_longer_it_is,
                                   a_chunked_body_earns_its_time_by_what_it_sends,
                                   a_client_that_takes_some_of_its_reply_in_time_gets_it_all,
                                   NULL,
                               });
}
