/* SPDX-License-Identifier: MIT */
/* Real time, for what is not part of a test's virtual time: the log's writer, and testing mode itself. */
#ifndef TANDEM_TASKS_CLOCK_H
#define TANDEM_TASKS_CLOCK_H

#include <tandem/clock.h>

/* The monotonic clock of the system, also in testing mode. Any thread. */
int64_t tdm__clock_real_ns(void);

#endif
