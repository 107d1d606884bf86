/* SPDX-License-Identifier: MIT */
/* The ledger of one shard: a row per task, from acceptance until it is forgotten.
 * Not thread-safe: guarded by whatever guards the shard (the loop's thread, or the pool's lock). */
#ifndef TANDEM_TASKS_LEDGER_H
#define TANDEM_TASKS_LEDGER_H

#include <tandem/ledger.h>

/* While a task is unfinished its row is the first member of the task; then a copy in the ring of ended rows. */
typedef struct tdm__row {
    tdm_task_info info;
    struct tdm__row *older, *newer; /* all rows of the ledger, by id */
    struct tdm__row *chain;         /* in its hash bucket */
    bool live;                      /* the row is (in) an unfinished task */
} tdm__row;

typedef struct tdm__ledger {
    tdm__row *oldest, *newest;
    tdm__row **buckets;
    size_t bucket_count, row_count; /* bucket_count is a power of two */
    tdm__row **chunks;              /* the ring of ended rows, in chunks so that rows never move */
    size_t limit, capacity;         /* rows the ring may have; rows it has memory for */
    uint64_t ended;                 /* rows ever ended: the place in the stream of ends */
    uint64_t forgotten;             /* of those, how many are no longer in the ring (the oldest ones) */
} tdm__ledger;

/* @return 0; -ENOMEM. */
int tdm__ledger_init(tdm__ledger *ledger, size_t limit);
void tdm__ledger_finish(tdm__ledger *ledger);

/* Add the row of an accepted task. Ids nearly always come in order. */
void tdm__ledger_add(tdm__ledger *ledger, tdm__row *row);
/* The task of this live row has ended (its info says how): remember a copy, forget the oldest if the ring is full.
 * `row` no longer belongs to the ledger afterwards. Never fails; without memory the ring stays shorter. */
void tdm__ledger_end(tdm__ledger *ledger, tdm__row *row);

tdm__row *tdm__ledger_find(const tdm__ledger *ledger, uint64_t id);

/* Fill `rows` with at most `limit` matching rows, newest first, looking at a bounded number.
 * @param stopped 0: all were seen; else every row with an id >= *stopped was seen. @return how many were filled. */
unsigned tdm__ledger_list(const tdm__ledger *ledger, const tdm_task_query *query, tdm_task_info *rows, unsigned limit,
                          uint64_t *stopped);

/* Fill `rows` with at most `limit` ended rows, from place `from` in the stream of ends on.
 * @param missed how many were forgotten between `from` and the first of them. @return how many were filled. */
unsigned tdm__ledger_ended(const tdm__ledger *ledger, uint64_t from, tdm_task_info *rows, unsigned limit,
                           uint64_t *missed);

#endif
