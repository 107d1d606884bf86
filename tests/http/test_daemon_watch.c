/* SPDX-License-Identifier: MIT */
/* DESIGN: what tandemd says of its tasks and threads: whose a log line is, what holds a worker, how many there are. */
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static daemon_process tandemd;

static tdm_json *ask(const char *target)
{
    http_reply reply = http_once(tandemd.url, "GET", target, 200);
    tdm_json *json = daemon_json(reply.body);
    http_reply_finish(&reply);
    return json;
}

static void run_tasks(const char *target, double count)
{
    http_reply reply = http_once(tandemd.url, "GET", target, 200);
    http_reply_finish(&reply);
    for (double ended = 0; ended < count;) { /* the reply to the question waits for the next end */
        tdm_json *json = ask("/tasks?ended_after=start&wait=20");
        tdm_json_destroy(&json);
        json = ask("/stats");
        ended = daemon_number(json, PATH("lanes", "pool", "done"));
        tdm_json_destroy(&json);
    }
}

static void expect_match(const char *text, const char *pattern)
{
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB | REG_NEWLINE), 0);
    ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0, "'%s' does not match: %s", pattern, text);
    regfree(&regex);
}

static void stop_well(void)
{
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    daemon_finish(&tandemd);
}

START_TEST(a_quiet_log_is_quiet_and_a_json_log_is_json)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--log-level", "error"), NULL);
    run_tasks("/?period=0&count=1", 1);
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    char *err = daemon_err(&tandemd);
    ck_assert_str_eq(err, "");
    free(err);
    daemon_finish(&tandemd);
    daemon_start(&tandemd, ARGS("--port", "0", "--log-format", "json"), NULL);
    run_tasks("/?period=0&count=1", 1);
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    err = daemon_err(&tandemd);
    for (char *line = err, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        tdm_json *json = daemon_json(line);
        ck_assert_str_eq(daemon_string(json, PATH("level")), "info");
        tdm_json_destroy(&json);
    }
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(a_log_with_context_says_whose_each_line_is)
{
    daemon_start(&tandemd, ARGS("--port", "0", "--log-context"), NULL);
    run_tasks("/?period=0&count=2", 2);
    daemon_signal(&tandemd, SIGTERM);
    ck_assert_int_eq(daemon_wait(&tandemd), 0);
    char *err = daemon_err(&tandemd);
    expect_match(err, "0 sync end request=[0-9]+ task=1$");
    expect_match(err, "1 sync end request=[0-9]+ task=2$");
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

START_TEST(the_limits_of_the_watchdog_and_of_the_pools_reach_the_executor)
{
    daemon_start(
        &tandemd,
        ARGS("--port", "0", "--workers", "3", "--min-workers", "3", "--stuck-after", "0.02", "--hold-limit", "0"),
        NULL);
    tdm_json *stats = ask("/stats");
    ck_assert_double_eq(daemon_number(stats, PATH("pools", "background", "threads")), 3);
    tdm_json_destroy(&stats);
    run_tasks("/?period=0.3&count=1", 1);
    stats = ask("/stats");
    ck_assert_double_eq(daemon_number(stats, PATH("pools", "background", "stuck")), 1);
    tdm_json_destroy(&stats);
    stop_well();
}
END_TEST

START_TEST(more_workers_at_least_than_at_most_is_one_clear_line)
{
    daemon_run(&tandemd, ARGS("--port", "0", "--workers", "2", "--min-workers", "3"), NULL);
    ck_assert_int_ne(daemon_wait(&tandemd), 0);
    char *err = daemon_err(&tandemd);
    ck_assert_ptr_nonnull(strstr(err, "min_workers"));
    free(err);
    daemon_finish(&tandemd);
}
END_TEST

int main(void)
{
    return http_main("daemon_watch",
                     (const TTest *const[]){a_quiet_log_is_quiet_and_a_json_log_is_json,
                                            a_log_with_context_says_whose_each_line_is,
                                            the_limits_of_the_watchdog_and_of_the_pools_reach_the_executor,
                                            more_workers_at_least_than_at_most_is_one_clear_line, NULL});
}
