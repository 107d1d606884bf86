/* SPDX-License-Identifier: MIT */
/* DESIGN: many threads push on a lock-free stack, the owner takes the whole stack with one exchange and reverses it,
 * which gives first in, first out per producer and between producers that know of each other. There is no ABA problem
 * because nobody pops single nodes. Waking the owner is not done here: the loop knows whether it sleeps. */
#include "tasks/inbox.h"

#include "tasks/baton.h"

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

bool tdm__inbox_put(tdm__inbox *inbox, tdm__message *message)
{
    tdm__message *newest = atomic_load_explicit(&inbox->newest, memory_order_relaxed);
    do
        message->next = newest;
    while (!atomic_compare_exchange_weak(&inbox->newest, &newest, message));
    return !newest;
}

void tdm__inbox_take(tdm__inbox *inbox, tdm__message_list *list)
{
    tdm__message *newest = atomic_exchange(&inbox->newest, NULL);
    if (!newest)
        return;
    tdm__message *last = newest, *first = NULL;
    while (newest) {
        tdm__message *older = newest->next;
        newest->next = first;
        first = newest;
        newest = older;
    }
    if (list->last)
        list->last->next = first;
    else
        list->first = first;
    list->last = last;
}

bool tdm__inbox_is_empty(tdm__inbox *inbox)
{
    return !atomic_load(&inbox->newest);
}
