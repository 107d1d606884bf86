/* SPDX-License-Identifier: MIT */
/* Task-local values: an immutable chain of nodes, shared by reference between a task and those it spawned. */
#ifndef TANDEM_TASKS_CONTEXT_H
#define TANDEM_TASKS_CONTEXT_H

#include <tandem/context.h>

typedef struct tdm__context tdm__context;

/* NULL is the empty context. Any thread. @return its argument. */
tdm__context *tdm__context_ref(tdm__context *context);
void tdm__context_unref(tdm__context *context);

/* Of the calling thread's execution. Any thread. */
tdm__context *tdm__context_current(void);

/* Whose line it is that the calling thread logs: its request and its task, each 0 if there is none, and into `to`
 * "key\0value\0" for each logged key, newest first, as many as find room. Any thread. @return how many bytes. */
unsigned tdm__context_tell(uint64_t *request, uint64_t *task, char *to, size_t room);

#endif
