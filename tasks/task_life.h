/* SPDX-License-Identifier: MIT */
/* How tasks are made and taken apart: what task.c needs of task_life.c. */
#ifndef TANDEM_TASKS_TASK_LIFE_H
#define TANDEM_TASKS_TASK_LIFE_H

#include "tasks/task.h"

/* The kind of execution that a task is; in task.c. */
extern const tdm__exec_kind tdm__task_kind;

/* `drop` is called, unless it was. */
void tdm__task_drop_arg(tdm_task *task);
/* It has ended: whoever wants to know is told, here or at home, and its memory goes. Outside any lock.
 * @return the next in its sequence, whose turn it is now. */
tdm_task *tdm__task_retire(tdm_task *task);

#endif
