/* SPDX-License-Identifier: MIT */
/** @file
 *  Ties: for each waiting call, each pair of things that can end it, at one and the same instant, in both orders and in one
 *  turn of a loop. A waiting call is described by a tie_wait; ties.c plays it under as many seeds as wanted. */
#ifndef TANDEM_TESTS_TIES_H
#define TANDEM_TESTS_TIES_H

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#include "tasks/executor.h"
#include <tandem/tandem.h>

/** What can happen to one who waits. */
typedef enum tie_event {
    TIE_COMPLETE, /**< what it waits for has come */
    TIE_CANCEL,   /**< the waiting task is asked to stop */
    TIE_DEADLINE, /**< the wait's own time, or a scope's, is over */
    TIE_FULL,     /**< its lane is full before it is spawned */
    TIE_DRAIN,    /**< the executor drains without patience */
    TIE_GONE,     /**< whoever owns what it waits for goes away */
    TIE_EVENTS
} tie_event;

#define TIE_BIT(event) (1u << (event))

/** Where the one who waits runs: on a loop, on a worker, or on a thread of the test's. */
typedef enum tie_place { TIE_ON_LOOP, TIE_ON_WORKER, TIE_ON_THREAD } tie_place;

typedef struct tie_scene tie_scene;

/** What `wait` returns if it could not begin to: its lane was full, or the executor is closed. */
#define TIE_NOT_WAITED (-ENOLINK)

typedef struct tie_wait {
    const char *name;
    unsigned events;    /**< those that can meet: bits */
    int gone;           /**< what the wait returns when its owner has gone */
    bool by_itself;     /**< it completes without help: `complete` is NULL */
    bool shielded;      /**< nothing but completion ends it */
    bool timed;         /**< it takes a time of its own */
    bool lonely;        /**< no other tasks may end meanwhile: nobody waits beside it, and events come from threads */
    bool alone;         /**< nobody can wait beside it */
    bool passes_on;     /**< what one who waits does not take, the next one gets */
    tdm_task_fn *start; /**< an evented task, in place of `wait`: its argument is the tie_waiter */
    void (*setup)(tie_scene *s);               /**< NULL: nothing to do; so for all below */
    int (*wait)(tie_scene *s, double seconds); /**< wait, no longer than `seconds`; put back what was got. Required */
    void (*complete)(tie_scene *s);            /**< let one that waits end; any thread */
    void (*gone_now)(tie_scene *s);            /**< the owner goes; any thread */
    void (*check)(tie_scene *s);               /**< at the end: nothing was lost */
    void (*finish)(tie_scene *s);
} tie_wait;

struct tie_scene {
    const tie_wait *wait;
    tdm_executor *executor;
    int64_t at_ns; /**< when everything happens */
    bool full;     /**< the lane of the one who waits may be full */
    void *object;  /**< for the wait's own use, as are the next three */
    int given, taken;
    bool closed;
    int completions; /**< calls of `complete` so far */
};

/** Ends with a NULL name. */
extern const tie_wait tie_basic[], tie_sync[], tie_objects[], tie_family[], tie_evented[];

#endif
