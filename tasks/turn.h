/* SPDX-License-Identifier: MIT */
/* What a loop keeps while a turn lasts, for all that the turn brings. */
#ifndef TANDEM_TASKS_TURN_H
#define TANDEM_TASKS_TURN_H

#include "tasks/ids.h"

struct tdm_pool;

typedef struct tdm__turn {
    unsigned places;          /* for tasks (places.h) */
    tdm__ids ids;             /* for tasks (ids.h) */
    struct tdm_pool *to_call; /* a worker of it is to be called when the turn's messages have run; or NULL */
} tdm__turn;

void tdm__turn_call_worker(tdm__turn *turn);
/* Nothing is kept any more. */
void tdm__turn_end(tdm_executor *executor, tdm__turn *turn);

#endif
