/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "load/url.h"
#include "tests/unit/unit.h"

static void check_parts(const char *text, const char *host, const char *port, const char *authority, const char *target)
{
    load_url url;
    const char *why;
    ck_assert_int_eq(load_url_parse(&url, text, &why), 0);
    ck_assert_str_eq(url.text, text);
    ck_assert_str_eq(url.host, host);
    ck_assert_str_eq(url.port, port);
    ck_assert_str_eq(url.authority, authority);
    ck_assert_str_eq(url.target, target);
    load_url_finish(&url);
}

START_TEST(a_url_is_taken_apart)
{
    check_parts("http://localhost", "localhost", "80", "localhost", "/");
    check_parts("HTTP://localhost:8000/a/b?c=d", "localhost", "8000", "localhost:8000", "/a/b?c=d");
    check_parts("http://h?x=1", "h", "80", "h", "/?x=1");
    check_parts("http://h/p#fragment", "h", "80", "h", "/p");
    check_parts("http://h#fragment", "h", "80", "h", "/");
    check_parts("http://[::1]:8000/", "::1", "8000", "[::1]:8000", "/");
    check_parts("http://[::1]", "::1", "80", "[::1]", "/");
    check_parts("http://h:65535/", "h", "65535", "h:65535", "/");
}
END_TEST

START_TEST(what_is_no_http_url_is_refused_with_a_reason)
{
    static const char *const wrong[] = {
        "",
        "localhost",
        "ftp://h/",
        "https://h/",
        "http://",
        "http:///p",
        "http://:80/",
        "http://h:/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:8o/",
        "http://u:p@h/",
        "http://[::1/",
        "http://[::1]x/",
        "http://h/a b",
        "http://h/\r\nX: y",
        "http://h/\xc3\xa9",
        "http://[]/",
        "http://h:123456/",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        load_url url;
        const char *why = NULL;
        ck_assert_msg(load_url_parse(&url, wrong[i], &why) == -EINVAL, "%s", wrong[i]);
        ck_assert_ptr_nonnull(why);
        ck_assert_ptr_null(url.text);
    }
}
END_TEST

static void check_labels(const char *const *texts, const char *const *expected, unsigned count)
{
    load_url urls[4];
    char *labels[4];
    const char *why;
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(load_url_parse(&urls[i], texts[i], &why), 0);
    ck_assert_int_eq(load_url_labels(urls, count, labels), 0);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_str_eq(labels[i], expected[i]);
        free(labels[i]);
        load_url_finish(&urls[i]);
    }
}

#define LABELS(count, texts, expected) check_labels((const char *const[]) texts, (const char *const[]) expected, count)
#define LIST(...)                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

START_TEST(labels_show_what_differs)
{
    LABELS(1, LIST("http://h/p?a=1"), LIST("/p?a=1"));
    LABELS(2, LIST("http://h/?as_async=0&count=3", "http://h/?as_async=1&count=3"), LIST("as_async=0", "as_async=1"));
    LABELS(2, LIST("http://h/?count=3&as_async=0", "http://h/?as_async=1&count=3"), LIST("as_async=0", "as_async=1"));
    LABELS(2, LIST("http://h/a", "http://h/b"), LIST("/a", "/b"));
    LABELS(2, LIST("http://h/a?x=1", "http://h/b?x=2"), LIST("/a?x=1", "/b?x=2"));
    LABELS(2, LIST("http://h:1/p", "http://h:2/p"), LIST("h:1/p", "h:2/p"));
    LABELS(2, LIST("http://h/p", "http://h/p?x=1&y=2"), LIST("/p", "x=1&y=2"));
    LABELS(3, LIST("http://h/p", "http://h/p", "http://h/q"), LIST("/p", "/p (2)", "/q"));
}
END_TEST

int main(void)
{
    return unit_main("load_url",
                     (const TTest *const[]){a_url_is_taken_apart, what_is_no_http_url_is_refused_with_a_reason,
                                            labels_show_what_differs, NULL});
}
