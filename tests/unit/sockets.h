/* SPDX-License-Identifier: MIT */
/** @file
 *  Pairs of sockets that do not block, for tests that wait for them. */
#ifndef TANDEM_TESTS_SOCKETS_H
#define TANDEM_TESTS_SOCKETS_H

#include <sys/socket.h>
#include <unistd.h>

#include <check.h>

static inline void make_pair(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static inline void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static inline void put(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

static inline void get(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static inline void fill(int fd)
{
    static const char bytes[65536];
    while (write(fd, bytes, sizeof bytes) > 0)
        ;
}

static inline void empty(int fd)
{
    char bytes[65536];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

#endif
