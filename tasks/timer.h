/* SPDX-License-Identifier: MIT */
/* The timers of one loop: a heap of deadlines. For the loop's thread alone. */
#ifndef TANDEM_TASKS_TIMER_H
#define TANDEM_TASKS_TIMER_H

#include <tandem/base.h>

/* A timer is embedded in what it wakes. Zeroed is "not armed". */
typedef struct tdm__timer {
    size_t place; /* index in the heap + 1; 0: not armed */
    void (*run)(struct tdm__timer *timer);
} tdm__timer;

typedef struct tdm__timers {
    struct tdm__timer_slot {
        int64_t due_ns;
        tdm__timer *timer;
    } * heap;
    size_t count, capacity;
} tdm__timers;

void tdm__timers_finish(tdm__timers *timers);
/* Arm, or arm again for another time. @return 0; -ENOMEM: the timer is as it was. */
int tdm__timers_arm(tdm__timers *timers, tdm__timer *timer, int64_t due_ns);
/* No-op on one that is not armed. */
void tdm__timers_disarm(tdm__timers *timers, tdm__timer *timer);
/* The earliest deadline; INT64_MAX: none. */
int64_t tdm__timers_next(const tdm__timers *timers);
/* Disarm and return the earliest timer if it is due at `now_ns`; else NULL. */
tdm__timer *tdm__timers_take(tdm__timers *timers, int64_t now_ns);

#endif
