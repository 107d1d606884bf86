/* SPDX-License-Identifier: MIT */
/* DESIGN: a ring of items and two lists of waiters, one lock. Senders wait only while the ring is full and nobody waits
 * to receive; receivers only while it is empty and nobody waits to send. An item for a receiver that waits is copied
 * straight to where it wants it, and one of a sender that waits straight from where it lies: both are on the waiter's
 * stack, which stays there as long as the waiter is in its list. The copy comes before the attempt to end the wait,
 * since the waiter may be gone after it; if the attempt fails, something else has ended the wait, and the copy counts for
 * nothing. */
#include <tandem/channel.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/waiters.h"

/* Somebody who waits to send or to receive. */
typedef struct party {
    tdm__waiter waiter;
    const void *from; /* a sender's item */
    void *to;         /* where a receiver wants one */
} party;

struct tdm_channel {
    size_t item_size; /* constant, as the next two */
    unsigned capacity;
    void (*drop)(void *item);

    pthread_mutex_t lock; /* guards what follows */
    tdm__waiters senders, receivers;
    unsigned first, count; /* of the ring */
    bool closed;
    _Alignas(max_align_t) char items[];
};

int tdm_channel_create(tdm_channel **out, const tdm_channel_options *options)
{
    if (!options->item_size)
        return -EINVAL;
    size_t most = (SIZE_MAX - sizeof(tdm_channel)) / options->item_size;
    tdm_channel *c = options->capacity > most ? NULL : calloc(1, sizeof *c + options->capacity * options->item_size);
    if (!c)
        return -ENOMEM;
    c->item_size = options->item_size;
    c->capacity = options->capacity;
    c->drop = options->drop;
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return 0;
}

static char *slot(tdm_channel *c, unsigned index)
{
    uint64_t place = ((uint64_t) c->first + index) % c->capacity;
    return c->items + place * c->item_size;
}

void tdm_channel_destroy(tdm_channel **at)
{
    tdm_channel *c = *at;
    if (!c)
        return;
    *at = NULL;
    tdm__lock(&c->lock); /* whoever woke the caller may still hold it */
    assert(!c->senders.first && !c->receivers.first);
    tdm__unlock(&c->lock);
    for (unsigned i = 0; c->drop && i < c->count; i++)
        c->drop(slot(c, i));
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- all with the lock held ---- */

/* @return false: nobody waits for one. */
static bool give_to_receiver(tdm_channel *c, const void *item)
{
    while (c->receivers.first) {
        party *receiver = (party *) c->receivers.first;
        memcpy(receiver->to, item, c->item_size);
        if (tdm__waiter_wake(&c->receivers, &receiver->waiter, 0))
            return true;
    }
    return false;
}

/* @return false: nobody waits to send. */
static bool take_from_sender(tdm_channel *c, void *item)
{
    while (c->senders.first) {
        party *sender = (party *) c->senders.first;
        memcpy(item, sender->from, c->item_size);
        if (tdm__waiter_wake(&c->senders, &sender->waiter, 0))
            return true;
    }
    return false;
}

static int send_now(tdm_channel *c, const void *item)
{
    if (c->closed)
        return -EPIPE;
    if (give_to_receiver(c, item))
        return 0;
    if (c->count == c->capacity)
        return -EAGAIN;
    memcpy(slot(c, c->count), item, c->item_size);
    c->count++;
    return 0;
}

static int receive_now(tdm_channel *c, void *item)
{
    if (!c->count) {
        if (take_from_sender(c, item))
            return 0;
        return c->closed ? -EPIPE : -EAGAIN;
    }
    memcpy(item, slot(c, 0), c->item_size);
    c->first = (c->first + 1) % c->capacity;
    c->count--;
    if (take_from_sender(c, slot(c, c->count))) /* its turn has come */
        c->count++;
    return 0;
}

/* ---- calls ---- */

static int wait_for(tdm_channel *c, tdm__waiters *list, party *self, int64_t deadline_ns)
{
    const char *in = list == &c->senders ? "tdm_channel_send" : "tdm_channel_receive";
    return tdm__timed(tdm__waiters_wait(list, &self->waiter, &c->lock, deadline_ns, in));
}

static int send(tdm_channel *c, const void *item, const double *seconds)
{
    tdm__lock(&c->lock);
    int err = send_now(c, item);
    if (err == -EAGAIN)
        return wait_for(c, &c->senders, &(party){.from = item}, seconds ? tdm__deadline_in(*seconds) : INT64_MAX);
    tdm__unlock(&c->lock);
    return err;
}

static int receive(tdm_channel *c, void *item, const double *seconds)
{
    tdm__lock(&c->lock);
    int err = receive_now(c, item);
    if (err == -EAGAIN)
        return wait_for(c, &c->receivers, &(party){.to = item}, seconds ? tdm__deadline_in(*seconds) : INT64_MAX);
    tdm__unlock(&c->lock);
    return err;
}

int tdm_channel_send(tdm_channel *c, const void *item)
{
    return send(c, item, NULL);
}

int tdm_channel_send_for(tdm_channel *c, const void *item, double seconds)
{
    return send(c, item, &seconds);
}

int tdm_channel_try_send(tdm_channel *c, const void *item)
{
    tdm__lock(&c->lock);
    int err = send_now(c, item);
    tdm__unlock(&c->lock);
    return err;
}

int tdm_channel_receive(tdm_channel *c, void *item)
{
    return receive(c, item, NULL);
}

int tdm_channel_receive_for(tdm_channel *c, void *item, double seconds)
{
    return receive(c, item, &seconds);
}

int tdm_channel_try_receive(tdm_channel *c, void *item)
{
    tdm__lock(&c->lock);
    int err = receive_now(c, item);
    tdm__unlock(&c->lock);
    return err;
}

void tdm_channel_close(tdm_channel *c)
{
    tdm__lock(&c->lock);
    c->closed = true;
    tdm__waiters_wake_all(&c->senders, -EPIPE);
    tdm__waiters_wake_all(&c->receivers, -EPIPE);
    tdm__unlock(&c->lock);
}

static unsigned read_count(tdm_channel *c, const unsigned *count)
{
    tdm__lock(&c->lock);
    unsigned value = *count;
    tdm__unlock(&c->lock);
    return value;
}

unsigned tdm_channel_count(tdm_channel *c)
{
    return read_count(c, &c->count);
}

unsigned tdm_channel_waiting_senders(tdm_channel *c)
{
    return read_count(c, &c->senders.count);
}

unsigned tdm_channel_waiting_receivers(tdm_channel *c)
{
    return read_count(c, &c->receivers.count);
}
