/* SPDX-License-Identifier: MIT */
/** @file
 *  An event: something has happened, or not yet. Setting it lets everybody go who waits, and everybody who comes until
 *  it is cleared. What was written before tdm_event_set() can be read after the wait. Waits keep the promises of
 *  tandem/wait.h.
 *
 *  All calls: any thread, either lane; all but the waits also in a callback on a loop's thread. */
#ifndef TANDEM_EVENT_H
#define TANDEM_EVENT_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_event tdm_event;

/** A new event is not set. @return 0; -ENOMEM. */
TDM_API int tdm_event_create(tdm_event **out);

/** Nobody may wait for it. Whoever was let go last may call this at once. NULL is accepted; *event becomes NULL. */
TDM_API void tdm_event_destroy(tdm_event **event);

/** It has happened: wake all who wait, also if it is cleared right afterwards. Never waits. */
TDM_API void tdm_event_set(tdm_event *event);

/** It has not happened (any more): later waits wait. */
TDM_API void tdm_event_clear(tdm_event *event);

TDM_API bool tdm_event_is_set(const tdm_event *event);

/** Wait until it is set. @return 0: it is, or it was set while the caller waited; else as in tandem/wait.h. */
TDM_API int tdm_event_wait(tdm_event *event);

/** The same, no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_event_wait_for(tdm_event *event, double seconds);

/** For figures and tests, true for a moment: how many callers wait. */
TDM_API unsigned tdm_event_waiting(tdm_event *event);

TDM_END

#endif
