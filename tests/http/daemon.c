/* SPDX-License-Identifier: MIT */
/* DESIGN: a child process with its output in memory files, so that nothing blocks on a pipe nobody reads. The child
 * dies with the test, whatever way the test ends. */
#include "tests/http/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ARGS 32

static void run_child(const daemon_process *daemon, const char *const *args, const char *const *variables)
{
    const char *program = getenv("PROGRAM") ? getenv("PROGRAM") : getenv("TANDEMD");
    char *argv[MAX_ARGS] = {strdup(program ? program : "tandemd")};
    for (int i = 0; args[i] && i + 2 < MAX_ARGS; i++)
        argv[i + 1] = strdup(args[i]);
    for (int i = 0; variables && variables[i]; i++)
        putenv(strdup(variables[i]));
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(daemon->out_fd, STDOUT_FILENO);
    dup2(daemon->err_fd, STDERR_FILENO);
    execv(argv[0], argv);
    _exit(126);
}

void daemon_run(daemon_process *daemon, const char *const *args, const char *const *variables)
{
    *daemon = (daemon_process){.out_fd = memfd_create("out", MFD_CLOEXEC), .err_fd = memfd_create("err", MFD_CLOEXEC)};
    ck_assert_int_ge(daemon->out_fd, 0);
    ck_assert_int_ge(daemon->err_fd, 0);
    daemon->pid = fork();
    ck_assert_int_ge(daemon->pid, 0);
    if (daemon->pid == 0)
        run_child(daemon, args, variables);
}

static char *contents(int fd)
{
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    char *text = calloc(1, (size_t) st.st_size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_ge(pread(fd, text, (size_t) st.st_size, 0), 0);
    return text;
}

char *daemon_out(const daemon_process *daemon)
{
    return contents(daemon->out_fd);
}

char *daemon_err(const daemon_process *daemon)
{
    return contents(daemon->err_fd);
}

void daemon_start(daemon_process *daemon, const char *const *args, const char *const *variables)
{
    daemon_run(daemon, args, variables);
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    for (;;) {
        char *out = daemon_out(daemon);
        char *end = strchr(out, '\n');
        if (end) {
            *end = '\0';
            snprintf(daemon->ready, sizeof daemon->ready, "%s", out);
            free(out);
            break;
        }
        free(out);
        char *err = daemon_err(daemon);
        ck_assert_msg(waitpid(daemon->pid, NULL, WNOHANG) == 0 && tdm_clock_ns() < until, "no ready line; it said: %s",
                      err);
        free(err);
        usleep(500);
    }
    const char *url = strstr(daemon->ready, "http://");
    ck_assert_msg(url && sscanf(url, "%127[^ ]", daemon->url) == 1, "no URL in '%s'", daemon->ready);
}

void daemon_signal(const daemon_process *daemon, int signal)
{
    ck_assert_int_eq(kill(daemon->pid, signal), 0);
}

int daemon_wait(daemon_process *daemon)
{
    int64_t until = tdm_clock_ns() + HTTP_PATIENCE_S * TDM_NS_PER_S;
    int status;
    pid_t pid;
    while ((pid = waitpid(daemon->pid, &status, WNOHANG)) == 0) {
        ck_assert_msg(tdm_clock_ns() < until, "the program does not end");
        usleep(500);
    }
    ck_assert_int_eq(pid, daemon->pid);
    char *err = daemon_err(daemon);
    ck_assert_msg(WIFEXITED(status), "ended by signal %d; it said: %s", WTERMSIG(status), err);
    free(err);
    return WEXITSTATUS(status);
}

void daemon_finish(daemon_process *daemon)
{
    close(daemon->out_fd);
    close(daemon->err_fd);
}

tdm_json *daemon_json(const char *text)
{
    tdm_json *json;
    size_t at = 0;
    ck_assert_msg(tdm_json_parse(&json, text, strlen(text), &at) == 0, "not JSON at %zu: %s", at, text);
    return json;
}

static const tdm_json *follow(const tdm_json *json, const char *const *path)
{
    for (; *path; path++) {
        json = tdm_json_get(json, *path);
        ck_assert_msg(json != NULL, "no member '%s'", *path);
    }
    return json;
}

double daemon_number(const tdm_json *json, const char *const *path)
{
    double value;
    ck_assert_msg(tdm_json_as_double(follow(json, path), &value), "'%s' is not a number", path[0]);
    return value;
}

const char *daemon_string(const tdm_json *json, const char *const *path)
{
    const char *value;
    ck_assert_msg(tdm_json_as_string(follow(json, path), &value), "'%s' is not a string", path[0]);
    return value;
}
