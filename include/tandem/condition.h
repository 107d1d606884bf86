/* SPDX-License-Identifier: MIT */
/** @file
 *  A condition variable beside a tdm_mutex: wait until something that the mutex guards has become true.
 *
 *      tdm_mutex_lock(mutex);
 *      while (!err && !there_is_work)
 *          err = tdm_condition_wait(condition, mutex);
 *      …                                       // the mutex is held, whatever `err` is
 *      tdm_mutex_unlock(mutex);
 *
 *  First in, first out; a signal meant for a waiter that has just been cancelled, or whose time is over, wakes the next.
 *  The mutex is held again when a wait returns, also with an error: getting it back is ended neither by a request to
 *  stop nor by a deadline. All calls: any thread, either lane. */
#ifndef TANDEM_CONDITION_H
#define TANDEM_CONDITION_H

#include <tandem/base.h>
#include <tandem/mutex.h>

TDM_BEGIN

typedef struct tdm_condition tdm_condition;

/** @return 0; -ENOMEM. */
TDM_API int tdm_condition_create(tdm_condition **out);

/** Nobody may wait for it. NULL is accepted; *condition becomes NULL. */
TDM_API void tdm_condition_destroy(tdm_condition **condition);

/** Let go of `mutex`, wait for a signal, and take it again. @return 0: a signal came, so look again; -EPERM: the caller
 *  does not hold `mutex`; else as in tandem/wait.h. */
TDM_API int tdm_condition_wait(tdm_condition *condition, tdm_mutex *mutex);

/** The same, waiting for the signal no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_condition_wait_for(tdm_condition *condition, tdm_mutex *mutex, double seconds);

/** Wait until `holds(arg)`, which is called with `mutex` held and must not wait; no longer than `seconds` in all
 *  (TDM_FOREVER). @return 0: it holds, even if the time was over by then; else as above. */
TDM_API int tdm_condition_wait_until(tdm_condition *condition, tdm_mutex *mutex, bool (*holds)(void *arg), void *arg,
                                     double seconds);

/** Wake the one that has waited longest; without a waiter, nothing happens and nothing is kept. Never waits. The caller
 *  need not hold the mutex, but what it changed must have been changed under it. */
TDM_API void tdm_condition_signal(tdm_condition *condition);

/** Wake all. */
TDM_API void tdm_condition_broadcast(tdm_condition *condition);

/** For figures and tests, true for a moment: how many callers wait for a signal. */
TDM_API unsigned tdm_condition_waiting(tdm_condition *condition);

TDM_END

#endif
