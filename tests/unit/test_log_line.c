/* SPDX-License-Identifier: MIT */
#include "tasks/log_line.h"

#include <stdio.h>
#include <time.h>

#include <tandem/clock.h>
#include <tandem/json.h>

#include "tasks/utf8.h"
#include "tests/unit/log_unit.h"

START_TEST(a_text_line_has_local_time_thread_and_message)
{
    setenv("TZ", "XYZ-9", 1); /* nine hours east */
    tzset();
    int fd = unit_memory_file(), us = -1;
    unsigned thread = 0;
    log_start(fd, TDM_LOG_TEXT, 0);
    time_t before = time(NULL) - 1;
    tdm_log_info("%d sync end", 0);
    tdm_log_stop();
    time_t after = time(NULL) + 1;
    char *text = unit_contents(fd), message[32] = "", newline = 0;
    struct tm tm = {.tm_isdst = -1};
    ck_assert_int_eq(sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d.%6d [%u] %31[^\n]%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                            &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &us, &thread, message, &newline),
                     10);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t when = timegm(&tm) - 9 * 3600;
    ck_assert_int_ge(when, before);
    ck_assert_int_le(when, after);
    ck_assert_uint_eq(strcspn(text, "["), strlen("2026-11-22 02:46:24.017549 "));
    ck_assert_uint_eq(thread, tdm_thread_id());
    ck_assert_str_eq(message, "0 sync end");
    ck_assert_int_eq(newline, '\n');
    free(text);
    close(fd);
}
END_TEST

START_TEST(levels_above_info_are_named_in_text)
{
    int fd = unit_memory_file();
    char *text;
    write_directly_to(fd);
    tdm_log_debug("m");
    tdm_log_info("m");
    tdm_log_warning("m");
    tdm_log_error("m");
    text = unit_contents(fd);
    static const char *const expected[] = {"m\n", "m\n", "warning: m\n", "error: m\n"};
    const char *line = text;
    for (int i = 0; i < 4; i++, line = strchr(line, '\n') + 1)
        ck_assert_int_eq(strncmp(message_of(line), expected[i], strlen(expected[i])), 0);
    ck_assert_str_eq(line, "");
    free(text);
}
END_TEST

static const char *string_of(const tdm_json *root, const char *key)
{
    const char *text = NULL;
    ck_assert(tdm_json_as_string(tdm_json_get(root, key), &text));
    return text;
}

START_TEST(a_json_line_is_one_object_in_utc_whatever_the_message)
{
    setenv("TZ", "XYZ-9", 1);
    int fd = unit_memory_file();
    log_start(fd, TDM_LOG_JSON, 0);
    time_t before = time(NULL) - 1;
    tdm_log_error("a \"b\" \\ \xFF ü %s", "end");
    tdm_log_stop();
    char *text = unit_contents(fd);
    tdm_json *root = NULL;
    int64_t thread = 0;
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    ck_assert_int_eq(tdm_json_parse(&root, text, strlen(text), NULL), 0);
    ck_assert_str_eq(string_of(root, "message"), "a \"b\" \\ \xEF\xBF\xBD ü end");
    ck_assert_str_eq(string_of(root, "level"), "error");
    ck_assert(tdm_json_as_int(tdm_json_get(root, "thread"), &thread));
    ck_assert_int_eq(thread, tdm_thread_id());
    struct tm tm = {0};
    const char *rest = strptime(string_of(root, "time"), "%Y-%m-%dT%H:%M:%S", &tm);
    ck_assert_ptr_nonnull(rest);
    ck_assert(rest[0] == '.' && strspn(rest + 1, "0123456789") == 6);
    ck_assert_str_eq(rest + 7, "Z");
    ck_assert_int_ge(timegm(&tm), before);
    ck_assert_int_le(timegm(&tm), time(NULL) + 1);
    tdm_json_destroy(&root);
    free(text);
}
END_TEST

START_TEST(the_calendar_follows_the_second)
{
    setenv("TZ", "UTC", 1);
    tzset();
    tdm__log_style style = {.format = TDM_LOG_TEXT};
    tdm__log_entry entry = {.thread = 7, .level = TDM_LOG_INFO, .size = 1, .text = "x"};
    static const struct {
        int64_t wall_ns;
        const char *line;
    } cases[] = {
        {INT64_C(1795315584017549999), "2026-11-22 02:46:24.017549 [7] x\n"},
        {INT64_C(1795315584999999999), "2026-11-22 02:46:24.999999 [7] x\n"},
        {INT64_C(1795315585000000000), "2026-11-22 02:46:25.000000 [7] x\n"},
        {INT64_C(1795315584000001000), "2026-11-22 02:46:24.000001 [7] x\n"},
    };
    char line[TDM__LOG_BOUND];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        entry.wall_ns = cases[i].wall_ns;
        line[tdm__log_format(&style, &entry, line)] = '\0';
        ck_assert_str_eq(line, cases[i].line);
    }
}
END_TEST

START_TEST(the_longest_line_fits_its_bound)
{
    for (int pairs = 0; pairs < 2; pairs++)
        for (int format = TDM_LOG_TEXT; format <= TDM_LOG_JSON; format++) {
            tdm__log_style style = {.format = (tdm_log_format) format};
            tdm__log_entry entry = {.wall_ns = INT64_MAX,
                                    .lost = UINT64_MAX,
                                    .request = UINT64_MAX,
                                    .task = UINT64_MAX,
                                    .thread = UINT32_MAX,
                                    .level = TDM_LOG_WARNING};
            char line[TDM__LOG_BOUND];
            entry.size = TDM_LOG_LINE_MAX;
            entry.context_size = TDM_LOG_CONTEXT_MAX;
            memset(entry.text, 1, sizeof entry.text); /* six bytes each */
            char *context = entry.text + entry.size;
            if (pairs) /* nothing but frames */
                memset(context, 0, TDM_LOG_CONTEXT_MAX);
            else
                context[1] = context[TDM_LOG_CONTEXT_MAX - 1] = '\0';
            ck_assert_uint_le(tdm__log_format(&style, &entry, line), sizeof line);
        }
}
END_TEST

/* What tdm__log_format() makes of a message "m" and this context. */
static const char *with_context(tdm__log_style style, uint64_t request, uint64_t task, const char *context, size_t size)
{
    static char line[TDM__LOG_BOUND + 1];
    tdm__log_entry entry = {.request = request, .task = task, .level = TDM_LOG_INFO, .size = 1, .text = "m"};
    memcpy(entry.text + 1, context, size);
    entry.context_size = (unsigned) size;
    tdm__log_clean_context(entry.text + entry.size, entry.context_size);
    line[tdm__log_format(&style, &entry, line)] = '\0';
    return style.format == TDM_LOG_JSON ? strstr(line, "\"message\"") : message_of(line);
}

START_TEST(a_line_says_whose_it_is_behind_the_message_and_in_json_as_fields)
{
    static const char context[] = "tenant\0acme\0way\0by \"sea\"\0line\0a\nb\0none\0";
    const tdm__log_style text = {.format = TDM_LOG_TEXT}, bare = {.format = TDM_LOG_TEXT, .bare = true},
                         json = {.format = TDM_LOG_JSON, .bare = true};
    ck_assert_str_eq(with_context(text, 17, 5, context, sizeof context),
                     "m request=17 task=5 tenant=acme way=\"by \\\"sea\\\"\" line=\"a b\" none=\"\"\n");
    ck_assert_str_eq(with_context(text, 17, 0, "", 0), "m request=17\n");
    ck_assert_str_eq(with_context(text, 0, 0, "", 0), "m\n");
    ck_assert_str_eq(with_context(bare, 17, 5, context, sizeof context), "m\n");
    ck_assert_str_eq(with_context(json, 17, 5, context, sizeof context),
                     "\"message\":\"m\",\"request\":17,\"task\":5,\"context\":{\"tenant\":\"acme\",\"way\":\"by "
                     "\\\"sea\\\"\",\"line\":\"a b\",\"none\":\"\"}}\n");
    ck_assert_str_eq(with_context(json, 0, 5, "", 0), "\"message\":\"m\",\"task\":5}\n");
    ck_assert_str_eq(with_context(json, 0, 0, "", 0), "\"message\":\"m\"}\n");
}
END_TEST

START_TEST(newlines_and_control_characters_become_spaces)
{
    int fd = unit_memory_file();
    write_directly_to(fd);
    tdm_log_info("a\nb\r\nc\x1b[31m\x7f\td");
    char *text = unit_contents(fd);
    ck_assert_str_eq(message_of(text), "a b  c [31m  d\n");
    free(text);
}
END_TEST

/* Log `filler` so often that a message has at least `size` bytes, cut to `size`; returns what came out. */
static char *logged(const char *filler, size_t size)
{
    static char message[2 * TDM_LOG_LINE_MAX + 8];
    int fd = unit_memory_file();
    for (size_t at = 0; at < size; at += strlen(filler))
        memcpy(message + at, filler, strlen(filler) + 1);
    message[size] = '\0';
    write_directly_to(fd);
    tdm_log_info("%s", message);
    char *text = unit_contents(fd), *copy = strdup(message_of(text));
    ck_assert_int_eq(copy[strlen(copy) - 1], '\n');
    copy[strlen(copy) - 1] = '\0';
    free(text);
    close(fd);
    return copy;
}

START_TEST(a_message_of_the_maximum_is_whole_and_a_longer_one_is_cut)
{
    char *text = logged("x", TDM_LOG_LINE_MAX);
    ck_assert_uint_eq(strspn(text, "x"), TDM_LOG_LINE_MAX);
    ck_assert_uint_eq(strlen(text), TDM_LOG_LINE_MAX);
    free(text);
    for (size_t size = TDM_LOG_LINE_MAX + 1; size <= 2 * TDM_LOG_LINE_MAX; size += 1023) {
        text = logged("x", size);
        ck_assert_uint_eq(strlen(text), TDM_LOG_LINE_MAX);
        ck_assert_str_eq(text + TDM_LOG_LINE_MAX - strlen("…"), "…");
        free(text);
    }
    text = logged("", 0);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(a_message_is_cut_between_characters)
{
    static const char *const fillers[] = {"ü", "多", "\xF0\x9F\x90\x87", "aü", "a多", "ab\xF0\x9F\x90\x87"};
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        char *text = logged(fillers[i], TDM_LOG_LINE_MAX + 600);
        size_t size = strlen(text);
        ck_assert_uint_le(size, TDM_LOG_LINE_MAX);
        ck_assert_uint_gt(size, TDM_LOG_LINE_MAX - 4);
        ck_assert_str_eq(text + size - strlen("…"), "…");
        for (size_t at = 0, n; at < size; at += n) {
            n = tdm__utf8_length((unsigned char *) text + at, (unsigned char *) text + size);
            ck_assert_uint_gt(n, 0);
        }
        free(text);
    }
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
    for (int level = TDM_LOG_DEBUG; level <= TDM_LOG_OFF; level++) {
        int fd = unit_memory_file(), lines = 0;
        ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.level = (tdm_log_level) level, .fd = fd}), 0);
        for (int each = TDM_LOG_DEBUG; each <= TDM_LOG_OFF; each++) {
            ck_assert(tdm_log_enabled((tdm_log_level) each) == (each >= level && each < TDM_LOG_OFF));
            tdm_log((tdm_log_level) each, "x");
        }
        tdm_log_stop();
        char *text = unit_contents(fd);
        for (const char *c = text; *c; c++)
            lines += *c == '\n';
        ck_assert_int_eq(lines, TDM_LOG_OFF - level);
        free(text);
        close(fd);
    }
}
END_TEST

int main(void)
{
    return unit_main("log_line", (const TTest *const[]){
                                     a_text_line_has_local_time_thread_and_message, levels_above_info_are_named_in_text,
                                     a_json_line_is_one_object_in_utc_whatever_the_message,
                                     the_calendar_follows_the_second, the_longest_line_fits_its_bound,
                                     a_line_says_whose_it_is_behind_the_message_and_in_json_as_fields,
                                     newlines_and_control_characters_become_spaces,
                                     a_message_of_the_maximum_is_whole_and_a_longer_one_is_cut,
                                     a_message_is_cut_between_characters, lines_below_the_level_are_not_written, NULL});
}
