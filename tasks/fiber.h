/* SPDX-License-Identifier: MIT */
/* A fiber: a stack of its own that the loop's thread can switch to and back from. Fibers are reused.
 * For the loop's thread alone; the loop's own stack is "the loop's context". */
#ifndef TANDEM_TASKS_FIBER_H
#define TANDEM_TASKS_FIBER_H

#include "tasks/stack.h"
#include <tandem/base.h>

typedef struct tdm__fiber tdm__fiber;

/* The fibers of one loop. */
typedef struct tdm__fibers {
    tdm__stack_source stacks;
    tdm__fiber *warm;    /* idle, with their memory; last in, first out: the warmest stack is used next */
    tdm__fiber *cold;    /* idle, their memory given back */
    tdm__fiber *all;     /* chained by `older` */
    tdm__fiber *current; /* the one that runs now; NULL in the loop's context */
    size_t warm_count, live_count;
    size_t peak;     /* the most that were live at once in this span */
    size_t surplus;  /* warm ones that are being made cold */
    int64_t trim_ns; /* when there is something to do for tdm__fibers_trim(); INT64_MAX: nothing */
    struct tdm__fiber_home {
        void *context; /* the loop's context while a fiber runs */
        void *tsan;
        const void *stack_low;
        size_t stack_size;
        void *fake_stack;
    } home;
} tdm__fibers;

/* Idle fibers that keep their memory for ever; and how long a span is: what was in use at once within one keeps it too. */
enum { TDM__FIBERS_KEPT = 64 };
#define TDM__FIBERS_SPAN_NS INT64_C(60000000000)

void tdm__fibers_init(tdm__fibers *fibers);
/* None may be live. */
void tdm__fibers_finish(tdm__fibers *fibers);

/* To be called when `trim_ns` has come, again and again: give back the memory of at most `most` idle fibers that were not
 * needed of late. */
void tdm__fibers_trim(tdm__fibers *fibers, int64_t now_ns, unsigned most);

/* Take an idle fiber, or make one. @return NULL: no stack can be had. */
tdm__fiber *tdm__fiber_take(tdm__fibers *fibers);
/* Put back one that was taken and not run. */
void tdm__fiber_give_back(tdm__fibers *fibers, tdm__fiber *fiber);
/* From the loop's context: run `fn(arg)` on the fiber until it suspends or returns.
 * @return true: `fn` has returned, and the fiber is idle again; false: it is suspended. */
bool tdm__fiber_run(tdm__fibers *fibers, tdm__fiber *fiber, void (*fn)(void *arg), void *arg);
/* From the loop's context: go on where the fiber suspended itself. Returns like tdm__fiber_run(). */
bool tdm__fiber_resume(tdm__fibers *fibers, tdm__fiber *fiber);
/* On a fiber: back to the loop's context, until resumed. */
void tdm__fiber_suspend(tdm__fibers *fibers);

/* It will soon be resumed: begin to fetch what that touches. */
void tdm__fiber_expect(const tdm__fiber *fiber);

const tdm__stack *tdm__fiber_stack(const tdm__fiber *fiber);

#endif
