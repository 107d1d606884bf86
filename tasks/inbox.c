/* SPDX-License-Identifier: MIT */
/* DESIGN: many threads push on a lock-free stack, the owner takes the whole stack with one exchange and reverses it,
 * which gives first in, first out per producer and between producers that know of each other. There is no ABA problem
 * because nobody pops single nodes. Waking the owner is not done here: the loop knows whether it sleeps.
 * A stack is a chain of cache misses to a taker on another core: it learns where the next message lies only when it has this
 * one. So every message also says where the one a few further on lies, as far as its poster knows, and the taker asks
 * for that one's lines ahead of time. It is a hint and nothing else: it may point to a message that is gone. */
#include "tasks/inbox.h"

#include <string.h>

#include "tasks/baton.h"

enum {
    AHEAD = 4, /* messages: as many misses are under way at a time */
    LINES = 5, /* of 64 bytes, that are fetched: what carries most messages is a task */
};

void tdm__message_list_add(tdm__message_list *list, tdm__message *message)
{
    message->next = NULL;
    if (list->last)
        list->last->next = message;
    else
        list->first = message;
    list->last = message;
}

tdm__message *tdm__message_list_take(tdm__message_list *list)
{
    tdm__message *message = list->first;
    if (message) {
        list->first = message->next;
        if (!list->first)
            list->last = NULL;
        message->next = NULL;
    }
    return message;
}

void tdm__message_list_draw(tdm__message_list *list, void (*free_to_pass)(tdm__message *message))
{
    enum { MOST = 64 };
    tdm__message **found[MOST];
    unsigned count = 0;
    for (tdm__message **at = &list->first; *at && count < MOST; at = &(*at)->next)
        if (at == &list->first || (*at)->run == free_to_pass)
            found[count++] = at;
    uint64_t drawn = tdm__choose(count);
    if (!drawn)
        return;
    tdm__message *message = *found[drawn];
    *found[drawn] = message->next;
    if (!message->next) /* it was the last, and the one whose link this is comes last now */
        list->last = (tdm__message *) found[drawn];
    message->next = list->first;
    list->first = message;
}

/* The last messages that this thread has put, one upon the other; the oldest is at `oldest`. */
static _Thread_local struct {
    tdm__message *put[AHEAD];
    unsigned oldest;
} trail;

/* @param beneath what a message is about to be put upon. @return what will lie AHEAD messages beneath it; NULL: that is not
 * known, since somebody else has put or taken meanwhile. */
static tdm__message *look_ahead(tdm__message *beneath)
{
    if (trail.put[(trail.oldest + AHEAD - 1) % AHEAD] == beneath)
        return trail.put[trail.oldest];
    memset(trail.put, 0, sizeof trail.put);
    return NULL;
}

bool tdm__inbox_put(tdm__inbox *inbox, tdm__message *message)
{
    tdm__message *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    do {
        message->next = newest;
        message->ahead = look_ahead(newest);
    } while (!atomic_compare_exchange_weak(&inbox->newest, &newest, message));
    trail.put[trail.oldest] = message;
    trail.oldest = (trail.oldest + 1) % AHEAD;
    return !newest;
}

static void fetch(const tdm__message *message)
{
    for (int line = 0; line < LINES; line++)
        __builtin_prefetch((const char *) message + 64 * line, 1);
}

bool tdm__inbox_take(tdm__inbox *inbox, tdm__message_list *list)
{
    tdm__message *newest = atomic_exchange(&inbox->newest, NULL);
    if (!newest)
        return false;
    tdm__message *last = newest, *first = NULL;
    while (newest) {
        tdm__message *older = newest->next;
        fetch(newest->ahead ? newest->ahead : newest);
        newest->next = first;
        first = newest;
        newest = older;
    }
    if (list->last)
        list->last->next = first;
    else
        list->first = first;
    list->last = last;
    return true;
}

bool tdm__inbox_is_empty(tdm__inbox *inbox)
{
    return !atomic_load(&inbox->newest);
}
