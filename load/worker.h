/* SPDX-License-Identifier: MIT */
/** @file
 *  The inside of a load thread, shared by worker.c (its turns), slot.c (its connections) and engine.c (the set of
 *  threads). While a job runs everything here belongs to the thread, but for what stands under `lock` and for `stop`;
 *  between jobs it belongs to the engine's thread. */
#ifndef LOAD_WORKER_H
#define LOAD_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "load/engine.h"
#include "load/pace.h"
#include "load/tally.h"
#include "load/template.h"

typedef struct load_worker load_worker;

typedef enum load_slot_state {
    LOAD_SLOT_READY,   /**< its link is open or closed; it may be used */
    LOAD_SLOT_OPENING, /**< its link is being opened */
    LOAD_SLOT_RESTING, /**< until `until_ns`: it could not connect, or its turn in the rise has not come */
    LOAD_SLOT_OVER,    /**< closed loop: no more to do in this step */
} load_slot_state;

/** A connection and what is on its way on it. */
typedef struct load_slot {
    load_worker *worker;
    load_link *link;
    load_shot *shots; /**< a ring of job->pipeline */
    unsigned first, count;
    unsigned number;   /**< among all connections of the step */
    unsigned carried;  /**< requests sent since it was opened */
    unsigned refusals; /**< openings in a row that failed */
    load_slot_state state;
    bool queued;   /**< open loop: it stands in `free` */
    bool unopened; /**< the opening phase failed to open it; `failure` says how */
    int64_t until_ns, free_ns;
    load_failure failure;
} load_slot;

/** What a thread tells of itself now and then. */
typedef struct load_news {
    load_phase phase;
    uint64_t made, succeeded, rejected, failed;
    unsigned connections_open;
    tdm_histogram *window; /**< latency since the engine last took it */
} load_news;

typedef enum load_order { LOAD_ORDER_NONE, LOAD_ORDER_OPEN, LOAD_ORDER_DRIVE, LOAD_ORDER_QUIT } load_order;

enum { LOAD_RECORDS = 256 };

struct load_worker {
    load_engine *engine;
    const load_job *job;
    unsigned index, threads;
    load_link_shared shared;
    load_slot *slots;
    load_shot *shots;
    unsigned slot_count, slot_capacity;
    load_tally tally;
    load_phase phase;
    int64_t now_ns;    /**< the clock when it was last read */
    int64_t looked_ns; /**< no reply that is told now can have come before */
    int64_t found_ns;  /**< when the last look ended */
    int64_t measured_from_ns, end_ns, tick_ns, publish_ns, last_good_ns, begun_ns;
    int64_t latency_ns; /**< moving mean, for batching */
    uint64_t left;      /**< measured requests that may still be taken */
    unsigned active;    /**< closed loop: slots that are not over */
    unsigned in_hand;   /**< requests taken and not accounted for */
    unsigned opening, opened_upto;
    bool stopping; /**< take no more requests */
    bool gone;     /**< … because the target cannot be reached any more */
    bool sending_over;
    load_pace pace;
    unsigned *free; /**< open loop: a ring of the slots that can take a request */
    unsigned free_first, free_count;
    load_values values; /**< of the whole run */
    char *scratch;
    size_t scratch_size;
    unsigned turn_of_urls;
    load_record *records;
    unsigned record_count;

    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t ordered;
    load_order order; /**< under the lock */
    load_news news;   /**< under the lock */
};

/* ---- slot.c: one connection ---- */

extern const load_link_calls load_slot_calls;

/** May one more request be taken? */
bool load_worker_may_take(load_worker *w);
/** Take a request in hand; 0 for `due_ns` means: it is due when it is sent. */
void load_slot_take(load_slot *s, int64_t due_ns);
/** The oldest request is accounted for. */
load_shot load_slot_pop(load_slot *s);
/** Send the requests in hand from the `from`-th on. */
void load_slot_send(load_slot *s, unsigned from);
/** Closed loop: send as much as the slot may; open its connection if need be; or be over. */
void load_slot_fill(load_slot *s);
void load_slot_open(load_slot *s);
/** Its connection could not be opened. */
void load_slot_unconnected(load_slot *s, const load_failure *failure);
/** Has the connection carried all that one may? */
bool load_slot_used_up(const load_slot *s);
/** How many requests the connection may still take on. */
unsigned load_slot_room(const load_slot *s);

/* ---- slots.c: all of a thread's ---- */

/** Make room for as many connections as the job gives this thread. @return 0; -ENOMEM. */
int load_slots_fit(load_worker *w, unsigned count, unsigned first_number);
void load_slots_close(load_worker *w);
void load_slots_finish(load_worker *w);
/** Before slots are opened: close those that the server has closed, or that were not open yet, since the last step. */
void load_slots_freshen(load_worker *w);
/** Begin to open slots that are not, up to the limit of openings on their way. */
void load_slots_open(load_worker *w);
/** Begin the closed loop, or the open one. */
void load_slots_begin(load_worker *w);
/** Open loop: the slot can take a request. */
void load_slots_release(load_slot *s);
/** Open loop: take what is due next in hand. @return is anything due? */
bool load_slots_take_due(load_slot *s);
/** Open loop: send what is due. */
void load_slots_pump(load_worker *w);
/** Open loop by time, at the end: count what was due before the sending was over and could not be sent. */
void load_slots_count_unsent(load_worker *w);
/** Deadlines, rests. */
void load_slots_tick(load_worker *w);
/** Leave everything as it is: what is on its way counts as unfinished. */
void load_slots_abandon(load_worker *w);
/** Nothing is on its way and nothing more will be sent. */
bool load_slots_done(const load_worker *w);

/* ---- worker.c ---- */

/** @return 0; a negative errno. */
int load_worker_start(load_worker *w, load_engine *engine, unsigned index, unsigned threads);
/** Ends the thread. */
void load_worker_finish(load_worker *w);
/** Give it something to do; it must have nothing to do. */
void load_worker_order(load_worker *w, load_order order);
/** A request has ended. @param error a load_error, or -1. */
void load_worker_log(load_worker *w, const load_slot *slot, const load_shot *shot, unsigned status, int error,
                     const load_reply *reply);

/* ---- engine.c, from a load thread ---- */

/** This thread has done what it was told to do. */
void load_engine_worker_done(load_engine *engine);
bool load_engine_stopped(const load_engine *engine);
/** When the driving began, or is to begin: the same for all threads. */
int64_t load_engine_start_ns(const load_engine *engine);
/** Hand records on; the engine's log lock is taken. */
void load_engine_log(load_engine *engine, const load_record *records, unsigned count);

#endif
