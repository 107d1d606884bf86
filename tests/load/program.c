/* SPDX-License-Identifier: MIT */
/* DESIGN: what it prints goes into memory files, so that no pipe can hold it up. */
#include "tests/load/program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

program_child program_start(const char *const *options, rlim_t files)
{
    char *argv[40] = {strdup("tandem-load")};
    for (int i = 0; i < 38 && options[i]; i++)
        argv[i + 1] = strdup(options[i]);
    program_child c = {.out = memfd_create("out", 0), .err = memfd_create("err", 0)};
    const char *program = getenv("TANDEM_LOAD");
    ck_assert_ptr_nonnull(program);
    c.pid = fork();
    ck_assert_int_ge(c.pid, 0);
    if (c.pid == 0) {
        const struct rlimit limit = {files, files};
        if (dup2(c.out, 1) < 0 || dup2(c.err, 2) < 0 || (files && setrlimit(RLIMIT_NOFILE, &limit) < 0))
            _exit(99);
        execv(program, argv);
        _exit(98);
    }
    for (int i = 0; argv[i]; i++)
        free(argv[i]);
    return c;
}

char *program_contents(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t) size + 1);
    ck_assert_int_eq(pread(fd, text, (size_t) size, 0), size);
    close(fd);
    return text;
}

program_outcome program_finish(program_child c)
{
    int status = 0;
    ck_assert_int_eq(waitpid(c.pid, &status, 0), c.pid);
    return (program_outcome){.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status),
                             .out = program_contents(c.out),
                             .err = program_contents(c.err)};
}

void program_forget(program_outcome *o)
{
    free(o->out);
    free(o->err);
}
