/* SPDX-License-Identifier: MIT */
/* What the life of a task needs of the groups (tandem/group.h). */
#ifndef TANDEM_TASKS_GROUP_H
#define TANDEM_TASKS_GROUP_H

#include "tasks/task.h"
#include <tandem/group.h>

/* Make a task a child. Any thread. @return 0; -ECANCELED: the group takes no more; -ENOMEM. */
int tdm__group_add(tdm_group *group, tdm_task *task);
/* A child has ended. Any thread, outside any lock. */
void tdm__group_child_over(tdm_group *group, tdm_task *task);
/* Is `exec` a child of this group, or a child of a child …? Any thread. */
bool tdm__group_has(const tdm_group *group, tdm__exec *exec);

#endif
