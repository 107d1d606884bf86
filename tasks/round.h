/* SPDX-License-Identifier: MIT */
/* A round: one call on every loop, with a limit on the wait.
 *
 * tdm__loop_call() waits for as long as it takes. The drain cannot: a task that never yields holds its loop, and would
 * hold the stop of the whole process. A loop that has not begun its call in time is given up, and never asked again. */
#ifndef TANDEM_TASKS_ROUND_H
#define TANDEM_TASKS_ROUND_H

#include <pthread.h>

#include "tasks/loop.h"

typedef enum tdm__call_state {
    TDM__CALL_NONE,
    TDM__CALL_POSTED,
    TDM__CALL_RUNNING,
    TDM__CALL_GIVEN_UP
} tdm__call_state;

/* One per loop. All but the constants is guarded by the round's lock. */
typedef struct tdm__round_call {
    tdm__message message;
    struct tdm__round *round; /* constant */
    tdm__loop *loop;          /* constant */
    void (*fn)(tdm__loop *loop, void *arg);
    void *arg;
    tdm__call_state state;
} tdm__round_call;

typedef struct tdm__round {
    pthread_mutex_t lock;
    tdm__cond changed;
    unsigned count;
    tdm__round_call calls[TDM_MAX_LOOPS];
} tdm__round;

void tdm__round_init(tdm__round *round, tdm__loop *const *loops, unsigned count);
/* No call may be on its way: no loop was given up, or its thread has ended. */
void tdm__round_finish(tdm__round *round);

/* Run `fn(loop, &args[i])` on every loop's thread that was never given up, outside any fiber, all at once, and wait
 * until they have returned; for those that have not begun by the deadline, do not wait, and `fn` is never called.
 * `args` has one element of `size` bytes for each loop. From a thread that is no loop; one round at a time. */
void tdm__round_call_all(tdm__round *round, void (*fn)(tdm__loop *loop, void *arg), void *args, size_t size,
                         int64_t deadline_ns);

bool tdm__round_gave_up(tdm__round *round, unsigned loop);

#endif
