/* SPDX-License-Identifier: MIT */
/* DESIGN: items and their order, with capacity and without; closing; the ties of a hand-over on both sides; and a crowd in
 * which every item is received once or was never sent. */
#include <tandem/channel.h>

#include "tasks/sanitizer.h"
#include "tests/unit/place.h"

static tdm_channel *channel(unsigned capacity)
{
    tdm_channel *c = NULL;
    tdm_channel_options options = {.item_size = sizeof(int), .capacity = capacity};
    ck_assert_int_eq(tdm_channel_create(&c, &options), 0);
    return c;
}

/* One end of a channel, as a call. */
typedef struct end {
    tdm_channel *c;
    int item;
} end;

static int send_it(void *arg)
{
    end *e = arg;
    return tdm_channel_send(e->c, &e->item);
}

static int receive_it(void *arg)
{
    end *e = arg;
    return tdm_channel_receive(e->c, &e->item);
}

static unsigned waiting(tdm_channel *c)
{
    return tdm_channel_waiting_senders(c) + tdm_channel_waiting_receivers(c);
}

static void start_waiter(tdm_executor *executor, unit_call *call, unit_place place, int (*fn)(void *arg), end *e)
{
    unsigned before = waiting(e->c);
    unit_start(executor, call, place, fn, e);
    UNIT_UNTIL(waiting(e->c) == before + 1);
}

static void try_send(tdm_channel *c, int item, int expected)
{
    ck_assert_int_eq(tdm_channel_try_send(c, &item), expected);
}

static void try_receive(tdm_channel *c, int expected)
{
    int item = -1;
    ck_assert_int_eq(tdm_channel_try_receive(c, &item), 0);
    ck_assert_int_eq(item, expected);
}

static void expect_empty(tdm_channel *c, int err)
{
    int item;
    ck_assert_int_eq(tdm_channel_try_receive(c, &item), err);
}

START_TEST(items_come_out_in_the_order_they_went_in)
{
    tdm_channel *c = channel(3);
    for (int i = 0; i < 20; i++) { /* round and round */
        expect_empty(c, -EAGAIN);
        for (int k = 0; k < 3; k++)
            try_send(c, 3 * i + k, 0);
        try_send(c, 0, -EAGAIN);
        ck_assert_int_eq(tdm_channel_send_for(c, &i, 0), -ETIMEDOUT);
        ck_assert_uint_eq(tdm_channel_count(c), 3);
        for (int k = 0; k < 3; k++)
            try_receive(c, 3 * i + k);
        try_send(c, 7, 0);
        try_receive(c, 7);
    }
    tdm_channel_destroy(&c);
    ck_assert_ptr_null(c);
    tdm_channel_destroy(&c);
}
END_TEST

typedef struct big {
    char bytes[300];
    void *owned;
} big;

static void drop_big(void *item)
{
    free(((big *) item)->owned);
}

START_TEST(items_of_any_size_are_copied_and_what_is_left_is_dropped)
{
    tdm_channel *c = NULL;
    tdm_channel_options options = {.item_size = sizeof(big), .capacity = 3, .drop = drop_big};
    ck_assert_int_eq(tdm_channel_create(&c, &options), 0);
    big in, out;
    for (int i = 0; i < 4; i++) {
        memset(in.bytes, i, sizeof in.bytes);
        in.owned = malloc(1);
        ck_assert_int_eq(tdm_channel_send(c, &in), 0);
        if (i == 0) {
            ck_assert_int_eq(tdm_channel_receive(c, &out), 0);
            ck_assert(memcmp(out.bytes, in.bytes, sizeof in.bytes) == 0);
            free(out.owned);
        }
    }
    tdm_channel_destroy(&c); /* the leak checker sees whether all three were dropped */
    options.item_size = 0;
    ck_assert_int_eq(tdm_channel_create(&c, &options), -EINVAL);
    options = (tdm_channel_options){.item_size = SIZE_MAX / 2, .capacity = UINT32_MAX};
    ck_assert_int_eq(tdm_channel_create(&c, &options), -ENOMEM);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_rendezvous_sends_only_into_the_hands_of_a_receiver)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    tdm_channel *c = channel(0);
    for (int place = 0; place < UNIT_PLACES; place++) {
        end e = {.c = c, .item = 0};
        unit_call call;
        try_send(c, 1, -EAGAIN);
        start_waiter(executor, &call, (unit_place) place, receive_it, &e);
        try_send(c, 5, 0);
        ck_assert_int_eq(unit_result(&call), 0);
        ck_assert_int_eq(e.item, 5);
        e.item = 6;
        start_waiter(executor, &call, (unit_place) place, send_it, &e);
        ck_assert_uint_eq(tdm_channel_count(c), 0);
        try_receive(c, 6);
        ck_assert_int_eq(unit_result(&call), 0);
        expect_empty(c, -EAGAIN);
    }
    tdm_channel_destroy(&c);
    unit_destroy(executor);
}
END_TEST

START_TEST(both_sides_are_served_first_in_first_out_wherever_they_wait)
{
    enum { WAITERS = 9 };
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = WAITERS});
    for (unsigned capacity = 0; capacity < 3; capacity++) {
        tdm_channel *c = channel(capacity);
        end e[WAITERS];
        unit_call calls[WAITERS];
        for (int i = 0; i < WAITERS; i++) {
            e[i] = (end){.c = c, .item = -1};
            start_waiter(executor, &calls[i], (unit_place) (i % UNIT_PLACES), receive_it, &e[i]);
        }
        for (int i = 0; i < WAITERS; i++)
            try_send(c, 100 + i, 0);
        for (int i = 0; i < WAITERS; i++) {
            ck_assert_int_eq(unit_result(&calls[i]), 0);
            ck_assert_int_eq(e[i].item, 100 + i);
        }
        for (unsigned i = 0; i < capacity; i++)
            try_send(c, (int) i, 0);
        for (int i = 0; i < WAITERS; i++) {
            e[i].item = (int) capacity + i;
            start_waiter(executor, &calls[i], (unit_place) (i % UNIT_PLACES), send_it, &e[i]);
        }
        for (int i = 0; i < WAITERS + (int) capacity; i++)
            try_receive(c, i);
        for (int i = 0; i < WAITERS; i++)
            ck_assert_int_eq(unit_result(&calls[i]), 0);
        expect_empty(c, -EAGAIN);
        tdm_channel_destroy(&c);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- closing ---- */

START_TEST(after_closing_what_is_left_is_received_and_then_epipe)
{
    tdm_channel *c = channel(2);
    int item;
    try_send(c, 1, 0);
    try_send(c, 2, 0);
    tdm_channel_close(c);
    tdm_channel_close(c);
    try_send(c, 3, -EPIPE);
    ck_assert_int_eq(tdm_channel_send(c, &(int){3}), -EPIPE);
    ck_assert_int_eq(tdm_channel_send_for(c, &(int){3}, 1), -EPIPE);
    try_receive(c, 1);
    ck_assert_int_eq(tdm_channel_receive(c, &item), 0);
    ck_assert_int_eq(item, 2);
    expect_empty(c, -EPIPE);
    ck_assert_int_eq(tdm_channel_receive(c, &item), -EPIPE);
    ck_assert_int_eq(tdm_channel_receive_for(c, &item, 1), -EPIPE);
    tdm_channel_destroy(&c);
}
END_TEST

START_TEST(closing_wakes_all_who_wait_and_their_items_are_not_sent)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 3});
    for (int sending = 0; sending < 2; sending++) {
        tdm_channel *c = channel(sending ? 1 : 0);
        end e[UNIT_PLACES];
        unit_call calls[UNIT_PLACES];
        if (sending)
            try_send(c, 1, 0);
        for (int i = 0; i < UNIT_PLACES; i++) {
            e[i] = (end){.c = c, .item = 9};
            start_waiter(executor, &calls[i], (unit_place) i, sending ? send_it : receive_it, &e[i]);
        }
        tdm_channel_close(c);
        for (int i = 0; i < UNIT_PLACES; i++)
            ck_assert_int_eq(unit_result(&calls[i]), -EPIPE);
        if (sending)
            try_receive(c, 1);
        expect_empty(c, -EPIPE);
        tdm_channel_destroy(&c);
    }
    unit_destroy(executor);
}
END_TEST

/* ---- ties: `first` and `next` wait on one side, and the other side meets a cancellation or a deadline ---- */

typedef struct tie {
    tdm_executor *executor;
    tdm_channel *c;
    bool sending;
    end first, next;
    unit_call first_call, next_call;
    int received;
} tie;

static tie tie_make(bool sending)
{
    tie t = {.executor = unit_executor((tdm_executor_options){0}), .c = channel(sending ? 1 : 0), .sending = sending};
    if (sending)
        try_send(t.c, 1, 0);
    t.first = (end){t.c, sending ? 2 : -1};
    t.next = (end){t.c, sending ? 3 : -1};
    return t;
}

/* What the other side does: make place for a sender, or send to a receiver. */
static void serve(void *arg)
{
    tie *t = arg;
    if (t->sending)
        ck_assert_int_eq(tdm_channel_try_receive(t->c, &t->received), 0);
    else
        try_send(t->c, 7, 0);
}

static void cancel(void *arg)
{
    unit_cancel(((tie *) arg)->executor, &((tie *) arg)->first_call);
}

/* Either `first` was served and `next` still waits, or `next` was served in its place. */
static void tie_check(tie *t, unit_call *first, unit_call *next, int expected)
{
    ck_assert_int_eq(unit_result(first), expected);
    if (expected == 0) {
        ck_assert(!next->returned);
        ck_assert_int_eq(t->first.item, t->sending ? 2 : 7);
        serve(t);
    }
    ck_assert_int_eq(unit_result(next), 0);
    if (t->sending) {
        ck_assert_int_eq(t->received, expected ? 1 : 2);
        try_receive(t->c, 3);
    } else {
        ck_assert_int_eq(t->next.item, 7);
    }
    expect_empty(t->c, -EAGAIN); /* of a send that failed, nothing remains */
    ck_assert_uint_eq(waiting(t->c), 0);
    tdm_channel_destroy(&t->c);
    unit_destroy(t->executor);
}

static void check_tie(bool sending, unit_place place, bool cancel_first)
{
    tie t = tie_make(sending);
    start_waiter(t.executor, &t.first_call, place, sending ? send_it : receive_it, &t.first);
    start_waiter(t.executor, &t.next_call, place, sending ? send_it : receive_it, &t.next);
    if (place == UNIT_LOOP) {
        unit_in_order(t.executor, cancel_first ? cancel : serve, cancel_first ? serve : cancel, &t);
    } else {
        (cancel_first ? cancel : serve)(&t);
        (cancel_first ? serve : cancel)(&t);
    }
    tie_check(&t, &t.first_call, &t.next_call, cancel_first ? -ECANCELED : 0);
}

START_TEST(of_a_hand_over_and_a_cancellation_the_first_one_counts_and_nothing_is_lost)
{
    for (int i = 0; i < 8; i++)
        check_tie(i & 1, i & 2 ? UNIT_POOL : UNIT_LOOP, i & 4);
}
END_TEST

static int wait_briefly(void *arg)
{
    tie *t = arg;
    return t->sending ? tdm_channel_send_for(t->c, &t->first.item, UNIT_BRIEF)
                      : tdm_channel_receive_for(t->c, &t->first.item, UNIT_BRIEF);
}

static int wait_for_ever(void *arg)
{
    tie *t = arg;
    return t->sending ? send_it(&t->next) : receive_it(&t->next);
}

START_TEST(of_a_hand_over_and_the_deadline_the_first_one_counts_and_nothing_is_lost)
{
    for (int i = 0; i < 4; i++) {
        tie t = tie_make(i & 1);
        unit_deadline d = {t.executor, wait_briefly, wait_for_ever, serve, &t, .after = i & 2};
        unit_meet_deadline(&d);
        tie_check(&t, &d.first, &d.next, d.after ? -ETIMEDOUT : 0);
    }
}
END_TEST

/* ---- scopes, callbacks ---- */

static int time_out(void *arg)
{
    end *e = arg;
    tdm_timeout scope;
    tdm_timeout_begin(&scope, 0.002);
    int err = tdm_channel_receive_for(e->c, &e->item, 3600);
    if (!tdm_timeout_end(&scope) || err != -ETIMEDOUT)
        return -EIO;
    tdm_timeout_begin(&scope, 3600);
    err = tdm_channel_send_for(e->c, &e->item, 0.002);
    return !tdm_timeout_end(&scope) && err == -ETIMEDOUT ? 0 : -EIO;
}

START_TEST(its_own_time_and_that_of_a_scope_are_told_apart)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    end e = {.c = channel(0)};
    for (int place = 0; place < UNIT_PLACES; place++)
        ck_assert_int_eq(unit_run(executor, (unit_place) place, time_out, &e), 0);
    tdm_channel_destroy(&e.c);
    unit_destroy(executor);
}
END_TEST

START_TEST(a_callback_sends_and_receives_what_needs_no_wait)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){0});
    end e = {.c = channel(1), .item = 4};
    ck_assert_int_eq(unit_in_callback(executor, send_it, &e), 0);
    ck_assert_int_eq(unit_in_callback(executor, send_it, &e), -EDEADLK);
    e.item = 0;
    ck_assert_int_eq(unit_in_callback(executor, receive_it, &e), 0);
    ck_assert_int_eq(e.item, 4);
    ck_assert_int_eq(unit_in_callback(executor, receive_it, &e), -EDEADLK);
    tdm_channel_destroy(&e.c);
    unit_destroy(executor);
}
END_TEST

/* ---- a crowd ---- */

enum { SIDE = 6, ITEMS = 600 };

typedef struct crowd {
    tdm_channel *c;
    int base; /* of this sender's items */
    int got;  /* by this receiver */
    _Atomic int *seen;
} crowd;

static int send_many(void *arg)
{
    crowd *s = arg;
    for (int i = 0; i < ITEMS; i++) {
        int item = s->base + i;
        int err = i % 5 ? tdm_channel_send(s->c, &item) : tdm_channel_send_for(s->c, &item, 1e-5);
        if (err && err != -ETIMEDOUT)
            return err;
        if (!err)
            atomic_fetch_add(&s->seen[item], 1);
    }
    return 0;
}

static int receive_many(void *arg)
{
    crowd *r = arg;
    int last[SIDE], err, item;
    for (int i = 0; i < SIDE; i++)
        last[i] = -1;
    while ((err = tdm_channel_receive_for(r->c, &item, r->base ? 1e-5 : 3600)) == 0 || err == -ETIMEDOUT) {
        if (err)
            continue;
        int sender = item / ITEMS;
        if (item <= last[sender]) /* one sender's items overtake each other nowhere */
            return -EIO;
        last[sender] = item;
        atomic_fetch_sub(&r->seen[item], 1);
    }
    return err;
}

static void let_a_crowd_in(tdm_executor *executor, unsigned capacity)
{
    static _Atomic int seen[SIDE * ITEMS]; /* sent and not received */
    tdm_channel *c = channel(capacity);
    crowd senders[SIDE], receivers[SIDE];
    unit_call sends[SIDE], receives[SIDE];
    for (int i = 0; i < SIDE; i++) {
        senders[i] = (crowd){.c = c, .base = i * ITEMS, .seen = seen};
        receivers[i] = (crowd){.c = c, .base = i % 2, .seen = seen};
        unit_start(executor, &receives[i], (unit_place) (i % UNIT_PLACES), receive_many, &receivers[i]);
        unit_start(executor, &sends[i], (unit_place) (i % UNIT_PLACES), send_many, &senders[i]);
    }
    unit_cancel(executor, &receives[0]); /* at some point */
    unit_cancel(executor, &sends[1]);
    for (int i = 0; i < SIDE; i++) {
        int err = unit_result(&sends[i]);
        ck_assert_msg(err == 0 || (err == -ECANCELED && i == 1), "%d", err);
    }
    tdm_channel_close(c);
    for (int i = 0; i < SIDE; i++) {
        int err = unit_result(&receives[i]);
        ck_assert_msg(err == -EPIPE || (err == -ECANCELED && i == 0), "%d", err);
    }
    for (int i = 0; i < SIDE * ITEMS; i++)
        ck_assert_int_eq(seen[i], 0); /* received once, or not sent */
    tdm_channel_destroy(&c);
}

START_TEST(a_crowd_receives_every_item_that_was_sent_exactly_once)
{
    tdm_executor *executor = unit_executor((tdm_executor_options){.loops = 2, .workers = 2 * SIDE});
    for (unsigned capacity = 0; capacity < 5; capacity += 2)
        let_a_crowd_in(executor, capacity);
    unit_destroy(executor);
}
END_TEST

int main(void)
{
    return unit_main("channel",
                     (const TTest *const[]){items_come_out_in_the_order_they_went_in,
                                            items_of_any_size_are_copied_and_what_is_left_is_dropped,
                                            a_rendezvous_sends_only_into_the_hands_of_a_receiver,
                                            both_sides_are_served_first_in_first_out_wherever_they_wait,
                                            after_closing_what_is_left_is_received_and_then_epipe,
                                            closing_wakes_all_who_wait_and_their_items_are_not_sent,
                                            of_a_hand_over_and_a_cancellation_the_first_one_counts_and_nothing_is_lost,
                                            of_a_hand_over_and_the_deadline_the_first_one_counts_and_nothing_is_lost,
                                            its_own_time_and_that_of_a_scope_are_told_apart,
                                            a_callback_sends_and_receives_what_needs_no_wait,
                                            a_crowd_receives_every_item_that_was_sent_exactly_once, NULL});
}
