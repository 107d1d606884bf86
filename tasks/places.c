/* SPDX-License-Identifier: MIT */
/* DESIGN: a place taken is counted first and refused second, so that a drain that has begun sees everyone who may get in.
 * An addition that all threads see costs a good part of what a short task does. So a loop takes places of its lane by the
 * lot, and what its tasks give back it keeps for the next ones, until its turn ends: counted as taken all the while. A
 * lot is so small a share of the limit that others are hardly refused for it; on the loop itself the limit is exact. */
#include "tasks/places.h"

#include <errno.h>

#include "tasks/executor.h"

enum { LOT = 32, SHARE = 64 };

unsigned tdm__places_lot(unsigned max_loop_tasks, unsigned loops)
{
    unsigned lot = max_loop_tasks / loops / SHARE;
    return lot < LOT ? lot : LOT;
}

/* `count` places are free. */
static void free_places(tdm_executor *executor, tdm_lane lane, unsigned count)
{
    atomic_fetch_add(&executor->tallies[lane].gone, count);
    if (atomic_load(&executor->closing) && !tdm__executor_outstanding(executor))
        tdm__executor_say_finished(executor);
}

/* Where the calling thread keeps places of that lane, or NULL. */
static unsigned *kept_here(const tdm_executor *executor, tdm_lane lane)
{
    tdm__loop *loop = lane == TDM_LOOP && executor->lot ? tdm__loop_current() : NULL;
    return loop && tdm__loop_executor(loop) == executor ? &tdm__loop_turn(loop)->places : NULL;
}

void tdm__places_end_turn(tdm_executor *executor, unsigned *kept)
{
    unsigned count = *kept;
    *kept = 0;
    if (count)
        free_places(executor, TDM_LOOP, count);
}

/* @return 0, or an error; the place is counted either way. */
static int take_one(tdm_executor *executor, tdm_lane lane, tdm__pool *pool, uint64_t limit)
{
    tdm__tally *tally = &executor->tallies[lane];
    uint64_t before = atomic_fetch_add(&tally->created, 1);
    if (atomic_load(&executor->closing))
        return -ESHUTDOWN;
    tdm__point();
    bool room =
        pool ? tdm__pool_reserve(pool) : before < atomic_load_explicit(&tally->gone, memory_order_acquire) + limit;
    return room ? 0 : -EAGAIN;
}

/* @return how many of a lot were left. */
static unsigned take_lot(tdm_executor *executor, uint64_t limit)
{
    tdm__tally *tally = &executor->tallies[TDM_LOOP];
    const unsigned lot = executor->lot;
    uint64_t before = atomic_fetch_add(&tally->created, lot);
    tdm__point();
    uint64_t gone = atomic_load_explicit(&tally->gone, memory_order_acquire);
    uint64_t taken = before > gone ? before - gone : 0; /* who came after may have given back more than that */
    unsigned left = taken >= limit ? 0 : limit - taken < lot ? (unsigned) (limit - taken) : lot;
    if (left < lot)
        free_places(executor, TDM_LOOP, lot - left);
    return left;
}

static int take_kept(tdm_executor *executor, unsigned *kept, uint64_t limit)
{
    if (atomic_load(&executor->closing))
        return -ESHUTDOWN;
    if (!*kept)
        *kept = take_lot(executor, limit);
    if (!*kept)
        return -EAGAIN;
    --*kept;
    return 0;
}

/* Kept places count as taken, but are not to be in the way of who keeps them. */
static int take_counted(tdm_executor *executor, tdm_lane lane, tdm__pool *pool, unsigned *kept, uint64_t limit)
{
    int err = take_one(executor, lane, pool, limit);
    if (err != -EAGAIN || !kept || !*kept)
        return err;
    ++*kept;
    tdm__places_end_turn(executor, kept);
    return take_one(executor, lane, pool, limit);
}

unsigned tdm__places_limit(const tdm_executor *executor, bool fiber)
{
    unsigned limit = executor->settings.max_loop_tasks;
    return fiber && executor->stack_limit < limit ? executor->stack_limit : limit; /* a guard page costs a mapping */
}

int tdm__place_take(tdm_executor *executor, tdm_lane lane, tdm__pool *pool, bool fiber)
{
    unsigned *kept = kept_here(executor, lane);
    unsigned limit = tdm__places_limit(executor, fiber);
    bool counted = !kept || limit < executor->settings.max_loop_tasks;
    int err = counted ? take_counted(executor, lane, pool, kept, limit) : take_kept(executor, kept, limit);
    if (err && counted)
        free_places(executor, lane, 1);
    return err;
}

void tdm__place_give(tdm_executor *executor, tdm_lane lane)
{
    unsigned *kept = kept_here(executor, lane);
    if (!kept) {
        free_places(executor, lane, 1);
        return;
    }
    ++*kept;
    if (atomic_load(&executor->closing)) {
        tdm__places_end_turn(executor, kept);
    } else if (*kept == 2 * executor->lot) {
        *kept = executor->lot;
        free_places(executor, lane, executor->lot);
    }
}
