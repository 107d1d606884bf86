/* SPDX-License-Identifier: MIT */
/* Files as replies, and directories without a way out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/files/beneath.h"
#include "server/files/condition.h"
#include "server/files/date.h"
#include "tests/http/http.h"

enum { LARGE = 3000000 };

static tdm_testclient *t;
static const char *url;
static char root[64], public_dir[96];

static void path_of(char *out, size_t room, const char *name)
{
    ck_assert_int_lt(snprintf(out, room, "%s/%s", root, name), (int) room);
}

static void write_file(const char *name, const char *bytes, size_t size)
{
    char path[256];
    path_of(path, sizeof path, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_directory(const char *name)
{
    char path[256];
    path_of(path, sizeof path, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_link(const char *to, const char *name)
{
    char path[256];
    path_of(path, sizeof path, name);
    ck_assert_int_eq(symlink(to, path), 0);
}

static char large[LARGE];

static void make_tree(void)
{
    snprintf(root, sizeof root, "%s/tandem-files-XXXXXX", P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(root));
    make_directory("public");
    make_directory("public/sub");
    make_directory("public/.git");
    make_directory("public/.well-known");
    write_file("secret.txt", "secret", 6);
    write_file("public/a.txt", "0123456789", 10);
    write_file("public/index.html", "<p>index</p>", 12);
    write_file("public/sub/index.html", "<p>sub</p>", 10);
    write_file("public/.git/config", "hidden", 6);
    write_file("public/.well-known/x", "known", 5);
    write_file("public/s p\u00e4ce.css", "css", 3);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char) ('a' + i % 26);
    write_file("public/large.bin", large, LARGE);
    write_file("public/empty", "", 0);
    make_link("../secret.txt", "public/up");
    make_link("..", "public/parent");
    make_link("a.txt", "public/inside");
    make_link("loop", "public/loop");
    char absolute[256], fifo[256];
    path_of(absolute, sizeof absolute, "secret.txt");
    make_link(absolute, "public/absolute");
    path_of(fifo, sizeof fifo, "public/fifo");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    path_of(public_dir, sizeof public_dir, "public");
}

static void remove_tree(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static int get_file(tdm_request *req)
{
    char path[256];
    path_of(path, sizeof path, tdm_request_query(req, "name"));
    return tdm_reply_file(req, path,
                          &(tdm_file_options){.download = "ein \"Name\".txt", .cache_control = "max-age=60"});
}

static void begin(void)
{
    tdm_app *app;
    make_tree();
    ck_assert_int_eq(tdm_app_create(&app, &(tdm_app_options){.transport = http_transport()}), 0);
    tdm_router *router = tdm_app_router(app);
    ck_assert_int_eq(tdm_router_static(router, "/s", &(tdm_static_options){.directory = public_dir}), 0);
    tdm_static_options pool = {.directory = public_dir, .lane = TDM_POOL, .index = "", .hidden = true};
    ck_assert_int_eq(tdm_router_static(router, "/p", &pool), 0);
    ck_assert_int_eq(tdm_router_static(router, "/n", &(tdm_static_options){.directory = "/does/not/exist"}), -ENOENT);
    ck_assert_int_eq(tdm_app_get(app, "/file", get_file), 0);
    ck_assert_int_eq(tdm_testclient_start(&t, app), 0);
    url = tdm_app_url(app);
}

static void end(void)
{
    ck_assert_int_eq(tdm_testclient_stop(&t), 0);
    remove_tree();
}

static const tdm_testreply *ask(const char *method, const char *target, const char *headers)
{
    const tdm_testreply *reply =
        tdm_testclient_send(t, &(tdm_testrequest){.method = method, .target = target, .headers = headers});
    ck_assert_msg(reply->error == 0, "%s %s: %s", method, target, strerror(-reply->error));
    return reply;
}

static const tdm_testreply *expect(const char *target, const char *headers, int status, const char *body)
{
    const tdm_testreply *reply = ask("GET", target, headers);
    ck_assert_msg(reply->status == status, "%s: %d", target, reply->status);
    if (body)
        ck_assert_str_eq(reply->body, body);
    return reply;
}

static const char *header(const tdm_testreply *reply, const char *name)
{
    const char *value = tdm_testclient_header(t, reply, name);
    return value ? value : "";
}

START_TEST(files_have_their_type_and_version)
{
    begin();
    const tdm_testreply *reply = expect("/s/a.txt", NULL, 200, "0123456789");
    ck_assert_str_eq(header(reply, "Content-Type"), "text/plain; charset=utf-8");
    ck_assert_str_eq(header(reply, "Accept-Ranges"), "bytes");
    ck_assert_str_eq(header(reply, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_ne(header(reply, "ETag"), "");
    ck_assert_str_ne(header(reply, "Last-Modified"), "");
    ck_assert_str_eq(header(expect("/s/", NULL, 200, "<p>index</p>"), "Content-Type"), "text/html; charset=utf-8");
    ck_assert_str_eq(header(expect("/s/s%20p%C3%A4ce.css", NULL, 200, "css"), "Content-Type"),
                     "text/css; charset=utf-8");
    expect("/s/empty", NULL, 200, "");
    expect("/s/sub/", NULL, 200, "<p>sub</p>");
    ck_assert_str_eq(header(expect("/s/sub?q=1", NULL, 308, ""), "Location"), "/s/sub/?q=1");
    expect("/p/sub/", NULL, 404, NULL);
    reply = expect("/file?name=secret.txt", NULL, 200, "secret");
    ck_assert_str_eq(header(reply, "Content-Disposition"), "attachment; filename*=UTF-8''ein%20%22Name%22.txt");
    ck_assert_str_eq(header(reply, "Cache-Control"), "max-age=60");
    expect("/file?name=nope", NULL, 500, NULL); /* a file of the program's own choice is not a client's fault */
    reply = ask("HEAD", "/s/large.bin", NULL);
    ck_assert_str_eq(header(reply, "Content-Length"), "3000000");
    ck_assert_uint_eq(reply->size, 0);
    end();
}
END_TEST

START_TEST(large_files_come_whole_in_either_lane)
{
    begin();
    static const char *const targets[] = {"/s/large.bin", "/p/large.bin"};
    for (size_t i = 0; i < 2; i++) {
        const tdm_testreply *reply = expect(targets[i], NULL, 200, NULL);
        ck_assert_uint_eq(reply->size, LARGE);
        ck_assert_int_eq(memcmp(reply->body, large, LARGE), 0);
        reply = expect(targets[i], "Range: bytes=1000000-2999999\r\n", 206, NULL);
        ck_assert_str_eq(header(reply, "Content-Range"), "bytes 1000000-2999999/3000000");
        ck_assert_uint_eq(reply->size, 2000000);
        ck_assert_int_eq(memcmp(reply->body, large + 1000000, 2000000), 0);
    }
    end();
}
END_TEST

/* A sparse file of a TiB: whoever made room for it would not get it. */
START_TEST(a_file_that_fits_no_memory_is_sent_piece_by_piece)
{
    enum { ENOUGH = 3 << 20 };
    char path[256], head[512];
    begin();
    path_of(path, sizeof path, "public/huge");
    ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
    ck_assert_int_eq(truncate(path, (off_t) 1 << 40), 0);
    ck_assert_str_eq(header(ask("HEAD", "/s/huge", NULL), "Content-Length"), "1099511627776");
    for (int pool = 0; pool < 2; pool++) {
        http_connection c;
        http_connect(&c, url);
        http_ask(&c, "GET", pool ? "/p/huge" : "/s/huge", NULL);
        ck_assert_int_gt(recv(c.fd, head, sizeof head - 1, MSG_PEEK | MSG_WAITALL), 0);
        head[sizeof head - 1] = '\0';
        ck_assert_ptr_eq(strstr(head, "HTTP/1.1 200 OK\r\n"), head);
        ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 1099511627776\r\n"));
        size_t size = 0;
        for (ssize_t n; size < ENOUGH; size += (size_t) n)
            ck_assert_int_gt(n = recv(c.fd, large, sizeof large, 0), 0);
        http_disconnect(&c);
    }
    expect("/s/a.txt", NULL, 200, "0123456789");
    end();
}
END_TEST

START_TEST(ranges_and_conditions_are_kept)
{
    begin();
    ck_assert_str_eq(header(expect("/s/a.txt", "Range: bytes=2-4\r\n", 206, "234"), "Content-Range"), "bytes 2-4/10");
    expect("/s/a.txt", "Range: bytes=7-\r\n", 206, "789");
    expect("/s/a.txt", "Range: bytes=-3\r\n", 206, "789");
    ck_assert_str_eq(header(expect("/s/a.txt", "Range: bytes=10-\r\n", 416, NULL), "Content-Range"), "bytes */10");
    char field[160];
    const char *tag = header(expect("/s/a.txt", NULL, 200, NULL), "ETag");
    snprintf(field, sizeof field, "If-None-Match: \"x\", W/%s\r\n", tag);
    const tdm_testreply *reply = expect("/s/a.txt", field, 304, "");
    ck_assert_str_eq(header(reply, "ETag"), tag);
    expect("/s/a.txt", "If-Match: \"x\"\r\n", 412, NULL);
    snprintf(field, sizeof field, "If-Range: %s\r\nRange: bytes=0-0\r\n", tag);
    expect("/s/a.txt", field, 206, "0");
    expect("/s/a.txt", "If-Range: \"x\"\r\nRange: bytes=0-0\r\n", 200, "0123456789");
    snprintf(field, sizeof field, "If-Modified-Since: %s\r\n", header(reply, "Last-Modified"));
    expect("/s/a.txt", field, 304, "");
    end();
}
END_TEST

START_TEST(a_range_is_for_get_alone_and_several_are_none)
{
    begin();
    const tdm_testreply *reply = ask("HEAD", "/s/a.txt", "Range: bytes=2-4\r\n");
    ck_assert_int_eq(reply->status, 200);
    ck_assert_str_eq(header(reply, "Content-Length"), "10");
    static const char *const passed_over[] = {
        "bytes=0-1,3-4", "bytes=0-0,0-0,0-0,0-0", "bytes=-", "bytes=4-2", "bytes=99999999999999999999-",
        "lines=0-1",     "bytes = 0-1",           "bytes=",  "0-1",       "bytes=0x1-2",
    };
    for (size_t i = 0; i < sizeof passed_over / sizeof passed_over[0]; i++) {
        char field[80];
        snprintf(field, sizeof field, "Range: %s\r\n", passed_over[i]);
        expect("/s/a.txt", field, 200, "0123456789");
    }
    expect("/s/a.txt", "Range: bytes=-99999999999999999\r\n", 206, "0123456789");
    expect("/s/a.txt", "Range: bytes=-0\r\n", 416, NULL);
    expect("/s/empty", "Range: bytes=0-0\r\n", 416, NULL);
    expect("/s/empty", "Range: bytes=-1\r\n", 416, NULL);
    end();
}
END_TEST

START_TEST(no_name_leads_out_of_the_directory)
{
    begin();
    static const char *const names[] = {
        "up",
        "parent/secret.txt",
        "absolute",
        "loop",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "../secret.txt",
        "sub/../../secret.txt",
        "sub/%2e%2e/%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%5csecret.txt",
        "%00",
        "a.txt%00.html",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "sub//index.html",
        ".git/config",
        "%2egit/config",
        "fifo",
        "nope",
        "a.txt/",
        "a.txt/x",
        "%c0%ae%c0%ae/secret.txt",
        "....//secret.txt",
        "sub/.../x",
        "%252e%252e/secret.txt",
        "parent",
        "parent/",
    };
    char target[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(target, sizeof target, "/s/%s", names[i]);
        const tdm_testreply *reply = ask("GET", target, NULL);
        ck_assert_msg(reply->status == 404 || reply->status == 400, "%s: %d", target, reply->status);
        ck_assert_msg(!strstr(reply->body, "secret") && !strstr(reply->body, "root:"), "%s: %s", target, reply->body);
    }
    expect("/s/inside", NULL, 200, "0123456789"); /* a link that stays inside */
    expect("/s/.well-known/x", NULL, 200, "known");
    expect("/p/.git/config", NULL, 200, "hidden");
    ck_assert_int_eq(ask("POST", "/s/a.txt", NULL)->status, 405);
    end();
}
END_TEST

START_TEST(without_the_kernels_help_links_are_not_followed)
{
    make_tree();
    int dir = open(public_dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
    static const struct {
        const char *path;
        bool open;
    } cases[] = {{"a.txt", true},   {"sub/index.html", true}, {"", true},
                 {"sub", true},     {"../secret.txt", false}, {"up", false},
                 {"inside", false}, {"/etc/passwd", false},   {"parent/secret.txt", false},
                 {"sub/..", false}, {"nope/a", false},        {"a.txt/x", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = tdm__open_beneath_by_steps(dir, cases[i].path);
        ck_assert_msg((fd >= 0) == cases[i].open, "'%s': %d", cases[i].path, fd);
        if (fd >= 0)
            close(fd);
    }
    close(dir);
    remove_tree();
}
END_TEST

START_TEST(conditions_count_in_the_order_of_the_rfc)
{
    /* Sun, 09 Sep 2001 01:46:40 GMT */
    const tdm__version is = {.tag = "\"t\"", .modified = 1000000000, .seen = 2000000000, .size = 10};
    static const char same[] = "Sun, 09 Sep 2001 01:46:40 GMT", before[] = "Sun, 09 Sep 2001 01:46:39 GMT";
    const struct {
        tdm__conditions asked;
        int status;
        uint64_t first, size;
    } cases[] = {
        {{0}, 200, 0, 10},
        {{.if_none_match = "*"}, 304, 0, 0},
        {{.if_none_match = "\"t\""}, 304, 0, 0},
        {{.if_none_match = "\"x\"", .if_modified_since = same}, 200, 0, 10},
        {{.if_modified_since = same}, 304, 0, 0},
        {{.if_modified_since = before}, 200, 0, 10},
        {{.if_modified_since = "yesterday"}, 200, 0, 10},
        {{.if_match = "W/\"t\""}, 412, 0, 0},
        {{.if_match = "\"x\", \"t\"", .if_unmodified_since = before}, 200, 0, 10},
        {{.if_unmodified_since = before}, 412, 0, 0},
        {{.if_unmodified_since = same}, 200, 0, 10},
        {{.if_match = "\"x\"", .if_none_match = "\"t\""}, 412, 0, 0},
        {{.range = "bytes=0-0"}, 206, 0, 1},
        {{.range = "bytes=0-99"}, 206, 0, 10},
        {{.range = "bytes=-99"}, 206, 0, 10},
        {{.range = "bytes=-0"}, 416, 0, 0},
        {{.range = "bytes=99-"}, 416, 0, 0},
        {{.range = "bytes=5-4"}, 200, 0, 10},
        {{.range = "bytes=1-2,4-5"}, 200, 0, 10},
        {{.range = "bytes=99999999999999999999-"}, 200, 0, 10},
        {{.range = "lines=1-2"}, 200, 0, 10},
        {{.range = "bytes=-"}, 200, 0, 10},
        {{.range = "bytes=1-2", .if_range = same}, 206, 1, 2},
        {{.range = "bytes=1-2", .if_range = before}, 200, 0, 10},
        {{.range = "bytes=1-2", .if_range = "\"t\""}, 206, 1, 2},
        {{.range = "bytes=1-2", .if_range = "\"x\""}, 200, 0, 10},
        {{.range = "bytes=1-2", .if_range = "W/\"t\""}, 200, 0, 10},
        {{.range = "bytes=1-2", .if_range = "*"}, 200, 0, 10},
        {{.range = "bytes=1-2", .if_none_match = "\"t\""}, 304, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tdm__part_wanted part = tdm__conditions_judge(&cases[i].asked, &is);
        ck_assert_msg(part.status == cases[i].status, "case %zu: %d", i, part.status);
        if (part.status == 200 || part.status == 206) {
            ck_assert_uint_eq(part.first, cases[i].first);
            ck_assert_uint_eq(part.size, cases[i].size);
        }
    }
}
END_TEST

START_TEST(a_date_counts_for_a_range_once_its_second_is_over)
{
    static const char date[] = "Sun, 09 Sep 2001 01:46:40 GMT";
    const struct {
        time_t seen;
        int status;
    } cases[] = {{999999999, 200}, {1000000000, 200}, {1000000001, 206}, {1000000002, 206}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tdm__version is = {.tag = "\"t\"", .modified = 1000000000, .seen = cases[i].seen, .size = 10};
        tdm__conditions asked = {.range = "bytes=1-2", .if_range = date};
        ck_assert_int_eq(tdm__conditions_judge(&asked, &is).status, cases[i].status);
        asked.if_range = "\"t\""; /* a tag needs no time */
        ck_assert_int_eq(tdm__conditions_judge(&asked, &is).status, 206);
        asked = (tdm__conditions){.if_modified_since = date}; /* for which a weak one will do */
        ck_assert_int_eq(tdm__conditions_judge(&asked, &is).status, 304);
    }
}
END_TEST

START_TEST(what_is_said_of_a_file_is_not_said_of_a_refusal)
{
    static const struct {
        const char *fields;
        int status;
        const char *cache;
    } cases[] = {{NULL, 200, "max-age=60"},
                 {"Range: bytes=0-0\r\n", 206, "max-age=60"},
                 {"If-None-Match: *\r\n", 304, "max-age=60"},
                 {"Range: bytes=999-\r\n", 416, ""},
                 {"If-Match: \"x\"\r\n", 412, ""}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const tdm_testreply *reply = ask("GET", "/file?name=secret.txt", cases[i].fields);
        ck_assert_int_eq(reply->status, cases[i].status);
        ck_assert_str_eq(header(reply, "Cache-Control"), cases[i].cache);
        ck_assert_int_eq(*header(reply, "Content-Disposition") != '\0', *cases[i].cache != '\0');
    }
    end();
}
END_TEST

START_TEST(dates_are_read_in_all_three_forms)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    static const char *const wrong[] = {"",
                                        "Sun",
                                        "Sun, 06 Nov 1994 08:49:37",
                                        "Sun, 06 Nov 1994 08:49:37 GMTX",
                                        "Sun, 06 Nop 1994 08:49:37 GMT",
                                        "Sun, 36 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 28:49:37 GMT",
                                        "784111777"};
    time_t when;
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(tdm__date_read(same[i], &when), "%s", same[i]);
        ck_assert_int_eq(when, 784111777);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!tdm__date_read(wrong[i], &when), "%s", wrong[i]);
    char text[TDM__DATE_MAX];
    ck_assert(tdm__date_write(784111777, text));
    ck_assert_str_eq(text, same[0]);
}
END_TEST

START_TEST(a_date_that_http_cannot_write_is_none)
{
    const time_t first = -INT64_C(62167219200), last = INT64_C(253402300799);
    char text[TDM__DATE_MAX];
    ck_assert(tdm__date_write(first, text));
    ck_assert_str_eq(text, "Sat, 01 Jan 0000 00:00:00 GMT");
    ck_assert(tdm__date_write(last, text));
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
    const time_t wrong[] = {first - 1, last + 1, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert(!tdm__date_write(wrong[i], text));
}
END_TEST

int main(void)
{
    return http_main(
        "files", (const TTest *const[]){
                     files_have_their_type_and_version, large_files_come_whole_in_either_lane,
                     a_file_that_fits_no_memory_is_sent_piece_by_piece, ranges_and_conditions_are_kept,
                     a_range_is_for_get_alone_and_several_are_none, no_name_leads_out_of_the_directory,
                     without_the_kernels_help_links_are_not_followed, conditions_count_in_the_order_of_the_rfc,
                     a_date_counts_for_a_range_once_its_second_is_over, what_is_said_of_a_file_is_not_said_of_a_refusal,
                     dates_are_read_in_all_three_forms, a_date_that_http_cannot_write_is_none, NULL});
}
