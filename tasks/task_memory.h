/* SPDX-License-Identifier: MIT */
/* The memory of tasks, with a short list of free ones on each thread of the executor. */
#ifndef TANDEM_TASKS_TASK_MEMORY_H
#define TANDEM_TASKS_TASK_MEMORY_H

#include "tasks/task.h"

/* Zeroed, with room for a tdm__task_more if `more`. @return NULL: no memory. Any thread. */
tdm_task *tdm__task_memory_take(bool more);
void tdm__task_memory_give(tdm_task *task);

/* From here on the calling thread keeps freed ones for itself; until here. */
void tdm__task_memory_keep(void);
void tdm__task_memory_release(void);

#endif
