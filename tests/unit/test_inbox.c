/* SPDX-License-Identifier: MIT */
/* DESIGN: several producers against one taker. Every message carries its producer and its number, so that a lost, a
 * doubled and an overtaken one each show. */
#include "tasks/inbox.h"

#include <pthread.h>

#include "tests/unit/unit.h"

enum { PRODUCERS = 4, EACH = 5000 };

typedef struct numbered {
    tdm__message message;
    int producer, number;
} numbered;

typedef struct producer {
    tdm__inbox *inbox;
    pthread_barrier_t *start;
    _Atomic unsigned *found_empty;
    numbered *messages;
} producer;

static void *produce(void *arg)
{
    producer *p = arg;
    pthread_barrier_wait(p->start);
    for (int i = 0; i < EACH; i++)
        if (tdm__inbox_put(p->inbox, &p->messages[i].message))
            atomic_fetch_add(p->found_empty, 1);
    return NULL;
}

/* @return how many messages were taken. */
static int check_order(tdm__message_list *list, int *expected)
{
    int count = 0;
    for (tdm__message *m; (m = tdm__message_list_take(list)); count++) {
        const numbered *n = (const numbered *) m;
        ck_assert_int_eq(n->number, expected[n->producer]);
        expected[n->producer]++;
    }
    return count;
}

START_TEST(messages_of_each_producer_arrive_once_and_in_order)
{
    static numbered messages[PRODUCERS][EACH];
    tdm__inbox inbox = {NULL};
    _Atomic unsigned found_empty = 0;
    pthread_barrier_t start;
    pthread_t threads[PRODUCERS];
    producer producers[PRODUCERS];
    pthread_barrier_init(&start, NULL, PRODUCERS + 1);
    for (int i = 0; i < PRODUCERS; i++) {
        for (int k = 0; k < EACH; k++)
            messages[i][k] = (numbered){.producer = i, .number = k};
        producers[i] = (producer){&inbox, &start, &found_empty, messages[i]};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    pthread_barrier_wait(&start);
    int expected[PRODUCERS] = {0}, count = 0;
    unsigned takes = 0;
    while (count < PRODUCERS * EACH) {
        tdm__message_list list = {0};
        tdm__inbox_take(&inbox, &list);
        takes += list.first != NULL;
        count += check_order(&list, expected);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(tdm__inbox_is_empty(&inbox));
    ck_assert_uint_eq(found_empty, takes); /* the wake-up is due exactly once for each filling */
    pthread_barrier_destroy(&start);
}
END_TEST

START_TEST(taking_appends_behind_what_the_list_holds)
{
    tdm__inbox inbox = {NULL};
    tdm__message_list list = {0};
    numbered n[5];
    for (int i = 0; i < 5; i++)
        n[i] = (numbered){.number = i};
    tdm__message_list_add(&list, &n[0].message);
    ck_assert(tdm__inbox_is_empty(&inbox));
    ck_assert(tdm__inbox_put(&inbox, &n[1].message));
    ck_assert(!tdm__inbox_put(&inbox, &n[2].message));
    ck_assert(!tdm__inbox_is_empty(&inbox));
    tdm__inbox_take(&inbox, &list);
    ck_assert(tdm__inbox_put(&inbox, &n[3].message));
    tdm__inbox_take(&inbox, &list);
    tdm__inbox_take(&inbox, &list); /* nothing there: no change */
    tdm__message_list_add(&list, &n[4].message);
    int expected[1] = {0};
    ck_assert_int_eq(check_order(&list, expected), 5);
    ck_assert_ptr_null(tdm__message_list_take(&list));
}
END_TEST

int main(void)
{
    return unit_main("inbox", (const TTest *const[]){messages_of_each_producer_arrive_once_and_in_order,
                                                     taking_appends_behind_what_the_list_holds, NULL});
}
