/* SPDX-License-Identifier: MIT */
/* DESIGN: an addition that all threads see costs a twentieth of what a short task does. So a loop takes ids by the lot,
 * twice as many each time while its turn lasts. It takes from its lot only while that is the last one taken: then no id
 * above it has been given to anybody, and ids still rise in the order of acceptance, whoever accepts. When the turn ends,
 * and when somebody else has taken ids, the rest of the lot goes back if it can, which is when it is the last one still;
 * else those ids never come to be. Who is alone leaves no gap. */
#include "tasks/ids.h"

#include "tasks/executor.h"

enum { MOST = 64 };

static tdm__ids *ids_here(const tdm_executor *executor)
{
    tdm__loop *loop = tdm__loop_current();
    return loop && tdm__loop_executor(loop) == executor ? &tdm__loop_turn(loop)->ids : NULL;
}

static bool is_last(tdm_executor *executor, const tdm__ids *ids)
{
    return atomic_load(&executor->next_id) == ids->end;
}

/* @return false: others have taken ids since. */
static bool give_back(tdm_executor *executor, tdm__ids *ids)
{
    uint64_t end = ids->end;
    if (ids->next == end)
        return is_last(executor, ids);
    ids->end = ids->next;
    return atomic_compare_exchange_strong(&executor->next_id, &end, ids->next);
}

static void take_lot(tdm_executor *executor, tdm__ids *ids, unsigned count)
{
    bool alone = give_back(executor, ids);
    ids->lot = !alone || !ids->lot ? 1 : ids->lot < MOST ? 2 * ids->lot : MOST;
    unsigned lot = count > ids->lot ? count : ids->lot;
    ids->next = atomic_fetch_add(&executor->next_id, lot);
    ids->end = ids->next + lot;
}

uint64_t tdm__ids_take(tdm_executor *executor, unsigned count)
{
    tdm__ids *ids = ids_here(executor);
    if (!ids)
        return atomic_fetch_add(&executor->next_id, count);
    if (ids->end - ids->next < count || !is_last(executor, ids))
        take_lot(executor, ids, count);
    uint64_t first = ids->next;
    ids->next += count;
    return first;
}

void tdm__ids_end_turn(tdm_executor *executor, tdm__ids *ids)
{
    give_back(executor, ids);
    ids->lot = 0;
}
