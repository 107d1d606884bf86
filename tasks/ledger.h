/* SPDX-License-Identifier: MIT */
/* The ledger of one shard: a row per task, from acceptance until it is forgotten.
 * Not thread-safe: guarded by whatever guards the shard (the loop's thread, or the pool's lock). It must not be moved. */
#ifndef TANDEM_TASKS_LEDGER_H
#define TANDEM_TASKS_LEDGER_H

#include "tasks/ring.h"
#include "tasks/row.h"

typedef struct tdm__ledger {
    tdm__links ends;  /* of the list of live rows: `older` is the newest, `newer` the oldest */
    tdm__row **index; /* by id: the first row of each bucket */
    uint64_t index_mask;
    unsigned index_bits;
    size_t live_count;
    tdm__ring ring;
} tdm__ledger;

/* @return 0; -ENOMEM. */
int tdm__ledger_init(tdm__ledger *ledger, size_t limit);
void tdm__ledger_finish(tdm__ledger *ledger); /* also of a zeroed ledger */

/* Add the row of an accepted task; it is live from now on. Ids nearly always come in order. */
void tdm__ledger_add(tdm__ledger *ledger, tdm__row *row);
/* The task of this live row has ended in `state`: remember a copy. `row` no longer belongs to the ledger afterwards.
 * Never fails. */
void tdm__ledger_end(tdm__ledger *ledger, tdm__row *row, tdm_state state, int64_t ended_ns);

/* ---- live rows ---- */

/* Newest (largest id) first: newest, then older and older until NULL. A row may end once the next one is known. */
tdm__row *tdm__ledger_newest(const tdm__ledger *ledger);
tdm__row *tdm__ledger_older(const tdm__ledger *ledger, const tdm__row *row);
/* @return NULL: no unfinished task has this id. */
tdm__row *tdm__ledger_find_live(const tdm__ledger *ledger, uint64_t id);

/* ---- all rows ---- */

/* @return false: not known, or forgotten. */
bool tdm__ledger_get(const tdm__ledger *ledger, uint64_t id, tdm_task_info *out);

/* Fill `rows` with at most `limit` matching rows, newest first, looking at a bounded number.
 * @param stopped 0: all were seen; else every row with an id >= *stopped was seen. @return how many were filled. */
unsigned tdm__ledger_list(const tdm__ledger *ledger, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                          uint64_t *stopped);

/* Fill `rows` with at most `limit` ended rows, from place `from` in the stream of ends on.
 * @param missed how many were forgotten between `from` and the first of them. @return how many were filled. */
unsigned tdm__ledger_ended(const tdm__ledger *ledger, uint64_t from, tdm_task_info *rows, unsigned limit,
                           uint64_t *missed);

#endif
