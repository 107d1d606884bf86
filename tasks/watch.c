/* SPDX-License-Identifier: MIT */
/* DESIGN: a watcher enters the list first, looks at the ledger second and waits third. A task's end is written to the
 * ledger first and the list looked at second. So either the look sees the end or the notification finds the watcher,
 * and leaves a mark that the wait sees. The mark and `waiting` matter because the look itself may wait, for another
 * loop's answer: a notification must end the watcher's wait and no other.
 * The count lets an executor without watchers pay one load per end. */
#include "tasks/watch.h"

void tdm__watch_init(tdm__watch *watch)
{
    *watch = (tdm__watch){0};
    pthread_mutex_init(&watch->lock, NULL);
}

void tdm__watch_finish(tdm__watch *watch)
{
    pthread_mutex_destroy(&watch->lock);
}

void tdm__watch_add(tdm__watch *watch, tdm__watcher *watcher)
{
    tdm__lock(&watch->lock);
    watcher->next = watch->first;
    watcher->link = &watch->first;
    if (watcher->next)
        watcher->next->link = &watcher->next;
    watch->first = watcher;
    atomic_fetch_add(&watch->count, 1);
    tdm__unlock(&watch->lock);
}

void tdm__watch_remove(tdm__watch *watch, tdm__watcher *watcher)
{
    tdm__lock(&watch->lock);
    *watcher->link = watcher->next;
    if (watcher->next)
        watcher->next->link = watcher->link;
    atomic_fetch_sub(&watch->count, 1);
    tdm__unlock(&watch->lock);
}

int tdm__watch_wait(tdm__watch *watch, tdm__watcher *watcher, int64_t deadline_ns)
{
    int result = 0;
    tdm__lock(&watch->lock);
    if (!watcher->notified) {
        tdm__wait_begin_in(watcher->exec, false, "tdm_task_ended");
        watcher->waiting = true;
        tdm__unlock(&watch->lock);
        result = tdm__wait_until(watcher->exec, deadline_ns);
        tdm__lock(&watch->lock);
        watcher->waiting = false;
        if (result == TDM__DUE)
            result = 0;
    }
    watcher->notified = false;
    tdm__unlock(&watch->lock);
    return result;
}

void tdm__watch_notify_all(tdm__watch *watch)
{
    tdm__lock(&watch->lock);
    for (tdm__watcher *watcher = watch->first; watcher; watcher = watcher->next) {
        watcher->notified = true;
        if (watcher->waiting)
            tdm__wake(watcher->exec, 0);
    }
    tdm__unlock(&watch->lock);
}
