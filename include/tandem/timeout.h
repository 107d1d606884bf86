/* SPDX-License-Identifier: MIT */
/** @file
 *  Deadline scopes and shielded sections: Python's `asyncio.timeout()` and `asyncio.shield()`.
 *
 *      tdm_timeout scope;
 *      tdm_timeout_begin(&scope, 2.0);
 *      int err = fetch(url);                 // any waits, at any depth
 *      if (tdm_timeout_end(&scope))
 *          tdm_log_info("too slow");         // it was this scope's time, no other's
 *
 *  While a scope is open and its time is over, waits return -ETIMEDOUT, at once. A wait whose result arrived first
 *  returns that result, and code that never waits again has not timed out. Scopes nest; begin and end pair like
 *  brackets, in the same function as a rule. All calls are for the thread of control (task, handler or thread) that
 *  opened the scope; the structs live on its stack and hold no memory. */
#ifndef TANDEM_TIMEOUT_H
#define TANDEM_TIMEOUT_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_timeout {
    struct tdm_timeout *_outer;
    int64_t _deadline_ns;
    bool _fired;
} tdm_timeout;

/** Open a scope that ends `seconds` from now; TDM_FOREVER: never, until tdm_timeout_set().
 *  @return 0; -EDEADLK: on a loop's thread outside any fiber, where nothing waits (the scope is not open). */
TDM_API int tdm_timeout_begin(tdm_timeout *scope, double seconds);

/** Move the deadline of an open scope to `seconds` from now. @return 0; -EALREADY: it has ended a wait. */
TDM_API int tdm_timeout_set(tdm_timeout *scope, double seconds);

/** Close the scope that was opened last. @return true: a wait inside it ended because of this scope's deadline. */
TDM_API bool tdm_timeout_end(tdm_timeout *scope);

typedef struct tdm_shield {
    struct tdm_timeout *_scopes;
    int64_t _deadline_ns;
} tdm_shield;

/** From here to tdm_shield_end() waits are ended neither by a request to stop nor by the deadline of a scope that was
 *  open before; scopes opened inside count. For clean-up that has to wait. Nests.
 *  @return 0; -EDEADLK: on a loop's thread outside any fiber. */
TDM_API int tdm_shield_begin(tdm_shield *shield);
TDM_API void tdm_shield_end(tdm_shield *shield);

TDM_END

#endif
