/* SPDX-License-Identifier: MIT */
/* DESIGN: the library's threads take no signal that is meant for the program. */
#include <signal.h>

#include <tandem/log.h>

#include "tests/unit/executor.h"

static _Atomic int handled;

static void note(int signal_number)
{
    (void) signal_number;
    atomic_fetch_add(&handled, 1);
}

START_TEST(a_signal_to_the_process_waits_for_a_thread_of_the_program)
{
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = note}, NULL);
    ck_assert_int_eq(tdm_log_start(&(tdm_log_options){0}), 0);
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 2});
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0); /* now no thread of this program takes it */
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(sigpending(&pending), 0);
    ck_assert_int_eq(sigismember(&pending, SIGUSR1), 1);
    ck_assert_int_eq(sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 30}), SIGUSR1);
    ck_assert_int_eq(handled, 0);
    unit_destroy(executor);
    tdm_log_stop();
}
END_TEST

int main(void)
{
    return unit_main("thread", (const TTest *const[]){a_signal_to_the_process_waits_for_a_thread_of_the_program, NULL});
}
