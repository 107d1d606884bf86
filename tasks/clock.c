/* SPDX-License-Identifier: MIT */
/* DESIGN: the one place where time is read, so that testing mode can replace it, and where the thread id is cached. */
#include "tasks/clock.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#include "tasks/baton.h"

const char *tdm_version(void)
{
    return TDM__VERSION;
}

static int64_t read_clock(clockid_t which)
{
    struct timespec ts;
    clock_gettime(which, &ts);
    return (int64_t) ts.tv_sec * TDM_NS_PER_S + ts.tv_nsec;
}

int64_t tdm__clock_real_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t tdm_clock_ns(void)
{
    return tdm__testing() ? tdm__baton_now_ns() : read_clock(CLOCK_MONOTONIC);
}

int64_t tdm_clock_wall_ns(void)
{
    const int64_t year_2000_s = 946684800;
    return tdm__testing() ? year_2000_s * TDM_NS_PER_S + tdm__baton_elapsed_ns() : read_clock(CLOCK_REALTIME);
}

int64_t tdm__clock_wall_s(void)
{
    return tdm__testing() ? tdm_clock_wall_ns() / TDM_NS_PER_S : (int64_t) time(NULL);
}

int64_t tdm_ns_from_s(double seconds)
{
    if (!(seconds > 0)) /* also NaN */
        return 0;
    double ns = seconds * 1e9;
    return ns >= 9.2233720368547748e18 ? INT64_MAX : (int64_t) llround(ns);
}

double tdm_s_from_ns(int64_t ns)
{
    return (double) ns / 1e9;
}

uint32_t tdm_thread_id(void)
{
    static _Thread_local uint32_t id;
    if (!id)
        id = (uint32_t) gettid();
    return id;
}
