/* SPDX-License-Identifier: MIT */
/* What a server must bear from those who only hold connections, and what it does when its descriptors run out. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/daemon.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void add_routes(tdm_app *app)
{
    ck_assert_int_eq(tdm_app_get(app, "/", http_get_hello), 0);
}

/* ---- a crowd ---- */

enum { IDLE = 400, SLOW = 200 };
#define HEAD_NS (TDM_NS_PER_S / 2)

static http_connection idle[IDLE], slow[SLOW];

static void come_and_idle(tdm_app *app)
{
    for (int i = 0; i < IDLE; i++) {
        http_connect(&idle[i], tdm_app_url(app));
        http_expect_hello(&idle[i]);
    }
}

/* The 408 of a slow one is here: it took its time, and no longer. */
static void end_slow(http_connection *c, int64_t began_ns)
{
    int64_t took = tdm_clock_ns() - began_ns;
    http_reply reply = http_read(c, false);
    ck_assert_int_eq(reply.status, 408);
    ck_assert_msg(took >= HEAD_NS && took < HEAD_NS + 5 * TDM_NS_PER_S, "408 after %.3f s", tdm_s_from_ns(took));
    http_reply_finish(&reply);
    http_expect_fin(c);
    http_disconnect(c);
}

START_TEST(among_idle_and_slow_ones_a_plain_client_is_served_and_the_slow_get_408_in_their_time)
{
    const tdm_app_options options = {.head_timeout = tdm_s_from_ns(HEAD_NS), .max_requests = 1000000};
    tdm_app *app = http_app(&options, add_routes);
    http_connection plain;
    int64_t began[SLOW];
    come_and_idle(app);
    for (int i = 0; i < SLOW; i++) {
        http_connect(&slow[i], tdm_app_url(app));
        began[i] = tdm_clock_ns();
        http_say(&slow[i], "GET / HTTP/1.1\r\nX: ");
    }
    http_connect(&plain, tdm_app_url(app));
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    for (int left = SLOW; left > 0;) {
        ck_assert_msg(tdm_clock_ns() < until, "%d of the slow ones go on for ever", left);
        http_expect_hello(&plain);
        for (int i = 0; i < SLOW; i++) {
            if (slow[i].fd < 0)
                continue;
            if (http_is_silent(&slow[i])) {
                http_send(&slow[i], "x", 1);
            } else {
                end_slow(&slow[i], began[i]);
                left--;
            }
        }
    }
    tdm_app_stats stats;
    tdm_app_stats_get(app, &stats);
    ck_assert_uint_eq(stats.refused, SLOW);
    for (int i = 0; i < IDLE; i++) {
        http_expect_hello(&idle[i]);
        http_disconnect(&idle[i]);
    }
    http_disconnect(&plain);
    http_app_end(app);
}
END_TEST

static void expect_all_closed(void)
{
    for (int i = 0; i < IDLE; i++) {
        http_expect_fin(&idle[i]);
        http_disconnect(&idle[i]);
    }
}

/* More than end in one turn of the loop. */
START_TEST(idle_ones_that_are_due_together_all_end_and_so_they_do_in_a_drain)
{
    tdm_app *app = http_app(&(tdm_app_options){.idle_timeout = 1}, add_routes);
    come_and_idle(app);
    expect_all_closed();
    http_app_end(app);

    tdm_manifest manifest;
    app = http_app(NULL, add_routes);
    come_and_idle(app);
    int64_t began = tdm_clock_ns();
    ck_assert_int_eq(tdm_app_stop(app, &manifest), 0);
    ck_assert_int_lt(tdm_clock_ns() - began, 5 * TDM_NS_PER_S);
    expect_all_closed();
    tdm_app_destroy(&app);
}
END_TEST

/* ---- descriptors ---- */

enum { CLIENTS = 40, ROOM = 6 };
#define LOOK_NS (TDM_NS_PER_S / 2)

static http_connection clients[CLIENTS];
static bool answered[CLIENTS];

/* Leave the program ROOM descriptors more than it has. Those that it inherited may have any number. */
static void lower_limit(const daemon_process *daemon)
{
    rlim_t most = 0;
    for (int room = 0; room < ROOM; most++) {
        char path[64], target[8];
        snprintf(path, sizeof path, "/proc/%d/fd/%llu", (int) daemon->pid, (unsigned long long) most);
        room += readlink(path, target, sizeof target) < 0;
    }
    struct rlimit limit = {most, most};
    ck_assert_int_eq(prlimit(daemon->pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void wait_until_it_says(const daemon_process *daemon, const char *what)
{
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    for (bool said = false; !said; usleep(500)) {
        char *err = daemon_err(daemon);
        ck_assert_msg(tdm_clock_ns() < until, "it did not say '%s': %s", what, err);
        said = strstr(err, what) != NULL;
        free(err);
    }
}

static int64_t processor_ns(const daemon_process *daemon)
{
    clockid_t clock;
    struct timespec used;
    ck_assert_int_eq(clock_getcpuclockid(daemon->pid, &clock), 0);
    ck_assert_int_eq(clock_gettime(clock, &used), 0);
    return used.tv_sec * TDM_NS_PER_S + used.tv_nsec;
}

static void expect_healthy(http_connection *c)
{
    http_reply reply = http_read(c, false);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body, "{\"status\":\"ok\"}");
    http_reply_finish(&reply);
}

/* Read what has come. @return how many were answered. */
static int read_answers(void)
{
    int count = 0;
    for (int i = 0; i < CLIENTS; i++) {
        if (clients[i].fd >= 0 && !answered[i] && !http_is_silent(&clients[i])) {
            expect_healthy(&clients[i]);
            answered[i] = true;
            count++;
        }
    }
    return count;
}

/* Nobody asks anything for a while: neither does the program do anything. */
static void expect_no_spin(const daemon_process *daemon)
{
    int64_t before = processor_ns(daemon);
    usleep((useconds_t) (LOOK_NS / 1000));
    int64_t used = processor_ns(daemon) - before;
    ck_assert_msg(used < LOOK_NS / 5, "%.3f s of processor time in %.1f s", tdm_s_from_ns(used),
                  tdm_s_from_ns(LOOK_NS));
}

/* Those who were answered leave, and let others in, until all were. */
static void leave_until_all_were_answered(int served)
{
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    while (served < CLIENTS) {
        ck_assert_msg(tdm_clock_ns() < until, "%d of %d were answered", served, CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            if (answered[i])
                http_disconnect(&clients[i]);
        }
        served += read_answers();
        usleep(500);
    }
}

static void run_out_of_descriptors(const char *loops)
{
    daemon_process daemon;
    daemon_start(&daemon, ARGS("--port", "0", "--loops", loops), NULL);
    memset(answered, 0, sizeof answered);
    http_expect(daemon.url, "GET", "/health", 200, NULL);
    lower_limit(&daemon);
    for (int i = 0; i < CLIENTS; i++) {
        http_connect(&clients[i], daemon.url);
        http_ask(&clients[i], "GET", "/health", NULL);
    }
    wait_until_it_says(&daemon, "cannot accept connections");
    expect_no_spin(&daemon);
    int served = read_answers();
    ck_assert_int_ge(served, ROOM);
    ck_assert_int_lt(served, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        if (answered[i]) { /* those who are in go on */
            http_ask(&clients[i], "GET", "/health", NULL);
            expect_healthy(&clients[i]);
        }
    }
    leave_until_all_were_answered(served);
    for (int i = 0; i < CLIENTS; i++)
        http_disconnect(&clients[i]);
    daemon_signal(&daemon, SIGTERM);
    ck_assert_int_eq(daemon_wait(&daemon), 0);
    daemon_finish(&daemon);
}

START_TEST(without_descriptors_a_server_waits_without_a_spin_and_recovers_when_some_are_free)
{
    run_out_of_descriptors("1");
    run_out_of_descriptors("2");
}
END_TEST

int main(void)
{
    return http_main("crowd", (const TTest *const[]){
                                  among_idle_and_slow_ones_a_plain_client_is_served_and_the_slow_get_408_in_their_time,
                                  idle_ones_that_are_due_together_all_end_and_so_they_do_in_a_drain,
                                  without_descriptors_a_server_waits_without_a_spin_and_recovers_when_some_are_free,
                                  NULL,
                              });
}
