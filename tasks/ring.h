/* SPDX-License-Identifier: MIT */
/* The ring of ended rows: the last so many, in the order of their ends, found by place or by id.
 * Not thread-safe: guarded by whatever guards the shard. */
#ifndef TANDEM_TASKS_RING_H
#define TANDEM_TASKS_RING_H

#include "tasks/row.h"

enum { TDM__RING_LEVELS = 2, TDM__RING_BLOCKS = 1024 };

typedef struct tdm__ring {
    tdm__ended_row *next, *stop; /* the slot after the newest row, if it is not where its chunk ends */
    uint64_t ended;              /* rows ever pushed: the place in the stream of ends */
    uint64_t base;               /* of those, how many went before the ring had the capacity it has, or are forgotten */
    uint32_t *index;             /* by id: the number of the newest row of each bucket */
    uint64_t index_mask;
    unsigned index_bits;
    uint64_t highest_id;     /* that was ever pushed */
    size_t limit;            /* how many it may remember; at most UINT32_MAX */
    size_t capacity;         /* how many it has memory for */
    size_t chunk;            /* the one that `next` is in */
    tdm__ended_row **chunks; /* so that rows never move while it grows */
    /* For blocks of ids, small and large: the number of the last row that was pushed with an id of the block (or of
     * another block with the same remainder). Where that one is forgotten the block is empty. */
    uint32_t last_of[TDM__RING_LEVELS][TDM__RING_BLOCKS];
} tdm__ring;

/* @return 0; -ENOMEM. */
int tdm__ring_init(tdm__ring *ring, size_t limit);
void tdm__ring_finish(tdm__ring *ring); /* also of a zeroed ring */

/* Remember a copy of `row`, and forget the oldest one if the ring is full. Never fails; without memory the ring stays
 * shorter. */
void tdm__ring_push(tdm__ring *ring, const tdm__row *row, tdm_state state, int64_t ended_ns);

/* How many rows are remembered: the last ones. */
static inline size_t tdm__ring_remembered(const tdm__ring *ring)
{
    uint64_t pushed = ring->ended - ring->base;
    return pushed < ring->capacity ? (size_t) pushed : ring->capacity;
}

/* How many ends are no longer remembered: the first ones. */
static inline uint64_t tdm__ring_forgotten(const tdm__ring *ring)
{
    return ring->ended - tdm__ring_remembered(ring);
}

/* The row that was pushed after `place` others: tdm__ring_forgotten() <= place < ring->ended. */
const tdm__ended_row *tdm__ring_at(const tdm__ring *ring, uint64_t place);

/* @return NULL: no such id is remembered. */
const tdm__ended_row *tdm__ring_find(const tdm__ring *ring, uint64_t id);

/* The row with the largest id below `before`, trying at most *tries ids or blocks of them; *tries goes down by what was
 * tried. @return NULL: none; or, with *floor set, none with an id >= *floor, and those below were not tried. */
const tdm__ended_row *tdm__ring_below(const tdm__ring *ring, uint64_t before, unsigned *tries, uint64_t *floor);

#endif
