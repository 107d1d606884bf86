/* SPDX-License-Identifier: MIT */
/** @file
 *  Trying again what may work the next time: how often, how long, with which pauses, after which errors. A request to stop
 *  is never tried again, and the deadlines of enclosing scopes end it as they end every wait. */
#ifndef TANDEM_RETRY_H
#define TANDEM_RETRY_H

#include <tandem/base.h>

TDM_BEGIN

/** How pauses grow, before the cap. */
typedef enum tdm_backoff {
    TDM_BACKOFF_EXPONENTIAL, /**< each twice the one before */
    TDM_BACKOFF_LINEAR       /**< each longer by the first */
} tdm_backoff;

typedef enum tdm_jitter {
    TDM_JITTER_FULL, /**< anything from nothing to the pause, evenly: those who failed together do not return together */
    TDM_JITTER_NONE  /**< the pause */
} tdm_jitter;

/** The defaults of a policy, and what stands for no limit of attempts. */
#define TDM_RETRY_ATTEMPTS 3
#define TDM_RETRY_PAUSE 0.1
#define TDM_RETRY_MAX_PAUSE 30.0
#define TDM_RETRY_UNLIMITED UINT32_MAX

/** One attempt has failed, and another will follow after a pause. */
typedef struct tdm_retry_event {
    unsigned attempt; /**< the one that failed, from 1 */
    int error;        /**< what it returned */
    double pause;     /**< seconds until the next; jitter included */
    double elapsed;   /**< seconds since the first began */
} tdm_retry_event;

typedef struct tdm_retry_policy {
    unsigned attempts; /**< at most, the first included; 0: TDM_RETRY_ATTEMPTS */
    double within; /**< seconds for all of it: a deadline scope (tandem/timeout.h) around the attempts, and no pause is
                               begun that would not end in it; 0: no limit */
    tdm_backoff backoff; /**< how pauses grow */
    tdm_jitter jitter;   /**< how they are spread */
    double pause;        /**< seconds, the first; 0: TDM_RETRY_PAUSE */
    double max_pause;    /**< seconds, the cap of all; 0: TDM_RETRY_MAX_PAUSE */
    uint64_t seed;       /**< of the jitter, to repeat it; 0: another each time */
    const int *errors; /**< those to try again after, negative errnos, the last one 0; NULL: tdm_error_is_transient() */
    bool (*again)(int error, void *arg); /**< asked instead: try again after this one? Not with `errors` */
    void (*on_retry)(const tdm_retry_event *event, void *arg); /**< told before each pause. NULL: nobody asks */
} tdm_retry_policy;

/** Call `attempt(arg)` until it returns 0 or more, or the policy has had enough. In tasks, handlers and threads; not in a
 *  callback on a loop's thread. What it calls runs on the caller's own stack; `arg` is handed to the policy's functions too.
 *  @param policy NULL: all defaults.
 *  @return what the last attempt returned; or, if a pause was ended: -ECANCELED, the task was asked to stop; -ETIMEDOUT, the
 *  time of an enclosing scope is over. -ECANCELED from an attempt is returned at once. -EINVAL: a time that is negative or
 *  NaN, an unknown backoff or jitter, or both `errors` and `again`; -EDEADLK: in a callback; nothing was tried with these. */
TDM_API int tdm_retry(const tdm_retry_policy *policy, int (*attempt)(void *arg), void *arg);

/** Is this negative errno one that time may heal? -EAGAIN, -EBUSY, -EINTR, -ENOBUFS, -ETIMEDOUT; -ECONNREFUSED,
 *  -ECONNRESET, -ECONNABORTED, -EPIPE; -ENETDOWN, -ENETUNREACH, -ENETRESET, -EHOSTDOWN, -EHOSTUNREACH. Any thread. */
TDM_API bool tdm_error_is_transient(int error);

TDM_END

#endif
