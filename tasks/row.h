/* SPDX-License-Identifier: MIT */
/* What a shard knows of one task, in its two forms: inside the task while it is unfinished, and a compact copy in the
 * ring when it has ended. Readers get a tdm_task_info. Guarded by whatever guards the shard. */
#ifndef TANDEM_TASKS_ROW_H
#define TANDEM_TASKS_ROW_H

#include <tandem/ledger.h>

/* Why a task did not come to its own end; the words are in row.c. */
typedef enum tdm__reason {
    TDM__NO_REASON,
    TDM__NOT_MET,       /* skipped */
    TDM__DRAIN_ENDED,   /* dropped */
    TDM__STILL_RUNNING, /* abandoned */
    TDM__TOO_OLD,       /* skipped */
    TDM__REASONS
} tdm__reason;

typedef struct tdm__links {
    struct tdm__links *older, *newer;
} tdm__links;

/* Of an unfinished task; the first member of the task. Whoever makes the task fills in id, request, name, lane and the
 * times of acceptance; state, started_ns and thread are the shard's to write. */
typedef struct tdm__row {
    tdm__links links;       /* of the unfinished rows, by id */
    struct tdm__row *chain; /* in its bucket of the index by id */
    uint64_t id, request;
    const char *name;
    int64_t accepted_ns, accepted_wall_ns, ready_ns, started_ns;
    uint32_t thread;
    int error;
    uint8_t state;  /* tdm_state */
    uint8_t lane;   /* tdm_lane */
    uint8_t reason; /* tdm__reason */
    bool cancel_requested;
} tdm__row;
_Static_assert(sizeof(void *) != 8 || sizeof(tdm__row) == 96, "a million unfinished tasks have a million rows");

/* Of a task that has ended. */
typedef struct tdm__ended_row {
    uint64_t id, request;
    const char *name;
    int64_t accepted_ns, accepted_wall_ns, ready_ns, started_ns, ended_ns;
    uint32_t thread;
    int error;
    uint32_t chain; /* the next older one in its bucket of the ring's index */
    uint8_t state, lane, reason;
    bool cancel_requested;
} tdm__ended_row;
_Static_assert(sizeof(void *) != 8 || sizeof(tdm__ended_row) == 80, "every task leaves one behind");

/* Has the task, once accepted, not ended? */
static inline bool tdm__row_is_live(const tdm__row *row)
{
    return row->state <= TDM_RUNNING;
}

void tdm__row_info(const tdm__row *row, tdm_task_info *out);
void tdm__ended_row_info(const tdm__ended_row *row, tdm_task_info *out);

#endif
