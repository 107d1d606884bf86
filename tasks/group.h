/* SPDX-License-Identifier: MIT */
/* What the life of a task needs of the groups (tandem/group.h). */
#ifndef TANDEM_TASKS_GROUP_H
#define TANDEM_TASKS_GROUP_H

#include "tasks/task.h"
#include <tandem/group.h>

/* Make a task a child. Any thread. @return 0; -ECANCELED: the group takes no more; -ENOMEM. */
int tdm__group_add(tdm_group *group, tdm_task *task);
/* Is `exec` a child of this group, or a child of a child …? */
bool tdm__group_has(const tdm_group *group, tdm__exec *exec);

/* ---- for map.c: a group whose ends are told once, each with its child's argument, in constant memory ---- */

/* At most `room` children at once that have not been told of. The policy is TDM_COLLECT. */
int tdm__group_open_stream(tdm_group **out, tdm_executor *executor, unsigned room);
/* As tdm_group_spawn(), but for want of room nothing counts as rejected: it will be tried again. @return 0 or an error. */
int tdm__group_spawn(tdm_group *group, const tdm_task_spec *spec);
/* As tdm_group_next(). */
int tdm__group_take(tdm_group *group, tdm_end *end, void **arg);

/* A child has ended. Any thread, outside any lock. */
void tdm__group_child_over(tdm_group *group, tdm_task *task);
/* With the lock of all joins, on a walk that set out from `self`: must `self` go on before whoever waits for this group
 * can? */
bool tdm__group_leads_back(tdm_group *group, tdm__walk *walk, tdm__exec *self);

#endif
