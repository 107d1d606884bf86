/* SPDX-License-Identifier: MIT */
/** @file
 *  Task-local values: Python's context variables. A task inherits those of whoever spawned it, as they were then, across
 *  every hop (loop, pool, offload, group); what it sets is seen by itself and by what it spawns afterwards.
 *
 *      static const tdm_context_key tenant = {.name = "tenant", .logged = true};
 *
 *      tdm_context_set(&tenant, "acme", NULL);        // log lines of this task now carry tenant=acme
 *      const char *who = tdm_context_get(&tenant);    // "acme", also in tasks spawned from here
 *
 *  All calls are for the calling task, handler or thread; on a loop's thread outside any fiber nothing can be
 *  set; an evented task's callbacks can read what it inherited. */
#ifndef TANDEM_CONTEXT_H
#define TANDEM_CONTEXT_H

#include <tandem/base.h>

TDM_BEGIN

/** A key is its address: define it once, with static storage. */
typedef struct tdm_context_key {
    const char *name;
    bool logged; /**< its values are text, and log lines carry them */
} tdm_context_key;

/** Set a value from here on. Earlier values of the same key are hidden, not changed.
 *  @param value may be NULL: the key counts as not set.
 *  @param drop called once when the last task, or thread of your own, that can see the value has ended, on its thread; NULL:
 *         nothing to free. @return 0: the library owns `value`; -EDEADLK: there is no context here; -ENOMEM; -EAGAIN: on a
 *         thread of your own, in a process that has no key for thread-specific data left. */
TDM_API int tdm_context_set(const tdm_context_key *key, const void *value, void (*drop)(void *value));

/** The value, or NULL. */
TDM_API const void *tdm_context_get(const tdm_context_key *key);

/** A place to go back to: forget what was set since tdm_context_save(). Marks nest like brackets. */
typedef struct tdm_context_mark {
    struct tdm__context *_context;
} tdm_context_mark;
TDM_API tdm_context_mark tdm_context_save(void);
TDM_API void tdm_context_restore(tdm_context_mark mark);

/** The id of the request that the calling handler or task belongs to; 0: none. Log lines carry it. */
TDM_API uint64_t tdm_context_request(void);

TDM_END

#endif
