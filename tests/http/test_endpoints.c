/* SPDX-License-Identifier: MIT */
/* tandemd's endpoints: what they answer, and what they refuse. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/http/daemon.h"

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static daemon_process tandemd;

static void begin(const char *const *more)
{
    const char *args[16] = {"--port", "0"};
    for (int i = 0; more && more[i]; i++)
        args[i + 2] = more[i];
    daemon_start(&tandemd, args, NULL);
}

static void end(void)
{
    daemon_signal(&tandemd, SIGTERM);
    daemon_signal(&tandemd, SIGINT); /* nothing is waited for */
    daemon_wait(&tandemd);
    daemon_finish(&tandemd);
}

static tdm_json *get_json(const char *method, const char *target, int status)
{
    http_reply reply = http_once(tandemd.url, method, target, status);
    ck_assert_str_eq(http_field(&reply, "Content-Type"), "application/json");
    tdm_json *json = daemon_json(reply.body);
    http_reply_finish(&reply);
    return json;
}

/* @return the first id of the tasks that a request leaves behind. */
static uint64_t start(const char *target, unsigned count)
{
    http_reply reply = http_once(tandemd.url, "GET", target, 200);
    ck_assert_str_eq(reply.body, "\"ok\"");
    uint64_t first = 0, last = 0;
    if (count) {
        http_tasks(&reply, &first, &last);
        ck_assert_uint_eq(last - first + 1, count);
    } else {
        ck_assert_ptr_null(http_field(&reply, "Tandem-Tasks"));
    }
    http_reply_finish(&reply);
    return first;
}

static tdm_json *get_task(uint64_t id)
{
    char target[64];
    snprintf(target, sizeof target, "/tasks/%" PRIu64, id);
    return get_json("GET", target, 200);
}

static unsigned count_rows(const tdm_json *page)
{
    unsigned count = 0;
    for (const tdm_json *row = tdm_json_first(tdm_json_get(page, "tasks")); row; row = tdm_json_next(row))
        count++;
    return count;
}

/* Follow the stream of ends from `cursor` until `count` rows have come; @return the first row's page's cursor after. */
static void wait_ended(unsigned count)
{
    char target[2048] = "/tasks?ended_after=start&wait=20";
    for (unsigned have = 0; have < count;) {
        tdm_json *page = get_json("GET", target, 200);
        unsigned rows = count_rows(page);
        ck_assert_uint_gt(rows, 0);
        have += rows;
        ck_assert_double_eq(daemon_number(page, PATH("missed")), 0);
        snprintf(target, sizeof target, "/tasks?wait=20&ended_after=%s", daemon_string(page, PATH("next")));
        tdm_json_destroy(&page);
    }
}

START_TEST(root_leaves_tasks_behind_in_the_lane_it_was_told)
{
    begin(NULL);
    start("/?period=0", 3);
    start("/?as_async=1&period=0&count=5", 5);
    start("/?as_async=-7&period=0&count=1", 1);
    start("/?count=0", 0);
    http_reply head = http_once(tandemd.url, "HEAD", "/", 200);
    ck_assert_ptr_null(http_field(&head, "Tandem-Tasks"));
    http_reply_finish(&head);
    wait_ended(9);
    for (uint64_t id = 1; id <= 9; id++) {
        tdm_json *task = get_task(id);
        ck_assert_str_eq(daemon_string(task, PATH("lane")), id <= 3 ? "pool" : "loop");
        ck_assert_str_eq(daemon_string(task, PATH("name")), id <= 3 ? "sync" : "async");
        ck_assert_str_eq(daemon_string(task, PATH("state")), "done");
        ck_assert_double_eq(daemon_number(task, PATH("request")), id <= 3 ? 1 : id <= 8 ? 2 : 3);
        ck_assert_double_gt(daemon_number(task, PATH("thread")), 0);
        double accepted = daemon_number(task, PATH("monotonic", "accepted"));
        double ended = daemon_number(task, PATH("monotonic", "ended"));
        ck_assert_double_le(accepted, daemon_number(task, PATH("monotonic", "ready")));
        ck_assert_double_le(daemon_number(task, PATH("monotonic", "started")), ended);
        double wall = daemon_number(task, PATH("wall", "ended")) - daemon_number(task, PATH("wall", "accepted"));
        ck_assert_double_eq_tol(wall, ended - accepted, 1e-5);
        ck_assert(tdm_json_is_null(tdm_json_get(task, "error")));
        ck_assert(tdm_json_is_null(tdm_json_get(task, "reason")));
        tdm_json_destroy(&task);
    }
    end();
}
END_TEST

START_TEST(sleep_waits_in_the_handler_in_either_lane)
{
    begin(NULL);
    static const char *const targets[] = {"/sleep?period=0.1", "/sleep?period=0.1&lane=loop",
                                          "/sleep?period=0.1&lane=pool"};
    for (int i = 0; i < 3; i++) {
        int64_t before = tdm_clock_ns();
        http_expect(tandemd.url, "GET", targets[i], 200, "");
        ck_assert_int_ge(tdm_clock_ns() - before, TDM_NS_PER_S / 10);
    }
    /* Twenty at once on the loop take as long as one. */
    http_connection c[20];
    for (int i = 0; i < 20; i++) {
        http_connect(&c[i], tandemd.url);
        http_ask(&c[i], "GET", "/sleep?period=1", NULL);
    }
    int64_t before = tdm_clock_ns();
    for (int i = 0; i < 20; i++) {
        http_reply reply = http_read(&c[i], false);
        ck_assert_int_eq(reply.status, 200);
        http_reply_finish(&reply);
        http_disconnect(&c[i]);
    }
    ck_assert_int_lt(tdm_clock_ns() - before, 10 * TDM_NS_PER_S);
    end();
}
END_TEST

START_TEST(wrong_values_are_422_in_fastapis_shape)
{
    static const struct {
        const char *target, *entries;
    } cases[] = {
        {"/?as_async=abc",
         "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"as_async\"],\"msg\":\"Input should be a valid "
         "integer, unable to parse string as an integer\",\"input\":\"abc\"}"},
        {"/?period=-1", "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be "
                        "greater than or equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}"},
        {"/?period=nan",
         "{\"type\":\"finite_number\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be a finite "
         "number\",\"input\":\"nan\"}"},
        {"/?period=inf",
         "{\"type\":\"finite_number\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be a finite "
         "number\",\"input\":\"inf\"}"},
        {"/?period=1e9", "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"period\"],\"msg\":\"Input should be less "
                         "than or equal to 3600\",\"input\":\"1e9\",\"ctx\":{\"le\":3600}}"},
        {"/?count=-1",
         "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be greater "
         "than or equal to 0\",\"input\":\"-1\",\"ctx\":{\"ge\":0}}"},
        {"/?count=1001",
         "{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be less than "
         "or equal to 1000\",\"input\":\"1001\",\"ctx\":{\"le\":1000}}"},
        {"/?count=",
         "{\"type\":\"int_parsing\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be a valid integer, "
         "unable to parse string as an integer\",\"input\":\"\"}"},
        {"/?count=1&count=2", "{\"type\":\"int_type\",\"loc\":[\"query\",\"count\"],\"msg\":\"Input should be a valid "
                              "integer\",\"input\":[\"1\",\"2\"]}"},
        {"/sleep?lane=moon", "{\"type\":\"enum\",\"loc\":[\"query\",\"lane\"],\"msg\":\"Input should be 'loop' or "
                             "'pool'\",\"input\":\"moon\",\"ctx\":{\"expected\":\"'loop' or 'pool'\"}}"},
        {"/tasks/x", "{\"type\":\"int_parsing\",\"loc\":[\"path\",\"id\"],\"msg\":\"Input should be a valid integer, "
                     "unable to parse string as an integer\",\"input\":\"x\"}"},
        {"/tasks?limit=0&wait=61",
         "{\"type\":\"greater_than_equal\",\"loc\":[\"query\",\"limit\"],\"msg\":\"Input should be greater than or "
         "equal "
         "to "
         "1\",\"input\":\"0\",\"ctx\":{\"ge\":1}},{\"type\":\"less_than_equal\",\"loc\":[\"query\",\"wait\"],\"msg\":"
         "\"Input should be less than or equal to 60\",\"input\":\"61\",\"ctx\":{\"le\":60}}"},
    };
    begin(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[1024];
        snprintf(body, sizeof body, "{\"detail\":[%s]}", cases[i].entries);
        http_expect(tandemd.url, "GET", cases[i].target, 422, body);
    }
    /* A HEAD is judged like a GET, and names that nobody asked for are passed over. */
    http_reply head = http_once(tandemd.url, "HEAD", "/?period=x", 422);
    http_reply_finish(&head);
    start("/?count=0&color=blue", 0);
    http_expect(tandemd.url, "GET", "/?period=%zz", 400, "{\"detail\":\"The query is not valid percent-encoding\"}");
    tdm_json *cursor = get_json("GET", "/tasks?ended_after=rubbish", 422);
    ck_assert_str_eq(daemon_string(tdm_json_first(tdm_json_get(cursor, "detail")), PATH("type")), "value_error");
    tdm_json_destroy(&cursor);
    end();
}
END_TEST

START_TEST(unknown_paths_and_methods_are_refused)
{
    begin(NULL);
    http_expect(tandemd.url, "GET", "/nothing/here", 404, "{\"detail\":\"Not Found\"}");
    static const struct {
        const char *method, *target, *allow;
    } cases[] = {
        {"POST", "/", "GET, HEAD, OPTIONS"},
        {"DELETE", "/tasks", "GET, HEAD, OPTIONS"},
        {"POST", "/tasks/1", "GET, HEAD, DELETE, OPTIONS"},
        {"GET", "/stats/reset", "POST, OPTIONS"},
        {"PUT", "/health", "GET, HEAD, OPTIONS"},
        {"POST", "/stats", "GET, HEAD, OPTIONS"},
        {"HEAD", "/stats/reset", "POST, OPTIONS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_reply reply = http_once(tandemd.url, cases[i].method, cases[i].target, 405);
        ck_assert_str_eq(http_field(&reply, "Allow"), cases[i].allow);
        http_reply_finish(&reply);
    }
    static const char *const heads[] = {"/", "/sleep?period=0", "/tasks", "/stats", "/health"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        http_reply reply = http_once(tandemd.url, "HEAD", heads[i], 200);
        ck_assert_ptr_nonnull(http_field(&reply, "Content-Length"));
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

START_TEST(the_list_is_paged_newest_first_and_filtered)
{
    begin(ARGS("--workers", "2"));
    start("/?period=0&count=25", 25);
    wait_ended(25);
    start("/?as_async=1&period=600&count=2", 2);
    uint64_t next = 0, expected = 27;
    do { /* pages of four, down to the first */
        char target[64];
        snprintf(target, sizeof target, next ? "/tasks?limit=4&after=%" PRIu64 : "/tasks?limit=4", next);
        tdm_json *page = get_json("GET", target, 200);
        ck_assert_uint_le(count_rows(page), 4);
        for (const tdm_json *row = tdm_json_first(tdm_json_get(page, "tasks")); row; row = tdm_json_next(row))
            ck_assert_double_eq(daemon_number(row, PATH("id")), (double) expected--);
        double more = 0;
        tdm_json_as_double(tdm_json_get(page, "next"), &more);
        next = (uint64_t) more;
        tdm_json_destroy(&page);
    } while (next);
    ck_assert_uint_eq(expected, 0);
    static const struct {
        const char *target;
        unsigned rows;
    } filters[] = {
        {"/tasks", 27},
        {"/tasks?state=done", 25},
        {"/tasks?lane=loop", 2},
        {"/tasks?lane=pool", 25},
        {"/tasks?state=done&lane=loop", 0},
        {"/tasks?state=running&lane=loop", 1},
        {"/tasks?state=queued", 1},
        {"/tasks?state=failed", 0},
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        tdm_json *page = get_json("GET", filters[i].target, 200);
        ck_assert_msg(count_rows(page) == filters[i].rows, "%s: %u rows", filters[i].target, count_rows(page));
        tdm_json_destroy(&page);
    }
    end();
}
END_TEST

START_TEST(the_stream_of_ends_is_in_order_and_waits)
{
    begin(NULL);
    tdm_json *page = get_json("GET", "/tasks?ended_after=now", 200);
    ck_assert_uint_eq(count_rows(page), 0);
    char target[2048];
    snprintf(target, sizeof target, "/tasks?wait=20&limit=2&ended_after=%s", daemon_string(page, PATH("next")));
    tdm_json_destroy(&page);
    http_connection follower;
    http_connect(&follower, tandemd.url);
    http_ask(&follower, "GET", target, NULL);
    start("/?period=0.02&count=3&as_async=1", 3);
    http_reply reply = http_read(&follower, false);
    ck_assert_int_eq(reply.status, 200);
    page = daemon_json(reply.body);
    ck_assert_uint_ge(count_rows(page), 1);
    ck_assert_double_eq(daemon_number(tdm_json_first(tdm_json_get(page, "tasks")), PATH("id")), 1);
    tdm_json_destroy(&page);
    http_reply_finish(&reply);
    http_disconnect(&follower);
    wait_ended(3);
    page = get_json("GET", "/tasks?ended_after=start", 200);
    double before = 0;
    for (const tdm_json *row = tdm_json_first(tdm_json_get(page, "tasks")); row; row = tdm_json_next(row)) {
        double ended = daemon_number(row, PATH("monotonic", "ended"));
        ck_assert_double_ge(ended, before);
        before = ended;
    }
    tdm_json_destroy(&page);
    /* Nothing ends: the time is over. */
    page = get_json("GET", "/tasks?ended_after=now&wait=0.1", 200);
    ck_assert_uint_eq(count_rows(page), 0);
    tdm_json_destroy(&page);
    end();
}
END_TEST

START_TEST(a_small_ledger_forgets_and_says_how_many_were_missed)
{
    begin(ARGS("--ledger", "5", "--workers", "1"));
    tdm_json *page = get_json("GET", "/tasks?ended_after=now", 200);
    char target[2048];
    snprintf(target, sizeof target, "/tasks?ended_after=%s", daemon_string(page, PATH("next")));
    tdm_json_destroy(&page);
    start("/?period=0&count=20", 20);
    for (bool done = false; !done;) {
        tdm_json *stats = get_json("GET", "/stats", 200);
        done = daemon_number(stats, PATH("lanes", "pool", "done")) == 20;
        tdm_json_destroy(&stats);
    }
    page = get_json("GET", target, 200);
    ck_assert_uint_eq(count_rows(page), 5);
    ck_assert_double_eq(daemon_number(page, PATH("missed")), 15);
    tdm_json_destroy(&page);
    http_expect(tandemd.url, "GET", "/tasks/1", 404, "{\"detail\":\"Task 1 has ended and was forgotten\"}");
    http_expect(tandemd.url, "DELETE", "/tasks/1", 404, "{\"detail\":\"Task 1 has ended and was forgotten\"}");
    http_expect(tandemd.url, "GET", "/tasks/21", 404, "{\"detail\":\"No task 21: no task has had this id\"}");
    end();
}
END_TEST

START_TEST(delete_asks_a_task_to_stop_in_either_lane)
{
    begin(ARGS("--workers", "1"));
    for (int async = 0; async < 2; async++) {
        char target[64];
        snprintf(target, sizeof target, "/?period=600&count=2&as_async=%d", async);
        uint64_t first = start(target, 2);
        for (uint64_t id = first; id <= first + 1; id++) {
            snprintf(target, sizeof target, "/tasks/%" PRIu64, id);
            tdm_json *row = get_json("DELETE", target, 202);
            ck_assert_double_eq(daemon_number(row, PATH("id")), (double) id);
            tdm_json_destroy(&row);
        }
    }
    wait_ended(4);
    for (uint64_t id = 1; id <= 4; id++) {
        tdm_json *row = get_task(id);
        ck_assert_str_eq(daemon_string(row, PATH("state")), "cancelled");
        tdm_json_destroy(&row);
    }
    http_expect(tandemd.url, "DELETE", "/tasks/1", 409, "{\"detail\":\"Task 1 has ended already: cancelled\"}");
    http_expect(tandemd.url, "DELETE", "/tasks/5", 404, NULL);
    end();
}
END_TEST

START_TEST(a_task_that_was_stopped_is_told_even_if_it_is_forgotten_at_once)
{
    begin(ARGS("--ledger", "1", "--queue", "100000", "--max-loop-tasks", "30000", "--workers", "3", "--loops", "2",
               "--log-level", "off"));
    for (int i = 0; i < 100; i++) {
        char target[64];
        start("/?period=0&count=200", 200); /* ends that push each other out of the ledger */
        start("/?period=0&count=200&as_async=1", 200);
        snprintf(target, sizeof target, "/?period=600&count=1&as_async=%d", i % 2);
        uint64_t id = start(target, 1);
        snprintf(target, sizeof target, "/tasks/%" PRIu64, id);
        tdm_json *row = get_json("DELETE", target, 202);
        ck_assert_double_eq(daemon_number(row, PATH("id")), (double) id);
        bool asked = false;
        ck_assert(tdm_json_as_bool(tdm_json_get(row, "cancel_requested"), &asked) && asked);
        tdm_json_destroy(&row);
    }
    end();
}
END_TEST

static void expect_lane_law(const tdm_json *stats, const char *lane)
{
    static const char *const states[] = {"queued",    "running", "done",    "failed",    "cancelled",
                                         "timed_out", "skipped", "dropped", "abandoned", NULL};
    double sum = 0, lifetime = 0;
    for (int i = 0; states[i]; i++) {
        sum += daemon_number(stats, PATH("lanes", lane, states[i]));
        lifetime += daemon_number(stats, PATH("lanes", lane, "lifetime", states[i]));
    }
    ck_assert_double_eq(sum, daemon_number(stats, PATH("lanes", lane, "carried")) +
                                 daemon_number(stats, PATH("lanes", lane, "accepted")));
    ck_assert_double_eq(lifetime, daemon_number(stats, PATH("lanes", lane, "lifetime", "accepted")));
}

START_TEST(stats_obey_the_law_and_a_reset_carries_what_is_unfinished)
{
    begin(ARGS("--workers", "3", "--loops", "2"));
    start("/?period=0&count=4", 4);
    start("/?period=600&count=2", 2);
    start("/?period=0&count=4&as_async=1", 4);
    wait_ended(8);
    tdm_json *stats = get_json("GET", "/stats", 200);
    expect_lane_law(stats, "loop");
    expect_lane_law(stats, "pool");
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "pool", "done")), 4);
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "loop", "done")), 4);
    ck_assert_double_eq(daemon_number(stats, PATH("total", "done")), 8);
    ck_assert_double_eq(daemon_number(stats, PATH("total", "accepted")), 10);
    ck_assert_double_ge(daemon_number(stats, PATH("lanes", "loop", "peak")), 1);
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "loop", "run_time", "count")), 4);
    ck_assert_double_eq(daemon_number(stats, PATH("pools", "background", "workers")), 3);
    ck_assert_double_eq(daemon_number(stats, PATH("pools", "background", "queue_limit")), 10000);
    ck_assert_double_eq(daemon_number(stats, PATH("pools", "handlers", "busy")), 0);
    ck_assert_double_ge(daemon_number(stats, PATH("handlers", "started")), 4);
    ck_assert(tdm_json_is_array(tdm_json_get(stats, "loops")));
    ck_assert_ptr_nonnull(tdm_json_next(tdm_json_first(tdm_json_get(stats, "loops"))));
    ck_assert_double_gt(daemon_number(stats, PATH("uptime")), 0);
    tdm_json_destroy(&stats);
    http_expect(tandemd.url, "POST", "/stats/reset", 200, NULL);
    stats = get_json("GET", "/stats", 200);
    expect_lane_law(stats, "loop");
    expect_lane_law(stats, "pool");
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "pool", "carried")), 2);
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "pool", "accepted")), 0);
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "pool", "done")), 0);
    ck_assert_double_eq(daemon_number(stats, PATH("lanes", "pool", "lifetime", "done")), 4);
    ck_assert_double_eq(daemon_number(stats, PATH("total", "lifetime", "accepted")), 10);
    tdm_json_destroy(&stats);
    end();
}
END_TEST

START_TEST(a_full_queue_or_loop_is_503_and_nothing_was_started)
{
    begin(ARGS("--workers", "1", "--queue", "5", "--max-loop-tasks", "5"));
    for (int async = 0; async < 2; async++) {
        char target[64];
        snprintf(target, sizeof target, "/?period=0&count=6&as_async=%d", async);
        http_reply reply = http_once(tandemd.url, "GET", target, 503);
        ck_assert_str_eq(http_field(&reply, "Retry-After"), "1");
        ck_assert_ptr_null(http_field(&reply, "Tandem-Tasks"));
        ck_assert_str_eq(reply.body, "{\"detail\":\"Service Unavailable\"}");
        http_reply_finish(&reply);
    }
    tdm_json *stats = get_json("GET", "/stats", 200);
    ck_assert_double_eq(daemon_number(stats, PATH("total", "accepted")), 0);
    ck_assert_double_ge(daemon_number(stats, PATH("total", "rejected")), 2);
    tdm_json_destroy(&stats);
    start("/?period=0&count=5", 5);
    start("/?period=0&count=5&as_async=1", 5);
    wait_ended(10);
    end();
}
END_TEST

int main(void)
{
    return http_main("endpoints", (const TTest *const[]){
                                      root_leaves_tasks_behind_in_the_lane_it_was_told,
                                      sleep_waits_in_the_handler_in_either_lane,
                                      wrong_values_are_422_in_fastapis_shape,
                                      unknown_paths_and_methods_are_refused,
                                      the_list_is_paged_newest_first_and_filtered,
                                      the_stream_of_ends_is_in_order_and_waits,
                                      a_small_ledger_forgets_and_says_how_many_were_missed,
                                      delete_asks_a_task_to_stop_in_either_lane,
                                      a_task_that_was_stopped_is_told_even_if_it_is_forgotten_at_once,
                                      stats_obey_the_law_and_a_reset_carries_what_is_unfinished,
                                      a_full_queue_or_loop_is_503_and_nothing_was_started,
                                      NULL,
                                  });
}
