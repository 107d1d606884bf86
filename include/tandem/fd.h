/* SPDX-License-Identifier: MIT */
/** @file
 *  Waiting for a file descriptor: a socket, a pipe, a terminal, an eventfd, … . With it, code that reads and writes
 *  non-blocking descriptors by itself runs in both lanes. */
#ifndef TANDEM_FD_H
#define TANDEM_FD_H

#include <tandem/base.h>

TDM_BEGIN

/** What to wait for, and what was found. */
#define TDM_FD_READABLE 1 /**< a read will not block: bytes, a connection, or the end */
#define TDM_FD_WRITABLE 2 /**< a write of some bytes will not block */
#define TDM_FD_HANGUP 4   /**< found only: the other side is gone for good */
#define TDM_FD_ERROR 8    /**< found only: an error is pending (of a socket: SO_ERROR), or a pipe has no reader */

/** Wait until one of the wanted things is so, or the descriptor has hung up or failed; no longer than `seconds`
 *  (TDM_FOREVER). What is so already is returned without waiting, also to a task that was asked to stop. Regular files are
 *  always ready. Either lane, any thread; a callback gets what is so already.
 *  @param what TDM_FD_READABLE, TDM_FD_WRITABLE or both.
 *  @return what was found, always above 0: of the wanted things, and TDM_FD_HANGUP and TDM_FD_ERROR;
 *          -ETIMEDOUT: the time is over, or that of a scope; -ECANCELED, -EDEADLK, -ENOMEM as in tandem/wait.h;
 *          -EBADF: no open descriptor; -EINVAL: an unknown `what`, or none; -EBUSY: somebody waits for the same thing on
 *          this descriptor already; -EMFILE, -ENFILE: the descriptor that the wait itself needs cannot be had (one for each
 *          loop and one for each other thread, made when they first wait); or what the kernel said of this one.
 *          On an error nothing was waited for in vain: calling again is right.
 *  The descriptor must stay open meanwhile. To close it, cancel its waits first: a wait on what is closed under it need not
 *  end before its time. */
TDM_API int tdm_wait_fd(int fd, int what, double seconds);

TDM_END

#endif
