/* SPDX-License-Identifier: MIT */
/* What holds a loop: published by the loop for the watchdog, and reported by the loop when it lets go. */
#ifndef TANDEM_TASKS_HOLD_H
#define TANDEM_TASKS_HOLD_H

#include <stdatomic.h>

#include <tandem/base.h>

typedef struct tdm__hold {
    uint64_t id; /* 0: a handler */
    const char *name;
    double seconds;
} tdm__hold;

/* Written by the loop (but `reported`), read by the watchdog. */
typedef struct tdm__held {
    int64_t limit_ns;      /* constant; 0: nobody is to be reported */
    _Atomic uint64_t runs; /* odd while something runs */
    _Atomic uint64_t id;
    _Atomic(const char *) name;
    _Atomic int64_t since_ns;
    _Atomic uint64_t reported; /* the value of `runs` that the watchdog reported */
    _Atomic uint64_t count;    /* holds beyond the limit, ever */
} tdm__held;

/* ---- the loop ---- */

static inline void tdm__held_begin(tdm__held *held, uint64_t id, const char *name, int64_t now_ns)
{
    atomic_store_explicit(&held->name, name, memory_order_relaxed);
    atomic_store_explicit(&held->id, id, memory_order_relaxed);
    atomic_store_explicit(&held->since_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&held->runs, atomic_load_explicit(&held->runs, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* @return true: it was too long, or the watchdog has said so; then report it. */
static inline bool tdm__held_end(tdm__held *held, int64_t now_ns)
{
    uint64_t runs = atomic_load_explicit(&held->runs, memory_order_relaxed);
    int64_t ns = now_ns - atomic_load_explicit(&held->since_ns, memory_order_relaxed);
    bool reported = atomic_load_explicit(&held->reported, memory_order_relaxed) == runs;
    atomic_store_explicit(&held->runs, runs + 1, memory_order_release);
    return held->limit_ns && (reported || ns > held->limit_ns);
}

/* Log it and count it: at once after tdm__held_end(). */
void tdm__held_report(tdm__held *held, unsigned loop, int64_t now_ns);

/* ---- the watchdog ---- */

/* Does something run for longer than the limit, and was not reported? */
bool tdm__held_look(tdm__held *held, tdm__hold *out);

/* "task 7 "x"", or "the handler of /x". @return `to`. */
enum { TDM__WHO_MAX = 192 };
const char *tdm__who(uint64_t id, const char *name, char to[TDM__WHO_MAX]);

#endif
