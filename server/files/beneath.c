/* SPDX-License-Identifier: MIT */
/* DESIGN: the kernel is asked to resolve a name beneath a directory (openat2, Linux 5.6), because nobody else can do it
 * without a race against somebody who moves directories meanwhile. Where it cannot, the way is gone step by step, each
 * a directory opened without following links: links inside are then not served, which is the safe side. */
#include "server/files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK)

/* One step of the way. @return a descriptor, or a negative errno. */
static int step_into(int dir, const char *name, size_t size, bool last)
{
    char copy[256];
    if (size >= sizeof copy)
        return -ENAMETOOLONG;
    if (size == 2 && memcmp(name, "..", 2) == 0)
        return -EXDEV;
    memcpy(copy, name, size);
    copy[size] = '\0';
    int fd = openat(dir, size ? copy : ".", OPEN_FLAGS | O_NOFOLLOW | (last ? 0 : O_DIRECTORY));
    if (fd < 0)
        return -errno;
    return fd;
}

int tdm__open_beneath_by_steps(int dir, const char *path)
{
    if (path[0] == '/')
        return -EXDEV;
    int at = dir;
    for (const char *p = path;;) {
        size_t size = strcspn(p, "/");
        bool last = p[size] == '\0';
        int next = step_into(at, p, size, last);
        if (at != dir)
            close(at);
        if (next < 0 || last)
            return next;
        at = next;
        p += size + 1;
    }
}

int tdm__open_beneath(int dir, const char *path)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    for (int tries = 0; tries < 16; tries++) { /* EAGAIN: something on the way was renamed meanwhile */
        long fd = syscall(SYS_openat2, dir, *path ? path : ".", &how, sizeof how);
        if (fd >= 0)
            return (int) fd;
        if (errno == ENOSYS || errno == EPERM)
            return tdm__open_beneath_by_steps(dir, path);
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}
