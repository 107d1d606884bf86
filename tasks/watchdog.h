/* SPDX-License-Identifier: MIT */
/* The watchdog: a thread that looks, some times a second, whether something holds a loop or a worker for too long, and
 * says what. */
#ifndef TANDEM_TASKS_WATCHDOG_H
#define TANDEM_TASKS_WATCHDOG_H

#include <tandem/task.h>

typedef struct tdm__watchdog tdm__watchdog;

/* With the executor's loops and first pools made. *out is NULL where hold_limit says never.
 * @return 0; -ENOMEM; -EAGAIN. */
int tdm__watchdog_create(tdm__watchdog **out, tdm_executor *executor);
/* NULL is accepted. */
void tdm__watchdog_destroy(tdm__watchdog **watchdog);

#endif
