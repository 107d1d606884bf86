/* SPDX-License-Identifier: MIT */
/* DESIGN: the waits that need no object: sleep, yield, the next end of a task, and a loop's answer. */
#include "tests/ties/ties.h"

static int wait_sleep(tie_scene *s, double seconds)
{
    (void) seconds;
    return tdm_sleep(tdm_s_from_ns(s->at_ns - tdm_clock_ns()));
}

static int wait_yield(tie_scene *s, double seconds)
{
    (void) s, (void) seconds;
    return tdm_yield();
}

/* ---- the next end of a task ---- */

static int end_at_once(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return 0;
}

static void ended_setup(tie_scene *s)
{
    static tdm_cursor cursor;
    TDM_EXPECT(tdm_cursor_now(s->executor, &cursor) == 0);
    s->object = &cursor;
}

static int wait_ended(tie_scene *s, double seconds)
{
    tdm_task_info row;
    (void) seconds;
    int got = tdm_task_ended(s->executor, s->object, &row, 1, TDM_FOREVER, NULL);
    return got > 0 ? 0 : got == 0 ? -ENOENT : got; /* none is left in a drain */
}

static void ended_complete(tie_scene *s)
{
    int err = tdm_spawn(s->executor, &(tdm_task_spec){.run = end_at_once, .lane = tdm_testing_choose(TDM_LANES)}, NULL);
    TDM_EXPECT(err == 0 || err == -ESHUTDOWN || err == -EAGAIN);
}

/* ---- a loop's answer ---- */

static void count_call(tdm__loop *loop, void *arg)
{
    (void) loop;
    ++*(int *) arg;
}

static int wait_call(tie_scene *s, double seconds)
{
    (void) seconds;
    int calls = 0;
    unsigned loop = (unsigned) tdm_testing_choose(tdm_executor_settings(s->executor)->loops);
    tdm__loop_call(tdm__executor_loop(s->executor, loop), count_call, &calls);
    TDM_EXPECT(calls == 1);
    tdm__loop_catch_up();
    return 0;
}

enum {
    FOR_ALL =
        TIE_BIT(TIE_COMPLETE) | TIE_BIT(TIE_CANCEL) | TIE_BIT(TIE_DEADLINE) | TIE_BIT(TIE_FULL) | TIE_BIT(TIE_DRAIN)
};

const tie_wait tie_basic[] = {
    {.name = "sleep", .events = FOR_ALL, .by_itself = true, .wait = wait_sleep},
    {.name = "yield", .events = FOR_ALL, .by_itself = true, .wait = wait_yield},
    {.name = "ended",
     .events = FOR_ALL,
     .lonely = true,
     .setup = ended_setup,
     .wait = wait_ended,
     .complete = ended_complete},
    {.name = "call", .events = FOR_ALL, .by_itself = true, .shielded = true, .wait = wait_call},
    {0},
};
