/* SPDX-License-Identifier: MIT */
/* An echo over a socket pair: one end on a fiber, the other on a worker. Neither knows where it runs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tandem/tandem.h>

static int ends[2];
static char answer[32];

/* Read what there is; wait for it. @return the bytes; 0: the end; a negative errno. */
static ssize_t read_some(int fd, char *buffer, size_t size)
{
    for (;;) {
        ssize_t got = read(fd, buffer, size);
        if (got >= 0)
            return got;
        if (errno != EAGAIN)
            return -errno;
        int found = tdm_wait_fd(fd, TDM_FD_READABLE, 5.0); /* yields on the loop, blocks on a worker */
        if (found < 0)
            return found;
    }
}

static int echo(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    char buffer[32];
    ssize_t got;
    while ((got = read_some(ends[0], buffer, sizeof buffer)) > 0)
        if (write(ends[0], buffer, (size_t) got) != got)
            return -EIO;
    return (int) got;
}

static int ask(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    if (write(ends[1], "hello", 5) != 5)
        return -EIO;
    ssize_t got = read_some(ends[1], answer, sizeof answer - 1);
    shutdown(ends[1], SHUT_WR);
    return got > 0 ? 0 : -EIO;
}

int main(void)
{
    tdm_executor *executor = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return 1;
    int err = tdm_executor_create(&executor, &(tdm_executor_options){.workers = 2});
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "echo", .run = echo, .lane = TDM_LOOP}, NULL);
    if (!err)
        err = tdm_spawn(executor, &(tdm_task_spec){.name = "ask", .run = ask, .lane = TDM_POOL}, NULL);
    if (executor)
        tdm_executor_drain(executor, &(tdm_drain_options){.timeout = 30}, NULL);
    if (!err)
        printf("hello came back: %s\n", strcmp(answer, "hello") == 0 ? "yes" : "no");
    tdm_executor_destroy(&executor);
    close(ends[0]);
    close(ends[1]);
    return err ? 1 : 0;
}
