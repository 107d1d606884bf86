/* SPDX-License-Identifier: MIT */
/* tandemd as a process: its options, its lines, its signals, its exit codes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/daemon.h"
#include "tests/http/lines.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static daemon_process tandemd;

static tdm_json *stop(int expected_status)
{
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), expected_status);
    char *out = daemon_out(&tandemd);
    ck_assert_uint_eq(lines_of(out), 2);
    tdm_json *manifest = daemon_json(strchr(out, '\n') + 1);
    free(out);
    ck_assert_int_eq((int) daemon_number(manifest, PATH("exit_status")), expected_status);
    return manifest;
}

static void stop_well(void)
{
    tdm_json *manifest = stop(0);
    tdm_json_destroy(&manifest);
    daemon_finish(&tandemd);
}

START_TEST(the_ready_line_tells_address_and_settings)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--workers", "3", "--queue", "77"), NULL);
    expect_match(tandemd.ready, "^tandemd [0-9]+\\.[0-9]+\\.[0-9]+ listening on http://127\\.0\\.0\\.1:[1-9][0-9]* "
                                "\\(loops=1 workers=3 queue=77\\)$");
    http_expect(tandemd.url, "GET", "/health", 200, "{\"status\":\"ok\"}");
    stop_well();
}
END_TEST

START_TEST(options_come_from_the_environment_and_the_command_line_wins)
{
    daemon_start(&tandemd, ARGS("--workers=5"),
                 ARGS("TANDEM_PORT=0", "TANDEM_WORKERS=2", "TANDEM_QUEUE=9", "TANDEM_LOOPS=2"));
    expect_match(tandemd.ready, "\\(loops=2 workers=5 queue=9\\)$");
    stop_well();
}
END_TEST

START_TEST(names_and_ipv6_addresses_are_listened_on)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--host", "localhost"), NULL);
    expect_match(tandemd.ready, "http://localhost:[0-9]+ ");
    http_expect(tandemd.url, "GET", "/health", 200, NULL);
    stop_well();
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    bool six = fd >= 0 && bind(fd, (struct sockaddr *) &address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    if (!six) /* not on every machine */
        return;
    daemon_start(&tandemd, ARGS("--port", "0", "--host", "::1", "--loops", "2"), NULL);
    expect_match(tandemd.ready, "http://\\[::1\\]:[0-9]+ ");
    http_expect(tandemd.url, "GET", "/health", 200, NULL);
    stop_well();
}
END_TEST

static void run_to_end(const char *const *args, const char *const *variables, int status)
{
    daemon_run(&tandemd, args, variables);
    int got = daemon_wait(&tandemd);
    char *err = daemon_err(&tandemd);
    ck_assert_msg(got == status, "%s: exit %d, not %d: %s", args[0], got, status, err);
    free(err);
}

START_TEST(a_wrong_option_is_usage_and_exit_2)
{
    static const char *const wrong[][3] = {
        {"--nonsense"},
        {"--port", "65536"},
        {"--port", "http"},
        {"--loops", "0"},
        {"--workers", "-1"},
        {"--queue", "0"},
        {"--drain-timeout", "nan"},
        {"--log-level", "loud"},
        {"operand"},
        {"--host"},
        {"--log-format", "xml"},
        {"--ledger", "1e3"},
        {"--min-workers", "0"},
        {"--hold-limit", "-1"},
        {"--stuck-after", "0"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run_to_end(wrong[i], NULL, 2);
        char *err = daemon_err(&tandemd), *out = daemon_out(&tandemd);
        expect_match(err, "[Uu]sage: ");
        ck_assert_str_eq(out, "");
        free(err);
        free(out);
        daemon_finish(&tandemd);
    }
    run_to_end(ARGS("--port=0"), ARGS("TANDEM_WORKERS=many"), 2);
    char *err = daemon_err(&tandemd);
    expect_match(err, "TANDEM_WORKERS");
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(help_and_version_are_exit_0)
{
    run_to_end(ARGS("--help"), NULL, 0);
    char *out = daemon_out(&tandemd);
    static const char *const options[] = {
        "host",           "port",        "loops",     "workers",        "min-workers", "hold-limit",
        "stuck-after",    "log-context", "queue",     "max-loop-tasks", "ledger",      "drain-timeout",
        "drain-announce", "drain-grace", "log-level", "log-format",     "version",     "help"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        ck_assert_msg(strstr(out, options[i]) != NULL, "no --%s in the help", options[i]);
    free(out);
    daemon_finish(&tandemd);
    run_to_end(ARGS("--version"), NULL, 0);
    out = daemon_out(&tandemd);
    expect_match(out, "^tandemd [0-9]+\\.[0-9]+\\.[0-9]+$");
    free(out);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(a_port_in_use_is_one_clear_line_and_exit_1)
{
    daemon_start(&tandemd, ARGS("--port", "0"), NULL);
    daemon_process first = tandemd;
    const char *port = strrchr(first.url, ':') + 1;
    run_to_end(ARGS("--port", port), NULL, 1);
    char *err = daemon_err(&tandemd);
    expect_match(err, "cannot listen on 127\\.0\\.0\\.1 port [0-9]+: Address already in use$");
    ck_assert_uint_eq(lines_of(err), 1);
    free(err);
    daemon_finish(&tandemd);
    run_to_end(ARGS("--port", "0", "--host", "203.0.113.1"), NULL, 1);
    err = daemon_err(&tandemd);
    ck_assert_uint_eq(lines_of(err), 1);
    free(err);
    daemon_finish(&tandemd);
    run_to_end(ARGS("--port", "0", "--host", "no such host"), NULL, 1);
    daemon_finish(&tandemd);
    tandemd = first;
    stop_well();
}
END_TEST

static void get(const char *target)
{
    http_reply reply = http_once(tandemd.url, "GET", target, 200);
    http_reply_finish(&reply);
}

/* Wait until `count` tasks have ended. */
static void wait_ended(unsigned count)
{
    char target[2048] = "/tasks?ended_after=start&wait=20";
    for (unsigned have = 0; have < count;) {
        http_reply reply = http_once(tandemd.url, "GET", target, 200);
        tdm_json *json = daemon_json(reply.body);
        unsigned before = have;
        for (const tdm_json *row = tdm_json_first(tdm_json_get(json, "tasks")); row; row = tdm_json_next(row))
            have++;
        ck_assert_msg(have > before, "%u of %u tasks ended", have, count);
        snprintf(target, sizeof target, "/tasks?wait=20&ended_after=%s", daemon_string(json, PATH("next")));
        tdm_json_destroy(&json);
        http_reply_finish(&reply);
    }
}

START_TEST(the_log_has_the_articles_form)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--workers", "2"), NULL);
    get("/?period=0.01");
    get("/?period=0.01&as_async=-5");
    wait_ended(6);
    daemon_signal(&tandemd, SIGINT);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    char *err = daemon_err(&tandemd);
#define STAMP "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6} \\[[0-9]+\\] "
    expect_match(err, STAMP "main thread: [0-9]+$");
    for (int i = 0; i < 3; i++) {
        char pattern[128];
        snprintf(pattern, sizeof pattern, STAMP "%d sync end$", i);
        expect_match(err, pattern);
        snprintf(pattern, sizeof pattern, STAMP "%d async end$", i);
        expect_match(err, pattern);
    }
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

static void expect_law(const tdm_json *manifest, const char *lane, double done)
{
    static const char *const ends[] = {"done",    "failed",  "cancelled", "timed_out",
                                       "skipped", "dropped", "abandoned", NULL};
    double sum = 0;
    for (int i = 0; ends[i]; i++)
        sum += daemon_number(manifest, PATH("lanes", lane, ends[i]));
    ck_assert_double_eq(sum, daemon_number(manifest, PATH("lanes", lane, "accepted")));
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", lane, "done")), done);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", lane, "queued")), 0);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", lane, "running")), 0);
}

START_TEST(a_drain_finishes_what_was_accepted_and_the_manifest_adds_up)
{
    for (int loops = 1; loops <= 2; loops++) {
        daemon_start(&tandemd, ARGS("--port", "0", "--workers", "4", "--loops", loops == 1 ? "1" : "2"), NULL);
        for (int i = 0; i < 10; i++)
            get(i % 2 ? "/?period=0.05&as_async=1" : "/?period=0.05&count=2");
        tdm_json *manifest = stop(0);
        expect_law(manifest, "loop", 15);
        expect_law(manifest, "pool", 10);
        ck_assert_double_eq(daemon_number(manifest, PATH("requests")), 10);
        ck_assert_double_eq(daemon_number(manifest, PATH("replies")), 10);
        ck_assert_double_eq(daemon_number(manifest, PATH("unanswered")), 0);
        ck_assert_double_gt(daemon_number(manifest, PATH("seconds")), 0);
        ck_assert_str_eq(daemon_string(manifest, PATH("name")), "tandemd");
        tdm_json_destroy(&manifest);
        daemon_finish(&tandemd);
    }
}
END_TEST

START_TEST(a_drain_that_cancels_or_drops_is_exit_3)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--workers", "1", "--drain-timeout", "0.1"), NULL);
    get("/?period=60&as_async=1");
    get("/?period=60");
    tdm_json *manifest = stop(3);
    expect_law(manifest, "loop", 0);
    expect_law(manifest, "pool", 0);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", "loop", "cancelled")), 1);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", "loop", "dropped")), 2);
    tdm_json_destroy(&manifest);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(what_a_user_cancelled_is_exit_0)
{
    daemon_start(&tandemd, ARGS("--port", "0"), NULL);
    get("/?period=60&as_async=1&count=1");
    http_reply reply = http_once(tandemd.url, "DELETE", "/tasks/1", 202);
    http_reply_finish(&reply);
    wait_ended(1);
    tdm_json *manifest = stop(0);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", "loop", "cancelled")), 1);
    tdm_json_destroy(&manifest);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(a_second_signal_leaves_at_once)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--drain-timeout", "600", "--drain-grace", "600"), NULL);
    get("/?period=600&count=2");
    http_connection c;
    http_connect(&c, tandemd.url);
    http_ask(&c, "GET", "/sleep?period=600", NULL);
    daemon_signal(&tandemd, SIGTERM);
    /* The first one has been heard when the log says so. */
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    for (bool heard = false; !heard;) {
        char *err = daemon_err(&tandemd);
        heard = strstr(err, "draining");
        free(err);
        ck_assert(tdm_clock_ns() < until);
        usleep(500);
    }
    daemon_signal(&tandemd, SIGINT);
    ck_assert_int_eq(daemon_wait(&tandemd), 3);
    char *out = daemon_out(&tandemd);
    tdm_json *manifest = daemon_json(strchr(out, '\n') + 1);
    expect_law(manifest, "pool", 0);
    ck_assert_double_eq(daemon_number(manifest, PATH("lanes", "pool", "accepted")), 2);
    tdm_json_destroy(&manifest);
    free(out);
    http_disconnect(&c);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(health_turns_to_503_while_the_drain_is_announced)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--drain-announce", "0.5"), NULL);
    http_connection c;
    http_connect(&c, tandemd.url);
    daemon_signal(&tandemd, SIGTERM);
    int status = 200;
    while (status == 200) { /* on one connection until it says so, which closes it */
        http_ask(&c, "GET", "/health", NULL);
        http_reply reply = http_read(&c, false);
        status = reply.status;
        ck_assert_str_eq(http_field(&reply, "Cache-Control"), "no-store");
        ck_assert_str_eq(reply.body, status == 200 ? "{\"status\":\"ok\"}" : "{\"status\":\"draining\"}");
        http_reply_finish(&reply);
    }
    ck_assert_int_eq(status, 503);
    http_expect_fin(&c);
    http_disconnect(&c);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(a_follower_that_waits_is_answered_when_the_drain_begins)
{
    daemon_start(&tandemd, ARGS("--port", "0"), NULL);
    http_connection c;
    http_connect(&c, tandemd.url);
    http_ask(&c, "GET", "/tasks?ended_after=now&wait=60", NULL);
    get("/health");
    daemon_signal(&tandemd, SIGTERM);
    http_reply reply = http_read(&c, false);
    ck_assert_int_eq(reply.status, 200);
    http_reply_finish(&reply);
    http_disconnect(&c);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    daemon_finish(&tandemd);
}
END_TEST

/* ---- where it is started from ---- */

/* Start it by a line of the shell, which ends with its options. */
static void start_by_shell(const char *line)
{
    ck_assert_int_eq(setenv("PROGRAM", "/bin/sh", 1), 0);
    daemon_start(&tandemd, ARGS("-c", line), NULL);
}

static void wait_for_log(const char *text)
{
    char *err = daemon_err(&tandemd);
    for (; !strstr(err, text); err = daemon_err(&tandemd)) {
        free(err);
        usleep(1000);
    }
    free(err);
}

START_TEST(without_descriptors_it_drains_all_the_same)
{
    struct rlimit limit;
    daemon_start(&tandemd, ARGS("--port", "0"), NULL);
    get("/?count=1&period=0.5");
    ck_assert_int_eq(prlimit(tandemd.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 3;
    ck_assert_int_eq(prlimit(tandemd.pid, RLIMIT_NOFILE, &limit, NULL), 0);
    daemon_signal(&tandemd, SIGTERM);
    wait_for_log("draining");
    usleep(50000); /* the drain has begun by then, or it has failed */
    limit.rlim_cur = before;
    ck_assert_int_eq(prlimit(tandemd.pid, RLIMIT_NOFILE, &limit, NULL), 0); /* sanitizers want some at the end */
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(a_log_that_nobody_reads_does_not_hold_the_end)
{
    int ends[2];
    char line[128];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_gt(fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    snprintf(line, sizeof line, "exec \"$TANDEMD\" --port 0 2>&%d", ends[1]);
    start_by_shell(line);
    for (int i = 0; i < 200; i++)
        get("/?count=0");
    get("/?count=1&period=0.1");
    tdm_json *manifest = stop(0);
    ck_assert_uint_eq((unsigned) daemon_number(manifest, PATH("requests")), 201);
    tdm_json_destroy(&manifest);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(an_output_that_nobody_reads_does_not_hold_the_end)
{
    int ends[2];
    char line[128], page[4096] = {0};
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETPIPE_SZ, (int) sizeof page), (int) sizeof page);
    ck_assert_int_eq(write(ends[1], page, sizeof page), (int) sizeof page);
    snprintf(line, sizeof line, "echo; exec \"$TANDEMD\" --port 0 >&%d", ends[1]);
    ck_assert_int_eq(setenv("PROGRAM", "/bin/sh", 1), 0);
    daemon_run(&tandemd, ARGS("-c", line), NULL);
    wait_for_log("the ready line was not printed");
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    char *err = daemon_err(&tandemd);
    expect_match(err, "the manifest was not printed$");
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

/* @return what a descriptor of the daemon is. */
static const char *descriptor(int fd)
{
    static char target[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int) tandemd.pid, fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    ck_assert_int_gt(n, 0);
    target[n] = '\0';
    return target;
}

START_TEST(a_standard_descriptor_that_is_missing_is_never_a_socket)
{
    start_by_shell("exec \"$TANDEMD\" --port 0 <&- 2>&-");
    ck_assert_str_eq(descriptor(STDIN_FILENO), "/dev/null");
    ck_assert_str_eq(descriptor(STDERR_FILENO), "/dev/null");
    get("/?count=0");
    stop_well();
}
END_TEST

int main(void)
{
    return http_main("daemon", (const TTest *const[]){
                                   the_ready_line_tells_address_and_settings,
                                   options_come_from_the_environment_and_the_command_line_wins,
                                   names_and_ipv6_addresses_are_listened_on,
                                   a_wrong_option_is_usage_and_exit_2,
                                   help_and_version_are_exit_0,
                                   a_port_in_use_is_one_clear_line_and_exit_1,
                                   the_log_has_the_articles_form,
                                   a_drain_finishes_what_was_accepted_and_the_manifest_adds_up,
                                   a_drain_that_cancels_or_drops_is_exit_3,
                                   what_a_user_cancelled_is_exit_0,
                                   a_second_signal_leaves_at_once,
                                   health_turns_to_503_while_the_drain_is_announced,
                                   a_follower_that_waits_is_answered_when_the_drain_begins,
                                   without_descriptors_it_drains_all_the_same,
                                   a_log_that_nobody_reads_does_not_hold_the_end,
                                   an_output_that_nobody_reads_does_not_hold_the_end,
                                   a_standard_descriptor_that_is_missing_is_never_a_socket,
                                   NULL,
                               });
}
