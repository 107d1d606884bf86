/* SPDX-License-Identifier: MIT */
/* DESIGN: a request's tasks have consecutive ids, so a promise is a range. Ranges are only appended while a step runs;
 * then they are sorted once, and an id is found by bisection and noted in one bit, so that following a million tasks
 * costs 32 bytes a request and a bit a task. A server that promises an id twice is wrong: the later range is cut, and
 * the ids are counted. */
#include "load/promise.h"

#include <errno.h>
#include <stdlib.h>

int load_promises_add(load_promises *promises, const load_promise *promise)
{
    if (promises->count == promises->capacity) {
        size_t capacity = promises->capacity ? promises->capacity * 2 : 256;
        load_promise *grown = reallocarray(promises->items, capacity, sizeof *grown);
        if (!grown)
            return -ENOMEM;
        promises->items = grown;
        promises->capacity = capacity;
    }
    promises->items[promises->count++] = *promise;
    return 0;
}

static int by_first(const void *a, const void *b)
{
    uint64_t left = ((const load_promise *) a)->first, right = ((const load_promise *) b)->first;
    return (left > right) - (left < right);
}

/* Cut what an earlier range holds already, and drop what is left of nothing. */
static void cut_overlaps(load_promises *promises)
{
    size_t kept = 0;
    for (size_t i = 0; i < promises->count; i++) {
        load_promise promise = promises->items[i];
        if (kept && promise.first <= promises->items[kept - 1].last) {
            uint64_t end = promises->items[kept - 1].last;
            promises->doubled += (promise.last < end ? promise.last : end) - promise.first + 1;
            if (promise.last <= end)
                continue;
            promise.first = end + 1;
        }
        promises->items[kept++] = promise;
    }
    promises->count = kept;
}

int load_promises_settle(load_promises *promises)
{
    if (promises->count > 1)
        qsort(promises->items, promises->count, sizeof *promises->items, by_first);
    cut_overlaps(promises);
    promises->before = calloc(promises->count + 1, sizeof *promises->before);
    if (!promises->before)
        return -ENOMEM;
    for (size_t i = 0; i < promises->count; i++) {
        promises->before[i] = promises->total;
        promises->total += promises->items[i].last - promises->items[i].first + 1;
    }
    if (promises->total > UINT32_MAX)
        return -EOVERFLOW;
    promises->seen = calloc((size_t) (promises->total / 64 + 1), sizeof *promises->seen);
    return promises->seen ? 0 : -ENOMEM;
}

const load_promise *load_promises_find(const load_promises *promises, uint64_t id)
{
    size_t low = 0, high = promises->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (promises->items[middle].last < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < promises->count && promises->items[low].first <= id ? &promises->items[low] : NULL;
}

bool load_promises_mark(load_promises *promises, uint64_t id)
{
    const load_promise *promise = load_promises_find(promises, id);
    if (!promise)
        return false;
    uint64_t index = promises->before[promise - promises->items] + (id - promise->first);
    uint64_t bit = UINT64_C(1) << (index % 64);
    if (promises->seen[index / 64] & bit)
        return false;
    promises->seen[index / 64] |= bit;
    promises->resolved++;
    return true;
}

size_t load_promises_open(const load_promises *promises, uint64_t *ids, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < promises->count && n < max; i++) {
        for (uint64_t id = promises->items[i].first; id <= promises->items[i].last && n < max; id++) {
            uint64_t index = promises->before[i] + (id - promises->items[i].first);
            if (!(promises->seen[index / 64] >> (index % 64) & 1))
                ids[n++] = id;
        }
    }
    return n;
}

void load_promises_finish(load_promises *promises)
{
    free(promises->items);
    free(promises->before);
    free(promises->seen);
    *promises = (load_promises){0};
}
