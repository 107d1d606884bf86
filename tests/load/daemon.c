/* SPDX-License-Identifier: MIT */
/* DESIGN: the program under test is the one that was built, told by the environment; it prints its port when it is
 * ready. */
#include "tests/load/daemon.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

daemon_process daemon_start(const char *const *options)
{
    daemon_process d = {0};
    char *argv[20] = {strdup("tandemd"), strdup("--port"), strdup("0"), strdup("--log-level"), strdup("error")};
    int ends[2], argc = 5;
    const char *program = getenv("TANDEMD");
    posix_spawn_file_actions_t actions;
    for (; *options && argc < 19; options++)
        argv[argc++] = strdup(*options);
    ck_assert_ptr_nonnull(program);
    ck_assert_int_eq(pipe(ends), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    ck_assert_int_eq(posix_spawn(&d.pid, program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    d.out = fdopen(ends[0], "r");
    ck_assert_int_eq(fscanf(d.out, "tandemd %*s listening on http://127.0.0.1:%u", &d.port), 1);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return d;
}

int daemon_stop(daemon_process *d)
{
    int status = 0;
    kill(d->pid, SIGTERM);
    ck_assert_int_eq(waitpid(d->pid, &status, 0), d->pid);
    fclose(d->out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *daemon_url(const daemon_process *d, const char *path, char *url, size_t size)
{
    snprintf(url, size, "http://127.0.0.1:%u%s", d->port, path);
    return url;
}
