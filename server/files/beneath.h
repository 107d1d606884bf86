/* SPDX-License-Identifier: MIT */
/* Opening what lies in a directory, and nothing else. */
#ifndef TANDEM_SERVER_FILES_BENEATH_H
#define TANDEM_SERVER_FILES_BENEATH_H

#include <stdbool.h>

/* Open `path`, relative to the directory `dir`, for reading. No name leads out of the directory.
 * @return a descriptor; -ENOENT; -EXDEV or -ELOOP: it leads out, or over a symbolic link that is not followed; … */
int tdm__open_beneath(int dir, const char *path);
/* For tests: the way taken where the kernel has no openat2(). */
int tdm__open_beneath_by_steps(int dir, const char *path);

#endif
