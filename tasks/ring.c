/* SPDX-License-Identifier: MIT */
/* DESIGN: rows are written one behind the other and never touched again until their slot is written anew; forgetting
 * one costs nothing at all. That works because everything that points into the ring is a number: rows are numbered in
 * the order of their ends (modulo 2^32), and a number older than what is remembered counts as none. So the buckets of
 * the index and the links between the rows of a bucket need no clearing. A number so old that it looks young again
 * leads to a row with another id, or further back, but never in a circle: links lead to older rows only.
 * The index is keyed by id. Ids are dense, so neighbours in time are neighbours in the index; where other shards took
 * the ids between, its upper bits keep a stride from crowding a few buckets.
 * The ring gets its memory chunk by chunk as it fills; when memory runs out it stays as long as it is and forgets
 * earlier, until the next lap: a record of the past is never worth failing a task. */
#include "tasks/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    CHUNK_ROWS = 512,
    FIRST_BITS = 8, /* of the index */
    AHEAD_ROWS = 3, /* how far ahead of its use a slot is called into the cache */
};

/* Blocks of 4,096 ids, and of 4 million. */
static const unsigned level_shift[TDM__RING_LEVELS] = {12, 22};

int tdm__ring_init(tdm__ring *ring, size_t limit)
{
    assert(limit <= UINT32_MAX);
    *ring = (tdm__ring){.limit = limit, .index_bits = FIRST_BITS};
    ring->index = calloc((size_t) 1 << FIRST_BITS, sizeof *ring->index);
    ring->chunks = calloc(limit / CHUNK_ROWS + 1, sizeof *ring->chunks);
    if (ring->index && ring->chunks)
        return 0;
    tdm__ring_finish(ring);
    return -ENOMEM;
}

void tdm__ring_finish(tdm__ring *ring)
{
    if (ring->chunks)
        for (size_t i = 0; i <= ring->limit / CHUNK_ROWS; i++)
            free(ring->chunks[i]);
    free(ring->chunks);
    free(ring->index);
    *ring = (tdm__ring){0};
}

/* ---- numbers ---- */

/* How many rows were pushed after the one of this number. */
static uint32_t age_of(const tdm__ring *ring, uint32_t number)
{
    return (uint32_t) ring->ended - number;
}

static bool is_remembered(const tdm__ring *ring, uint32_t number)
{
    return age_of(ring, number) < ring->remembered;
}

static tdm__ended_row *slot_at(const tdm__ring *ring, size_t slot)
{
    return &ring->chunks[slot / CHUNK_ROWS][slot % CHUNK_ROWS];
}

static tdm__ended_row *row_of_age(const tdm__ring *ring, size_t age)
{
    assert(age < ring->remembered);
    return slot_at(ring, ring->head > age ? ring->head - 1 - age : ring->head + ring->capacity - 1 - age);
}

const tdm__ended_row *tdm__ring_at(const tdm__ring *ring, uint64_t place)
{
    return row_of_age(ring, (size_t) (ring->ended - 1 - place));
}

/* ---- the index ---- */

static uint32_t *bucket_of(const tdm__ring *ring, uint64_t id)
{
    uint64_t mask = ((uint64_t) 1 << ring->index_bits) - 1;
    return &ring->index[(id ^ id >> ring->index_bits) & mask];
}

static void enter(tdm__ring *ring, tdm__ended_row *row, uint32_t number)
{
    uint32_t *bucket = bucket_of(ring, row->id);
    row->chain = *bucket;
    *bucket = number;
}

static void grow_index(tdm__ring *ring)
{
    uint32_t *index = calloc((size_t) 2 << ring->index_bits, sizeof *index);
    if (!index)
        return; /* longer chains, no harm */
    free(ring->index);
    ring->index = index;
    ring->index_bits++;
    for (size_t age = ring->remembered; age-- > 0;)
        enter(ring, row_of_age(ring, age), (uint32_t) (ring->ended - age));
}

const tdm__ended_row *tdm__ring_find(const tdm__ring *ring, uint64_t id)
{
    uint32_t number = *bucket_of(ring, id);
    while (is_remembered(ring, number)) {
        const tdm__ended_row *row = row_of_age(ring, age_of(ring, number));
        if (row->id == id)
            return row;
        if (age_of(ring, row->chain) <= age_of(ring, number))
            break;
        number = row->chain;
    }
    return NULL;
}

/* ---- writing ---- */

/* The newest row is in the last slot and the oldest in the first: a chunk more, if the limit and the memory allow. */
static void grow(tdm__ring *ring)
{
    if (ring->capacity == ring->limit)
        return;
    tdm__ended_row **chunk = &ring->chunks[ring->capacity / CHUNK_ROWS];
    *chunk = malloc(CHUNK_ROWS * sizeof **chunk);
    if (!*chunk)
        return;
    size_t room = ring->limit - ring->capacity;
    ring->capacity += room < CHUNK_ROWS ? room : CHUNK_ROWS;
    if (ring->capacity > (size_t) 1 << ring->index_bits)
        grow_index(ring);
}

/* @return NULL: there is no memory at all. */
static tdm__ended_row *next_slot(tdm__ring *ring)
{
    if (ring->head == ring->capacity) {
        grow(ring);
        if (!ring->capacity)
            return NULL;
        if (ring->head == ring->capacity)
            ring->head = 0;
    }
    ring->remembered += ring->remembered < ring->capacity;
    return slot_at(ring, ring->head++);
}

static void copy(tdm__ended_row *to, const tdm__row *from, tdm_state state, int64_t ended_ns)
{
    to->id = from->id;
    to->request = from->request;
    to->name = from->name;
    to->accepted_ns = from->accepted_ns;
    to->accepted_wall_ns = from->accepted_wall_ns;
    to->ready_ns = from->ready_ns;
    to->started_ns = from->started_ns;
    to->ended_ns = ended_ns;
    to->thread = from->thread;
    to->error = from->error;
    to->state = (uint8_t) state;
    to->lane = from->lane;
    to->reason = from->reason;
    to->cancel_requested = from->cancel_requested;
}

void tdm__ring_push(tdm__ring *ring, const tdm__row *row, tdm_state state, int64_t ended_ns)
{
    tdm__ended_row *slot = next_slot(ring);
    uint32_t number = (uint32_t) ++ring->ended;
    if (!slot)
        return;
    __builtin_prefetch(slot + AHEAD_ROWS, 1);
    copy(slot, row, state, ended_ns);
    enter(ring, slot, number);
    for (unsigned level = 0; level < TDM__RING_LEVELS; level++)
        ring->last_of[level][row->id >> level_shift[level] & (TDM__RING_BLOCKS - 1)] = number;
    if (row->id > ring->highest_id)
        ring->highest_id = row->id;
}

/* ---- downwards by id ---- */

/* @return the first id of the largest block around `id` that is known to be empty; `id` + 1 if none is. */
static uint64_t start_of_empty_block(const tdm__ring *ring, uint64_t id)
{
    for (unsigned level = TDM__RING_LEVELS; level-- > 0;) {
        uint64_t block = id >> level_shift[level];
        if (!is_remembered(ring, ring->last_of[level][block & (TDM__RING_BLOCKS - 1)]))
            return block << level_shift[level];
    }
    return id + 1;
}

const tdm__ended_row *tdm__ring_below(const tdm__ring *ring, uint64_t before, unsigned *tries, uint64_t *floor)
{
    if (before > ring->highest_id)
        before = ring->highest_id + 1;
    while (before > 1 && ring->remembered) {
        uint64_t id = before - 1;
        if (!*tries) {
            *floor = before;
            return NULL;
        }
        --*tries;
        before = start_of_empty_block(ring, id);
        if (before <= id)
            continue;
        const tdm__ended_row *row = tdm__ring_find(ring, id);
        if (row)
            return row;
        before = id;
    }
    return NULL;
}
