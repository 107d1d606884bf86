/* SPDX-License-Identifier: MIT */
/* Time that is no user's business: real time for what is not part of a test's virtual time (the log's writer, and testing
 * mode itself), and seconds for dates. */
#ifndef TANDEM_TASKS_CLOCK_H
#define TANDEM_TASKS_CLOCK_H

#include <tandem/clock.h>

/* The monotonic clock of the system, also in testing mode. Any thread. */
int64_t tdm__clock_real_ns(void);

/* Whole seconds of tdm_clock_wall_ns(), a few milliseconds late at most, for a fraction of the price. Any thread. */
int64_t tdm__clock_wall_s(void);

#endif
