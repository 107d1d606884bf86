/* SPDX-License-Identifier: MIT */
/* DESIGN: libevent tells the kernel of a new event only when it polls, and tells nobody if the kernel does not take it. Its
 * calls of epoll_ctl() come to the one below, since it is the program's; that refuses what the test wants refused. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/place.h"
#include <tandem/fd.h>

static _Atomic int refuse; /* so many more epoll instances that are put into another */

static bool is_epoll(int fd)
{
    return epoll_wait(fd, &(struct epoll_event){0}, 1, 0) >= 0;
}

int epoll_ctl(int epoll_fd, int how, int fd, struct epoll_event *event)
{
    if (how == EPOLL_CTL_ADD && refuse > 0 && is_epoll(fd)) {
        refuse--;
        errno = ENOSPC;
        return -1;
    }
    return (int) syscall(SYS_epoll_ctl, epoll_fd, how, fd, event);
}

static int wait_to_read(void *arg)
{
    return tdm_wait_fd(*(int *) arg, TDM_FD_READABLE, 3600);
}

/* The second fiber is told as well, or comes after that and is watched by an instance that the kernel took: both are
 * right, and so each executor is asked this once. */
START_TEST(fibers_whose_descriptors_the_kernel_did_not_take_are_told_and_may_wait_again)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    int pairs[2][2];
    unit_call calls[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs[i]), 0);
    refuse = 1;
    for (int i = 0; i < 2; i++)
        unit_start(executor, &calls[i], UNIT_LOOP, wait_to_read, &pairs[i][0]);
    int told = unit_result(&calls[0]);
    ck_assert_msg(told == -ENOMEM || told == -ENOSPC, "%d", told);
    ck_assert_int_eq(refuse, 0);
    ck_assert_int_eq(write(pairs[1][1], "x", 1), 1);
    told = unit_result(&calls[1]);
    ck_assert_msg(told == -ENOMEM || told == -ENOSPC || told == TDM_FD_READABLE, "%d", told);
    unit_start(executor, &calls[0], UNIT_LOOP, wait_to_read, &pairs[0][0]);
    ck_assert_int_eq(write(pairs[0][1], "x", 1), 1);
    ck_assert_int_eq(unit_result(&calls[0]), TDM_FD_READABLE);
    for (int i = 0; i < 4; i++)
        close(pairs[i / 2][i % 2]);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main(
        "fault-poll",
        (const TTest *const[]){fibers_whose_descriptors_the_kernel_did_not_take_are_told_and_may_wait_again, NULL});
}
