/* SPDX-License-Identifier: MIT */
/* The switch between two stacks: Boost.Context's fcontext, or the portable ucontext. Included by fiber.c alone.
 *
 * switch_make(stack, entry) prepares a context; switch_to(from, to, data) stores where we are in *from and goes to
 * `to`; it returns, with the other side's data, when somebody switches back to *from. The entry gets its first
 * switch's origin and data. */
#ifndef TANDEM_TASKS_SWITCH_H
#define TANDEM_TASKS_SWITCH_H

#include "tasks/stack.h"

#if defined(TDM__FIBER_FCONTEXT)

/* Declared by Boost.Context in C++ only; the symbols are plain C. */
typedef void *fcontext_t;
typedef struct transfer_t {
    fcontext_t fctx;
    void *data;
} transfer_t;
extern transfer_t jump_fcontext(fcontext_t to, void *data);
extern fcontext_t make_fcontext(void *stack_top, size_t size, void (*entry)(transfer_t));

#else

#include <stdlib.h>
#include <ucontext.h>

#endif

#endif
