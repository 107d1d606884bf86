/* SPDX-License-Identifier: MIT */
/* DESIGN: a group is a lock, a list of children that have not ended, and what is to be remembered of those that have. A
 * child leaves the list under the lock, as the last thing that is done to it but for its memory, so whoever finds a
 * child in the list may ask it to stop. The last child to end touches the group for the last time under the lock that
 * the waiter takes next. Cancelled children that never ran are taken apart by the canceller, once it holds no lock. */
#include "tasks/group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/executor.h"

enum { FEW = 8 };

typedef struct told_once {
    tdm_end end;
    void *arg;
} told_once;

struct tdm_group {
    tdm_executor *executor; /* constant, as are the next three */
    tdm_group_policy policy;
    bool forget;
    const tdm_group *outer; /* that the opener is a child of */

    pthread_mutex_t lock; /* guards everything below */
    tdm_task *children;   /* that have not ended, in the order of the spawns */
    tdm_task *last_child;
    unsigned live, count; /* children now, and ever */
    bool cancelled;
    int error;                 /* the first */
    int first;                 /* the first that was done, or -1 */
    bool wake_each;            /* who waits wants to know of each end, not of the last */
    unsigned nudges;           /* children spawned while a worker waits: it has to look again */
    _Atomic bool worker_waits; /* raised under the lock before it looks for children to run; read without */
    tdm__waiters waiters;

    struct told_once *stream;       /* in place of what follows: a ring of `capacity` */
    tdm_end *ends;                  /* by index */
    unsigned *order;                /* the indexes, in the order of the ends */
    unsigned ended, told, capacity; /* of `order`: filled, and handed out by tdm_group_next() */
    tdm_end few_ends[FEW];          /* most groups are small */
    unsigned few_order[FEW];
};

/* ---- children ---- */

/* A copy of `old` in memory that is twice as large. @return NULL: no memory. */
static void *doubled(void *old, const void *few, size_t count, size_t size)
{
    void *more = old == few ? malloc(2 * count * size) : realloc(old, 2 * count * size);
    if (more && old == few)
        memcpy(more, few, count * size);
    return more;
}

/* With the lock. @return 0; -ENOMEM. */
static int make_room(tdm_group *group)
{
    if (group->forget || group->stream || group->count < group->capacity)
        return 0;
    tdm_end *ends = doubled(group->ends, group->few_ends, group->capacity, sizeof *ends);
    if (!ends)
        return -ENOMEM;
    group->ends = ends;
    unsigned *order = doubled(group->order, group->few_order, group->capacity, sizeof *order);
    if (!order)
        return -ENOMEM;
    group->order = order;
    group->capacity *= 2;
    return 0;
}

int tdm__group_add(tdm_group *group, tdm_task *task)
{
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__lock(&group->lock);
    int err = group->cancelled ? -ECANCELED : make_room(group);
    if (!err) {
        more->group_index = group->count++;
        group->live++;
        more->group_next = NULL;
        more->group_previous = group->last_child;
        if (group->last_child)
            tdm__task_more_of(group->last_child)->group_next = task;
        else
            group->children = task;
        group->last_child = task;
    }
    tdm__unlock(&group->lock);
    return err;
}

/* With the lock. */
static void remove_child(tdm_group *group, tdm__task_more *more)
{
    if (more->group_previous)
        tdm__task_more_of(more->group_previous)->group_next = more->group_next;
    else
        group->children = more->group_next;
    if (more->group_next)
        tdm__task_more_of(more->group_next)->group_previous = more->group_previous;
    else
        group->last_child = more->group_previous;
    group->live--;
}

/* With the lock. Children that never ran go to *over. */
static void cancel_all(tdm_group *group, tdm__message_list *over)
{
    group->cancelled = true;
    for (tdm_task *child = group->children; child; child = tdm__task_more_of(child)->group_next) {
        tdm_task *stopped = tdm__task_ask_to_stop(child);
        if (stopped)
            tdm__message_list_add(over, &stopped->exec.message);
    }
}

/* Without any lock. */
static void take_apart(tdm__message_list *over)
{
    tdm__message *message;
    while ((message = tdm__message_list_take(over)))
        tdm__task_over(tdm__task_of(tdm__exec_of(message)));
}

static void remember(tdm_group *group, const tdm_task *task, const tdm_end *end, unsigned index)
{
    if (group->stream) {
        assert(group->ended - group->told < group->capacity);
        group->stream[group->ended++ % group->capacity] = (told_once){*end, task->arg};
    } else if (!group->forget) {
        group->ends[index] = *end;
        group->order[group->ended++] = index;
    }
    if (end->state == TDM_DONE && group->first < 0)
        group->first = (int) index;
    if (end->state != TDM_DONE && !group->error)
        group->error = end->result < 0 ? end->result : -ECANCELED;
}

/* Does this end make the others be cancelled? */
static bool is_decisive(const tdm_group *group, const tdm_end *end)
{
    if (group->policy == TDM_FAIL_FAST)
        return end->state != TDM_DONE;
    return group->policy == TDM_FIRST_DONE && end->state == TDM_DONE;
}

void tdm__group_child_over(tdm_group *group, tdm_task *task)
{
    tdm__task_more *more = tdm__task_more_of(task);
    tdm__message_list over = {0};
    tdm_end end;
    tdm__task_end(task, &end);
    tdm__lock(&group->lock);
    remove_child(group, more);
    remember(group, task, &end, more->group_index);
    if (is_decisive(group, &end) && !group->cancelled)
        cancel_all(group, &over);
    if (!group->live || group->wake_each)
        tdm__waiters_wake_all(&group->waiters, 0);
    tdm__unlock(&group->lock); /* from here on the group may be gone */
    take_apart(&over);
}

bool tdm__group_has(const tdm_group *group, tdm__exec *exec)
{
    if (!exec->kind || !exec->kind->is_task)
        return false;
    const tdm__task_more *more = tdm__task_more_of(tdm__task_of(exec));
    const tdm_group *of = more ? more->group : NULL;
    while (of && of != group)
        of = of->outer;
    return of;
}

/* What a walk finds among the children, so that it need not keep the lock. */
enum { FEW_POOLS = 4 };

typedef struct standings {
    unsigned steps, going_on, pool_count;
    tdm__pool *pools[FEW_POOLS]; /* in which children are queued */
} standings;

static bool is_among(const standings *s, const tdm__pool *pool)
{
    for (unsigned i = 0; i < s->pool_count; i++)
        if (s->pools[i] == pool)
            return true;
    return false;
}

/* With the lock. The first that waits from `child` on. Those before it are counted. */
static tdm_task *next_waiting(standings *s, tdm_task *child)
{
    for (; child; child = tdm__task_more_of(child)->group_next) {
        tdm__standing standing = s->steps ? tdm__walk_look(child) : TDM__GOES_ON;
        s->steps -= s->steps > 0;
        if (standing == TDM__WAITS)
            return child;
        if (standing == TDM__GOES_ON)
            s->going_on++;
        else if (!is_among(s, child->pool) && s->pool_count < FEW_POOLS)
            s->pools[s->pool_count++] = child->pool;
    }
    return NULL;
}

/* Whoever waits for all is held up by any child that cannot end; who waits for the next, or the first, only by all. A
 * child that waits stays in the list while the lock of all joins is held, so the walk goes on behind it. */
bool tdm__group_leads_back(tdm_group *group, tdm__walk *walk, tdm__exec *self)
{
    enum { MOST_CHILDREN = 256 };
    if (tdm__group_has(group, self))
        return true;
    standings s = {.steps = MOST_CHILDREN};
    tdm__lock(&group->lock);
    bool any = group->policy != TDM_FIRST_DONE && !group->wake_each, back = !any && group->live;
    tdm_task *child = next_waiting(&s, group->children);
    tdm__unlock(&group->lock);
    while (child && back != any) {
        back = tdm__walk_leads_back(walk, &child->exec);
        tdm__lock(&group->lock);
        child = next_waiting(&s, tdm__task_more_of(child)->group_next);
        tdm__unlock(&group->lock);
    }
    for (unsigned i = 0; i < s.pool_count && back != any; i++)
        back = tdm__walk_starves(walk, s.pools[i]);
    return back && (any || !s.going_on);
}

/* ---- the owner ---- */

int tdm_group_open(tdm_group **out, const tdm_group_options *options)
{
    const tdm_group_options defaults = {0}, *o = options ? options : &defaults;
    tdm_executor *executor = o->executor ? o->executor : tdm_executor_current();
    if (!executor || (unsigned) o->policy > TDM_FIRST_DONE)
        return -EINVAL;
    tdm_group *group = calloc(1, sizeof *group);
    if (!group)
        return -ENOMEM;
    tdm__exec *opener = tdm__exec_current();
    bool is_task = opener && opener->kind && opener->kind->is_task;
    const tdm__task_more *more = is_task ? tdm__task_more_of(tdm__task_of(opener)) : NULL;
    group->executor = executor;
    group->policy = o->policy;
    group->forget = o->forget;
    group->outer = more ? more->group : NULL;
    group->first = -1;
    group->ends = group->few_ends;
    group->order = group->few_order;
    group->capacity = FEW;
    pthread_mutex_init(&group->lock, NULL);
    *out = group;
    return 0;
}

int tdm__group_open_stream(tdm_group **out, tdm_executor *executor, unsigned room)
{
    told_once *stream = calloc(room, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    int err = tdm_group_open(out, &(tdm_group_options){.executor = executor, .policy = TDM_COLLECT});
    if (err) {
        free(stream);
        return err;
    }
    (*out)->stream = stream;
    (*out)->capacity = room;
    return 0;
}

/* A worker that waits may have to run the new child itself. */
static void nudge(tdm_group *group)
{
    tdm__lock(&group->lock);
    group->nudges++;
    tdm__waiters_wake_all(&group->waiters, 0);
    tdm__unlock(&group->lock);
}

static int spawn(tdm_group *group, const tdm_task_spec *spec, unsigned *index)
{
    tdm_task_spec child = *spec;
    child.group = group;
    int err = tdm__spawn_child(group->executor, &child, index);
    if (!err && atomic_load(&group->worker_waits))
        nudge(group);
    return err;
}

int tdm_group_spawn(tdm_group *group, const tdm_task_spec *spec)
{
    unsigned index;
    int err = spawn(group, spec, &index);
    return err ? tdm__count_rejection(group->executor, spec, err) : (int) index;
}

int tdm__group_spawn(tdm_group *group, const tdm_task_spec *spec)
{
    unsigned index;
    int err = spawn(group, spec, &index);
    return err == -EAGAIN ? err : tdm__count_rejection(group->executor, spec, err);
}

void tdm_group_cancel(tdm_group *group)
{
    tdm__message_list over = {0};
    tdm__lock(&group->lock);
    if (!group->cancelled)
        cancel_all(group, &over);
    tdm__unlock(&group->lock);
    take_apart(&over);
}

/* With the lock. @return a child taken out of the queue of the calling worker's own pool, or NULL. */
static tdm_task *claim_child(tdm_group *group)
{
    if (!tdm__pool_current())
        return NULL;
    atomic_store(&group->worker_waits, true);
    for (tdm_task *child = group->children; child; child = tdm__task_more_of(child)->group_next)
        if (tdm__task_claim(child))
            return child;
    return NULL;
}

/* With the lock. Is there nothing to wait for? */
static bool is_there(const tdm_group *group)
{
    return !group->live || (group->wake_each && group->told != group->ended);
}

/* Run a child here, or leave a note, with which the lock is held. @return 1: wait now; 0: look again; or an error. */
static int prepare(tdm_group *group, tdm__exec *self, tdm__await *await, bool shielded)
{
    int err = shielded ? 0 : tdm__claim_is_late(tdm__pool_current());
    if (err)
        return err;
    tdm__joins_lock(); /* first: it comes before those of groups */
    tdm__lock(&group->lock);
    bool there = is_there(group);
    tdm_task *child = there ? NULL : claim_child(group);
    unsigned nudges = group->nudges;
    tdm__unlock(&group->lock);
    bool harmless = there || child || tdm__await_begin(self, await), noted = !there && !child && harmless;
    tdm__joins_unlock();
    if (child)
        tdm__task_run_claimed(child);
    if (!noted)
        return harmless ? 0 : -EDEADLK;
    tdm__lock(&group->lock);
    if (!is_there(group) && group->nudges == nudges)
        return 1;
    tdm__unlock(&group->lock); /* something has come since the look */
    tdm__await_forget(self);
    return 0;
}

/* One wait, or one run of a child here. @return 0: look again; or why there was no waiting. */
static int wait_once(tdm_group *group, bool shielded)
{
    tdm__exec *self = tdm__exec_to_wait();
    tdm__await await = {.group = group};
    tdm__waiter waiter;
    if (!self)
        return -EDEADLK;
    int ready = prepare(group, self, &await, shielded);
    if (ready <= 0)
        return ready;
    int err = shielded ? tdm__waiters_wait_shielded(&group->waiters, &waiter, &group->lock, "tdm_group_wait")
                       : tdm__waiters_wait(&group->waiters, &waiter, &group->lock, INT64_MAX, "tdm_group_wait");
    tdm__await_forget(self);
    return err;
}

static int wait_for_all(tdm_group *group, bool shielded)
{
    int err = 0;
    tdm__lock(&group->lock);
    while (group->live && !err) {
        tdm__unlock(&group->lock);
        err = wait_once(group, shielded);
        tdm__lock(&group->lock);
    }
    tdm__unlock(&group->lock);
    return err;
}

int tdm_group_wait(tdm_group *group)
{
    int err = wait_for_all(group, false);
    if (err == -EDEADLK)
        return err;
    if (err) {
        tdm_group_cancel(group);
        int last = wait_for_all(group, true);
        return last ? last : err;
    }
    return group->policy == TDM_FIRST_DONE && group->first >= 0 ? 0 : group->error;
}

/* Wait until there is an end to tell. @return 1: there is, and the lock is held; else why not. */
static int wait_for_next(tdm_group *group)
{
    int err = 0;
    struct tdm_timeout *scope = tdm__scope_that_would_fire(tdm__exec_to_wait());
    tdm__lock(&group->lock);
    while (group->told == group->ended && group->live && !err) {
        group->wake_each = true;
        tdm__unlock(&group->lock);
        err = wait_once(group, false);
        tdm__lock(&group->lock);
    }
    group->wake_each = false;
    bool there = group->told != group->ended;
    if (there && err == -ETIMEDOUT)
        tdm__scope_spare(scope); /* an end came before this look */
    if (!there)
        tdm__unlock(&group->lock);
    return there ? 1 : err;
}

int tdm_group_next(tdm_group *group, tdm_end *end, unsigned *index)
{
    int there = wait_for_next(group);
    if (there <= 0)
        return there;
    unsigned which = group->order[group->told++];
    *end = group->ends[which];
    if (index)
        *index = which;
    tdm__unlock(&group->lock);
    return 1;
}

int tdm__group_take(tdm_group *group, tdm_end *end, void **arg)
{
    int there = wait_for_next(group);
    if (there <= 0)
        return there;
    const told_once *next = &group->stream[group->told++ % group->capacity];
    *end = next->end;
    *arg = next->arg;
    tdm__unlock(&group->lock);
    return 1;
}

unsigned tdm_group_ends(const tdm_group *group, const tdm_end **ends)
{
    *ends = group->ends;
    return group->forget ? 0 : group->count;
}

int tdm_group_first(const tdm_group *group)
{
    return group->first;
}

int tdm_group_close(tdm_group **slot)
{
    tdm_group *group = *slot;
    if (!group)
        return 0;
    tdm_group_cancel(group);
    int err = wait_for_all(group, true);
    if (err)
        return err;
    *slot = NULL;
    pthread_mutex_destroy(&group->lock);
    free(group->stream);
    if (group->ends != group->few_ends)
        free(group->ends);
    if (group->order != group->few_order)
        free(group->order);
    free(group);
    return 0;
}
