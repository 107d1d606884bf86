/* SPDX-License-Identifier: MIT */
/* Requests that ask under conditions, as bytes on one connection: what the validators of a file are worth. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/http/http.h"

enum { SIZE = 2000, FIELD_MAX = 128 };

static char directory[64];
static tdm_app *app;
static http_connection c;

static void write_file(const char *name, const char *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_files(void)
{
    static char text[SIZE];
    memset(text, 'a', sizeof text);
    snprintf(directory, sizeof directory, "%s/tandem-conditions-XXXXXX", P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    write_file("text.txt", text, sizeof text);
}

static void add_files(tdm_app *to)
{
    tdm_static_options files = {.directory = directory};
    ck_assert_int_eq(tdm_router_static(tdm_app_router(to), "/s", &files), 0);
}

static void begin(void)
{
    make_files();
    app = http_app(NULL, add_files);
    http_connect(&c, tdm_app_url(app));
}

static void end(void)
{
    char command[128];
    http_disconnect(&c);
    http_app_end(app);
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

/* @param format further fields, each with its CRLF. */
static TDM_PRINTF(3, 4) http_reply ask(const char *method, const char *target, const char *format, ...)
{
    char fields[512];
    va_list args;
    va_start(args, format);
    vsnprintf(fields, sizeof fields, format, args);
    va_end(args);
    http_ask(&c, method, target, fields);
    return http_read(&c, strcmp(method, "HEAD") == 0);
}

static void copy_field(char out[FIELD_MAX], const http_reply *reply, const char *name)
{
    const char *value = http_field(reply, name);
    snprintf(out, FIELD_MAX, "%s", value ? value : "");
}

static void date_file(time_t when)
{
    char path[128];
    snprintf(path, sizeof path, "%s/text.txt", directory);
    const struct timespec times[] = {{.tv_sec = when}, {.tv_sec = when}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Ask for a byte if the file is still of the date it tells. @return the status. */
static int status_by_date(bool *in_its_second)
{
    char modified[FIELD_MAX], date[FIELD_MAX];
    http_reply reply = ask("HEAD", "/s/text.txt", "%s", "");
    copy_field(modified, &reply, "Last-Modified");
    http_reply_finish(&reply);
    reply = ask("GET", "/s/text.txt", "Range: bytes=0-0\r\nIf-Range: %s\r\n", modified);
    int status = reply.status;
    ck_assert_uint_eq(reply.body_size, status == 206 ? 1 : SIZE);
    copy_field(date, &reply, "Date");
    *in_its_second = strcmp(date, modified) == 0;
    http_reply_finish(&reply);
    return status;
}

START_TEST(a_range_by_date_is_given_once_the_second_of_the_date_is_over)
{
    bool in_its_second;
    begin();
    for (int age = 1; age <= 100; age += 33) {
        date_file(time(NULL) - age);
        ck_assert_int_eq(status_by_date(&in_its_second), 206);
    }
    date_file(time(NULL) + 100);
    ck_assert_int_eq(status_by_date(&in_its_second), 200);
    do { /* the second may be over before the request is there */
        date_file(time(NULL));
        int status = status_by_date(&in_its_second);
        ck_assert_msg(!in_its_second || status == 200, "%d", status);
    } while (!in_its_second);
    end();
}
END_TEST

START_TEST(a_range_by_another_date_or_a_weak_tag_is_the_whole)
{
    char tag[FIELD_MAX];
    begin();
    http_reply reply = ask("HEAD", "/s/text.txt", "%s", "");
    copy_field(tag, &reply, "ETag");
    http_reply_finish(&reply);
    ck_assert_int_eq(tag[0], '"');
    const struct {
        const char *before, *validator;
        int status;
    } cases[] = {{"", tag, 206},
                 {"W/", tag, 200},
                 {"", "\"x\"", 200},
                 {"", "*", 200},
                 {"", "Sun, 06 Nov 1994 08:49:37 GMT", 200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply =
            ask("GET", "/s/text.txt", "Range: bytes=0-0\r\nIf-Range: %s%s\r\n", cases[i].before, cases[i].validator);
        ck_assert_msg(reply.status == cases[i].status, "case %zu: %d", i, reply.status);
        ck_assert_uint_eq(reply.body_size, reply.status == 206 ? 1 : SIZE);
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

int main(void)
{
    return http_main("conditions", (const TTest *const[]){
                                       a_range_by_date_is_given_once_the_second_of_the_date_is_over,
                                       a_range_by_another_date_or_a_weak_tag_is_the_whole,
                                       NULL,
                                   });
}
