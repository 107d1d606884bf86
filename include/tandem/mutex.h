/* SPDX-License-Identifier: MIT */
/** @file
 *  A mutex for tasks of both lanes and threads: a fiber that waits for it yields, where a pthread mutex would hold its
 *  whole loop. It may be held across waits. First in, first out: unlocking hands it to whoever has waited longest.
 *  Waits keep the promises of tandem/wait.h. All calls: any thread, either lane; callbacks may try. */
#ifndef TANDEM_MUTEX_H
#define TANDEM_MUTEX_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_mutex tdm_mutex;

/** @return 0; -ENOMEM. */
TDM_API int tdm_mutex_create(tdm_mutex **out);

/** Nobody may hold it or wait for it. Whoever unlocked it last may call this at once. NULL is accepted; *mutex becomes
 *  NULL. */
TDM_API void tdm_mutex_destroy(tdm_mutex **mutex);

/** @return 0: the calling task or thread holds it, and is the one to unlock it; -EDEADLK: it does already, or nothing may
 *  wait here; else as in tandem/wait.h: it is not held. */
TDM_API int tdm_mutex_lock(tdm_mutex *mutex);

/** The same, waiting no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_mutex_lock_for(tdm_mutex *mutex, double seconds);

/** Never waits. @return 0: held; -EAGAIN: somebody holds it, perhaps the caller. */
TDM_API int tdm_mutex_try_lock(tdm_mutex *mutex);

/** Never waits. @return 0; -EPERM: the caller does not hold it. */
TDM_API int tdm_mutex_unlock(tdm_mutex *mutex);

/** For figures and tests, true for a moment: how many callers wait. */
TDM_API unsigned tdm_mutex_waiting(tdm_mutex *mutex);

TDM_END

#endif
