/* SPDX-License-Identifier: MIT */
/* DESIGN: a loop of attempts with tdm_sleep() between them, inside a deadline scope of the policy's own. What ends an
 * enclosing wait (a request to stop, an outer deadline) ends the sleep and so the loop; nothing here looks at it. A
 * pause that could not end inside the policy's time is not begun: the last error is worth more at once than later.
 * Random numbers come from splitmix64; a seed of the user's makes the pauses repeatable, without one a process-wide count
 * and the clock make them different. */
#include <tandem/retry.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>

#include "tasks/exec.h"
#include <tandem/clock.h>
#include <tandem/timeout.h>
#include <tandem/wait.h>

static const int transient[] = {EAGAIN,       EBUSY, EINTR,    ENOBUFS,     ETIMEDOUT, ECONNREFUSED, ECONNRESET,
                                ECONNABORTED, EPIPE, ENETDOWN, ENETUNREACH, ENETRESET, EHOSTDOWN,    EHOSTUNREACH};

bool tdm_error_is_transient(int error)
{
    for (size_t i = 0; i < sizeof transient / sizeof *transient; i++)
        if (error == -transient[i])
            return true;
    return false;
}

typedef struct retrying {
    tdm_retry_policy policy; /* defaults resolved */
    void *arg;
    int64_t begin_ns, deadline_ns;
    uint64_t random;
    int stopped; /* why a pause ended before its time; 0: none did */
} retrying;

static bool is_time(double seconds)
{
    return seconds >= 0; /* not NaN */
}

/* @return false: it makes no sense. */
static bool resolve(tdm_retry_policy *p)
{
    if (!is_time(p->within) || !is_time(p->pause) || !is_time(p->max_pause) || (p->errors && p->again))
        return false;
    if ((p->backoff != TDM_BACKOFF_EXPONENTIAL && p->backoff != TDM_BACKOFF_LINEAR) ||
        (p->jitter != TDM_JITTER_FULL && p->jitter != TDM_JITTER_NONE))
        return false;
    if (!p->attempts)
        p->attempts = TDM_RETRY_ATTEMPTS;
    if (p->within == 0)
        p->within = TDM_FOREVER;
    if (p->pause == 0)
        p->pause = TDM_RETRY_PAUSE;
    if (p->max_pause == 0)
        p->max_pause = TDM_RETRY_MAX_PAUSE;
    return true;
}

static uint64_t seed_of(const tdm_retry_policy *p)
{
    static _Atomic uint64_t count;
    return p->seed ? p->seed : ((uint64_t) tdm_clock_ns() << 20) + atomic_fetch_add(&count, 1);
}

/* From 0 to 1, without 1. */
static double next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double) ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double pause_after(retrying *r, unsigned attempt)
{
    const tdm_retry_policy *p = &r->policy;
    int doublings = attempt < 1024 ? (int) attempt - 1 : 1023;
    double pause = p->backoff == TDM_BACKOFF_LINEAR ? p->pause * attempt : ldexp(p->pause, doublings);
    if (pause > p->max_pause)
        pause = p->max_pause;
    return p->jitter == TDM_JITTER_NONE ? pause : pause * next_random(&r->random);
}

static bool may_follow(const retrying *r, int error)
{
    const tdm_retry_policy *p = &r->policy;
    if (error == -ECANCELED)
        return false;
    if (p->again)
        return p->again(error, r->arg);
    if (!p->errors)
        return tdm_error_is_transient(error);
    for (const int *e = p->errors; *e; e++)
        if (*e == error)
            return true;
    return false;
}

static int run_attempts(retrying *r, int (*attempt)(void *arg))
{
    for (unsigned n = 1;; n++) {
        int result = attempt(r->arg);
        if (result >= 0 || n == r->policy.attempts || !may_follow(r, result))
            return result;
        double pause = pause_after(r, n);
        if (tdm__deadline_in(pause) >= r->deadline_ns)
            return result;
        if (r->policy.on_retry) {
            tdm_retry_event event = {n, result, pause, tdm_s_from_ns(tdm_clock_ns() - r->begin_ns)};
            r->policy.on_retry(&event, r->arg);
        }
        r->stopped = tdm_sleep(pause);
        if (r->stopped)
            return result;
    }
}

int tdm_retry(const tdm_retry_policy *policy, int (*attempt)(void *arg), void *arg)
{
    retrying r = {.policy = policy ? *policy : (tdm_retry_policy){0}, .arg = arg};
    if (!resolve(&r.policy))
        return -EINVAL;
    tdm_timeout scope;
    int err = tdm_timeout_begin(&scope, r.policy.within);
    if (err)
        return err;
    r.begin_ns = tdm_clock_ns();
    r.deadline_ns = tdm__deadline_in(r.policy.within);
    r.random = seed_of(&r.policy);
    int result = run_attempts(&r, attempt);
    bool own_time = tdm_timeout_end(&scope);
    bool stopped = r.stopped && !(r.stopped == -ETIMEDOUT && own_time);
    return stopped ? r.stopped : result;
}
