/* SPDX-License-Identifier: MIT */
/** @file
 *  A short cut for the replies that nearly all are: complete in one piece, and nothing unusual about them. Pure. */
#ifndef LOAD_LEAN_H
#define LOAD_LEAN_H

#include "load/wire.h"

/** Read one complete reply with a Content-Length at the beginning of `data`.
 *  @param reply is set when it was read.
 *  @return how many bytes it has; 0: it is for the full parser to say what this is. */
size_t load_lean_read(load_reply *reply, const char *data, size_t size);

/** "FIRST-LAST" of a Tandem-Tasks field into the reply. @param size of `value`, which is not NUL-terminated. */
void load_reply_promise(load_reply *reply, const char *value, size_t size);
/** Retry-After into the reply, if it is a number of seconds. */
void load_reply_retry(load_reply *reply, const char *value, size_t size);

#endif
