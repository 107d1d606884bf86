/* SPDX-License-Identifier: MIT */
/* Those who wait for the next task to end. */
#ifndef TANDEM_TASKS_WATCH_H
#define TANDEM_TASKS_WATCH_H

#include "tasks/exec.h"

/* On the waiter's stack. */
typedef struct tdm__watcher {
    tdm__exec *exec;
    struct tdm__watcher *next, **link; /* guarded by the watch's lock, as is all below */
    bool notified;                     /* since the watcher was added, or since it last looked */
    bool waiting;                      /* its current wait is the one that a notification ends */
} tdm__watcher;

typedef struct tdm__watch {
    pthread_mutex_t lock; /* guards first */
    tdm__watcher *first;
    _Atomic unsigned count;
} tdm__watch;

void tdm__watch_init(tdm__watch *watch);
void tdm__watch_finish(tdm__watch *watch);
/* From add to remove no notification is lost. On the watcher's own thread of control. */
void tdm__watch_add(tdm__watch *watch, tdm__watcher *watcher);
void tdm__watch_remove(tdm__watch *watch, tdm__watcher *watcher);
/* Wait for a notification, unless there was one since the last call. @return 0: one came, or the deadline did;
 * -ECANCELED. */
int tdm__watch_wait(tdm__watch *watch, tdm__watcher *watcher, int64_t deadline_ns);
/* What tdm__watch_notify() does when somebody watches. */
void tdm__watch_notify_all(tdm__watch *watch);
/* After a row has ended, without any lock. Costs one load when nobody watches. Any thread. */
static inline void tdm__watch_notify(tdm__watch *watch)
{
    if (atomic_load(&watch->count))
        tdm__watch_notify_all(watch);
}

#endif
