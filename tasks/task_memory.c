/* SPDX-License-Identifier: MIT */
/* DESIGN: a loop that spawns and ends millions of tasks a second spends a third of that in malloc(), so threads of the
 * executor keep some memory of ended tasks. The list is short: what a burst of a million leaves behind goes back. Tasks
 * with a tail (tdm__task_more) are rare and go through malloc(). Under a sanitizer nothing is kept, so that it sees
 * every use after free. */
#include "tasks/task_memory.h"

#include <stdlib.h>
#include <string.h>

#include "tasks/sanitizer.h"

enum { KEPT = TDM__SANITIZED ? 0 : 1024 };

static _Thread_local struct {
    bool on;
    unsigned count;
    tdm_task *first; /* chained by `next` */
} kept;

tdm_task *tdm__task_memory_take(bool more)
{
    if (more)
        return calloc(1, sizeof(tdm_task) + sizeof(tdm__task_more));
    tdm_task *task = kept.first;
    if (!task)
        return calloc(1, sizeof *task);
    kept.first = task->next;
    kept.count--;
    if (kept.first)
        for (unsigned line = 0; line < sizeof *task; line += 64)
            __builtin_prefetch((char *) kept.first + line, 1);
    memset(task, 0, sizeof *task);
    return task;
}

void tdm__task_memory_give(tdm_task *task)
{
    if (!kept.on || kept.count >= KEPT || task->more) {
        free(task);
        return;
    }
    task->next = kept.first;
    kept.first = task;
    kept.count++;
}

void tdm__task_memory_keep(void)
{
    kept.on = true;
}

void tdm__task_memory_release(void)
{
    kept.on = false;
    while (kept.first) {
        tdm_task *task = kept.first;
        kept.first = task->next;
        free(task);
    }
    kept.count = 0;
}
