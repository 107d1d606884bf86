/* SPDX-License-Identifier: MIT */
/* DESIGN: the program itself, as a user starts it: what it prints where, and its exit status. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tandem/tandem.h>
#include <unistd.h>

#include "tests/load/fake_tandem.h"
#include "tests/load/program.h"
#include "tests/unit/unit.h"

#define RUN(...) program_finish(program_start((const char *const[]){__VA_ARGS__, NULL}, 0))

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void temp_path(char *path, size_t size, const char *name)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, size, "%s/tandem-load-%d-%s", dir ? dir : "/tmp", (int) getpid(), name);
}

static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return program_contents(fd);
}

/* A server whose tasks are told at once, and which has forgotten some rows. */
typedef struct service {
    fake_tandem tandem;
    fake_server *server;
} service;

static void open_service(service *s, uint64_t missed)
{
    fake_tandem_init(&s->tandem);
    s->tandem.missed = missed;
    s->server = fake_tandem_start(&s->tandem);
}

static void close_service(service *s)
{
    fake_server_stop(&s->server);
    fake_tandem_finish(&s->tandem);
}

/* ---- usage ---- */

START_TEST(help_and_version_go_to_standard_output)
{
    program_outcome o = RUN("--help");
    ck_assert_int_eq(o.status, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "--follow"));
    ck_assert_ptr_nonnull(strstr(o.out, "Exit: 0 fine, "));
    ck_assert_str_eq(o.err, "");
    program_forget(&o);
    o = RUN("--help=all");
    ck_assert_int_eq(o.status, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "Exit status: 0 fine; "));
    program_forget(&o);
    o = RUN("--version");
    ck_assert_int_eq(o.status, 0);
    ck_assert_str_eq(o.out, "tandem-load " TDM__VERSION "\n");
    program_forget(&o);
}
END_TEST

static void check_usage(const char *const *options, const char *says)
{
    program_outcome o = program_finish(program_start(options, 0));
    ck_assert_int_eq(o.status, 2);
    ck_assert_str_eq(o.out, "");
    if (!strstr(o.err, says))
        ck_abort_msg("\"%s\" does not say \"%s\"", o.err, says);
    program_forget(&o);
}

#define USAGE(says, ...) check_usage((const char *const[]){__VA_ARGS__, NULL}, says)

/* A file of 8 MiB, removed when the program of the test ends. */
static char large_path[256];

static void remove_large(void)
{
    unlink(large_path);
}

static const char *large_body(void)
{
    temp_path(large_path, sizeof large_path, "large");
    int fd = open(large_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert(fd >= 0 && ftruncate(fd, 8 << 20) == 0);
    close(fd);
    atexit(remove_large);
    return large_path;
}

START_TEST(wrong_usage_says_what_is_wrong_and_exits_with_2)
{
    USAGE("give 1 to 64 URLs", "-c", "1");
    USAGE("\"0\"", "-c", "0", "http://h/");
    USAGE("\"4,,5\"", "-c", "4,,5", "http://h/");
    USAGE("\"4,\"", "-c", "4,", "http://h/");
    USAGE("\"many\"", "-c", "many", "http://h/");
    USAGE("\"1000001\"", "-c", "1000001", "http://h/");
    USAGE("-n 20 is less than 1000 connections", "-c", "4,1000", "-n", "20", "http://h/");
    USAGE("-n 20 is less than 30 connections", "-n", "20", "30@http://h/");
    USAGE("COUNTS@URL: \"4,\"", "4,@http://h/");
    USAGE("not both", "-n", "5", "-d", "1", "http://h/");
    USAGE("not for both", "-c", "1,2", "-R", "10,20", "-d", "1", "http://h/");
    USAGE("-R: \"0\"", "-R", "0", "-d", "1", "http://h/");
    USAGE("-R: \"10000001\"", "-R", "10000001", "-d", "1", "http://h/");
    USAGE("an open loop ends by a count or by a time", "-R", "10", "http://h/");
    USAGE("--arrivals is for an open loop", "--arrivals", "poisson", "http://h/");
    USAGE("--warmup and --ramp want -n or -d", "-w", "1", "http://h/");
    USAGE("a weight wants --mix", "3*http://h/");
    USAGE("a weight is a number from 1 to 10000", "--mix", "0*http://h/");
    USAGE("add up to more than 10000", "--mix", "9999*http://h/a", "2*http://h/b");
    USAGE("must be of one server", "--mix", "http://h/a", "http://i/b");
    USAGE("all URLs run the same levels", "--mix", "4@http://h/a", "http://h/b");
    USAGE("--body or --body-file, not both", "--body", "a", "--body-file", "b", "http://h/");
    USAGE("cannot read /nonexistent/body", "--body-file", "/nonexistent/body", "http://h/");
    USAGE("is no method that can be sent", "-X", "GE T", "http://h/");
    USAGE("belongs to the framing", "-H", "Content-Length: 3", "http://h/");
    USAGE("give \"Name: value\"", "-H", "nonsense", "http://h/");
    USAGE("{{nothing}}", "--body", "{{nothing}}", "http://h/");
    USAGE("--pipeline", "--pipeline", "65", "http://h/");
    USAGE("--threads", "-t", "257", "http://h/");
    USAGE("take more than 256 MiB", "--pipeline", "64", "--body-file", large_body(), "http://h/");
    USAGE("both name x", "--json", "x", "--html", "x", "http://h/");
    USAGE("both name -", "--json", "-", "--html", "-", "http://h/");
    USAGE("must start with http://", "localhost:8000/");
    USAGE("https is not supported", "https://localhost/");
    USAGE("port", "http://localhost:99999/");
    USAGE("host is missing", "http:///path");
    USAGE("one name for each URL", "--label", "a,b,c", "http://h/", "http://i/");
    USAGE("--timeout", "--timeout", "0", "http://h/");
    USAGE("no such option", "--nonsense", "http://h/");
    USAGE("cannot write", "--json", "/nonexistent/report.json", "http://127.0.0.1:1/");
}
END_TEST

START_TEST(more_connections_than_open_files_are_refused_in_one_line)
{
    program_outcome o =
        program_finish(program_start((const char *const[]){"-c", "100", "http://127.0.0.1:1/", NULL}, 64));
    ck_assert_int_eq(o.status, 2);
    ck_assert_uint_eq(lines(o.err), 1);
    ck_assert_ptr_nonnull(strstr(o.err, "open files, and the limit is 64"));
    program_forget(&o);
}
END_TEST

START_TEST(a_target_that_cannot_be_reached_is_one_line_and_exits_with_3)
{
    service s;
    char url[64];
    open_service(&s, 0);
    snprintf(url, sizeof url, "%s", fake_server_url(s.server, "/"));
    close_service(&s);
    program_outcome o = RUN("-c", "4", url);
    ck_assert_int_eq(o.status, 3);
    ck_assert_str_eq(o.out, "");
    ck_assert_uint_eq(lines(o.err), 1);
    ck_assert_ptr_nonnull(strstr(o.err, "Connection refused"));
    program_forget(&o);
}
END_TEST

/* ---- reports ---- */

START_TEST(the_report_says_what_was_seen_in_plain_lines)
{
    service s;
    open_service(&s, 0);
    program_outcome o = RUN("-c", "2,5", "--follow", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "/: 2 connections, one request each, closed loop\n"));
    ck_assert_ptr_nonnull(strstr(o.out, "/: 5 connections, one request each, closed loop\n"));
    ck_assert_ptr_nonnull(strstr(o.out, "15 accepted, 15 done, 0 failed, 0 cancelled, 0 lost\n"));
    ck_assert_ptr_nonnull(strstr(o.out, "pool: "));
    ck_assert_ptr_nonnull(strstr(o.out, "all steps (closed loop"));
    ck_assert_ptr_nonnull(strstr(o.out, "nothing was lost and nothing failed\n"));
    ck_assert_ptr_null(strchr(o.out, '\033'));
    ck_assert_ptr_null(strchr(o.err, '\r'));
    program_forget(&o);
    close_service(&s);
}
END_TEST

START_TEST(a_url_may_bring_its_own_counts)
{
    service s;
    char first[96], second[96];
    open_service(&s, 0);
    snprintf(first, sizeof first, "2,3@%s", fake_server_url(s.server, "/?lane=a"));
    snprintf(second, sizeof second, "%s", fake_server_url(s.server, "/?lane=b"));
    program_outcome o = RUN("-c", "4", "--follow", first, second);
    ck_assert_int_eq(o.status, 0);
    ck_assert_ptr_nonnull(strstr(o.out, "lane=a: 2 connections"));
    ck_assert_ptr_nonnull(strstr(o.out, "lane=a: 3 connections"));
    ck_assert_ptr_nonnull(strstr(o.out, "lane=b: 4 connections"));
    ck_assert_ptr_null(strstr(o.out, "lane=a: 4 connections"));
    program_forget(&o);
    close_service(&s);
}
END_TEST

START_TEST(quiet_prints_the_table_only)
{
    service s;
    open_service(&s, 0);
    program_outcome o = RUN("-q", "-c", "2", "--follow", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 0);
    ck_assert_int_eq(strncmp(o.out, "all steps (closed loop", 22), 0);
    ck_assert_str_eq(o.err, "");
    program_forget(&o);
    close_service(&s);
}
END_TEST

static double number(const tdm_json *value, const char *key)
{
    double out = NAN;
    ck_assert_msg(tdm_json_as_double(tdm_json_get(value, key), &out), "%s is no number", key);
    return out;
}

static void check_histogram(const tdm_json *h, double count)
{
    ck_assert(tdm_json_is_object(h));
    ck_assert_double_eq(number(h, "count"), count);
    ck_assert(number(h, "min") <= number(h, "p50") && number(h, "p50") <= number(h, "p90"));
    ck_assert(number(h, "p90") <= number(h, "p99") && number(h, "p99") <= number(h, "p999"));
    ck_assert(number(h, "p999") <= number(h, "max") && number(h, "mean") <= number(h, "max"));
}

static void check_multiplicity(const tdm_json *lane, double tasks)
{
    double peak = 0, at = -1;
    unsigned points = 0;
    ck_assert_double_eq(number(lane, "tasks"), tasks);
    for (const tdm_json *p = tdm_json_first(tdm_json_get(lane, "curve")); p; p = tdm_json_next(p)) {
        double t, running;
        ck_assert(tdm_json_as_double(tdm_json_first(p), &t));
        ck_assert(tdm_json_as_double(tdm_json_next(tdm_json_first(p)), &running));
        ck_assert(t >= at);
        at = t;
        peak = running > peak ? running : peak;
        points++;
    }
    ck_assert_uint_le(points, 600);
    ck_assert_double_eq(peak, number(lane, "peak"));
}

static void check_step(const tdm_json *step, double connections)
{
    static const char *const words[] = {"done",    "failed",    "cancelled", "timed_out", "skipped",
                                        "dropped", "abandoned", "lost",      "unknown"};
    const tdm_json *requests = tdm_json_get(step, "requests"), *tasks = tdm_json_get(step, "tasks");
    const char *text;
    double sum = 0;
    ck_assert_double_eq(number(step, "connections"), connections);
    ck_assert(tdm_json_as_string(tdm_json_get(step, "loop"), &text));
    ck_assert_str_eq(text, "closed");
    ck_assert_double_eq(number(requests, "made"), connections);
    ck_assert_double_eq(number(requests, "succeeded"), connections);
    for (const tdm_json *e = tdm_json_first(tdm_json_get(step, "errors")); e; e = tdm_json_next(e))
        ck_assert(tdm_json_as_double(e, &(double){1}));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        sum += number(tasks, words[i]);
    ck_assert_double_eq(sum, number(tasks, "accepted"));
    ck_assert_double_eq(sum, 3 * connections);
    check_histogram(tdm_json_get(step, "latency"), connections);
    check_histogram(tdm_json_get(tasks, "run_time"), 3 * connections);
    check_histogram(tdm_json_get(tasks, "queue_wait"), 3 * connections);
    check_multiplicity(tdm_json_get(tdm_json_get(tasks, "multiplicity"), "pool"), 3 * connections);
    check_multiplicity(tdm_json_get(tdm_json_get(tasks, "multiplicity"), "both"), 3 * connections);
    check_multiplicity(tdm_json_get(tdm_json_get(tasks, "multiplicity"), "loop"), 0);
}

START_TEST(json_has_every_figure_of_every_step)
{
    service s;
    char path[256], url[64];
    tdm_json *root = NULL;
    const char *schema;
    open_service(&s, 0);
    temp_path(path, sizeof path, "report.json");
    snprintf(url, sizeof url, "%s", fake_server_url(s.server, "/?as_async=0"));
    program_outcome o =
        RUN("-q", "-c", "3,300", "--follow", "--json", path, url, fake_server_url(s.server, "/?as_async=1"));
    ck_assert_int_eq(o.status, 0);
    char *text = read_file(path);
    ck_assert_int_eq(tdm_json_parse(&root, text, strlen(text), NULL), 0);
    ck_assert(tdm_json_as_string(tdm_json_get(root, "schema"), &schema));
    ck_assert_str_eq(schema, "tandem-load/2");
    ck_assert_double_eq(number(root, "status"), 0);
    const tdm_json *step = tdm_json_first(tdm_json_get(root, "steps"));
    for (int i = 0; i < 4; i++, step = tdm_json_next(step)) {
        ck_assert_double_eq(number(step, "target"), i / 2);
        check_step(step, i % 2 ? 300 : 3);
    }
    ck_assert_ptr_null(step);
    tdm_json_destroy(&root);
    free(text);
    unlink(path);
    program_forget(&o);
    close_service(&s);
}
END_TEST

START_TEST(a_report_to_standard_output_stands_alone)
{
    service s;
    tdm_json *root = NULL;
    open_service(&s, 0);
    program_outcome o = RUN("-c", "2", "--follow", "--json", "-", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 0);
    ck_assert_int_eq(tdm_json_parse(&root, o.out, strlen(o.out), NULL), 0);
    ck_assert_ptr_nonnull(strstr(o.err, "all steps"));
    tdm_json_destroy(&root);
    program_forget(&o);
    o = RUN("-c", "2", "--follow", "--html", "-", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 0);
    ck_assert_int_eq(strncmp(o.out, "<!DOCTYPE html>", 15), 0);
    ck_assert_ptr_nonnull(strstr(o.err, "all steps"));
    program_forget(&o);
    close_service(&s);
}
END_TEST

static unsigned occurrences(const char *text, const char *of)
{
    unsigned n = 0;
    for (; (text = strstr(text, of)) != NULL; text++)
        n++;
    return n;
}

START_TEST(html_stands_alone_and_shows_a_chart_for_every_step)
{
    service s;
    char path[256], url[96];
    open_service(&s, 0);
    temp_path(path, sizeof path, "report.html");
    snprintf(url, sizeof url, "%s", fake_server_url(s.server, "/?who=<script>alert('1')&b=\"2\""));
    program_outcome o = RUN("-q", "-c", "2,40", "--follow", "--html", path, url, fake_server_url(s.server, "/?who=me"));
    ck_assert_int_eq(o.status, 0);
    char *page = read_file(path);
    ck_assert_uint_eq(occurrences(page, "class=\"multiplicity\""), 4);
    ck_assert_uint_eq(occurrences(page, "<script"), 0);
    ck_assert_uint_ge(occurrences(page, "&lt;script&gt;alert(&#39;1&#39;)"), 1);
    ck_assert_uint_eq(occurrences(page, "src=") + occurrences(page, "@import") + occurrences(page, "<link") +
                          occurrences(page, "url("),
                      0);
    ck_assert_ptr_nonnull(strstr(page, "closed loop"));
    ck_assert_ptr_nonnull(strstr(page, "prefers-color-scheme:dark"));
    free(page);
    unlink(path);
    program_forget(&o);
    close_service(&s);
}
END_TEST

START_TEST(a_failure_is_named_at_the_end_and_exits_with_1)
{
    service s;
    open_service(&s, 9);
    program_outcome o = RUN("-q", "-c", "2", "--follow", "--label", "nightly", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 1);
    ck_assert_ptr_nonnull(strstr(o.out, "nightly, 2 connections: INCOMPLETE: the server had forgotten 9 ended tasks"));
    program_forget(&o);
    close_service(&s);
}
END_TEST

START_TEST(tasks_that_were_not_followed_are_not_called_fine)
{
    service s;
    open_service(&s, 0);
    program_outcome o = RUN("-c", "2", fake_server_url(s.server, "/"));
    ck_assert_int_eq(o.status, 0);
    ck_assert_ptr_null(strstr(o.out, "nothing was lost"));
    ck_assert_ptr_nonnull(strstr(o.out, "what became of"));
    program_forget(&o);
    close_service(&s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        help_and_version_go_to_standard_output,
        wrong_usage_says_what_is_wrong_and_exits_with_2,
        more_connections_than_open_files_are_refused_in_one_line,
        a_target_that_cannot_be_reached_is_one_line_and_exits_with_3,
        the_report_says_what_was_seen_in_plain_lines,
        tasks_that_were_not_followed_are_not_called_fine,
        a_url_may_bring_its_own_counts,
        quiet_prints_the_table_only,
        json_has_every_figure_of_every_step,
        a_report_to_standard_output_stands_alone,
        html_stands_alone_and_shows_a_chart_for_every_step,
        a_failure_is_named_at_the_end_and_exits_with_1,
        NULL,
    };
    return unit_main("load_command", tests);
}
