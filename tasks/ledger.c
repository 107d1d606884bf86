/* SPDX-License-Identifier: MIT */
/* DESIGN: rows hang in one list ordered by id (for listing, newest first) and in a hash table keyed by id, whose hash
 * is the id itself: ids are dense, so neighbours in time are neighbours in memory. Ended rows are compact copies in a
 * ring, in the order of their ends, which is what "what has ended since?" reads. Unfinished rows are inside their
 * tasks and cost no copy. The ring gets its memory chunk by chunk as it fills; when memory runs out it stays as long
 * as it is and forgets earlier — a record of the past is never worth failing a task. */
#include "tasks/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    CHUNK_ROWS = 512,
    FIRST_BUCKETS = 256,
    LIST_LOOKS = 8192,  /* rows that one tdm__ledger_list() looks at */
    NEAR_PROBES = 4096, /* ids below `before` that are tried before the list is walked */
};

int tdm__ledger_init(tdm__ledger *ledger, size_t limit)
{
    *ledger = (tdm__ledger){.limit = limit, .bucket_count = FIRST_BUCKETS};
    ledger->buckets = calloc(FIRST_BUCKETS, sizeof(tdm__row *));
    ledger->chunks = calloc(limit / CHUNK_ROWS + 1, sizeof(tdm__row *));
    if (ledger->buckets && ledger->chunks)
        return 0;
    tdm__ledger_finish(ledger);
    return -ENOMEM;
}

void tdm__ledger_finish(tdm__ledger *ledger)
{
    if (ledger->chunks)
        for (size_t i = 0; i <= ledger->limit / CHUNK_ROWS; i++)
            free(ledger->chunks[i]);
    free(ledger->chunks);
    free(ledger->buckets);
    *ledger = (tdm__ledger){0};
}

/* ---- the hash table ---- */

static tdm__row **bucket_of(const tdm__ledger *ledger, uint64_t id)
{
    return &ledger->buckets[id & (ledger->bucket_count - 1)];
}

static void hash_row(tdm__ledger *ledger, tdm__row *row)
{
    tdm__row **bucket = bucket_of(ledger, row->info.id);
    row->chain = *bucket;
    *bucket = row;
}

static void grow(tdm__ledger *ledger)
{
    tdm__row **buckets = calloc(ledger->bucket_count * 2, sizeof(tdm__row *));
    if (!buckets)
        return; /* longer chains, no harm */
    free(ledger->buckets);
    ledger->buckets = buckets;
    ledger->bucket_count *= 2;
    for (tdm__row *row = ledger->oldest; row; row = row->newer)
        hash_row(ledger, row);
}

static tdm__row **chain_link(const tdm__ledger *ledger, const tdm__row *row)
{
    tdm__row **link = bucket_of(ledger, row->info.id);
    while (*link != row)
        link = &(*link)->chain;
    return link;
}

tdm__row *tdm__ledger_find(const tdm__ledger *ledger, uint64_t id)
{
    tdm__row *row = *bucket_of(ledger, id);
    while (row && row->info.id != id)
        row = row->chain;
    return row;
}

/* ---- the list by id ---- */

static void link_between(tdm__ledger *ledger, tdm__row *row, tdm__row *older, tdm__row *newer)
{
    row->older = older;
    row->newer = newer;
    *(older ? &older->newer : &ledger->oldest) = row;
    *(newer ? &newer->older : &ledger->newest) = row;
}

void tdm__ledger_add(tdm__ledger *ledger, tdm__row *row)
{
    tdm__row *older = ledger->newest, *newer = NULL;
    while (older && older->info.id > row->info.id) {
        newer = older;
        older = older->older;
    }
    assert(!older || older->info.id != row->info.id);
    if (ledger->row_count >= ledger->bucket_count)
        grow(ledger);
    row->live = true;
    link_between(ledger, row, older, newer);
    hash_row(ledger, row);
    ledger->row_count++;
}

static void remove_row(tdm__ledger *ledger, tdm__row *row)
{
    *chain_link(ledger, row) = row->chain;
    *(row->older ? &row->older->newer : &ledger->oldest) = row->newer;
    *(row->newer ? &row->newer->older : &ledger->newest) = row->older;
    ledger->row_count--;
}

/* ---- the ring of ended rows ---- */

static tdm__row *ring_at(const tdm__ledger *ledger, uint64_t place)
{
    size_t slot = (size_t) (place % ledger->capacity);
    return &ledger->chunks[slot / CHUNK_ROWS][slot % CHUNK_ROWS];
}

/* Room for one more, if the limit and the memory allow. Only while the ring has not wrapped: rows keep their slots. */
static void ring_grow(tdm__ledger *ledger)
{
    bool unwrapped = !ledger->capacity || (!ledger->forgotten && ledger->ended == ledger->capacity);
    if (!unwrapped || ledger->capacity == ledger->limit)
        return;
    tdm__row **chunk = &ledger->chunks[ledger->capacity / CHUNK_ROWS];
    if (!*chunk)
        *chunk = malloc(CHUNK_ROWS * sizeof(tdm__row));
    if (!*chunk)
        return;
    size_t room = ledger->limit - ledger->capacity;
    ledger->capacity += room < CHUNK_ROWS ? room : CHUNK_ROWS;
}

static void replace_row(tdm__ledger *ledger, tdm__row *old, tdm__row *copy)
{
    *chain_link(ledger, old) = copy;
    *copy = *old;
    copy->live = false;
    link_between(ledger, copy, old->older, old->newer);
}

void tdm__ledger_end(tdm__ledger *ledger, tdm__row *row)
{
    assert(row->live && row->info.state > TDM_RUNNING);
    ring_grow(ledger);
    if (!ledger->capacity) { /* not even one chunk could be had */
        remove_row(ledger, row);
        ledger->ended++;
        ledger->forgotten++;
    } else {
        if (ledger->ended - ledger->forgotten == ledger->capacity) {
            remove_row(ledger, ring_at(ledger, ledger->forgotten));
            ledger->forgotten++;
        }
        replace_row(ledger, row, ring_at(ledger, ledger->ended));
        ledger->ended++;
    }
    row->live = false;
}

/* ---- reading ---- */

static bool matches(const tdm__row *row, const tdm_task_query *query)
{
    return (!query->states || (query->states & 1u << row->info.state)) &&
           (!query->lanes || (query->lanes & 1u << row->info.lane));
}

/* The newest row with an id below `before`. */
static tdm__row *first_below(const tdm__ledger *ledger, uint64_t before)
{
    tdm__row *row = ledger->newest;
    if (!before || !row || row->info.id < before)
        return row;
    for (uint64_t id = before - 1, tried = 0; id > 0 && tried < NEAR_PROBES; id--, tried++)
        if ((row = tdm__ledger_find(ledger, id)))
            return row;
    for (row = ledger->newest; row && row->info.id >= before;)
        row = row->older;
    return row;
}

unsigned tdm__ledger_list(const tdm__ledger *ledger, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                          uint64_t *stopped)
{
    unsigned filled = 0, looks = 0;
    *stopped = 0;
    for (tdm__row *row = first_below(ledger, query->before); row; row = row->older) {
        if (filled == limit || looks == LIST_LOOKS) {
            *stopped = row->info.id + 1;
            break;
        }
        looks++;
        if (matches(row, query))
            rows[filled++] = row->info;
    }
    return filled;
}

unsigned tdm__ledger_ended(const tdm__ledger *ledger, uint64_t from, tdm_task_info *rows, unsigned limit,
                           uint64_t *missed)
{
    *missed = from < ledger->forgotten ? ledger->forgotten - from : 0;
    unsigned filled = 0;
    for (uint64_t place = from + *missed; place < ledger->ended && filled < limit; place++)
        rows[filled++] = ring_at(ledger, place)->info;
    return filled;
}
