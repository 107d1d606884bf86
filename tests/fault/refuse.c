/* SPDX-License-Identifier: MIT */
/* DESIGN: the linker puts __wrap_… of what is listed in meson.build between the library and libc. Calls that libevent makes
 * itself are met by functions of the same names here, which a program's own come before a shared library's. */
#include "tests/fault/refuse.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

_Atomic long asked, refuse_at;
_Atomic long live;
_Atomic bool no_memory;
_Atomic bool no_stacks;
_Atomic bool no_guard_install;
_Atomic long guards_left = LONG_MAX;
_Atomic long stacks_refused;

void *__real_malloc(size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__real_mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
int __real_madvise(void *at, size_t size, int advice);
int __real_mprotect(void *at, size_t size, int prot);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __real_eventfd(unsigned value, int flags);

void *__wrap_malloc(size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);
void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_mprotect(void *at, size_t size, int prot);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_eventfd(unsigned value, int flags);

static bool no_memory_now(void)
{
    if (no_memory)
        errno = ENOMEM;
    return no_memory;
}

static bool refused(int error)
{
    if (!refuse_at || atomic_fetch_add(&asked, 1) + 1 != refuse_at)
        return false;
    errno = error;
    return true;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return no_memory_now() || refused(ENOMEM) ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void *__wrap_malloc(size_t size)
{
    return no_memory_now() || refused(ENOMEM) ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory_now() || refused(ENOMEM) ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (refused(ENOMEM))
        return NULL;
    return old ? __real_realloc(old, size) : counted(__real_realloc(old, size));
}

void __wrap_free(void *block)
{
    if (block)
        atomic_fetch_sub(&live, 1);
    __real_free(block);
}

void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    if (no_stacks && (flags & MAP_STACK)) {
        atomic_fetch_add(&stacks_refused, 1);
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if (refused(ENOMEM))
        return MAP_FAILED;
    void *block = __real_mmap64(at, size, prot, flags, fd, offset);
    if (block != MAP_FAILED)
        atomic_fetch_add(&live, 1);
    return block;
}

int __wrap_munmap(void *at, size_t size)
{
    atomic_fetch_sub(&live, 1);
    return __real_munmap(at, size);
}

int __wrap_madvise(void *at, size_t size, int advice)
{
    if (advice == MADV_GUARD_INSTALL && no_guard_install) {
        errno = EINVAL;
        return -1;
    }
    return __real_madvise(at, size, advice);
}

int __wrap_mprotect(void *at, size_t size, int prot)
{
    if (atomic_fetch_sub(&guards_left, 1) <= 0) {
        atomic_fetch_add(&stacks_refused, 1);
        errno = ENOMEM;
        return -1;
    }
    return __real_mprotect(at, size, prot);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    return refused(EAGAIN) ? EAGAIN : __real_pthread_create(thread, attr, fn, arg);
}

int __wrap_eventfd(unsigned value, int flags)
{
    return refused(EMFILE) ? -1 : __real_eventfd(value, flags);
}

/* ---- descriptors: libevent asks for these, too ---- */

int epoll_create1(int flags)
{
    return refused(EMFILE) ? -1 : (int) syscall(SYS_epoll_create1, flags);
}

/* To let go of something is never refused. */
int epoll_ctl(int epoll, int how, int fd, struct epoll_event *event)
{
    return how != EPOLL_CTL_DEL && refused(ENOMEM) ? -1 : (int) syscall(SYS_epoll_ctl, epoll, how, fd, event);
}

int timerfd_create(int clock, int flags)
{
    return refused(EMFILE) ? -1 : (int) syscall(SYS_timerfd_create, clock, flags);
}

void refuse_in_libevent(void)
{
    event_set_mem_functions(__wrap_malloc, __wrap_realloc, __wrap_free);
}
