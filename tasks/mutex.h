/* SPDX-License-Identifier: MIT */
/* What a condition needs of a mutex. */
#ifndef TANDEM_TASKS_MUTEX_H
#define TANDEM_TASKS_MUTEX_H

#include <tandem/mutex.h>

/* Does the calling thread of control hold it? */
bool tdm__mutex_is_mine(tdm_mutex *mutex);
/* Lock it, whatever it takes: ended by nothing else. The caller does not hold it, and may wait. */
void tdm__mutex_lock_shielded(tdm_mutex *mutex);

#endif
