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

#include "server/files/date.h"
#include "tests/http/http.h"

enum { SIZE = 2000, LARGE = 100000, FIELD_MAX = 128 };

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
    static char text[LARGE], noise[SIZE];
    memset(text, 'a', sizeof text);
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        noise[i] = (char) (state >> 33);
    }
    snprintf(directory, sizeof directory, "%s/tandem-conditions-XXXXXX", P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    write_file("text.txt", text, SIZE);
    write_file("small.txt", text, 10);
    write_file("noise.txt", noise, sizeof noise);
    write_file("picture.png", text, SIZE);
    write_file("large.txt", text, sizeof text);
}

/* A handler that looks at the tag itself. */
static int get_own(tdm_request *req)
{
    char text[SIZE + 1] = "";
    memset(text, 'b', SIZE);
    int err = tdm_reply_header(req, "ETag", "\"own\"");
    if (err)
        return err;
    return tdm_request_header(req, "If-None-Match") ? tdm_reply_empty(req, 304) : tdm_reply_text(req, 200, text);
}

static int get_list(tdm_request *req)
{
    const char *list;
    int err = tdm_request_header_list(req, "x-list", &list);
    return err ? err : tdm_reply_text(req, 200, list ? list : "none");
}

static void add_files(tdm_app *to)
{
    ck_assert_int_eq(tdm_app_get(to, "/list", get_list), 0);
    ck_assert_int_eq(tdm_app_use(to, tdm_gzip(NULL)), 0);
    ck_assert_int_eq(tdm_app_get(to, "/own", get_own), 0);
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

static time_t date_of(const http_reply *reply, const char *name)
{
    time_t when;
    const char *date = http_field(reply, name);
    ck_assert_msg(date && tdm__date_read(date, &when), "%s", reply->head);
    return when;
}

START_TEST(a_file_of_the_future_is_told_to_be_of_now)
{
    char modified[FIELD_MAX];
    begin();
    date_file(time(NULL) + 86400);
    http_reply reply = ask("GET", "/s/text.txt", "%s", "");
    ck_assert_int_eq(reply.status, 200);
    time_t date = date_of(&reply, "Date"), told = date_of(&reply, "Last-Modified");
    ck_assert_msg(told <= date && told >= date - 10, "%s", reply.head);
    copy_field(modified, &reply, "Last-Modified");
    http_reply_finish(&reply);
    reply = ask("GET", "/s/text.txt", "Range: bytes=0-0\r\nIf-Range: %s\r\n", modified);
    ck_assert_int_eq(reply.status, 200); /* it may change again */
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(a_file_older_than_http_can_say_has_no_date)
{
    char path[128];
    struct stat st;
    begin();
    snprintf(path, sizeof path, "%s/text.txt", directory);
    date_file(-INT64_C(100000000000));
    ck_assert_int_eq(stat(path, &st), 0);
    bool kept = st.st_mtim.tv_sec == -INT64_C(100000000000); /* some file systems keep a nearer date */
    http_reply reply = ask("GET", "/s/text.txt", "%s", "");
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_nonnull(http_field(&reply, "ETag"));
    if (kept)
        ck_assert_ptr_null(http_field(&reply, "Last-Modified"));
    else
        ck_assert_int_eq(date_of(&reply, "Last-Modified"), st.st_mtim.tv_sec);
    http_reply_finish(&reply);
    end();
}
END_TEST

/* ---- lists that come in several lines ---- */

START_TEST(a_list_in_several_lines_is_one)
{
    static const struct {
        const char *fields, *list;
    } cases[] = {
        {"", "none"},
        {"X-List: a\r\n", "a"},
        {"X-List: a, b\r\n", "a, b"},
        {"X-List: a\r\nX-Other: c\r\nx-list: b\r\n", "a, b"},
        {"X-List: a\r\nX-List:\r\nX-List: b, c\r\nX-LIST: d\r\n", "a, , b, c, d"},
        {"X-List:\r\nX-List: a\r\n", ", a"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_reply reply = ask("GET", "/list", "%s", cases[i].fields);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_str_eq(reply.body, cases[i].list);
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

START_TEST(every_line_of_a_list_of_tags_counts)
{
    char tag[FIELD_MAX];
    begin();
    http_reply reply = ask("HEAD", "/s/text.txt", "%s", "");
    copy_field(tag, &reply, "ETag");
    http_reply_finish(&reply);
    const struct {
        const char *name, *last;
        int status;
    } cases[] = {{"If-None-Match", tag, 304},
                 {"If-None-Match", "\"z\"", 200},
                 {"If-Match", tag, 200},
                 {"If-Match", "\"z\"", 412}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = cases[i].name;
        reply = ask("GET", "/s/text.txt", "%s: \"x\", \"y\"\r\nAccept: */*\r\n%s: W/\"x\"\r\n%s: %s\r\n", name, name,
                    name, cases[i].last);
        ck_assert_msg(reply.status == cases[i].status, "case %zu: %d", i, reply.status);
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

/* ---- beside gzip ---- */

#define GZIP "Accept-Encoding: gzip\r\n"

/* What must be the same on a 200 and on what is sent in its place. */
typedef struct told {
    char tag[FIELD_MAX], vary[FIELD_MAX], modified[FIELD_MAX];
} told;

static told take_told(http_reply *reply)
{
    told is;
    copy_field(is.tag, reply, "ETag");
    copy_field(is.vary, reply, "Vary");
    copy_field(is.modified, reply, "Last-Modified");
    http_reply_finish(reply);
    return is;
}

static void expect_told(const char *method, const char *target, const char *fields, int status, const told *right)
{
    http_reply reply = ask(method, target, "%s", fields);
    ck_assert_msg(reply.status == status, "%s %s, %s: %d", method, target, fields, reply.status);
    ck_assert_msg(!http_field(&reply, "Content-Encoding"), "%s", reply.head);
    told is = take_told(&reply);
    ck_assert_msg(strcmp(is.tag, right->tag) == 0, "%s %s, %s: %s", method, target, fields, is.tag);
    ck_assert_msg(strcmp(is.vary, right->vary) == 0, "%s %s, %s: '%s'", method, target, fields, is.vary);
    ck_assert_str_eq(is.modified, right->modified);
}

static void expect_the_same_told(const char *method, const char *target, const char *encoding, const told *right)
{
    const char *strong = right->tag + (right->tag[0] == 'W' ? 2 : 0);
    const struct {
        const char *name, *before, *value, *after;
        int status;
    } cases[] = {
        {"If-None-Match", "", strong, "", 304},
        {"If-None-Match", "W/", strong, "", 304},
        {"If-None-Match", "\"x\", W/", strong, ", \"y\"", 304},
        {"If-None-Match", "W/\"x\", ", strong, "", 304},
        {"If-None-Match", "", "*", "", 304},
        {"If-Modified-Since", "", right->modified, "", 304},
        {"If-Match", "", "\"x\"", "", 412},
        {"If-Match", "W/", strong, "", 412},
        {"If-Unmodified-Since", "", "Sun, 06 Nov 1994 08:49:37 GMT", "", 412},
        {"If-None-Match", "", "\"x\"", "", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fields[256];
        if (cases[i].status == 200 && *right->vary) /* which may have a Content-Encoding */
            continue;
        snprintf(fields, sizeof fields, "%s%s: %s%s%s\r\n", encoding, cases[i].name, cases[i].before, cases[i].value,
                 cases[i].after);
        expect_told(method, target, fields, cases[i].status, right);
    }
}

START_TEST(what_is_sent_in_place_of_a_200_has_its_tag_and_vary)
{
    static const struct {
        const char *target;
        bool varies; /* gzip would look at it */
    } files[] = {{"/s/text.txt", true},
                 {"/s/noise.txt", true},
                 {"/s/small.txt", false},
                 {"/s/picture.png", false},
                 {"/s/large.txt", false}};
    static const char *const methods[] = {"GET", "HEAD"}, *const encodings[] = {"", GZIP, "Accept-Encoding: br\r\n"};
    begin();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        for (size_t e = 0; e < sizeof encodings / sizeof encodings[0]; e++) {
            told right[2];
            for (size_t m = 0; m < 2; m++) {
                http_reply reply = ask(methods[m], files[i].target, "%s", encodings[e]);
                ck_assert_int_eq(reply.status, 200);
                right[m] = take_told(&reply);
                ck_assert_int_eq(right[m].tag[0], files[i].varies && e == 1 ? 'W' : '"');
                ck_assert_str_eq(right[m].vary, files[i].varies ? "Accept-Encoding" : "");
                expect_the_same_told(methods[m], files[i].target, encodings[e], &right[m]);
            }
            ck_assert_str_eq(right[0].tag, right[1].tag);
        }
    }
    end();
}
END_TEST

START_TEST(a_part_is_never_compressed_and_has_the_strong_tag)
{
    begin();
    http_reply reply = ask("HEAD", "/s/text.txt", "%s", "");
    told right = take_told(&reply);
    const struct {
        const char *range, *if_range, *tag, *encoding;
        int status;
    } cases[] = {{"0-999", "", "", NULL, 206},
                 {"1-1", "", "", NULL, 206},
                 {"9999-", "", "", NULL, 416},
                 {"0-999", "If-Range: ", right.tag, NULL, 206},
                 {"0-999", "If-Range: W/", right.tag, "gzip", 200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reply = ask("GET", "/s/text.txt", GZIP "Range: bytes=%s\r\n%s%s%s", cases[i].range, cases[i].if_range,
                    cases[i].tag, *cases[i].tag ? "\r\n" : "");
        ck_assert_msg(reply.status == cases[i].status, "case %zu: %d", i, reply.status);
        const char *encoding = http_field(&reply, "Content-Encoding");
        ck_assert_pstr_eq(encoding, cases[i].encoding);
        told is = take_told(&reply);
        ck_assert_str_eq(is.tag + (cases[i].status == 200 ? 2 : 0), right.tag);
        ck_assert_str_eq(is.vary, "Accept-Encoding"); /* as on the 200 */
    }
    reply = ask("GET", "/s/picture.png", "%s", GZIP "Range: bytes=0-9\r\n");
    ck_assert_int_eq(reply.status, 206);
    ck_assert_ptr_null(http_field(&reply, "Vary"));
    http_reply_finish(&reply);
    end();
}
END_TEST

START_TEST(encodings_in_several_lines_are_one_list)
{
    static const struct {
        const char *fields, *encoding;
    } cases[] = {{"Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", "gzip"},
                 {"Accept-Encoding: *\r\nAccept-Encoding: gzip;q=0\r\n", NULL},
                 {"Accept-Encoding:\r\nAccept-Encoding: identity\r\n", NULL}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_reply reply = ask("GET", "/s/text.txt", "%s", cases[i].fields);
        ck_assert_pstr_eq(http_field(&reply, "Content-Encoding"), cases[i].encoding);
        http_reply_finish(&reply);
    }
    end();
}
END_TEST

START_TEST(a_304_of_a_handlers_own_has_the_form_of_tag_that_the_client_has)
{
    static const told strong = {.tag = "\"own\""}, plain = {.tag = "\"own\"", .vary = "Accept-Encoding"},
                      weak = {.tag = "W/\"own\"", .vary = "Accept-Encoding"};
    static const char *const methods[] = {"GET", "HEAD"};
    begin();
    for (size_t m = 0; m < 2; m++) {
        http_reply reply = ask(methods[m], "/own", GZIP);
        ck_assert_str_eq(http_field(&reply, "Content-Encoding"), "gzip");
        ck_assert_str_eq(http_field(&reply, "ETag"), weak.tag);
        http_reply_finish(&reply);
        expect_told(methods[m], "/own", GZIP "If-None-Match: W/\"own\"\r\n", 304, &weak);
        expect_told(methods[m], "/own", GZIP "If-None-Match: \"own\", W/\"own\"\r\n", 304, &weak);
        expect_told(methods[m], "/own", GZIP "If-None-Match: \"own\"\r\n", 304, &strong);
        expect_told(methods[m], "/own", GZIP "If-None-Match: W/\"other\", \"own\"\r\n", 304, &strong);
        expect_told(methods[m], "/own", GZIP "If-None-Match: *\r\n", 304, &strong);
        expect_told(methods[m], "/own", "If-None-Match: W/\"own\"\r\n", 304, &plain);
    }
    end();
}
END_TEST

int main(void)
{
    return http_main("conditions", (const TTest *const[]){
                                       a_range_by_date_is_given_once_the_second_of_the_date_is_over,
                                       a_range_by_another_date_or_a_weak_tag_is_the_whole,
                                       a_file_of_the_future_is_told_to_be_of_now,
                                       a_file_older_than_http_can_say_has_no_date,
                                       a_list_in_several_lines_is_one,
                                       every_line_of_a_list_of_tags_counts,
                                       encodings_in_several_lines_are_one_list,
                                       what_is_sent_in_place_of_a_200_has_its_tag_and_vary,
                                       a_part_is_never_compressed_and_has_the_strong_tag,
                                       a_304_of_a_handlers_own_has_the_form_of_tag_that_the_client_has,
                                       NULL,
                                   });
}
