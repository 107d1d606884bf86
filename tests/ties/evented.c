/* SPDX-License-Identifier: MIT */
/* DESIGN: an evented task has no wait to end, but ends itself; what is tied is its own end, a request to stop, its deadline
 * and a drain. Its end comes from its timer, or from a thread at the same instant. */
#include "tests/ties/scene.h"

static int ring(tdm_task *task, void *arg)
{
    (void) arg;
    tdm_task_finish(task, 0);
    return 0;
}

static int wind(tdm_task *task, void *arg)
{
    const tie_waiter *w = arg;
    return tdm_task_after(task, tdm_s_from_ns(w->play->scene.at_ns - tdm_clock_ns()), ring);
}

const tie_wait tie_evented[] = {
    {.name = "evented",
     .events =
         TIE_BIT(TIE_COMPLETE) | TIE_BIT(TIE_CANCEL) | TIE_BIT(TIE_DEADLINE) | TIE_BIT(TIE_FULL) | TIE_BIT(TIE_DRAIN),
     .by_itself = true,
     .lonely = true,
     .start = wind},
    {0},
};
