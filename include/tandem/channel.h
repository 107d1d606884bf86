/* SPDX-License-Identifier: MIT */
/** @file
 *  A bounded channel: items of one size go from tasks and threads that send to tasks and threads that receive, copied
 *  by value, each to exactly one receiver. Sending waits while it is full, receiving while it is empty. Items come out in
 *  the order they went in, and both sides are served first in, first out: an item or a place meant for a waiter that has
 *  just been cancelled, or whose time is over, goes to the next. Waits keep the promises of tandem/wait.h.
 *
 *  All calls: any thread, either lane; all that need not wait also in a callback on a loop's thread. */
#ifndef TANDEM_CHANNEL_H
#define TANDEM_CHANNEL_H

#include <tandem/base.h>

TDM_BEGIN

typedef struct tdm_channel tdm_channel;

typedef struct tdm_channel_options {
    size_t item_size;         /**< bytes of an item; required */
    unsigned capacity;        /**< items that may lie in it; 0: a rendezvous, each send waits for its receiver */
    void (*drop)(void *item); /**< called for each item that is left when it is destroyed; NULL: nothing to free */
} tdm_channel_options;

/** @return 0; -EINVAL: no item size; -ENOMEM: also if the items would not fit any memory. */
TDM_API int tdm_channel_create(tdm_channel **out, const tdm_channel_options *options);

/** Nobody may wait. Whoever sent or received last may call this at once. NULL is accepted; *channel becomes NULL. */
TDM_API void tdm_channel_destroy(tdm_channel **channel);

/** Copy *item into the channel, or to a receiver that waits; wait while it is full.
 *  @return 0: sent, and what the item owns is the channel's, or the receiver's; -EPIPE: closed, perhaps while it waited;
 *  else as in tandem/wait.h. On an error it was not sent, and what it owns is still the caller's. */
TDM_API int tdm_channel_send(tdm_channel *channel, const void *item);
/** The same, waiting no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_channel_send_for(tdm_channel *channel, const void *item, double seconds);
/** Never waits. @return -EAGAIN: it is full (without capacity: nobody waits to receive). */
TDM_API int tdm_channel_try_send(tdm_channel *channel, const void *item);

/** Copy the next item to *item; wait while there is none.
 *  @return 0: received; -EPIPE: closed, and everything that was sent has been received; else as in tandem/wait.h. On an
 *  error nothing was received, and what is in *item means nothing. */
TDM_API int tdm_channel_receive(tdm_channel *channel, void *item);
/** The same, waiting no longer than `seconds`. @return -ETIMEDOUT also when that time is over. */
TDM_API int tdm_channel_receive_for(tdm_channel *channel, void *item, double seconds);
/** Never waits. @return -EAGAIN: there is none. */
TDM_API int tdm_channel_try_receive(tdm_channel *channel, void *item);

/** No more sending: senders, those that wait included, get -EPIPE; receivers get what is left and then -EPIPE.
 *  Idempotent; never waits. */
TDM_API void tdm_channel_close(tdm_channel *channel);

/** For figures and tests, true for a moment: items that lie in it, callers that wait to send, and to receive. */
TDM_API unsigned tdm_channel_count(tdm_channel *channel);
TDM_API unsigned tdm_channel_waiting_senders(tdm_channel *channel);
TDM_API unsigned tdm_channel_waiting_receivers(tdm_channel *channel);

TDM_END

#endif
