/* SPDX-License-Identifier: MIT */
/* DESIGN: what a crash says. The crash happens in a child process whose standard error is a pipe to the test. */
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include "tasks/overrun.h"
#include "tasks/sanitizer.h"
#include "tests/unit/executor.h"

static char *volatile nowhere;
static volatile int deepest = INT_MAX; /* the compiler must not know */

static int overrun_deeper(int depth)
{
    volatile char here[512];
    here[0] = (char) depth;
    int below = depth < deepest ? overrun_deeper(depth + 1) : 0;
    return below + here[0];
}

static int overrun(tdm_task *task, void *arg)
{
    (void) arg;
    return task ? overrun_deeper(1) : 0;
}

/* The signal is wanted, not the report with which UBSan would come before it. */
__attribute__((no_sanitize("undefined"))) static int touch_null(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    *nowhere = 1;
    return 0;
}

typedef struct crash {
    char text[4096];
    int status;
} crash;

static void crash_in_child(tdm_task_fn *run, tdm_lane lane, int err)
{
    dup2(err, STDERR_FILENO);
    tdm_executor *executor = NULL;
    if (tdm_executor_create(&executor, &(tdm_executor_options){.workers = 1}) == 0)
        tdm_spawn(executor, &(tdm_task_spec){.name = "deep_one", .run = run, .lane = lane}, NULL);
    alarm(30); /* instead of a crash that does not come */
    for (;;)
        pause();
}

static crash watch_crash(tdm_task_fn *run, tdm_lane lane)
{
    crash c = {.status = 0};
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        crash_in_child(run, lane, ends[1]);
    close(ends[1]);
    size_t size = 0;
    for (ssize_t got; size < sizeof c.text - 1 && (got = read(ends[0], c.text + size, sizeof c.text - 1 - size)) > 0;)
        size += (size_t) got;
    for (char rest[512]; read(ends[0], rest, sizeof rest) > 0;)
        ; /* a sanitizer's report is long */
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &c.status, 0), child);
    return c;
}

START_TEST(an_overrun_names_the_task_and_ends_by_sigsegv)
{
    crash c = watch_crash(overrun, TDM_LOOP);
    ck_assert_msg(strstr(c.text, "tandem: task 1 \"deep_one\" overran its fiber's stack of "), "it said: %s", c.text);
    ck_assert_ptr_nonnull(strchr(c.text, '\n'));
    ck_assert(WIFSIGNALED(c.status));
    ck_assert_int_eq(WTERMSIG(c.status), SIGSEGV);
}
END_TEST

START_TEST(a_null_dereference_is_not_taken_for_an_overrun)
{
    for (int lane = 0; lane < TDM_LANES; lane++) {
        crash c = watch_crash(touch_null, (tdm_lane) lane);
        ck_assert_ptr_null(strstr(c.text, "overran"));
        if (TDM__SANITIZED) { /* it has its own end for such a process */
            ck_assert(WIFSIGNALED(c.status) || WEXITSTATUS(c.status) != 0);
        } else {
            ck_assert(WIFSIGNALED(c.status));
            ck_assert_int_eq(WTERMSIG(c.status), SIGSEGV);
        }
    }
}
END_TEST

static _Atomic int caught;

static void catch_and_leave(int signal_number)
{
    (void) signal_number;
    caught++;
    _exit(77);
}

START_TEST(an_older_handler_gets_what_is_not_ours)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        sigaction(SIGSEGV, &(struct sigaction){.sa_handler = catch_and_leave}, NULL);
        crash_in_child(touch_null, TDM_POOL, STDERR_FILENO);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 77);
}
END_TEST

int main(void)
{
    return unit_main("overrun", (const TTest *const[]){an_overrun_names_the_task_and_ends_by_sigsegv,
                                                       a_null_dereference_is_not_taken_for_an_overrun,
                                                       an_older_handler_gets_what_is_not_ours, NULL});
}
