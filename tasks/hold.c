/* SPDX-License-Identifier: MIT */
/* DESIGN: the loop counts up when something begins and when it ends, so the watchdog can tell from two equal readings of
 * the count that what it read in between belongs together. The same for what it reported: a hold is told of by the
 * watchdog while it lasts and by the loop when it is over, and counted once. */
#include "tasks/hold.h"

#include <inttypes.h>
#include <stdio.h>

#include <tandem/clock.h>
#include <tandem/log.h>

const char *tdm__who(uint64_t id, const char *name, char to[TDM__WHO_MAX])
{
    if (id)
        snprintf(to, TDM__WHO_MAX, "task %" PRIu64 " \"%s\"", id, name);
    else
        snprintf(to, TDM__WHO_MAX, "the handler of %s", name);
    return to;
}

void tdm__held_report(tdm__held *held, unsigned loop, int64_t now_ns)
{
    char who[TDM__WHO_MAX];
    tdm_log_warning("%s held loop %u for %.0f ms", tdm__who(held->id, held->name, who), loop,
                    (double) (now_ns - held->since_ns) / 1e6);
    atomic_fetch_add_explicit(&held->count, 1, memory_order_relaxed);
}

bool tdm__held_look(tdm__held *held, tdm__hold *out)
{
    uint64_t runs = atomic_load_explicit(&held->runs, memory_order_acquire);
    int64_t ns = tdm_clock_ns() - atomic_load_explicit(&held->since_ns, memory_order_relaxed);
    if (!held->limit_ns || !(runs & 1) || ns <= held->limit_ns ||
        runs == atomic_load_explicit(&held->reported, memory_order_relaxed))
        return false;
    *out = (tdm__hold){
        .id = atomic_load_explicit(&held->id, memory_order_relaxed),
        .name = atomic_load_explicit(&held->name, memory_order_relaxed),
        .seconds = tdm_s_from_ns(ns),
    };
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&held->runs, memory_order_relaxed) != runs)
        return false; /* it went on meanwhile */
    atomic_store_explicit(&held->reported, runs, memory_order_relaxed);
    return true;
}
