/* SPDX-License-Identifier: MIT */
/* The programs that the documents show, run as they stand. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"

static daemon_process example;

static void begin(const char *name)
{
    char program[1024];
    const char *directory = getenv("EXAMPLES");
    ck_assert_ptr_nonnull(directory);
    snprintf(program, sizeof program, "%s/%s", directory, name);
    ck_assert_int_eq(setenv("PROGRAM", program, 1), 0);
    const char *const args[] = {"0", NULL};
    daemon_start(&example, args, NULL);
    ck_assert_msg(strncmp(example.ready, name, strlen(name)) == 0, "%s", example.ready);
}

static void end(void)
{
    daemon_signal(&example, SIGTERM);
    ck_assert_int_eq(daemon_wait(&example), 0);
}

START_TEST(hello_says_hello)
{
    begin("hello");
    http_expect(example.url, "GET", "/", 200, "Hello\n");
    end();
    daemon_finish(&example);
}
END_TEST

START_TEST(background_answers_at_once_and_sends_its_mail_after)
{
    begin("background");
    http_reply reply = http_once(example.url, "POST", "/signup?to=ada@example.org", 202);
    ck_assert_str_eq(reply.body, "{\"status\":\"accepted\"}");
    ck_assert_str_eq(http_field(&reply, "Tandem-Tasks"), "1-1");
    http_reply_finish(&reply);
    http_expect(example.url, "POST", "/signup", 422,
                "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"query\",\"to\"],\"msg\":\"Field required\","
                "\"input\":null}]}");
    end();
    char *err = daemon_err(&example);
    ck_assert_ptr_nonnull(strstr(err, "mail to ada@example.org sent"));
    free(err);
    daemon_finish(&example);
}
END_TEST

int main(void)
{
    return http_main("examples", (const TTest *const[]){hello_says_hello,
                                                        background_answers_at_once_and_sends_its_mail_after, NULL});
}
