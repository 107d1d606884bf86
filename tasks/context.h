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

/* Write " key=value" for each logged key, NUL-terminated, at most `size` bytes. @return the length. */
size_t tdm__context_format(const tdm__context *context, char *to, size_t size);

#endif
