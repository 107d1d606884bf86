/* SPDX-License-Identifier: MIT */
/** @file
 *  A semaphore: a number of permits, taken and given back by tasks and threads. First in, first out: a permit that is
 *  given back goes to whoever has waited longest, and one that was meant for a task that has just been cancelled, or
 *  whose time is over, goes to the next. Waits keep the promises of tandem/wait.h.
 *
 *  All calls: any thread, either lane. A loop's thread outside any fiber may take a permit that is free, and give back. */
#ifndef TANDEM_SEMAPHORE_H
#define TANDEM_SEMAPHORE_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_semaphore tdm_semaphore;

/** The most permits that can be free at once. */
#define TDM_SEMAPHORE_MAX INT32_MAX

typedef struct tdm_semaphore_options {
    unsigned permits; /**< free at the start */
    bool bounded;     /**< to give back more than was taken is an error */
} tdm_semaphore_options;

/** @return 0; -EINVAL: more permits than TDM_SEMAPHORE_MAX; -ENOMEM. */
TDM_API int tdm_semaphore_create(tdm_semaphore **out, const tdm_semaphore_options *options);

/** Nobody may wait for it. Who got the last permit may call this at once. NULL is accepted; *semaphore becomes NULL. */
TDM_API void tdm_semaphore_destroy(tdm_semaphore **semaphore);

/** Take a permit; wait for one. @return 0: it is the caller's; a task that was asked to stop still gets one that is
 *  free. Else as in tandem/wait.h, and nothing was taken. */
TDM_API int tdm_semaphore_acquire(tdm_semaphore *semaphore);

/** The same, waiting no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_semaphore_acquire_for(tdm_semaphore *semaphore, double seconds);

/** Take a permit if one is free. Never waits. @return 0; -EAGAIN. */
TDM_API int tdm_semaphore_try_acquire(tdm_semaphore *semaphore);

/** Give back `permits`, not necessarily from where they were taken. Never waits.
 *  @return 0; -EOVERFLOW: more than were taken (bounded), or more than TDM_SEMAPHORE_MAX would be free: none was given. */
TDM_API int tdm_semaphore_release(tdm_semaphore *semaphore, unsigned permits);

/** For figures and tests, true for a moment: how many permits are free, how many callers wait. */
TDM_API unsigned tdm_semaphore_free(const tdm_semaphore *semaphore);
TDM_API unsigned tdm_semaphore_waiting(tdm_semaphore *semaphore);

TDM_END

#endif
