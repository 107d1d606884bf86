/* SPDX-License-Identifier: MIT */
#include <tandem/clock.h>
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

#include "tests/unit/log_unit.h"

/* ---- start, stop, flush ---- */

START_TEST(lines_before_the_start_and_after_the_stop_are_written_at_once)
{
    int fd = unit_memory_file();
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    tdm_log_info("before");
    char *text = unit_contents(fd);
    ck_assert_str_eq(message_of(text), "before\n");
    free(text);
    log_start(0, TDM_LOG_TEXT, 0); /* 0 is standard error */
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
    log_start(first, TDM_LOG_TEXT, 0);
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.fd = second}), -EALREADY);
    tdm_log_info("one");
    tdm_log_stop();
    log_start(second, TDM_LOG_TEXT, 0);
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
    log_start(fd, TDM_LOG_TEXT, 0);
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
    log_start(unit_memory_file(), TDM_LOG_TEXT, 0);
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
    log_start(fd, TDM_LOG_TEXT, WRITERS * LINES);
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
    log_start(fd, TDM_LOG_TEXT, 2);
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
    log_start(r->ends[1], TDM_LOG_TEXT, 8);
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
    log_start(unit_memory_file(), TDM_LOG_TEXT, 8);
    ck_assert_uint_eq(tdm_log_dropped(), 0); /* counted from the start */
    tdm_log_stop();
}
END_TEST

/* ---- difficult fds ---- */

START_TEST(a_reader_that_stands_still_holds_neither_flush_nor_stop)
{
    reader r;
    open_pipe(&r, O_NONBLOCK);
    while (write(r.ends[1], "x", 1) == 1)
        ;
    ck_assert_int_eq(fcntl(r.ends[1], F_SETFL, 0), 0);
    overfill(&r);
    int64_t begun_ns = tdm_clock_ns();
    tdm_log_flush();
    tdm_log_flush(); /* it is known by now */
    tdm_log_stop();
    ck_assert_int_lt(tdm_clock_ns() - begun_ns, 10 * TDM_NS_PER_S);
    tdm_log_info("no more");
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){.fd = r.ends[1]}), -EALREADY);
    tdm_log_stop();
}
END_TEST

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
    log_start(r.ends[1], TDM_LOG_TEXT, MANY);
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
    log_start(0, TDM_LOG_TEXT, 4);
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
    log_start(r.ends[1], TDM_LOG_TEXT, 4);
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
    return unit_main(
        "log",
        (const TTest *const[]){
            lines_before_the_start_and_after_the_stop_are_written_at_once,
            a_second_start_is_refused_and_one_after_a_stop_works, flush_waits_until_what_was_logged_is_written,
            errno_is_left_alone, concurrent_writers_lose_nothing_in_a_ring_that_is_large_enough,
            concurrent_writers_in_a_tiny_ring_are_written_or_counted,
            a_full_ring_drops_counts_and_warns_before_the_next_line, lines_lost_at_the_very_end_are_told_at_the_stop,
            a_reader_that_stands_still_holds_neither_flush_nor_stop, a_full_non_blocking_pipe_is_waited_for,
            interrupted_and_short_writes_lose_nothing, a_closed_fd_does_no_harm,
            a_reader_that_has_gone_raises_no_signal, a_sigpipe_that_was_pending_stays_pending, NULL});
}
