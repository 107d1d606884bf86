/* SPDX-License-Identifier: MIT */
/* DESIGN: a loop that spawns and ends millions of tasks a second spends a third of that in malloc(), so threads of the
 * executor keep some memory of ended tasks, with a tail (tdm__task_more) and without. The lists are short: what a burst
 * of a million leaves behind goes back. Under a sanitizer nothing is kept, so that it sees every use after free. */
#include "tasks/task_memory.h"

#include <stdlib.h>
#include <string.h>

#include "tasks/sanitizer.h"

enum { KEPT = TDM__SANITIZED ? 0 : 1024, KEPT_MORE = KEPT / 4 };

typedef struct free_list {
    unsigned count;
    tdm_task *first; /* chained by `next` */
} free_list;

static _Thread_local bool keeps;
static _Thread_local free_list kept[2]; /* without a tail, with one */

static size_t size_of(bool more)
{
    return sizeof(tdm_task) + (more ? sizeof(tdm__task_more) : 0);
}

/* Called where it is: made anew in line, it would be an instruction that takes long to begin. */
static void *(*const volatile clear)(void *to, int byte, size_t size) = memset;

tdm_task *tdm__task_memory_take(bool more)
{
    free_list *list = &kept[more];
    tdm_task *task = list->first;
    if (!task)
        return calloc(1, size_of(more));
    list->first = task->next;
    list->count--;
    if (list->first)
        for (size_t line = 0; line < sizeof *task; line += 64)
            __builtin_prefetch((char *) list->first + line, 1);
    clear(task, 0, size_of(more));
    return task;
}

void tdm__task_memory_give(tdm_task *task)
{
    free_list *list = &kept[task->more];
    if (!keeps || list->count >= (task->more ? KEPT_MORE : KEPT)) {
        free(task);
        return;
    }
    task->next = list->first;
    list->first = task;
    list->count++;
}

void tdm__task_memory_keep(void)
{
    keeps = true;
}

void tdm__task_memory_release(void)
{
    keeps = false;
    for (unsigned i = 0; i < 2; i++) {
        while (kept[i].first) {
            tdm_task *task = kept[i].first;
            kept[i].first = task->next;
            free(task);
        }
        kept[i].count = 0;
    }
}
