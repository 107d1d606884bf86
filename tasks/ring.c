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

/* ---- numbers ---- */

/* How many rows were pushed after the one of this number. */
static uint32_t age_of(const tdm__ring *ring, uint32_t number)
{
    return (uint32_t) ring->ended - number;
}

static bool is_remembered(const tdm__ring *ring, uint32_t number)
{
    return age_of(ring, number) < tdm__ring_remembered(ring);
}

static tdm__ended_row *row_of_age(const tdm__ring *ring, size_t age)
{
    assert(age < tdm__ring_remembered(ring));
    size_t head = ring->chunk * CHUNK_ROWS + (size_t) (ring->next - ring->chunks[ring->chunk]);
    size_t slot = head > age ? head - 1 - age : head + ring->capacity - 1 - age;
    return &ring->chunks[slot / CHUNK_ROWS][slot % CHUNK_ROWS];
}

const tdm__ended_row *tdm__ring_at(const tdm__ring *ring, uint64_t place)
{
    return row_of_age(ring, (size_t) (ring->ended - 1 - place));
}

/* ---- the index ---- */

static uint32_t *bucket_of(const tdm__ring *ring, uint64_t id)
{
    return &ring->index[(id ^ id >> ring->index_bits) & ring->index_mask];
}

static void enter(tdm__ring *ring, tdm__ended_row *row, uint32_t number)
{
    uint32_t *bucket = bucket_of(ring, row->id);
    row->chain = *bucket;
    *bucket = number;
}

/* @return false: no memory; the old one stays, with longer chains. */
static bool renew_index(tdm__ring *ring, unsigned bits)
{
    uint32_t *index = calloc((size_t) 1 << bits, sizeof *index);
    if (!index)
        return false;
    free(ring->index);
    ring->index = index;
    ring->index_bits = bits;
    ring->index_mask = ((uint64_t) 1 << bits) - 1;
    for (size_t age = tdm__ring_remembered(ring); age-- > 0;)
        enter(ring, row_of_age(ring, age), (uint32_t) (ring->ended - age));
    return true;
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

/* ---- life ---- */

int tdm__ring_init(tdm__ring *ring, size_t limit)
{
    assert(limit <= UINT32_MAX);
    *ring = (tdm__ring){.limit = limit};
    ring->chunks = calloc(limit / CHUNK_ROWS + 1, sizeof *ring->chunks);
    if (ring->chunks && renew_index(ring, FIRST_BITS))
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

/* ---- writing ---- */

/* The newest row is in the last slot and the oldest in the first: a chunk more, if the limit and the memory allow. */
static bool grow(tdm__ring *ring)
{
    size_t room = ring->limit - ring->capacity;
    tdm__ended_row *chunk = room ? malloc(CHUNK_ROWS * sizeof *chunk) : NULL;
    if (!chunk)
        return false;
    ring->chunks[ring->capacity / CHUNK_ROWS] = chunk;
    ring->base = tdm__ring_forgotten(ring);
    if (ring->capacity >> ring->index_bits)
        renew_index(ring, ring->index_bits + 1);
    ring->capacity += room < CHUNK_ROWS ? room : CHUNK_ROWS;
    return true;
}

/* `next` is where its chunk ends: go on in the next one, a new one, or the first. @return false: no memory at all. */
static bool turn_chunk(tdm__ring *ring)
{
    size_t at = ring->next ? ring->chunk + 1 : 0;
    if (at * CHUNK_ROWS >= ring->capacity && !grow(ring))
        at = 0;
    if (!ring->capacity)
        return false;
    size_t left = ring->capacity - at * CHUNK_ROWS;
    ring->chunk = at;
    ring->next = ring->chunks[at];
    ring->stop = ring->next + (left < CHUNK_ROWS ? left : CHUNK_ROWS);
    return true;
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

static inline void write_next(tdm__ring *ring, const tdm__row *row, tdm_state state, int64_t ended_ns)
{
    tdm__ended_row *slot = ring->next++;
    uint32_t number = (uint32_t) ++ring->ended;
    __builtin_prefetch(slot + AHEAD_ROWS, 1);
    copy(slot, row, state, ended_ns);
    enter(ring, slot, number);
    for (unsigned level = 0; level < TDM__RING_LEVELS; level++)
        ring->last_of[level][row->id >> level_shift[level] & (TDM__RING_BLOCKS - 1)] = number;
    if (row->id > ring->highest_id)
        ring->highest_id = row->id;
}

/* Apart from the usual case, which is to be short. */
static __attribute__((noinline)) void turn_and_write(tdm__ring *ring, const tdm__row *row, tdm_state state,
                                                     int64_t ended_ns)
{
    if (turn_chunk(ring))
        write_next(ring, row, state, ended_ns);
    else
        ring->ended++;
}

void tdm__ring_push(tdm__ring *ring, const tdm__row *row, tdm_state state, int64_t ended_ns)
{
    if (ring->next == ring->stop)
        turn_and_write(ring, row, state, ended_ns);
    else
        write_next(ring, row, state, ended_ns);
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
    while (before > 1 && tdm__ring_remembered(ring)) {
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
