/* SPDX-License-Identifier: MIT */
/* DESIGN: the files that other programs read: the series as CSV, and the log of requests. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load/report_csv.h"
#include "load/report_log.h"
#include "tests/unit/load_made.h"
#include "tests/unit/unit.h"

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text; text++)
        n += text[0] == '\r' && text[1] == '\n';
    return n;
}

/* By hand: a sanitizer's strstr() looks at the whole text for each line. */
static const char *next_line(const char *line)
{
    while (*line && *line != '\n')
        line++;
    return *line ? line + 1 : line;
}

static unsigned commas(const char *line)
{
    unsigned n = 0;
    bool quoted = false;
    for (; *line && *line != '\r'; line++) {
        quoted ^= *line == '"';
        n += *line == ',' && !quoted;
    }
    return n;
}

START_TEST(every_slice_is_a_line_with_a_field_for_each_heading)
{
    load_made made;
    load_made_init(&made, &(load_made_as){.levels = {"4,20", "4"}});
    char *text = load_made_text(load_report_csv, &made);
    ck_assert_int_eq(strncmp(text, "label,level,round,at,span,made,", 31), 0);
    ck_assert_uint_eq(lines(text), 1 + 3 * 20);
    for (const char *line = text; *line; line = next_line(line))
        ck_assert_uint_eq(commas(line), commas(text));
    ck_assert_ptr_nonnull(strstr(text, "\r\nsync,20,1,0.500000000,0.500000000,2,2,0,0,,0.000200000,0.000900000,"
                                       "0.001000000,,,12,\r\n"));
    /* a slice in which nothing succeeded has no percentiles */
    ck_assert_ptr_nonnull(strstr(text, "\r\nsync,4,1,2.500000000,0.500000000,2,2,0,0,,,,,,,12,\r\n"));
    free(text);
    load_made_finish(&made);
}
END_TEST

START_TEST(an_open_loops_lines_tell_the_rate_that_was_asked_for)
{
    load_made made;
    load_made_init(&made, &(load_made_as){.levels = {"500", NULL}, .open = true});
    char *text = load_made_text(load_report_csv, &made);
    ck_assert_ptr_nonnull(strstr(text, "\r\nsync,500/s,1,0.000000000,0.500000000,25,25,0,0,500,"));
    free(text);
    load_made_finish(&made);
}
END_TEST

START_TEST(a_label_with_a_comma_or_a_quote_stays_one_field)
{
    char text[64] = "";
    FILE *to = fmemopen(text, sizeof text, "w");
    load_csv_text(to, "plain");
    fputc(' ', to);
    load_csv_text(to, "a,\"b\"");
    fclose(to);
    ck_assert_str_eq(text, "plain \"a,\"\"b\"\"\"");
}
END_TEST

/* ---- the log ---- */

static char *log_path(void)
{
    static char path[256];
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/tandem-load-log-XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    return path;
}

static char *contents_of(const char *path)
{
    FILE *from = fopen(path, "re");
    ck_assert_ptr_nonnull(from);
    char *text = unit_contents(fileno(from));
    fclose(from);
    return text;
}

START_TEST(the_log_has_a_line_for_each_request_however_many_there_are)
{
    enum { MANY = 20000 };
    load_made made;
    load_log *log = NULL;
    char *path = log_path();
    load_record *records = calloc(MANY, sizeof *records);
    load_made_init(&made, &(load_made_as){.levels = {"4", NULL}});
    for (int i = 0; i < MANY; i++)
        records[i] = (load_record){.due_ns = i,
                                   .sent_ns = 1500000000 + i,
                                   .ended_ns = 1500250000 + i,
                                   .first_task = 1,
                                   .last_task = 3,
                                   .thread = 1,
                                   .connection = 17,
                                   .status = 200,
                                   .error = -1};
    records[1].error = LOAD_ERROR_TIMEOUT;
    records[1].status = 0;
    records[1].first_task = records[1].last_task = 0;
    records[2].sent_ns = -5;
    ck_assert_int_eq(load_log_open(&log, path), 0);
    load_log_write(log, &made.sweep.steps[0], records, 1);
    load_log_write(log, &made.sweep.steps[0], records + 1, MANY - 1);
    ck_assert_int_eq(load_log_close(&log), 0);
    ck_assert_ptr_null(log);
    char *text = contents_of(path);
    ck_assert_uint_eq(lines(text), MANY + 1);
    for (const char *line = text; *line; line = next_line(line))
        ck_assert_uint_eq(commas(line), 13);
    ck_assert_ptr_nonnull(
        strstr(text, "\r\nsync,4,1,0,1,17,0.000000000,1.500000000,1.500250000,0.000250000,200,,1,3\r\nsync,4,1,0,1,17,"
                     "0.000000001,1.500000001,1.500250001,0.000250000,0,timeout,,\r\n"));
    ck_assert_ptr_nonnull(strstr(text, ",-0.000000005,1.500250002,"));
    free(text);
    free(records);
    unlink(path);
    load_made_finish(&made);
}
END_TEST

START_TEST(in_an_open_loop_latency_counts_from_when_a_request_was_due)
{
    load_made made;
    load_log *log = NULL;
    char *path = log_path();
    load_made_init(&made, &(load_made_as){.levels = {"500", NULL}, .open = true});
    ck_assert_int_eq(load_log_open(&log, path), 0);
    load_log_write(log, &made.sweep.steps[0],
                   &(load_record){.due_ns = 1000, .sent_ns = 3000, .ended_ns = 5000, .status = 503, .error = -1}, 1);
    ck_assert_int_eq(load_log_close(&log), 0);
    char *text = contents_of(path);
    ck_assert_ptr_nonnull(
        strstr(text, "\r\nsync,500/s,1,0,0,0,0.000001000,0.000003000,0.000005000,0.000004000,503,,,\r\n"));
    free(text);
    unlink(path);
    load_made_finish(&made);
}
END_TEST

/* Log one request of a target of this name; what its line begins with. free() it. */
static char *log_line_of(const char *label)
{
    load_made made;
    load_log *log = NULL;
    char *path = log_path();
    load_made_init(&made, &(load_made_as){.levels = {"4", NULL}});
    free(made.plan.targets[0].label);
    made.plan.targets[0].label = strdup(label);
    ck_assert_int_eq(load_log_open(&log, path), 0);
    load_log_write(log, &made.sweep.steps[0], &(load_record){.status = 200, .error = -1}, 1);
    ck_assert_int_eq(load_log_close(&log), 0);
    char *text = contents_of(path), *line = strdup(next_line(text));
    ck_assert_uint_eq(lines(text), 2);
    ck_assert_uint_eq(commas(line), 13);
    free(text);
    unlink(path);
    load_made_finish(&made);
    return line;
}

START_TEST(a_long_label_is_cut_in_the_log_and_the_line_stays_whole)
{
    enum { LONG = 3000, KEPT = 400 };
    char label[LONG + 1], expected[2 * LONG] = "\"";
    for (int i = 0; i < LONG; i++)
        label[i] = '"'; /* each is written as two */
    label[LONG] = '\0';
    char *line = log_line_of(label);
    for (int i = 0; i < 2 * KEPT; i++)
        expected[1 + i] = '"';
    snprintf(expected + 1 + 2 * KEPT, sizeof expected - 1 - 2 * KEPT, "\",4,1,0,0,0,");
    ck_assert_int_eq(strncmp(line, expected, strlen(expected)), 0);
    free(line);
    memset(label, 'x', sizeof label - 1);
    memcpy(label + KEPT - 1, "\xe2\x82\xac", 3); /* a character that does not fit is left out, not cut */
    line = log_line_of(label);
    label[KEPT - 1] = '\0';
    snprintf(expected, sizeof expected, "%s,4,1,0,0,0,", label);
    ck_assert_int_eq(strncmp(line, expected, strlen(expected)), 0);
    free(line);
    label[KEPT] = '\0'; /* one that just fits is whole */
    label[KEPT - 1] = 'y';
    line = log_line_of(label);
    snprintf(expected, sizeof expected, "%s,4,1,0,0,0,", label);
    ck_assert_int_eq(strncmp(line, expected, strlen(expected)), 0);
    free(line);
}
END_TEST

START_TEST(a_log_that_cannot_be_written_says_so_and_stops)
{
    load_made made;
    load_log *log = NULL;
    load_record record = {.status = 200, .error = -1};
    load_made_init(&made, &(load_made_as){.levels = {"4", NULL}});
    ck_assert_int_eq(load_log_open(&log, "no-such-directory/log.csv"), -ENOENT);
    ck_assert_int_eq(load_log_open(&log, "/dev/full"), -ENOSPC); /* the heading is written at once */
    ck_assert_ptr_null(log);
    ck_assert_int_eq(load_log_close(&log), 0);
    ck_assert_int_eq(load_log_open(&log, "/dev/null"), 0);
    load_log_write(log, &made.sweep.steps[0], &record, 1);
    ck_assert_int_eq(load_log_close(&log), 0);
    load_made_finish(&made);
}
END_TEST

int main(void)
{
    return unit_main("load_files", (const TTest *const[]){every_slice_is_a_line_with_a_field_for_each_heading,
                                                          an_open_loops_lines_tell_the_rate_that_was_asked_for,
                                                          a_label_with_a_comma_or_a_quote_stays_one_field,
                                                          the_log_has_a_line_for_each_request_however_many_there_are,
                                                          in_an_open_loop_latency_counts_from_when_a_request_was_due,
                                                          a_long_label_is_cut_in_the_log_and_the_line_stays_whole,
                                                          a_log_that_cannot_be_written_says_so_and_stops, NULL});
}
