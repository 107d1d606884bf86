/* SPDX-License-Identifier: MIT */
/** @file
 *  When requests of an open loop are due. Pure; one owner. */
#ifndef LOAD_PACE_H
#define LOAD_PACE_H

#include "load/random.h"
#include "load/result.h"

/** A plan of sending: first a rise from nothing to the full rate, then the full rate. */
typedef struct load_pacing {
    double rate; /**< requests a second, of all threads */
    load_arrivals arrivals;
    int64_t start_ns, ramp_ns;
    unsigned threads;
} load_pacing;

/** One thread's share of the plan. */
typedef struct load_pace {
    load_pacing plan;
    load_random random;
    double at; /* requests of all threads before this one, as if they came at even distances */
    int64_t due_ns;
} load_pace;

/** @param thread counts from 0. With Poisson arrivals each thread's are independent of the others'. */
void load_pace_init(load_pace *pace, const load_pacing *plan, unsigned thread, uint64_t seed);
/** When the next request is due. */
static inline int64_t load_pace_due_ns(const load_pace *pace)
{
    return pace->due_ns;
}
/** It was sent, or given up: go on to the one after. */
void load_pace_advance(load_pace *pace);

#endif
