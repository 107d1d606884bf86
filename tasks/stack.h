/* SPDX-License-Identifier: MIT */
/* Stacks for fibers, each above a guard page. For the loop's thread alone. */
#ifndef TANDEM_TASKS_STACK_H
#define TANDEM_TASKS_STACK_H

#include <tandem/base.h>

/* One guarded stack: [low, low + size). The page at `low` is the guard: touching it is a SIGSEGV. */
typedef struct tdm__stack {
    char *low;
    size_t size;
} tdm__stack;

/* All stacks of a loop: slabs of address space, carved up in order. */
typedef struct tdm__stack_source {
    struct tdm__slab *slabs; /* newest first */
    size_t made;             /* stacks carved so far */
    bool exhausted;          /* guards ran out: said once, no more are made */
} tdm__stack_source;

/* Make one more stack. @return 0; -ENOMEM: no memory, or no guard page can be had (then the log said so once). */
int tdm__stack_make(tdm__stack_source *source, tdm__stack *out);
/* Give the memory of an unused stack back to the kernel; the address space and the guard stay. */
void tdm__stack_release_pages(const tdm__stack *stack);
/* Unmap all stacks. None may be in use. */
void tdm__stack_source_finish(tdm__stack_source *source);

/* How many stacks one process can guard, as far as is known: UINT64_MAX where a guard costs no mapping. Any thread. */
uint64_t tdm__stack_limit(void);

size_t tdm__stack_size(void);

#endif
