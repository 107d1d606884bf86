/* SPDX-License-Identifier: MIT */
/** @file
 *  Waiting. Every waiting call of the library yields on a fiber and blocks on any other thread, so the same function
 *  runs in either lane. What all of them have in common:
 *
 *  - `-ECANCELED`: the task was asked to stop. Every later wait of it says so too, but in a shielded section
 *    (tandem/timeout.h).
 *  - `-ETIMEDOUT` from a call without a time of its own: the deadline of an enclosing scope or of the task has passed.
 *  - `-EDEADLK`: called on a loop's thread outside any fiber (in a callback), where it would hold the loop.
 *  - `-ENOMEM`: no memory for the timer (only on a fiber); nothing was waited for.
 *  - A result that is there already is returned without waiting, also to a task that was asked to stop. */
#ifndef TANDEM_WAIT_H
#define TANDEM_WAIT_H

#include <tandem/base.h>

TDM_BEGIN

/** No time limit, for calls that take one in seconds. In all of them a time that is negative or NaN counts as 0, if it is not
 *  said otherwise, and one of more than 292 years as none. */
#define TDM_FOREVER (1e300)

/** Wait for a time.
 *  @param seconds 0 gives other tasks a turn; negative or NaN counts as 0. @return 0: the time is over; or as above. */
TDM_API int tdm_sleep(double seconds);

/** Give the other tasks of this loop a turn (on a thread: sched_yield). @return 0; or as above. */
TDM_API int tdm_yield(void);

TDM_END

#endif
