/* SPDX-License-Identifier: MIT */
/* DESIGN: Ctrl-C, once and twice, as a user types it. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/load/fake_server.h"
#include "tests/load/program.h"
#include "tests/unit/unit.h"

static atomic_bool asked;

static void serve_silently(int fd, unsigned number, void *arg)
{
    char path[256];
    (void) number;
    (void) arg;
    if (fake_read_request(fd, path, sizeof path))
        atomic_store(&asked, true);
    (void) fake_read_request(fd, path, sizeof path); /* until the client leaves */
}

START_TEST(an_interrupt_stops_and_reports_what_was_measured)
{
    fake_server *server = fake_server_start(serve_silently, NULL);
    const char *const options[] = {"-c", "3", fake_server_url(server, "/"), NULL};
    program_child c = program_start(options, 0);
    while (!atomic_load(&asked))
        usleep(1000);
    kill(c.pid, SIGINT);
    program_outcome o = program_finish(c);
    ck_assert_int_eq(o.status, 1);
    ck_assert_ptr_nonnull(strstr(o.out, "interrupted, 3 requests unfinished"));
    ck_assert_ptr_nonnull(strstr(o.out, "all steps"));
    program_forget(&o);
    fake_server_stop(&server);
}
END_TEST

/* Its standard output is a pipe that is full already, so that it cannot end by itself. */
static pid_t start_blocked(const char *url, int ends[2])
{
    static char block[4096];
    const char *program = getenv("TANDEM_LOAD");
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], block, sizeof block) > 0 || write(ends[1], block, 1) > 0)
        ;
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {strdup("tandem-load"), strdup("-c3"), strdup(url), NULL};
        if (dup2(ends[1], 1) < 0)
            _exit(99);
        execv(program, argv);
        _exit(98);
    }
    return pid;
}

/* Wait until the process catches SIGINT no more: it has heard the first. */
static void await_heard(pid_t pid)
{
    char path[64], line[128];
    unsigned long caught = 2;
    snprintf(path, sizeof path, "/proc/%d/status", (int) pid);
    while (caught & (1UL << (SIGINT - 1))) {
        FILE *from = fopen(path, "r");
        ck_assert_ptr_nonnull(from);
        while (fgets(line, sizeof line, from))
            (void) sscanf(line, "SigCgt: %lx", &caught);
        fclose(from);
        usleep(1000);
    }
}

START_TEST(a_second_interrupt_leaves_at_once)
{
    fake_server *server = fake_server_start(serve_silently, NULL);
    int ends[2], status = 0;
    pid_t pid = start_blocked(fake_server_url(server, "/"), ends);
    while (!atomic_load(&asked))
        usleep(1000);
    kill(pid, SIGINT);
    await_heard(pid); /* it stops, and would report */
    ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
    kill(pid, SIGINT);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    close(ends[0]);
    close(ends[1]);
    fake_server_stop(&server);
}
END_TEST

int main(void)
{
    return unit_main("load_signals", (const TTest *const[]){an_interrupt_stops_and_reports_what_was_measured,
                                                            a_second_interrupt_leaves_at_once, NULL});
}
