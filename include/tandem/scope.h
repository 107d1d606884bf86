/* SPDX-License-Identifier: MIT */
/** @file
 *  A scope: what is acquired is released, whatever happens in between, and the release may wait. Python's `async with`.
 *
 *  The release runs in a shielded section (tandem/timeout.h): its waits are ended neither by a request to stop nor by the
 *  deadlines of scopes that were open before. What stopped the body stops the next wait after the scope again. */
#ifndef TANDEM_SCOPE_H
#define TANDEM_SCOPE_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_scope {
    int (*acquire)(void *arg); /**< 0, or a negative errno and nothing was acquired. NULL: there is nothing to */
    int (*body)(void *arg);    /**< 0 or more, or a negative errno */
    int (*release)(void *arg,
                   int body); /**< called exactly once after `acquire` returned 0, with what the body returned;
                                              0, or a negative errno. Required, as is `body` */
    void *arg;                /**< handed to all three */
    double release_within;    /**< seconds after which waits of the release return -ETIMEDOUT; 0: no limit */
} tdm_scope;

/** How each part ended; 0 where it did not run. */
typedef struct tdm_scope_result {
    int acquire, body, release;
} tdm_scope_result;

/** Acquire, run the body, release. In tasks, handlers and threads; not in a callback on a loop's thread.
 *  @param result where all that happened is told, or NULL.
 *  @return the first that went wrong: what `acquire` returned, and nothing else ran; else what the body returned, if that
 *  is an error; else what the release returned, if that is one; else what the body returned. -EINVAL: no body, no release,
 *  or a time that is negative or NaN; -EDEADLK: in a callback. With both, nothing ran. */
TDM_API int tdm_scope_run(const tdm_scope *scope, tdm_scope_result *result);

TDM_END

#endif
