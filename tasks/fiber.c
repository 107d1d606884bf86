/* SPDX-License-Identifier: MIT */
/* DESIGN: a fiber's code runs functions one after another on the same stack, so a reused fiber costs no set-up. There
 * are two ways to switch: Boost.Context's fcontext (no system call) and ucontext (portable, a system call per
 * switch), chosen at configure time. Both hide behind leap(): leave this stack, arrive on another.
 * Sanitizers and Valgrind are told of every stack and every switch; without that they see one stack being corrupted. */
#include "tasks/fiber.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "tasks/sanitizer.h"
#include "tasks/switch.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef VALGRIND_STACK_REGISTER
#define VALGRIND_STACK_REGISTER(low, high) 0U
#define VALGRIND_STACK_DEREGISTER(id) ((void) (id))
#endif

struct tdm__fiber {
    tdm__fiber *next_idle, *older;
    tdm__fibers *fibers;
    tdm__stack stack;
    void *context; /* where it is suspended; NULL: its stack holds nothing yet */
    void (*fn)(void *arg);
    void *arg;
    bool finished; /* fn has returned */
    unsigned valgrind_id;
    void *tsan, *fake_stack;
};

static void fiber_main(tdm__fiber *fiber);

/* ---- leap: the one place that switches ---- */

#if TDM__ASAN
static void asan_leave(void **fake_stack, const void *low, size_t size)
{
    __sanitizer_start_switch_fiber(fake_stack, low, size);
}

static void asan_arrive(void *fake_stack, const void **from_low, size_t *from_size)
{
    __sanitizer_finish_switch_fiber(fake_stack, from_low, from_size);
}

/* The frames that were on it are no more, and nor are the red zones between them. */
static void asan_forget(const tdm__stack *stack)
{
    size_t guard = (size_t) sysconf(_SC_PAGESIZE);
    __asan_unpoison_memory_region(stack->low + guard, stack->size - guard);
}
#else
static inline void asan_leave(void **fake_stack, const void *low, size_t size)
{
    (void) fake_stack, (void) low, (void) size;
}

static inline void asan_arrive(void *fake_stack, const void **from_low, size_t *from_size)
{
    (void) fake_stack, (void) from_low, (void) from_size;
}

static inline void asan_forget(const tdm__stack *stack)
{
    (void) stack;
}
#endif

#if defined(TDM__FIBER_FCONTEXT)

static void fcontext_entry(transfer_t from)
{
    tdm__fiber *fiber = from.data;
    fiber->fibers->home.context = from.fctx;
    fiber_main(fiber);
}

static int context_make(tdm__fiber *fiber)
{
    fiber->context = make_fcontext(fiber->stack.low + fiber->stack.size, fiber->stack.size, fcontext_entry);
    return 0;
}

static void context_free(tdm__fiber *fiber)
{
    fiber->context = NULL; /* it lives on the fiber's own stack */
}

static void leap_in(tdm__fiber *fiber)
{
    fiber->context = jump_fcontext(fiber->context, fiber).fctx;
}

static void leap_out(tdm__fiber *fiber)
{
    fiber->fibers->home.context = jump_fcontext(fiber->fibers->home.context, NULL).fctx;
}

#else

static void ucontext_entry(unsigned high, unsigned low)
{
    /* makecontext hands over ints only */
    fiber_main((tdm__fiber *) (((uintptr_t) high << 16 << 16) | low)); /* NOLINT(performance-no-int-to-ptr) */
}

static int context_make(tdm__fiber *fiber)
{
    ucontext_t *context = fiber->context ? fiber->context : malloc(sizeof *context);
    if (!context)
        return -1;
    getcontext(context);
    context->uc_stack.ss_sp = fiber->stack.low;
    context->uc_stack.ss_size = fiber->stack.size;
    context->uc_link = NULL;
    uintptr_t p = (uintptr_t) fiber;
    makecontext(context, (void (*)(void)) ucontext_entry, 2, (unsigned) (p >> 16 >> 16), (unsigned) p);
    fiber->context = context;
    return 0;
}

static void context_free(tdm__fiber *fiber)
{
    free(fiber->context);
    fiber->context = NULL;
}

static void leap_in(tdm__fiber *fiber)
{
    ucontext_t home;
    fiber->fibers->home.context = &home;
    swapcontext(&home, fiber->context);
}

static void leap_out(tdm__fiber *fiber)
{
    swapcontext(fiber->context, fiber->fibers->home.context);
}

#endif

/* ---- the fiber's side ---- */

static void leave(tdm__fiber *fiber)
{
    tdm__fibers *fibers = fiber->fibers;
    asan_leave(&fiber->fake_stack, fibers->home.stack_low, fibers->home.stack_size);
#if TDM__TSAN
    __tsan_switch_to_fiber(fibers->home.tsan, 0);
#endif
    leap_out(fiber);
    asan_arrive(fiber->fake_stack, &fibers->home.stack_low, &fibers->home.stack_size);
}

static void fiber_main(tdm__fiber *fiber)
{
    asan_arrive(NULL, &fiber->fibers->home.stack_low, &fiber->fibers->home.stack_size);
    for (;;) {
        fiber->fn(fiber->arg);
        fiber->finished = true;
        leave(fiber);
    }
}

void tdm__fiber_suspend(tdm__fibers *fibers)
{
    assert(fibers->current);
    leave(fibers->current);
}

/* ---- the loop's side ---- */

void tdm__fiber_give_back(tdm__fibers *fibers, tdm__fiber *fiber)
{
    fibers->live_count--;
    fibers->warm_count++;
    fiber->next_idle = fibers->warm;
    fibers->warm = fiber;
    if (fibers->warm_count > TDM__FIBERS_KEPT && fibers->trim_ns == INT64_MAX)
        fibers->trim_ns = 0; /* a span begins when there is a time to go by */
}

static size_t at_least(size_t n, size_t least)
{
    return n > least ? n : least;
}

/* A span is over: as many as were idle all the time are not needed. */
static void begin_span(tdm__fibers *fibers)
{
    size_t kept = at_least(fibers->peak - fibers->live_count, TDM__FIBERS_KEPT);
    fibers->surplus = at_least(fibers->warm_count, kept) - kept;
    fibers->peak = fibers->live_count;
}

void tdm__fibers_trim(tdm__fibers *fibers, int64_t now_ns, unsigned most)
{
    if (!fibers->surplus)
        begin_span(fibers);
    for (; fibers->surplus && fibers->warm && most; most--) {
        tdm__fiber *fiber = fibers->warm;
        fibers->warm = fiber->next_idle;
        fibers->warm_count--;
        fibers->surplus--;
        tdm__stack_release_pages(&fiber->stack);
        asan_forget(&fiber->stack);
        fiber->next_idle = fibers->cold;
        fibers->cold = fiber;
    }
    if (!fibers->warm)
        fibers->surplus = 0; /* they were needed after all */
    if (!fibers->surplus)
        fibers->trim_ns = fibers->warm_count > TDM__FIBERS_KEPT ? now_ns + TDM__FIBERS_SPAN_NS : INT64_MAX;
}

static bool enter(tdm__fibers *fibers, tdm__fiber *fiber)
{
    assert(!fibers->current);
    fibers->current = fiber;
    asan_leave(&fibers->home.fake_stack, fiber->stack.low, fiber->stack.size);
#if TDM__TSAN
    fibers->home.tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan, 0);
#endif
    leap_in(fiber);
    asan_arrive(fibers->home.fake_stack, NULL, NULL);
    fibers->current = NULL;
    if (!fiber->finished)
        return false;
    tdm__fiber_give_back(fibers, fiber);
    return true;
}

bool tdm__fiber_run(tdm__fibers *fibers, tdm__fiber *fiber, void (*fn)(void *arg), void *arg)
{
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->finished = false;
    return enter(fibers, fiber);
}

bool tdm__fiber_resume(tdm__fibers *fibers, tdm__fiber *fiber)
{
    assert(!fiber->finished);
    return enter(fibers, fiber);
}

static void fiber_destroy(tdm__fiber *fiber)
{
    context_free(fiber);
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#if TDM__TSAN
    __tsan_destroy_fiber(fiber->tsan);
#endif
    free(fiber);
}

static tdm__fiber *fiber_create(tdm__fibers *fibers)
{
    tdm__fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber)
        return NULL;
    fiber->fibers = fibers;
    if (tdm__stack_make(&fibers->stacks, &fiber->stack) < 0) {
        free(fiber);
        return NULL;
    }
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(fiber->stack.low, fiber->stack.low + fiber->stack.size);
#if TDM__TSAN
    fiber->tsan = __tsan_create_fiber(0);
#endif
    fiber->older = fibers->all;
    fibers->all = fiber;
    if (context_make(fiber) < 0) { /* its stack is not lost: it is as good as a cold one */
        fiber->next_idle = fibers->cold;
        fibers->cold = fiber;
        return NULL;
    }
    return fiber;
}

tdm__fiber *tdm__fiber_take(tdm__fibers *fibers)
{
    tdm__fiber *fiber = fibers->warm;
    if (fiber) {
        fibers->warm = fiber->next_idle;
        fibers->warm_count--;
        if (fibers->warm)
            tdm__fiber_expect(fibers->warm);
    } else if ((fiber = fibers->cold)) {
        if (context_make(fiber) < 0)
            return NULL;
        fibers->cold = fiber->next_idle;
    } else if (!(fiber = fiber_create(fibers))) {
        return NULL;
    }
    fibers->live_count++;
    if (fibers->live_count > fibers->peak)
        fibers->peak = fibers->live_count;
    return fiber;
}

void tdm__fibers_init(tdm__fibers *fibers)
{
    *fibers = (tdm__fibers){.trim_ns = INT64_MAX};
}

void tdm__fibers_finish(tdm__fibers *fibers)
{
    assert(!fibers->live_count && !fibers->current);
    while (fibers->all) {
        tdm__fiber *fiber = fibers->all;
        fibers->all = fiber->older;
        fiber_destroy(fiber);
    }
    tdm__stack_source_finish(&fibers->stacks);
}

void tdm__fiber_expect(const tdm__fiber *fiber)
{
    enum { LINE = 64, LINES = 4 }; /* of the innermost frames */
    const char *frames = fiber->context;
    for (int i = 0; i < LINES; i++)
        __builtin_prefetch(frames + (ptrdiff_t) i * LINE, 1);
}

const tdm__stack *tdm__fiber_stack(const tdm__fiber *fiber)
{
    return &fiber->stack;
}
