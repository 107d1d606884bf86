/* SPDX-License-Identifier: MIT */
#include <tandem/log.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <tandem/clock.h>
#include <tandem/json.h>

#include "tasks/log_line.h"
#include "tasks/utf8.h"
#include "tests/unit/unit.h"

static void start(int fd, tdm_log_format format, unsigned ring_lines)
{
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.format = format, .ring_lines = ring_lines, .fd = fd}), 0);
}

/* The message of a line in the text form: what follows "[THREAD] ". */
static const char *message_of(const char *line)
{
    const char *end = strstr(line, "] ");
    ck_assert_ptr_nonnull(end);
    return end + 2;
}

/* Let lines be written directly to this fd, as before the start. */
static void write_directly_to(int fd)
{
    start(fd, TDM_LOG_TEXT, 1);
    tdm_log_stop();
}

/* ---- the form of a line ---- */

START_TEST(a_text_line_has_local_time_thread_and_message)
{
    setenv("TZ", "XYZ-9", 1); /* nine hours east */
    tzset();
    int fd = unit_memory_file(), us = -1;
    unsigned thread = 0;
    start(fd, TDM_LOG_TEXT, 0);
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
    start(fd, TDM_LOG_JSON, 0);
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
    tdm__log_style style = {.format = TDM_LOG_JSON};
    tdm__log_entry entry = {.wall_ns = INT64_MAX, .lost = UINT64_MAX, .thread = UINT32_MAX, .level = TDM_LOG_WARNING};
    char line[TDM__LOG_BOUND];
    entry.size = TDM_LOG_LINE_MAX;
    memset(entry.text, 1, sizeof entry.text); /* six bytes each */
    ck_assert_uint_le(tdm__log_format(&style, &entry, line), sizeof line);
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

/* ---- start, stop, flush ---- */

START_TEST(lines_before_the_start_and_after_the_stop_are_written_at_once)
{
    int fd = unit_memory_file();
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    tdm_log_info("before");
    char *text = unit_contents(fd);
    ck_assert_str_eq(message_of(text), "before\n");
    free(text);
    start(0, TDM_LOG_TEXT, 0); /* 0 is standard error */
    tdm_log_stop();
    tdm_log_stop();
    tdm_log_info("after");
    text = unit_contents(fd);
    ck_assert_str_eq(message_of(strchr(text, '\n')), "after\n");
    free(text);
    tdm_log_flush();
}
END_TEST

START_TEST(a_second_start_is_refused_and_one_after_a_stop_works)
{
    int first = unit_memory_file(), second = unit_memory_file();
    start(first, TDM_LOG_TEXT, 0);
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.fd = second}), -EALREADY);
    tdm_log_info("one");
    tdm_log_stop();
    start(second, TDM_LOG_TEXT, 0);
    tdm_log_info("two");
    tdm_log_stop();
    char *one = unit_contents(first), *two = unit_contents(second);
    ck_assert_str_eq(message_of(one), "one\n");
    ck_assert_str_eq(message_of(two), "two\n");
    free(one);
    free(two);
}
END_TEST

START_TEST(flush_waits_until_what_was_logged_is_written)
{
    int fd = unit_memory_file(), lines = 0;
    start(fd, TDM_LOG_TEXT, 0);
    for (int round = 0; round < 50; round++) { /* the writer is met awake, napping and asleep */
        for (int i = 0; i <= round % 3; i++)
            tdm_log_info("line %d", lines++);
        tdm_log_flush();
        char *text = unit_contents(fd), last[32];
        snprintf(last, sizeof last, "line %d\n", lines - 1);
        ck_assert_str_eq(text + strlen(text) - strlen(last), last);
        free(text);
        tdm_log_flush(); /* with nothing to wait for */
        if (round % 10 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 8000000}, NULL);
    }
    tdm_log_stop();
}
END_TEST

START_TEST(errno_is_left_alone)
{
    start(unit_memory_file(), TDM_LOG_TEXT, 0);
    errno = E2BIG;
    tdm_log_info("x");
    ck_assert_int_eq(errno, E2BIG);
    tdm_log_stop();
    write_directly_to(999);
    errno = E2BIG;
    tdm_log_info("x");
    ck_assert_int_eq(errno, E2BIG);
}
END_TEST

/* ---- many writers, full rings ---- */

enum { WRITERS = 4, LINES = 4000 };

static void *log_lines(void *number)
{
    for (int i = 0; i < LINES; i++)
        tdm_log_info("writer %d line %d", *(int *) number, i);
    return NULL;
}

static void run_writers(void)
{
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(concurrent_writers_lose_nothing_in_a_ring_that_is_large_enough)
{
    int fd = unit_memory_file(), next[WRITERS] = {0};
    start(fd, TDM_LOG_TEXT, WRITERS * LINES);
    run_writers();
    tdm_log_stop();
    char *text = unit_contents(fd);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        int number = -1, i = -1;
        ck_assert_int_eq(sscanf(message_of(line), "writer %d line %d", &number, &i), 2);
        ck_assert(number >= 0 && number < WRITERS);
        ck_assert_int_eq(i, next[number]++);
    }
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(next[i], LINES);
    ck_assert_uint_eq(tdm_log_dropped(), 0);
    free(text);
}
END_TEST

START_TEST(concurrent_writers_in_a_tiny_ring_are_written_or_counted)
{
    int fd = unit_memory_file(), lines = 0;
    uint64_t lost = 0, some;
    start(fd, TDM_LOG_TEXT, 2);
    run_writers();
    tdm_log_stop();
    char *text = unit_contents(fd);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        if (sscanf(message_of(line), "warning: %" SCNu64 " log line", &some) == 1)
            lost += some;
        else
            lines++;
    }
    ck_assert_uint_eq(lost, tdm_log_dropped());
    ck_assert_uint_eq((uint64_t) lines + lost, WRITERS * LINES);
    free(text);
}
END_TEST

/* A pipe that holds one page, and a thread that reads all of it into a memory file, a little at a time. */
typedef struct reader {
    int ends[2], into;
    pthread_t thread;
} reader;

static void open_pipe(reader *r, int flags)
{
    ck_assert_int_eq(pipe2(r->ends, 0), 0);
    ck_assert_int_eq(fcntl(r->ends[1], F_SETFL, flags), 0);
    fcntl(r->ends[1], F_SETPIPE_SZ, 4096); /* smaller is quicker, but any size will do */
    r->into = unit_memory_file();
}

static void *read_all(void *data)
{
    reader *r = data;
    char piece[300];
    for (ssize_t n; (n = read(r->ends[0], piece, sizeof piece)) > 0;)
        ck_assert_int_eq(write(r->into, piece, (size_t) n), n);
    return NULL;
}

/* The reader's thread takes no signals: they are meant for the others. */
static void start_reading(reader *r)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ck_assert_int_eq(pthread_create(&r->thread, NULL, read_all, r), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static char *stop_reading(reader *r)
{
    close(r->ends[1]);
    pthread_join(r->thread, NULL);
    close(r->ends[0]);
    char *text = unit_contents(r->into);
    close(r->into);
    return text;
}

/* Log into a pipe that nobody reads until lines are dropped. @return how many were logged. */
static uint64_t overfill(const reader *r)
{
    uint64_t logged_lines = 0;
    start(r->ends[1], TDM_LOG_TEXT, 8);
    while (tdm_log_dropped() < 5 && logged_lines < 10000000)
        tdm_log_info("line %" PRIu64, logged_lines++);
    ck_assert_uint_ge(tdm_log_dropped(), 5);
    return logged_lines;
}

/* Check that the lines are in order and every gap is told by the warning before the next line. @return lines seen. */
static uint64_t check_gaps(const char *text, const char **rest)
{
    uint64_t next = 0, lines = 0, some, number;
    for (; *text; text = strchr(text, '\n') + 1) {
        const char *message = message_of(text);
        if (sscanf(message, "warning: %" SCNu64 " log line", &some) == 1) {
            next += some;
        } else if (sscanf(message, "line %" SCNu64, &number) == 1) {
            ck_assert_uint_eq(number, next);
            next++;
            lines++;
        } else {
            break;
        }
    }
    *rest = text;
    return lines;
}

START_TEST(a_full_ring_drops_counts_and_warns_before_the_next_line)
{
    reader r;
    open_pipe(&r, 0);
    uint64_t total = overfill(&r), dropped = tdm_log_dropped();
    start_reading(&r);
    tdm_log_flush();
    tdm_log_info("after");
    tdm_log_stop();
    ck_assert_uint_eq(tdm_log_dropped(), dropped);
    char *text = stop_reading(&r);
    const char *rest;
    ck_assert_uint_eq(check_gaps(text, &rest) + dropped, total);
    ck_assert_str_eq(message_of(rest), "after\n");
    ck_assert_ptr_nonnull(strstr(text, " log lines were lost: the ring was full\n"));
    free(text);
}
END_TEST

START_TEST(lines_lost_at_the_very_end_are_told_at_the_stop)
{
    reader r;
    open_pipe(&r, 0);
    uint64_t total = overfill(&r), lost = 0;
    start_reading(&r);
    tdm_log_stop();
    char *text = stop_reading(&r);
    const char *rest, *last = strrchr(text, '[');
    ck_assert_uint_eq(check_gaps(text, &rest) + tdm_log_dropped(), total);
    ck_assert_str_eq(rest, "");
    ck_assert_int_eq(sscanf(message_of(last), "warning: %" SCNu64 " log lines were lost", &lost), 1);
    ck_assert_uint_gt(lost, 0);
    free(text);
    start(unit_memory_file(), TDM_LOG_TEXT, 8);
    ck_assert_uint_eq(tdm_log_dropped(), 0); /* counted from the start */
    tdm_log_stop();
}
END_TEST

/* ---- difficult fds ---- */

enum { MANY = 3000 };

static void log_many(int first)
{
    for (int i = 0; i < MANY; i++)
        tdm_log_info("line %d", first + i);
}

START_TEST(a_full_non_blocking_pipe_is_waited_for)
{
    reader r;
    open_pipe(&r, O_NONBLOCK);
    start(r.ends[1], TDM_LOG_TEXT, MANY);
    start_reading(&r);
    log_many(0);
    tdm_log_stop();
    log_many(MANY); /* and directly */
    char *text = stop_reading(&r);
    const char *rest;
    ck_assert_uint_eq(check_gaps(text, &rest), 2 * MANY);
    ck_assert_str_eq(rest, "");
    free(text);
}
END_TEST

static void do_nothing(int signal)
{
    (void) signal;
}

START_TEST(interrupted_and_short_writes_lose_nothing)
{
    reader r;
    open_pipe(&r, 0);
    write_directly_to(r.ends[1]);
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    start_reading(&r);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {0};
    ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    log_many(0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    char *text = stop_reading(&r);
    const char *rest;
    ck_assert_uint_eq(check_gaps(text, &rest), MANY);
    ck_assert_str_eq(rest, "");
    free(text);
}
END_TEST

START_TEST(a_closed_fd_does_no_harm)
{
    close(STDERR_FILENO);
    tdm_log_info("into nothing");
    start(0, TDM_LOG_TEXT, 4);
    log_many(0);
    tdm_log_flush();
    tdm_log_stop();
    tdm_log_info("into nothing");
}
END_TEST

START_TEST(a_reader_that_has_gone_raises_no_signal)
{
    reader r;
    open_pipe(&r, 0);
    close(r.ends[0]);
    ck_assert_int_eq(sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_DFL}, NULL),
                     0); /* it would end this process */
    start(r.ends[1], TDM_LOG_TEXT, 4);
    log_many(0);
    tdm_log_flush();
    tdm_log_stop();
    tdm_log_info("directly");
    sigset_t pending;
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert_int_eq(sigismember(&pending, SIGPIPE), 0);
}
END_TEST

START_TEST(a_sigpipe_that_was_pending_stays_pending)
{
    reader r;
    open_pipe(&r, 0);
    close(r.ends[0]);
    write_directly_to(r.ends[1]);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    raise(SIGPIPE);
    tdm_log_info("directly");
    ck_assert_int_eq(sigpending(&set), 0);
    ck_assert_int_eq(sigismember(&set, SIGPIPE), 1);
}
END_TEST

int main(void)
{
    return unit_main("log", (const TTest *const[]){a_text_line_has_local_time_thread_and_message,
                                                   levels_above_info_are_named_in_text,
                                                   a_json_line_is_one_object_in_utc_whatever_the_message,
                                                   the_calendar_follows_the_second,
                                                   the_longest_line_fits_its_bound,
                                                   newlines_and_control_characters_become_spaces,
                                                   a_message_of_the_maximum_is_whole_and_a_longer_one_is_cut,
                                                   a_message_is_cut_between_characters,
                                                   lines_below_the_level_are_not_written,
                                                   lines_before_the_start_and_after_the_stop_are_written_at_once,
                                                   a_second_start_is_refused_and_one_after_a_stop_works,
                                                   flush_waits_until_what_was_logged_is_written,
                                                   errno_is_left_alone,
                                                   concurrent_writers_lose_nothing_in_a_ring_that_is_large_enough,
                                                   concurrent_writers_in_a_tiny_ring_are_written_or_counted,
                                                   a_full_ring_drops_counts_and_warns_before_the_next_line,
                                                   lines_lost_at_the_very_end_are_told_at_the_stop,
                                                   a_full_non_blocking_pipe_is_waited_for,
                                                   interrupted_and_short_writes_lose_nothing,
                                                   a_closed_fd_does_no_harm,
                                                   a_reader_that_has_gone_raises_no_signal,
                                                   a_sigpipe_that_was_pending_stays_pending,
                                                   NULL});
}
