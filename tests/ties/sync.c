/* SPDX-License-Identifier: MIT */
/* DESIGN: the objects that tasks and threads wait at. Each is empty at first; what one gets it puts back, so that in the
 * end there is as much as was given. */
#include "tests/ties/ties.h"

enum {
    FOR_ALL =
        TIE_BIT(TIE_COMPLETE) | TIE_BIT(TIE_CANCEL) | TIE_BIT(TIE_DEADLINE) | TIE_BIT(TIE_FULL) | TIE_BIT(TIE_DRAIN)
};

/* ---- semaphore ---- */

static void semaphore_setup(tie_scene *s)
{
    TDM_EXPECT(tdm_semaphore_create((tdm_semaphore **) &s->object, &(tdm_semaphore_options){0}) == 0);
}

static int semaphore_wait(tie_scene *s, double seconds)
{
    int err = seconds < TDM_FOREVER ? tdm_semaphore_acquire_for(s->object, seconds) : tdm_semaphore_acquire(s->object);
    if (!err) {
        tdm_testing_point();
        TDM_EXPECT(tdm_semaphore_release(s->object, 1) == 0);
    }
    return err;
}

static void semaphore_complete(tie_scene *s)
{
    TDM_EXPECT(tdm_semaphore_release(s->object, 1) == 0);
}

static void semaphore_check(tie_scene *s)
{
    TDM_EXPECT(tdm_semaphore_free(s->object) == (unsigned) s->completions);
    TDM_EXPECT(tdm_semaphore_waiting(s->object) == 0);
}

static void semaphore_finish(tie_scene *s)
{
    tdm_semaphore_destroy((tdm_semaphore **) &s->object);
}

/* ---- limiter: one at once, and the test is the one at first ---- */

static void limiter_setup(tie_scene *s)
{
    TDM_EXPECT(tdm_limiter_create((tdm_limiter **) &s->object, &(tdm_limiter_options){.at_once = 1}) == 0);
    TDM_EXPECT(tdm_limiter_try_acquire(s->object) == 0);
}

static int limiter_wait(tie_scene *s, double seconds)
{
    int err = seconds < TDM_FOREVER ? tdm_limiter_acquire_for(s->object, seconds) : tdm_limiter_acquire(s->object);
    if (!err) {
        tdm_testing_point();
        TDM_EXPECT(tdm_limiter_running(s->object) == 1);
        TDM_EXPECT(tdm_limiter_release(s->object) == 0);
    }
    return err;
}

static void limiter_complete(tie_scene *s)
{
    if (!s->completions)
        TDM_EXPECT(tdm_limiter_release(s->object) == 0);
}

static void limiter_check(tie_scene *s)
{
    TDM_EXPECT(tdm_limiter_running(s->object) == (s->completions ? 0 : 1));
    TDM_EXPECT(tdm_limiter_waiting(s->object) == 0);
}

static void limiter_finish(tie_scene *s)
{
    tdm_limiter_destroy((tdm_limiter **) &s->object);
}

/* ---- limiter: the clock lets the next one go ---- */

static void rate_setup(tie_scene *s)
{
    TDM_EXPECT(tdm_limiter_create((tdm_limiter **) &s->object, &(tdm_limiter_options){.per_second = 1}) == 0);
    TDM_EXPECT(tdm_limiter_try_acquire(s->object) == 0); /* the next start is a second from now, and that is at_ns */
}

static int rate_wait(tie_scene *s, double seconds)
{
    return seconds < TDM_FOREVER ? tdm_limiter_acquire_for(s->object, seconds) : tdm_limiter_acquire(s->object);
}

static void rate_check(tie_scene *s)
{
    TDM_EXPECT(tdm_limiter_waiting(s->object) == 0);
}

const tie_wait tie_sync[] = {
    {.name = "semaphore",
     .events = FOR_ALL,
     .timed = true,
     .passes_on = true,
     .setup = semaphore_setup,
     .wait = semaphore_wait,
     .complete = semaphore_complete,
     .check = semaphore_check,
     .finish = semaphore_finish},
    {.name = "limiter",
     .events = FOR_ALL,
     .timed = true,
     .passes_on = true,
     .setup = limiter_setup,
     .wait = limiter_wait,
     .complete = limiter_complete,
     .check = limiter_check,
     .finish = limiter_finish},
    {.name = "rate",
     .events = FOR_ALL,
     .by_itself = true,
     .timed = true,
     .setup = rate_setup,
     .wait = rate_wait,
     .check = rate_check,
     .finish = limiter_finish},
    {0},
};
