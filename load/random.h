/* SPDX-License-Identifier: MIT */
/** @file
 *  Numbers that look random and come again with the same seed (splitmix64). One owner. */
#ifndef LOAD_RANDOM_H
#define LOAD_RANDOM_H

#include <stdint.h>

typedef struct load_random {
    uint64_t state;
} load_random;

static inline uint64_t load_random_next(load_random *random)
{
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/** One of a seed's streams. They begin far from one another, and from those of other seeds. */
static inline load_random load_random_stream(uint64_t seed, unsigned stream)
{
    load_random seeds = {seed};
    load_random streams = {load_random_next(&seeds) + stream};
    return (load_random){load_random_next(&streams)};
}

/** Above 0, at most 1. */
static inline double load_random_unit(load_random *random)
{
    return (double) ((load_random_next(random) >> 11) + 1) * 0x1p-53;
}

/** One of low … high. */
static inline uint64_t load_random_between(load_random *random, uint64_t low, uint64_t high)
{
    uint64_t span = high - low + 1;
    uint64_t value = load_random_next(random);
    return span ? low + value % span : value;
}

#endif
