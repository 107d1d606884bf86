/* SPDX-License-Identifier: MIT */
/* The baton of testing mode (tandem/testing.h): of all threads that take part, one runs at a time, and a seeded generator
 * says who is next. Here is what the seams of the executor need: sync.h, thread.h, clock.c, and a loop's poll.
 *
 * Off, each seam costs one relaxed load of a flag. */
#ifndef TANDEM_TASKS_BATON_H
#define TANDEM_TASKS_BATON_H

#include <pthread.h>
#include <stdatomic.h>

#include <tandem/testing.h>

extern _Atomic bool tdm__baton_on;

static inline bool tdm__testing(void)
{
    return __builtin_expect(atomic_load_explicit(&tdm__baton_on, memory_order_relaxed), 0);
}

/* ---- for the seams; only while testing mode is on ---- */

/* With `lock` held: let go of it, wait for a wake-up of `on`, take it again. @param in the function that waits.
 * @return false: the deadline came first (INT64_MAX: none). */
bool tdm__baton_cond_wait(const void *on, pthread_mutex_t *lock, int64_t deadline_ns, const char *in);
/* Wake one that waits for `on`, chosen by the seed, or all. */
void tdm__baton_wake(const void *on, bool all);

/* A thread with nothing to do until `deadline_ns` or a wake-up of `on`. One that `looks` has descriptors too, and returns
 * to look at them now and then, and always before time passes. */
void tdm__baton_idle(const void *on, int64_t deadline_ns, bool looks, const char *in);

/* A lock of the executor was taken (1) or let go of (-1) by the calling thread: while it holds one it keeps the baton. */
void tdm__baton_held(int change);
void tdm__baton_give_way(void);
uint64_t tdm__baton_choose(uint64_t n);
int64_t tdm__baton_now_ns(void);
int64_t tdm__baton_elapsed_ns(void); /* since testing mode began */

/* A thread that is about to be started. NULL: no memory. */
typedef struct tdm__player tdm__player;
tdm__player *tdm__baton_invite(const char *name, void *(*run)(void *arg), void *arg);
/* What the new thread runs. */
void *tdm__baton_play(void *player);
void tdm__baton_started(tdm__player *player, pthread_t thread);
void tdm__baton_uninvite(tdm__player *player); /* it could not be started */
/* Wait until `thread` takes no more turns. */
void tdm__baton_await_end(pthread_t thread);

/* Who waits for what, for the report of a deadlock; on the stack of the one who waits, thread or fiber. */
typedef struct tdm__baton_note {
    struct tdm__baton_note *next, **link;
    tdm__player *player;
    const char *name, *in;
    uint64_t task; /* 0: no task */
    bool fiber;
    int64_t deadline_ns;
} tdm__baton_note;

void tdm__baton_note_add(tdm__baton_note *note);
void tdm__baton_note_remove(tdm__baton_note *note);

/* ---- for testing.c ---- */

int tdm__baton_begin(const tdm_testing_options *options);
int tdm__baton_end(tdm_testing_report *out);
/* Wait for `deadline_ns`, and then until nobody else can run. */
void tdm__baton_let_pass(int64_t deadline_ns, const char *in);
uint64_t tdm__baton_choices(void);
/* Say what is wrong with the seed and the way to replay it, and end the process. Any thread; never with the baton's lock. */
void tdm__baton_fail(const char *what) TDM_NORETURN;

/* testing.c: an executor was made (1) or freed (-1). Testing mode neither begins nor ends while one lives. Any thread. */
void tdm__testing_count_executors(int change);

/* ---- inline seams ---- */

/* A place where another thread may go first; nothing where a lock of the executor is held. */
static inline void tdm__point(void)
{
    if (tdm__testing())
        tdm__baton_give_way();
}

/* A number below `n`: 0 but in testing mode. */
static inline uint64_t tdm__choose(uint64_t n)
{
    return tdm__testing() ? tdm__baton_choose(n) : 0;
}

#endif
