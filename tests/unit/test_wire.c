/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "server/refusal.h"
#include "server/wire.h"

static char text[4096];

/* The reply without its Date line, whose form is checked here. */
static const char *write_reply(const tdm__wire *wire)
{
    ck_assert_uint_le(tdm__wire_bound(wire), sizeof text - 1);
    size_t size = tdm__wire_write(wire, text);
    ck_assert_uint_le(size, tdm__wire_bound(wire));
    text[size] = '\0';
    char *date = strstr(text, "Date: ");
    ck_assert_ptr_nonnull(date);
    char day[4], month[4];
    int year, hour, minute, second, date_of_month;
    ck_assert_int_eq(sscanf(date, "Date: %3s, %2d %3s %4d %2d:%2d:%2d GMT\r\n", day, &date_of_month, month, &year,
                            &hour, &minute, &second),
                     7);
    char *end = strstr(date, "\r\n") + 2;
    ck_assert_int_eq(end - date, 37);
    memmove(date, end, strlen(end) + 1);
    return text;
}

START_TEST(a_reply_has_its_fields_and_body)
{
    tdm__wire wire = {.status = 200, .type = "text/plain", .body = "hello", .body_size = 5};
    ck_assert_str_eq(write_reply(&wire),
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
}
END_TEST

START_TEST(an_answer_to_a_head_has_the_length_and_no_body)
{
    tdm__wire wire = {.status = 404, .body = "hello", .body_size = 5, .head_only = true};
    ck_assert_str_eq(write_reply(&wire), "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n");
}
END_TEST

START_TEST(a_body_that_is_not_written_takes_no_room)
{
    tdm__wire wire = {.status = 200, .body_size = (size_t) 1 << 40, .head_only = true};
    ck_assert_str_eq(write_reply(&wire), "HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n");
}
END_TEST

START_TEST(tasks_connection_and_extras_are_told)
{
    tdm__extra second = {.name = "B", .value = "", .name_size = 1},
               first = {.next = &second, .name = "Aa", .value = "x y", .name_size = 2, .value_size = 3};
    tdm__wire wire = {.status = 503,
                      .tasks = 3,
                      .first_id = 18446744073709551613u,
                      .last_id = 18446744073709551615u,
                      .extras = &first,
                      .close = true,
                      .keep_alive = true};
    ck_assert_str_eq(write_reply(&wire),
                     "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
                     "Tandem-Tasks: 18446744073709551613-18446744073709551615\r\nConnection: close\r\n"
                     "Aa: x y\r\nB: \r\n\r\n");
    wire = (tdm__wire){.status = 299, .keep_alive = true};
    ck_assert_str_eq(write_reply(&wire), "HTTP/1.1 299 Success\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}
END_TEST

START_TEST(no_content_has_no_length)
{
    tdm__wire wire = {.status = 204};
    ck_assert_str_eq(write_reply(&wire), "HTTP/1.1 204 No Content\r\n\r\n");
}
END_TEST

START_TEST(a_refusal_is_a_reply_in_json_that_closes)
{
    size_t size = tdm__refusal_write(431, false, text);
    text[size] = '\0';
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\n{\"detail\":\"Request Header Fields Too Large\"}"));
}
END_TEST

START_TEST(illegal_and_reserved_fields_are_known)
{
    ck_assert(tdm__wire_name_ok("X-Thing_1"));
    ck_assert(!tdm__wire_name_ok(""));
    ck_assert(!tdm__wire_name_ok("A b"));
    ck_assert(!tdm__wire_name_ok("A:"));
    ck_assert(!tdm__wire_name_ok("A\r\nB"));
    ck_assert(tdm__wire_value_ok(""));
    ck_assert(tdm__wire_value_ok("a b\tc\xc3\xa4"));
    ck_assert(!tdm__wire_value_ok("a\r\nSet-Cookie: x"));
    ck_assert(!tdm__wire_value_ok(" a"));
    ck_assert(!tdm__wire_value_ok("a\x7f"));
    ck_assert(tdm__wire_reserved("content-LENGTH"));
    ck_assert(!tdm__wire_reserved("Content-Type"));
}
END_TEST

int main(void)
{
    return unit_main(
        "wire", (const TTest *const[]){a_reply_has_its_fields_and_body, an_answer_to_a_head_has_the_length_and_no_body,
                                       a_body_that_is_not_written_takes_no_room, tasks_connection_and_extras_are_told,
                                       no_content_has_no_length, a_refusal_is_a_reply_in_json_that_closes,
                                       illegal_and_reserved_fields_are_known, NULL});
}
