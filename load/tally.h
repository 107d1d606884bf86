/* SPDX-License-Identifier: MIT */
/** @file
 *  What one load thread counts in one step, and how the threads' counts become the step's. Owned by its thread while
 *  the step runs, by the sweep after it; no locks. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "load/link.h"
#include "load/result.h"

/** A request on its way. */
typedef struct load_shot {
    int64_t due_ns, sent_ns; /**< monotonic; sent: of its first try, 0: not sent yet */
    uint16_t url;
    bool measured;  /**< not of the warm-up */
    bool again;     /**< this is its second and last try */
    load_error met; /**< … and this is how the first ended */
} load_shot;

typedef struct load_tally {
    load_step part; /**< counts and histograms as a step has them, of this thread alone */
    bool open;      /**< an open loop: corrected and uncorrected differ */
    uint64_t warmup_tasks;
    tdm_histogram *window; /**< corrected latency of those that succeeded since it was last taken; two digits */
    load_thread_part thread;
    bool out_of_memory;
} load_tally;

/** A histogram like a tally's `window`. @return 0; -ENOMEM. */
int load_tally_window(tdm_histogram **out);
/** @return 0; -ENOMEM. */
int load_tally_init(load_tally *tally, const load_target *target, const load_level *level);
void load_tally_finish(load_tally *tally);

/** A request was sent: how late, by the generator's own fault. */
static inline void load_tally_sent(load_tally *tally, const load_shot *shot, int64_t lag_ns)
{
    if (!shot->measured)
        return;
    if (!tally->part.first_sent_ns)
        tally->part.first_sent_ns = shot->sent_ns;
    tdm_histogram_record(tally->part.send_lag, lag_ns);
}
/** Its reply is complete. */
void load_tally_reply(load_tally *tally, const load_shot *shot, const load_reply *reply, int64_t now_ns);
/** It failed. */
void load_tally_error(load_tally *tally, const load_shot *shot, load_error error, const char *detail, int64_t now_ns);

/** Add a thread's counts to the step's. @return 0; -ENOMEM. */
int load_tally_merge(load_step *step, load_tally *tally);

#endif
