/* SPDX-License-Identifier: MIT */
/* Waits, with the kernel's fine ones and without. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <tandem/clock.h>
#include <unistd.h>

#include "load/poller.h"
#include "tests/unit/unit.h"

typedef struct ear {
    load_source source; /* first */
    int fd, peer;
    unsigned told;
    uint32_t events;
    load_poller *poller;
    struct ear *closes; /* forgets and closes this one when it is told */
} ear;

static void on_ready(load_source *source, uint32_t events)
{
    ear *e = (ear *) source;
    e->told++;
    e->events = events;
    if (e->closes) {
        load_poller_forget(e->poller, &e->closes->source);
        close(e->closes->fd);
        e->closes->fd = -1;
        e->closes->closes = NULL;
    }
}

static void open_ear(ear *e, load_poller *poller)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    *e = (ear){.source = {on_ready}, .fd = ends[0], .peer = ends[1], .poller = poller};
    ck_assert_int_eq(load_poller_add(poller, e->fd, &e->source), 0);
}

static void close_ear(ear *e)
{
    if (e->fd >= 0)
        close(e->fd);
    close(e->peer);
}

/* Everything that is there now. */
static void listen_once(load_poller *poller)
{
    if (load_poller_find(poller, 0) > 0)
        load_poller_tell(poller);
}

START_TEST(a_source_is_told_once_of_each_change)
{
    load_poller *poller;
    ear e;
    ck_assert_int_eq(load_poller_create(&poller), 0);
    open_ear(&e, poller);
    listen_once(poller); /* it can be written to */
    ck_assert_uint_eq(e.told, 1);
    ck_assert(e.events & EPOLLOUT);
    listen_once(poller);
    ck_assert_uint_eq(e.told, 1);
    ck_assert_int_eq(write(e.peer, "x", 1), 1);
    listen_once(poller);
    ck_assert_uint_eq(e.told, 2);
    ck_assert(e.events & EPOLLIN);
    listen_once(poller); /* not read, and not told again … */
    ck_assert_uint_eq(e.told, 2);
    ck_assert_int_eq(load_poller_again(poller, e.fd, &e.source), 0); /* … unless asked for */
    listen_once(poller);
    ck_assert_uint_eq(e.told, 3);
    close_ear(&e);
    load_poller_destroy(&poller);
    ck_assert_ptr_null(poller);
}
END_TEST

START_TEST(a_source_that_another_closed_in_the_same_batch_is_not_told)
{
    load_poller *poller;
    ear a, b;
    ck_assert_int_eq(load_poller_create(&poller), 0);
    open_ear(&a, poller);
    open_ear(&b, poller);
    a.closes = &b;
    b.closes = &a;
    listen_once(poller); /* both have something; whoever comes first closes the other */
    ck_assert_uint_eq(a.told + b.told, 1);
    close_ear(&a);
    close_ear(&b);
    load_poller_destroy(&poller);
}
END_TEST

static void check_waits(load_poller *poller)
{
    for (int64_t span = 0; span <= 3000000; span += 750000) {
        int64_t before = tdm_clock_ns();
        ck_assert_int_eq(load_poller_find(poller, span), 0);
        ck_assert_int_ge(tdm_clock_ns() - before, span);
    }
    ck_assert_int_eq(load_poller_find(poller, -1), 0);
}

START_TEST(a_wait_lasts_as_long_as_it_says)
{
    load_poller *poller;
    ck_assert_int_eq(load_poller_create(&poller), 0);
    check_waits(poller);
    load_poller_destroy(&poller);
}
END_TEST

/* From here on this process has no epoll_pwait2, as on kernels before 5.11. */
static void take_fine_waits_away(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

START_TEST(without_fine_waits_in_the_kernel_a_wait_is_as_long)
{
    load_poller *poller;
    ear e;
    take_fine_waits_away();
    ck_assert_int_eq(load_poller_create(&poller), 0);
    check_waits(poller);
    open_ear(&e, poller);
    ck_assert_int_eq(load_poller_find(poller, 60 * INT64_C(1000000000)), 1); /* … and ends when there is something */
    load_poller_tell(poller);
    ck_assert_uint_eq(e.told, 1);
    close_ear(&e);
    load_poller_destroy(&poller);
}
END_TEST

int main(void)
{
    return unit_main("load_poller", (const TTest *const[]){a_source_is_told_once_of_each_change,
                                                           a_source_that_another_closed_in_the_same_batch_is_not_told,
                                                           a_wait_lasts_as_long_as_it_says,
                                                           without_fine_waits_in_the_kernel_a_wait_is_as_long, NULL});
}
