/* SPDX-License-Identifier: MIT */
/* DESIGN: the words for lanes and states, written once: JSON, logs and command lines all take them from here. */
#include <errno.h>
#include <string.h>

#include <tandem/task.h>

static const char *const lanes[] = {[TDM_LOOP] = "loop", [TDM_POOL] = "pool"};
static const char *const states[] = {
    [TDM_QUEUED] = "queued",   [TDM_RUNNING] = "running",     [TDM_DONE] = "done",
    [TDM_FAILED] = "failed",   [TDM_CANCELLED] = "cancelled", [TDM_TIMED_OUT] = "timed_out",
    [TDM_SKIPPED] = "skipped", [TDM_DROPPED] = "dropped",     [TDM_ABANDONED] = "abandoned",
};
_Static_assert(sizeof lanes / sizeof *lanes == TDM_LANES, "a word for every lane");
_Static_assert(sizeof states / sizeof *states == TDM_STATES, "a word for every state");

static int find(const char *const *words, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], name) == 0)
            return i;
    return -EINVAL;
}

const char *tdm_lane_name(tdm_lane lane)
{
    return (unsigned) lane < TDM_LANES ? lanes[lane] : NULL;
}

const char *tdm_state_name(tdm_state state)
{
    return (unsigned) state < TDM_STATES ? states[state] : NULL;
}

int tdm_lane_from_name(const char *name, tdm_lane *out)
{
    int found = find(lanes, TDM_LANES, name);
    if (found < 0)
        return found;
    *out = (tdm_lane) found;
    return 0;
}

int tdm_state_from_name(const char *name, tdm_state *out)
{
    int found = find(states, TDM_STATES, name);
    if (found < 0)
        return found;
    *out = (tdm_state) found;
    return 0;
}
