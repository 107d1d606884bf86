/* SPDX-License-Identifier: MIT */
/* The inbox: the one way into a loop from outside. Any thread puts, one thread takes. */
#ifndef TANDEM_TASKS_INBOX_H
#define TANDEM_TASKS_INBOX_H

#include <stdatomic.h>

#include <tandem/base.h>

/* A message is embedded in what it carries, so posting never allocates and never fails. From the post until `run` is
 * called the loop owns it. */
typedef struct tdm__message {
    struct tdm__message *next;
    union {
        struct tdm__message *ahead; /* in an inbox: what the taker will come to a few messages later; NULL: unknown */
        struct tdm__message *previous; /* in a pool's queue */
    };
    void (*run)(struct tdm__message *message); /* on the loop's thread, outside any fiber */
} tdm__message;

/* First in, first out; for one thread. */
typedef struct tdm__message_list {
    tdm__message *first, *last;
} tdm__message_list;

void tdm__message_list_add(tdm__message_list *list, tdm__message *message);
tdm__message *tdm__message_list_take(tdm__message_list *list);

/* In testing mode: bring the first, or any of those whose `run` is `free_to_pass`, to the front. */
void tdm__message_list_draw(tdm__message_list *list, void (*free_to_pass)(tdm__message *message));

typedef struct tdm__inbox {
    _Atomic(tdm__message *) newest; /* a stack; the taker turns it round */
} tdm__inbox;

/* Any thread. @return true: the inbox was empty before. */
bool tdm__inbox_put(tdm__inbox *inbox, tdm__message *message);
/* The owner: move everything, in the order it was put, to the end of `list`. @return false: it was empty. */
bool tdm__inbox_take(tdm__inbox *inbox, tdm__message_list *list);
bool tdm__inbox_is_empty(tdm__inbox *inbox);

#endif
