/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/template.h"
#include "tests/unit/unit.h"

static char why[200];

static load_template *make(const load_parts *parts)
{
    load_template *t = NULL;
    why[0] = '\0';
    ck_assert_msg(load_template_compile(&t, parts, why, sizeof why) == 0, "%s", why);
    return t;
}

/* The next request, NUL-terminated, in a buffer that the next call overwrites. */
static const char *fill(const load_template *t, load_values *values)
{
    static char text[8192];
    ck_assert_uint_lt(load_template_size_max(t), sizeof text);
    size_t size = load_template_fill(t, values, text);
    ck_assert_uint_le(size, load_template_size_max(t));
    text[size] = '\0';
    return text;
}

START_TEST(a_request_without_places_is_fixed)
{
    size_t size;
    load_template *t = make(&(load_parts){.authority = "h:80", .target = "/a?b={c}"});
    const char *text = load_template_fixed(t, &size);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(strncmp(text, "GET /a?b={c} HTTP/1.1\r\nHost: h:80\r\nUser-Agent: tandem-load/", 59), 0);
    ck_assert_int_eq(memcmp(text + size - 17, "\r\nAccept: */*\r\n\r\n", 17), 0);
    ck_assert(load_template_is_idempotent(t) && !load_template_is_head(t));
    load_template_destroy(&t);
    ck_assert_ptr_null(t);
}
END_TEST

START_TEST(fields_of_the_user_take_the_place_of_ours)
{
    size_t size;
    const char *const fields[] = {"Host: other", "USER-AGENT: me", "accept: text/html", "X-A: 1", "X-A: 2", NULL};
    load_template *t = make(&(load_parts){.method = "HEAD", .authority = "h", .target = "/", .fields = fields});
    ck_assert_str_eq(
        load_template_fixed(t, &size),
        "HEAD / HTTP/1.1\r\nHost: other\r\nUSER-AGENT: me\r\naccept: text/html\r\nX-A: 1\r\nX-A: 2\r\n\r\n");
    ck_assert(load_template_is_head(t));
    load_template_destroy(&t);
}
END_TEST

START_TEST(a_body_makes_it_a_post_with_its_length)
{
    size_t size;
    load_template *t = make(&(load_parts){.authority = "h", .target = "/", .body = "a\0b", .body_size = 3});
    const char *text = load_template_fixed(t, &size);
    ck_assert_int_eq(strncmp(text, "POST / HTTP/1.1\r\n", 17), 0);
    ck_assert_int_eq(memcmp(text + size - 24, "Content-Length: 3\r\n\r\na\0b", 24), 0);
    ck_assert(!load_template_is_idempotent(t));
    load_template_destroy(&t);
}
END_TEST

START_TEST(counters_go_on_and_the_length_follows)
{
    const char *const fields[] = {"X-Id: {{counter}}", NULL};
    load_template *t = make(&(load_parts){
        .authority = "h", .target = "/{{counter}}", .fields = fields, .body = "n={{counter}};", .body_size = 14});
    load_values values = {.counter = 8, .stride = 1};
    size_t size;
    ck_assert_ptr_null(load_template_fixed(t, &size));
    const char *text = fill(t, &values);
    ck_assert_int_eq(strncmp(text, "POST /8 HTTP/1.1\r\n", 18), 0);
    ck_assert_ptr_nonnull(strstr(text, "\r\nX-Id: 9\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Length: 5\r\n\r\nn=10;"));
    text = fill(t, &values);
    ck_assert_ptr_nonnull(strstr(text, "POST /11 "));
    ck_assert_ptr_nonnull(strstr(text, "Content-Length: 5\r\n\r\nn=13;"));
    load_template_destroy(&t);
}
END_TEST

START_TEST(random_values_stay_in_their_range_and_come_again_with_the_seed)
{
    load_template *t = make(&(load_parts){.authority = "h", .target = "/{{random:7-9}}/{{random}}/{{uuid}}"});
    load_values a = {.random = {42}}, b = {.random = {42}}, c = {.random = {43}};
    bool seen[10] = {false}, differs = false;
    for (int i = 0; i < 200; i++) {
        char first[4096];
        unsigned value = 0;
        unsigned long long any = 0;
        char uuid[80];
        snprintf(first, sizeof first, "%s", fill(t, &a));
        ck_assert_str_eq(first, fill(t, &b));
        differs = differs || strcmp(first, fill(t, &c)) != 0;
        ck_assert_int_eq(sscanf(first, "GET /%u/%llu/%70[0-9a-f-] HTTP", &value, &any, uuid), 3);
        ck_assert(value >= 7 && value <= 9 && any < 1ULL << 53);
        seen[value] = true;
        ck_assert_uint_eq(strlen(uuid), 36);
        ck_assert(uuid[8] == '-' && uuid[13] == '-' && uuid[14] == '4' && uuid[18] == '-' && uuid[23] == '-');
        ck_assert_ptr_nonnull(strchr("89ab", uuid[19]));
    }
    ck_assert(seen[7] && seen[8] && seen[9] && differs);
    load_template_destroy(&t);
}
END_TEST

static void check_wrong(const load_parts *parts, const char *says)
{
    load_template *t = NULL;
    why[0] = '\0';
    ck_assert_int_eq(load_template_compile(&t, parts, why, sizeof why), -EINVAL);
    ck_assert_ptr_null(t);
    ck_assert_msg(strstr(why, says) != NULL, "\"%s\" does not say \"%s\"", why, says);
}

static void check_wrong_field(const char *field, const char *says)
{
    const char *const fields[] = {field, NULL};
    check_wrong(&(load_parts){.authority = "h", .target = "/", .fields = fields}, says);
}

START_TEST(what_cannot_be_sent_is_refused_with_a_reason)
{
    check_wrong_field("no colon", "give \"Name: value\"");
    check_wrong_field(": value", "give \"Name: value\"");
    check_wrong_field("Na me: value", "give \"Name: value\"");
    check_wrong_field("A: b\r\nC: d", "control character");
    check_wrong_field("Content-Length: 3", "belongs to the framing");
    check_wrong_field("transfer-encoding: chunked", "belongs to the framing");
    check_wrong_field("A: {{nonsense}}", "{{nonsense}}");
    check_wrong_field("A: {{random:9-7}}", "{{random:9-7}}");
    check_wrong_field("A: {{random:-7}}", "{{random:-7}}");
    check_wrong_field("A: {{random:1-}}", "{{random:1-}}");
    check_wrong_field("A: {{counter", "{{counter: {{ without }}");
    check_wrong(&(load_parts){.authority = "h", .target = "/{{uuid}"}, "{{uuid}: {{ without }}");
    check_wrong(&(load_parts){.method = "GE T", .authority = "h", .target = "/"}, "no method");
    check_wrong(&(load_parts){.method = "", .authority = "h", .target = "/"}, "no method");
    check_wrong(&(load_parts){.method = "CONNECT", .authority = "h", .target = "/"}, "no method");
}
END_TEST

START_TEST(thirty_two_places_fit_and_no_more)
{
    char body[33 * 11 + 1] = "";
    for (int i = 0; i < LOAD_SLOTS_MAX; i++)
        memcpy(body + i * 11, "{{counter}}", 12);
    load_template *t = make(&(load_parts){.authority = "h", .target = "/", .body = body, .body_size = strlen(body)});
    load_values values = {.counter = 1, .stride = 1};
    ck_assert_ptr_nonnull(strstr(fill(t, &values), "\r\n\r\n1234567891011"));
    load_template_destroy(&t);
    memcpy(body + 32 * 11, "{{counter}}", 12);
    check_wrong(&(load_parts){.authority = "h", .target = "/", .body = body, .body_size = strlen(body)},
                "more than 32 places");
}
END_TEST

int main(void)
{
    return unit_main(
        "load_template",
        (const TTest *const[]){a_request_without_places_is_fixed, fields_of_the_user_take_the_place_of_ours,
                               a_body_makes_it_a_post_with_its_length, counters_go_on_and_the_length_follows,
                               random_values_stay_in_their_range_and_come_again_with_the_seed,
                               what_cannot_be_sent_is_refused_with_a_reason, thirty_two_places_fit_and_no_more, NULL});
}
