/* SPDX-License-Identifier: MIT */
/* DESIGN: the client against the real tandemd: what it counts must be what the daemon counts. */
#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <tandem/tandem.h>
#include <unistd.h>

#include "tests/load/daemon.h"
#include "tests/load/load_run.h"
#include "tests/unit/unit.h"

#define START(...) daemon_start((const char *const[]){__VA_ARGS__, NULL})

/* The count `name` of a group, as the daemon's own /stats tells it: stats.http.name or stats.lanes.group.name. */
static double stat_of(const daemon_process *d, const char *group, const char *name)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t) d->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    static const char request[] = "GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char text[32768] = "";
    size_t n = 0;
    ssize_t got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    ck_assert_int_eq(send(fd, request, sizeof request - 1, 0), sizeof request - 1);
    while ((got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0)
        n += (size_t) got;
    close(fd);
    const char *body = strstr(text, "\r\n\r\n");
    ck_assert_ptr_nonnull(body);
    tdm_json *root = NULL;
    double value = NAN;
    ck_assert_int_eq(tdm_json_parse(&root, body + 4, strlen(body + 4), NULL), 0);
    const tdm_json *in = strcmp(group, "http") != 0 ? tdm_json_get(root, "lanes") : root;
    ck_assert(tdm_json_as_double(tdm_json_get(tdm_json_get(in, group), name), &value));
    tdm_json_destroy(&root);
    return value;
}

START_TEST(sync_and_async_stand_side_by_side)
{
    daemon_process d = START("--workers", "3");
    char sync[96], async[96];
    load_run run;
    LOAD_RUN(&run, "-c", "2,6", "--follow", daemon_url(&d, "/?as_async=0&count=3&period=0.05", sync, sizeof sync),
             daemon_url(&d, "/?as_async=1&count=3&period=0.05", async, sizeof async));
    ck_assert_uint_eq(run.sweep.step_count, 4);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 0);
    for (unsigned i = 0; i < 4; i++) {
        const load_tasks *tasks = &run.sweep.steps[i].tasks;
        unsigned connections = i % 2 ? 6 : 2;
        load_lane lane = i < 2 ? LOAD_LANE_POOL : LOAD_LANE_LOOP;
        ck_assert_uint_eq(tasks->states[LOAD_STATE_DONE], 3 * connections);
        ck_assert_uint_eq(tasks->lanes[lane].tasks, 3 * connections);
        ck_assert_uint_le(tasks->lanes[lane].curve.peak, i == 1 ? 3 : connections);
        ck_assert_uint_le(tasks->lanes[lane].threads, i < 2 ? 3 : 1);
        ck_assert_int_ge(tdm_histogram_min(tasks->run_time), 50 * 1000 * 1000);
        ck_assert(tasks->clock_same);
        ck_assert_int_ge(tasks->elapsed_ns, 150 * 1000 * 1000);
    }
    ck_assert_str_eq(run.plan.targets[0].label, "as_async=0");
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

START_TEST(counts_are_those_of_the_daemon)
{
    daemon_process d = START("--workers", "4");
    char url[96];
    load_run run;
    LOAD_RUN(&run, "-c", "20", "-n", "1000", "--follow",
             daemon_url(&d, "/?as_async=0&count=3&period=0", url, sizeof url));
    const load_tasks *tasks = &run.sweep.steps[0].tasks;
    ck_assert_int_eq(tasks->follow, LOAD_FOLLOW_COMPLETE);
    ck_assert_double_eq((double) tasks->promised, stat_of(&d, "pool", "accepted"));
    ck_assert_double_eq((double) tasks->states[LOAD_STATE_DONE], stat_of(&d, "pool", "done"));
    ck_assert_uint_eq(tasks->states[LOAD_STATE_DONE], 3000);
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

/* Run, with what may make a count go wrong; the last question of the daemon is not ours. */
static void requests_agree(const char *const *options)
{
    daemon_process d = START("--max-requests", "7");
    char url[96];
    load_run run;
    const char *words[16] = {daemon_url(&d, "/health", url, sizeof url)};
    unsigned n = 1;
    double before = stat_of(&d, "http", "requests");
    for (; *options; options++)
        words[n++] = *options;
    load_run_start(&run, words);
    const load_step *step = &run.sweep.steps[0];
    ck_assert_int_eq(load_sweep_status(&run.sweep), 0);
    ck_assert_uint_eq(step->succeeded, step->made);
    ck_assert_uint_ge(step->made, 500);
    ck_assert_double_eq((double) (step->warmup_made + step->made), stat_of(&d, "http", "requests") - before - 1);
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}

START_TEST(requests_are_as_many_as_the_daemon_counted)
{
    requests_agree((const char *const[]){"-c", "20", "-n", "1000", NULL});
    requests_agree((const char *const[]){"-c", "5", "-n", "1000", "-t", "2", "--reconnect", "3", NULL});
    requests_agree((const char *const[]){"-c", "4", "-n", "1000", "--reconnect", "7", "--pipeline", "7", NULL});
    requests_agree(
        (const char *const[]){"-c", "8", "-R", "5000", "-d", "0.2", "-w", "0.05", "-t", "2", "--max-lag", "60", NULL});
}
END_TEST

START_TEST(a_small_ledger_makes_the_step_incomplete_not_lost)
{
    daemon_process d = START("--ledger", "10");
    char url[96];
    load_run run;
    LOAD_RUN(&run, "-c", "50", "--follow", daemon_url(&d, "/?as_async=1&count=40&period=0", url, sizeof url));
    const load_tasks *tasks = &run.sweep.steps[0].tasks;
    ck_assert_int_eq(tasks->follow, LOAD_FOLLOW_INCOMPLETE);
    ck_assert_uint_gt(tasks->missed, 0);
    ck_assert_uint_eq(tasks->lost, 0);
    ck_assert_uint_eq(tasks->states[LOAD_STATE_DONE] + tasks->unknown, 2000);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 1);
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

START_TEST(a_full_queue_is_rejected_and_nothing_of_it_is_lost)
{
    daemon_process d = START("--workers", "1", "--queue", "3");
    char url[96];
    load_run run;
    LOAD_RUN(&run, "-c", "8", "--follow", daemon_url(&d, "/?as_async=0&count=1&period=0.05", url, sizeof url));
    const load_step *step = &run.sweep.steps[0];
    ck_assert_uint_gt(step->rejected, 0);
    ck_assert_int_ge(step->retry_after_s, 1);
    ck_assert_uint_eq(step->succeeded + step->rejected, 8);
    ck_assert_uint_eq(step->tasks.promised, step->succeeded);
    ck_assert_uint_eq(step->tasks.states[LOAD_STATE_DONE], step->succeeded);
    ck_assert_int_eq(load_sweep_status(&run.sweep), 0);
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

typedef struct stopper {
    pid_t pid;
    bool done;
} stopper;

static void stop_under_load(void *arg, const load_live *live)
{
    stopper *s = arg;
    if (!s->done && live->succeeded >= 200)
        s->done = kill(s->pid, SIGTERM) == 0;
}

START_TEST(a_daemon_stopped_under_load_loses_no_request)
{
    daemon_process d = START("--workers", "4");
    char url[96];
    stopper s = {.pid = d.pid};
    const load_sweep_calls calls = {.tick = stop_under_load};
    load_run run;
    load_run_start_with(&run, &calls, &s,
                        (const char *const[]){"-c", "20", "-d", "60",
                                              daemon_url(&d, "/?as_async=0&count=1&period=0.001", url, sizeof url),
                                              NULL});
    const load_step *step = &run.sweep.steps[0];
    ck_assert(step->target_gone);
    ck_assert_uint_ge(step->succeeded, 200);
    for (int i = 0; i < LOAD_ERROR_COUNT; i++)
        ck_assert_msg(i == LOAD_ERROR_CONNECT || !step->errors[i], "%llu requests: %s %s",
                      (unsigned long long) step->errors[i], load_error_text((load_error) i), step->error_detail[i]);
    ck_assert_uint_eq(load_step_unanswered(step), 0);
    load_run_finish(&run);
    ck_assert_int_eq(daemon_stop(&d), 0);
}
END_TEST

int main(void)
{
    return unit_main("load_daemon",
                     (const TTest *const[]){sync_and_async_stand_side_by_side, counts_are_those_of_the_daemon,
                                            requests_are_as_many_as_the_daemon_counted,
                                            a_small_ledger_makes_the_step_incomplete_not_lost,
                                            a_full_queue_is_rejected_and_nothing_of_it_is_lost,
                                            a_daemon_stopped_under_load_loses_no_request, NULL});
}
