/* SPDX-License-Identifier: MIT */
/* A counter that is cheaper to read than the clock, to tell whether the clock need be read at all. */
#ifndef TANDEM_TASKS_TICKS_H
#define TANDEM_TASKS_TICKS_H

#include "tasks/baton.h"
#include <tandem/clock.h>

/* Between 4 and 16 µs on processors of 1 … 4 GHz. */
#define TDM__TICKS_NEAR 16384u

/* Between 33 and 131 µs on such processors: how long a loop that has work left may put off its poll. */
#define TDM__TICKS_BETWEEN_POLLS 131072u

/* Never 0 where there is such a counter; 0 where there is none, and in testing mode, where it would tell real time. */
static inline uint64_t tdm__ticks(void)
{
#if defined(__x86_64__)
    return tdm__testing() ? 0 : __builtin_ia32_rdtsc() | 1;
#else
    return 0;
#endif
}

/* Have so many ticks passed since this last said so? Always true where there is no such counter. */
static inline bool tdm__ticks_passed(uint64_t *last, uint64_t so_many)
{
    uint64_t ticks = tdm__ticks();
    if (ticks && ticks - *last < so_many)
        return false;
    *last = ticks;
    return true;
}

/* The clock as one thread last read it. Zeroed: it has not. */
typedef struct tdm__near_clock {
    int64_t ns;
    uint64_t ticks; /* tdm__ticks() at that time; 0: the clock is to be read anew */
} tdm__near_clock;

/* The clock, at most some microseconds old. */
static inline int64_t tdm__near_clock_now(tdm__near_clock *clock)
{
    uint64_t ticks = tdm__ticks();
    if (!clock->ticks || !ticks || ticks - clock->ticks > TDM__TICKS_NEAR) {
        clock->ns = tdm_clock_ns();
        clock->ticks = ticks;
    }
    return clock->ns;
}

#endif
