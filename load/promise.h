/* SPDX-License-Identifier: MIT */
/** @file
 *  Which task ids the replies of a step promised, and which of them were seen to end. One owner; no locks. */
#ifndef LOAD_PROMISE_H
#define LOAD_PROMISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What one reply promised; times are the client's monotonic clock. */
typedef struct load_promise {
    uint64_t first, last;
    int64_t sent_ns, replied_ns;
} load_promise;

typedef struct load_promises {
    load_promise *items;
    size_t count, capacity;
    uint64_t *before;  /* after settle: ids promised by the items before this one */
    uint64_t *seen;    /* after settle: one bit for each promised id */
    uint64_t total;    /* after settle: promised ids */
    uint64_t resolved; /* after settle: of those, the ones marked */
    uint64_t doubled;  /* after settle: ids that were promised more than once */
} load_promises;

/** @return 0; -ENOMEM. */
int load_promises_add(load_promises *promises, const load_promise *promise);
/** No more will be added: sort, and make ready to be asked. @return 0; -ENOMEM; -EOVERFLOW: more than 2^32 ids. */
int load_promises_settle(load_promises *promises);
/** The promise that holds an id, or NULL. After settle. */
const load_promise *load_promises_find(const load_promises *promises, uint64_t id);
/** Note that a task has ended. @return true if it was promised and had not been noted. After settle. */
bool load_promises_mark(load_promises *promises, uint64_t id);
/** List up to `max` ids that were not marked. @return how many were listed. After settle. */
size_t load_promises_open(const load_promises *promises, uint64_t *ids, size_t max);
void load_promises_finish(load_promises *promises);

#endif
