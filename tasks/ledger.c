/* SPDX-License-Identifier: MIT */
/* DESIGN: what is unfinished and what has ended are kept apart. Live rows are inside their tasks, hang in a list by id
 * and stand in a hash table keyed by id; a task that begins and ends at once touches only the newest of them. Ended
 * rows are compact copies in a ring (ring.h). A list of both, newest first, is merged while it is read: the live list
 * gives its rows in order, and the ring is asked for the next lower id. */
#include "tasks/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
    FIRST_BITS = 8,     /* of the index */
    LIST_LOOKS = 8192,  /* rows that one tdm__ledger_list() looks at */
    LIST_TRIES = 16384, /* ids, or blocks of ids, that it tries to find ended rows */
    NEAR_PROBES = 8192, /* ids that it tries to find where in the live list to begin */
};

static const unsigned LIVE_STATES = 1u << TDM_QUEUED | 1u << TDM_RUNNING;

/* ---- the list of live rows ---- */

static tdm__row *row_at(const tdm__ledger *ledger, tdm__links *links)
{
    return links == &ledger->ends ? NULL : (tdm__row *) links; /* a row begins with its links */
}

tdm__row *tdm__ledger_newest(const tdm__ledger *ledger)
{
    return row_at(ledger, ledger->ends.older);
}

tdm__row *tdm__ledger_older(const tdm__ledger *ledger, const tdm__row *row)
{
    return row_at(ledger, row->links.older);
}

static void link_row(tdm__ledger *ledger, tdm__row *row)
{
    tdm__links *older = ledger->ends.older;
    while (older != &ledger->ends && ((tdm__row *) older)->id > row->id)
        older = older->older;
    assert(older == &ledger->ends || ((tdm__row *) older)->id != row->id);
    tdm__links *newer = older->newer;
    row->links.older = older;
    older->newer = &row->links;
    row->links.newer = newer;
    newer->older = &row->links;
}

static void unlink_row(tdm__row *row)
{
    row->links.older->newer = row->links.newer;
    row->links.newer->older = row->links.older;
}

/* ---- their index ---- */

static tdm__row **bucket_of(const tdm__ledger *ledger, uint64_t id)
{
    return &ledger->index[(id ^ id >> ledger->index_bits) & ledger->index_mask]; /* as the ring's */
}

static void enter(tdm__ledger *ledger, tdm__row *row)
{
    tdm__row **bucket = bucket_of(ledger, row->id);
    row->chain = *bucket;
    *bucket = row;
}

static void leave(tdm__ledger *ledger, const tdm__row *row)
{
    tdm__row **link = bucket_of(ledger, row->id);
    while (*link != row)
        link = &(*link)->chain;
    *link = row->chain;
}

/* @return false: no memory; the old one stays, with longer chains. */
static bool renew_index(tdm__ledger *ledger, unsigned bits)
{
    tdm__row **index = calloc((size_t) 1 << bits, sizeof(tdm__row *));
    if (!index)
        return false;
    free(ledger->index);
    ledger->index = index;
    ledger->index_bits = bits;
    ledger->index_mask = ((uint64_t) 1 << bits) - 1;
    for (tdm__row *row = tdm__ledger_newest(ledger); row; row = tdm__ledger_older(ledger, row))
        enter(ledger, row);
    return true;
}

tdm__row *tdm__ledger_find_live(const tdm__ledger *ledger, uint64_t id)
{
    tdm__row *row = *bucket_of(ledger, id);
    while (row && row->id != id)
        row = row->chain;
    return row;
}

/* ---- life ---- */

int tdm__ledger_init(tdm__ledger *ledger, size_t limit)
{
    *ledger = (tdm__ledger){0};
    ledger->ends.older = ledger->ends.newer = &ledger->ends;
    int err = renew_index(ledger, FIRST_BITS) ? tdm__ring_init(&ledger->ring, limit) : -ENOMEM;
    if (err)
        tdm__ledger_finish(ledger);
    return err;
}

void tdm__ledger_finish(tdm__ledger *ledger)
{
    free(ledger->index);
    tdm__ring_finish(&ledger->ring);
    *ledger = (tdm__ledger){0};
}

void tdm__ledger_add(tdm__ledger *ledger, tdm__row *row)
{
    assert(tdm__row_is_live(row));
    if (ledger->live_count++ > ledger->index_mask)
        renew_index(ledger, ledger->index_bits + 1);
    link_row(ledger, row);
    enter(ledger, row);
}

void tdm__ledger_end(tdm__ledger *ledger, tdm__row *row, tdm_state state, int64_t ended_ns)
{
    assert(tdm__row_is_live(row) && state > TDM_RUNNING);
    unlink_row(row);
    leave(ledger, row);
    ledger->live_count--;
    row->state = (uint8_t) state;
    tdm__ring_push(&ledger->ring, row, state, ended_ns);
}

/* ---- reading ---- */

bool tdm__ledger_get(const tdm__ledger *ledger, uint64_t id, tdm_task_info *out)
{
    const tdm__row *live = tdm__ledger_find_live(ledger, id);
    const tdm__ended_row *ended = live ? NULL : tdm__ring_find(&ledger->ring, id);
    if (live)
        tdm__row_info(live, out);
    else if (ended)
        tdm__ended_row_info(ended, out);
    return live || ended;
}

unsigned tdm__ledger_ended(const tdm__ledger *ledger, uint64_t from, tdm_task_info *rows, unsigned limit,
                           uint64_t *missed)
{
    const tdm__ring *ring = &ledger->ring;
    uint64_t forgotten = tdm__ring_forgotten(ring);
    *missed = from < forgotten ? forgotten - from : 0;
    unsigned filled = 0;
    for (uint64_t place = from + *missed; place < ring->ended && filled < limit; place++)
        tdm__ended_row_info(tdm__ring_at(ring, place), &rows[filled++]);
    return filled;
}

/* ---- a list, newest first ---- */

/* From both ends of the live list, a bounded way; its newest row is not below `before`, so neither walk leaves the list.
 * @return true: *out is the newest row with an id below `before`, or NULL if there is none. */
static bool near_an_end(const tdm__ledger *ledger, uint64_t before, tdm__row **out)
{
    tdm__links *young = ledger->ends.older, *old = ledger->ends.newer;
    for (unsigned steps = 0; steps < LIST_LOOKS; steps++, young = young->older, old = old->newer) {
        bool from_old = row_at(ledger, old)->id >= before;
        if (from_old || row_at(ledger, young)->id < before) {
            *out = row_at(ledger, from_old ? old->older : young);
            return true;
        }
    }
    return false;
}

/* The newest live row with an id below `before`. @return NULL: none; or, with *floor set, none with an id >= *floor,
 * and those below were not looked at. */
static tdm__row *live_below(const tdm__ledger *ledger, uint64_t before, uint64_t *floor)
{
    tdm__row *row = tdm__ledger_newest(ledger);
    if (!before || !row || row->id < before)
        return row;
    uint64_t id = before - 1;
    for (unsigned tried = 0; id > 0 && tried < NEAR_PROBES; id--, tried++)
        if ((row = tdm__ledger_find_live(ledger, id)))
            return row;
    row = NULL;
    if (id > 0 && !near_an_end(ledger, before, &row))
        *floor = id + 1;
    return row;
}

typedef struct walk {
    const tdm__ledger *ledger;
    tdm__row *live; /* the next one of each kind, or NULL */
    const tdm__ended_row *ended;
    unsigned tries;
    uint64_t floor; /* what is below has not been looked at */
} walk;

static walk walk_from(const tdm__ledger *ledger, const tdm_task_query *query)
{
    walk w = {.ledger = ledger, .tries = LIST_TRIES};
    uint64_t floor = 0;
    if (!query->states || query->states & LIVE_STATES)
        w.live = live_below(ledger, query->before, &floor);
    if (!query->states || query->states & ~LIVE_STATES)
        w.ended = tdm__ring_below(&ledger->ring, query->before ? query->before : UINT64_MAX, &w.tries, &w.floor);
    if (floor > w.floor)
        w.floor = floor;
    return w;
}

/* @return the id of the next row; 0: none. */
static uint64_t next_id(const walk *w)
{
    uint64_t live = w->live ? w->live->id : 0, ended = w->ended ? w->ended->id : 0;
    uint64_t id = live > ended ? live : ended;
    return id < w->floor ? 0 : id;
}

static void take(walk *w, tdm_task_info *out)
{
    const tdm__ended_row *ended = w->ended;
    assert(ended || w->live);
    if (!ended || (w->live && w->live->id > ended->id)) {
        tdm__row_info(w->live, out);
        w->live = tdm__ledger_older(w->ledger, w->live);
        return;
    }
    uint64_t floor = 0;
    tdm__ended_row_info(ended, out);
    w->ended = tdm__ring_below(&w->ledger->ring, ended->id, &w->tries, &floor);
    if (floor > w->floor)
        w->floor = floor;
}

static bool matches(const tdm_task_info *row, const tdm_task_query *query)
{
    return (!query->states || query->states & 1u << row->state) && (!query->lanes || query->lanes & 1u << row->lane);
}

unsigned tdm__ledger_list(const tdm__ledger *ledger, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                          uint64_t *stopped)
{
    walk w = walk_from(ledger, query);
    unsigned filled = 0;
    uint64_t id;
    for (unsigned looks = 0; (id = next_id(&w)); looks++) {
        if (filled == limit || looks == LIST_LOOKS) {
            *stopped = id + 1;
            return filled;
        }
        take(&w, &rows[filled]);
        filled += matches(&rows[filled], query);
    }
    *stopped = w.floor;
    return filled;
}
