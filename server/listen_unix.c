/* SPDX-License-Identifier: MIT */
/* DESIGN: a Unix socket is a file, and a server that was killed leaves it behind. So a file in the way is tried: if
 * nobody answers there it is taken away, if somebody does the address is in use, and what is no socket is left alone.
 * The mode is set on the socket before it is bound, so that nobody without the right gets in first. At the end only the
 * file that was made here is taken away: another server may have put its own in its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <tandem/log.h>

#include "server/listen.h"

static int refused(const char *path, int err)
{
    tdm_log_error("cannot listen on unix:%s: %s", path, err == -EEXIST ? "it is there, and no socket" : strerror(-err));
    return err;
}

/* Take a socket out of the way on which nobody listens. @return 0; -EADDRINUSE; -EEXIST; what the system said. */
static int clear_way(const struct sockaddr_un *address)
{
    struct stat there;
    if (lstat(address->sun_path, &there))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(there.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    bool dead = connect(fd, (const struct sockaddr *) address, sizeof *address) && errno == ECONNREFUSED;
    close(fd);
    if (!dead)
        return -EADDRINUSE;
    return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static int open_at(const struct sockaddr_un *address, mode_t mode, unsigned backlog, int *out)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    /* The process's umask takes bits away while it is bound; chmod() gives them back. */
    if (fchmod(fd, mode) || bind(fd, (const struct sockaddr *) address, sizeof *address) ||
        chmod(address->sun_path, mode) || listen(fd, (int) backlog)) {
        int err = -errno;
        close(fd);
        return err;
    }
    *out = fd;
    return 0;
}

int tdm__listen_unix(const tdm__listen_options *options, int *fd, tdm__listening *out)
{
    const char *path = options->unix_path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof address.sun_path)
        return refused(path, size ? -ENAMETOOLONG : -EINVAL);
    memcpy(address.sun_path, path, size);
    int err = clear_way(&address);
    if (!err)
        err = open_at(&address, (mode_t) options->unix_mode, options->backlog, fd);
    if (err)
        return refused(path, err);
    struct stat made;
    out->path = strdup(path);
    if (out->path && lstat(path, &made) == 0) {
        out->device = made.st_dev;
        out->inode = made.st_ino;
    }
    snprintf(out->url, sizeof out->url, "unix:%s", path);
    return 0;
}

void tdm__listen_leave(tdm__listening *listening)
{
    struct stat there;
    if (listening->path && lstat(listening->path, &there) == 0 && there.st_dev == listening->device &&
        there.st_ino == listening->inode && unlink(listening->path))
        tdm_log_warning("cannot take %s away: %s", listening->path, strerror(errno));
    free(listening->path);
    listening->path = NULL;
}
