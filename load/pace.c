/* SPDX-License-Identifier: MIT */
/* DESIGN: requests are counted along a line on which they are evenly spread, and the line is bent into time: in the
 * rise, N requests take the square root of N; after it, time is even. Threads take turns on the line (uniform), or each
 * walks it in steps of its own, exponentially distributed (Poisson: the sum of independent such walks is one again).
 * A due time is computed from the line, never from the one before, so that no error adds up. */
#include "load/pace.h"

#include <math.h>

#include <tandem/clock.h>

static int64_t time_of(const load_pacing *plan, double at)
{
    double ramp_s = tdm_s_from_ns(plan->ramp_ns), in_ramp = plan->rate * ramp_s / 2;
    double s = at < in_ramp ? ramp_s * sqrt(at / in_ramp) : ramp_s + (at - in_ramp) / plan->rate;
    return plan->start_ns + (int64_t) (s * 1e9);
}

static double step_of(load_pace *pace)
{
    double threads = pace->plan.threads;
    return pace->plan.arrivals == LOAD_POISSON ? -log(load_random_unit(&pace->random)) * threads : threads;
}

void load_pace_init(load_pace *pace, const load_pacing *plan, unsigned thread, uint64_t seed)
{
    *pace = (load_pace){.plan = *plan, .random = load_random_stream(seed, 2 * thread + 1)};
    pace->at = plan->arrivals == LOAD_POISSON ? step_of(pace) : thread;
    pace->due_ns = time_of(plan, pace->at);
}

void load_pace_advance(load_pace *pace)
{
    pace->at += step_of(pace);
    pace->due_ns = time_of(&pace->plan, pace->at);
}
