/* SPDX-License-Identifier: MIT */
/* DESIGN: a 4-ary heap of {deadline, timer} pairs, so that a comparison never touches the timer itself (a million
 * sleeping tasks would be a million cache misses). Each timer knows its place, which makes disarming cheap: most
 * timers of a server are disarmed, not run. Timers with the same deadline run in no promised order. */
#include "tasks/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "tasks/baton.h"

enum { ARITY = 4, FIRST_CAPACITY = 64 };

typedef struct tdm__timer_slot slot;

static void put(tdm__timers *timers, size_t at, slot s)
{
    timers->heap[at] = s;
    s.timer->place = at + 1;
}

static void sift_up(tdm__timers *timers, size_t at, slot s)
{
    while (at > 0) {
        size_t parent = (at - 1) / ARITY;
        if (timers->heap[parent].due_ns <= s.due_ns)
            break;
        put(timers, at, timers->heap[parent]);
        at = parent;
    }
    put(timers, at, s);
}

static size_t earliest_child(const tdm__timers *timers, size_t at)
{
    size_t child = at * ARITY + 1, end = child + ARITY, best = child;
    if (end > timers->count)
        end = timers->count;
    for (size_t i = child + 1; i < end; i++)
        if (timers->heap[i].due_ns < timers->heap[best].due_ns)
            best = i;
    return best;
}

static void sift_down(tdm__timers *timers, size_t at, slot s)
{
    for (;;) {
        size_t child = earliest_child(timers, at);
        if (child >= timers->count || timers->heap[child].due_ns >= s.due_ns)
            break;
        put(timers, at, timers->heap[child]);
        at = child;
    }
    put(timers, at, s);
}

void tdm__timers_finish(tdm__timers *timers)
{
    free(timers->heap);
    *timers = (tdm__timers){0};
}

int tdm__timers_arm(tdm__timers *timers, tdm__timer *timer, int64_t due_ns)
{
    assert(timer->run);
    tdm__timers_disarm(timers, timer);
    if (timers->count == timers->capacity) {
        size_t capacity = timers->capacity ? timers->capacity * 2 : FIRST_CAPACITY;
        slot *heap = realloc(timers->heap, capacity * sizeof *heap);
        if (!heap)
            return -ENOMEM;
        timers->heap = heap;
        timers->capacity = capacity;
    }
    sift_up(timers, timers->count++, (slot){.due_ns = due_ns, .timer = timer});
    return 0;
}

void tdm__timers_disarm(tdm__timers *timers, tdm__timer *timer)
{
    if (!timer->place)
        return;
    size_t at = timer->place - 1;
    assert(at < timers->count && timers->heap[at].timer == timer);
    timer->place = 0;
    slot last = timers->heap[--timers->count];
    if (at == timers->count)
        return;
    if (at > 0 && timers->heap[(at - 1) / ARITY].due_ns > last.due_ns)
        sift_up(timers, at, last);
    else
        sift_down(timers, at, last);
}

int64_t tdm__timers_next(const tdm__timers *timers)
{
    return timers->count ? timers->heap[0].due_ns : INT64_MAX;
}

/* In testing mode any of those with the earliest deadline; they are at the root of the heap, parents before children. */
static size_t draw_earliest(const tdm__timers *timers)
{
    enum { MOST = 64 };
    size_t found[MOST] = {0}, count = 1;
    if (!tdm__testing())
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t child = found[i] * ARITY + 1, end = child + ARITY;
        for (; child < end && child < timers->count && count < MOST; child++)
            if (timers->heap[child].due_ns == timers->heap[0].due_ns)
                found[count++] = child;
    }
    return found[tdm__choose(count)];
}

tdm__timer *tdm__timers_take(tdm__timers *timers, int64_t now_ns)
{
    if (!timers->count || timers->heap[0].due_ns > now_ns)
        return NULL;
    tdm__timer *timer = timers->heap[draw_earliest(timers)].timer;
    tdm__timers_disarm(timers, timer);
    return timer;
}
