/* SPDX-License-Identifier: MIT */
/* DESIGN: what costs an operation that all threads see, or a system call, is done once a turn for all that the turn brings.
 * The order at its end: workers first, since they run meanwhile. */
#include "tasks/turn.h"

#include <stddef.h>

#include "tasks/places.h"
#include "tasks/pool.h"

void tdm__turn_call_worker(tdm__turn *turn)
{
    tdm__pool *pool = turn->to_call;
    turn->to_call = NULL;
    if (pool)
        tdm__pool_call_worker(pool);
}

void tdm__turn_end(tdm_executor *executor, tdm__turn *turn)
{
    tdm__turn_call_worker(turn);
    tdm__places_end_turn(executor, &turn->places);
    tdm__ids_end_turn(executor, &turn->ids);
}
