/* SPDX-License-Identifier: MIT */
/* DESIGN: the caller of tdm_map() does all the drawing and taking, between its waits for the next end, so none of it needs
 * a lock. Inputs under way have a slot each; there are `at_once` slots, and no input is drawn without one, so memory is
 * bounded however many there are. In order, a result that has to wait for its turn keeps its slot. Starts are spaced by
 * the caller's own clock rather than by a limiter: while the next start is not due, ends must be taken. */
#include <tandem/map.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tasks/exec.h"
#include "tasks/group.h"
#include <tandem/clock.h>
#include <tandem/limiter.h>
#include <tandem/timeout.h>

enum { DEFAULT_AT_ONCE = 16 };

/* Between two tries to get into a lane that is full of others' tasks. */
static const double FIRST_PAUSE_S = 0.001, LONGEST_PAUSE_S = 0.05;

typedef struct slot {
    const struct mapping *mapping;
    tdm_map_result result;
    struct slot *next; /* in the list of the free */
} slot;

typedef struct mapping {
    const tdm_map_options *options;
    tdm_group *group;
    unsigned at_once;
    slot *slots, *free;
    slot *drawn;    /* it has an input, and found no room in its lane yet */
    slot **turns;   /* in order: what has ended, by index modulo at_once */
    uint64_t count; /* inputs drawn */
    uint64_t taken; /* in order: results taken */
    unsigned under_way;
    bool exhausted;
    int64_t interval_ns, next_start_ns;
    double pause_s;
} mapping;

static int run_one(tdm_task *task, void *arg)
{
    const slot *s = arg;
    return s->mapping->options->run(task, s->result.item);
}

/* ---- slots ---- */

static void give_back(mapping *m, slot *s)
{
    if (m->options->drop)
        m->options->drop(s->result.item);
    s->mapping = NULL;
    s->next = m->free;
    m->free = s;
}

static int make(mapping *m)
{
    m->slots = calloc(m->at_once, sizeof *m->slots);
    m->turns = m->options->ordered ? calloc(m->at_once, sizeof *m->turns) : NULL;
    if (!m->slots || (m->options->ordered && !m->turns))
        return -ENOMEM;
    for (unsigned i = m->at_once; i-- > 0;) {
        m->slots[i].next = m->free;
        m->free = &m->slots[i];
    }
    return tdm__group_open_stream(&m->group, m->options->executor, m->at_once);
}

/* What was under way has ended. */
static void unmake(mapping *m)
{
    for (unsigned i = 0; m->slots && i < m->at_once; i++)
        if (m->slots[i].mapping)
            give_back(m, &m->slots[i]);
    free(m->turns);
    free(m->slots);
}

/* ---- starting ---- */

/* @return 0, with `drawn` set or the inputs exhausted; or why the map ends. */
static int draw(mapping *m)
{
    void *item = NULL;
    int drawn = m->options->next(&item, m->options->arg);
    if (drawn <= 0) {
        m->exhausted = !drawn;
        return drawn;
    }
    slot *s = m->free;
    m->free = s->next;
    *s = (slot){.mapping = m, .result = {.index = m->count++, .item = item}};
    m->drawn = s;
    return 0;
}

/* @return 0: it runs; -EAGAIN: there is no room in its lane; or why the map ends. */
static int start_drawn(mapping *m)
{
    const tdm_map_options *o = m->options;
    int err = tdm__group_spawn(m->group, &(tdm_task_spec){.name = o->name ? o->name : "map",
                                                          .run = run_one,
                                                          .arg = m->drawn,
                                                          .lane = o->lane,
                                                          .pool = o->pool,
                                                          .deadline = o->deadline});
    if (err)
        return err;
    m->drawn = NULL;
    m->under_way++;
    m->pause_s = 0;
    m->next_start_ns = m->interval_ns ? tdm_clock_ns() + m->interval_ns : 0;
    return 0;
}

/* Start what may be started now. *wait_s: seconds until the next might be; TDM_FOREVER: when something has ended. */
static int start_more(mapping *m, double *wait_s)
{
    *wait_s = TDM_FOREVER;
    while (m->drawn || (m->free && !m->exhausted)) {
        int64_t now_ns = m->interval_ns ? tdm_clock_ns() : 0;
        if (now_ns < m->next_start_ns) {
            *wait_s = tdm_s_from_ns(m->next_start_ns - now_ns);
            return 0;
        }
        int err = m->drawn ? 0 : draw(m);
        if (err || m->exhausted)
            return err;
        err = start_drawn(m);
        if (err == -EAGAIN) {
            m->pause_s = m->pause_s == 0 ? FIRST_PAUSE_S : m->pause_s * 2;
            m->pause_s = m->pause_s > LONGEST_PAUSE_S ? LONGEST_PAUSE_S : m->pause_s;
            *wait_s = m->pause_s;
            return 0;
        }
        if (err)
            return err;
    }
    return 0;
}

/* ---- taking ---- */

static int tell(mapping *m, slot *s)
{
    int err = m->options->result ? m->options->result(&s->result, m->options->arg) : 0;
    give_back(m, s);
    return err < 0 ? err : 0;
}

static int tell_in_order(mapping *m, slot *s)
{
    int err = 0;
    m->turns[s->result.index % m->at_once] = s;
    while (!err && (s = m->turns[m->taken % m->at_once])) {
        m->turns[m->taken++ % m->at_once] = NULL;
        err = tell(m, s);
    }
    return err;
}

static int take(mapping *m, slot *s, const tdm_end *end)
{
    s->result.end = *end;
    m->under_way--;
    if (end->state == TDM_DONE || m->options->collect)
        return m->options->ordered ? tell_in_order(m, s) : tell(m, s);
    int err = tell(m, s); /* the one that failed is the last that is told */
    return end->result < 0 ? end->result : err ? err : -ECANCELED;
}

/* Wait for the next end, but no longer than that. @return 0: go on. */
static int take_next(mapping *m, double wait_s)
{
    tdm_timeout scope;
    tdm_end end;
    void *arg = NULL;
    if (!m->under_way)
        return tdm_sleep(wait_s);
    bool timed = wait_s < TDM_FOREVER;
    if (timed)
        tdm_timeout_begin(&scope, wait_s);
    int there = tdm__group_take(m->group, &end, &arg);
    bool over = timed && tdm_timeout_end(&scope);
    if (there == 1)
        return take(m, arg, &end);
    return over ? 0 : there;
}

static int run(mapping *m)
{
    double wait_s;
    for (;;) {
        int err = start_more(m, &wait_s);
        if (!err && !m->under_way && !m->drawn && m->exhausted)
            return 0;
        if (!err)
            err = take_next(m, wait_s);
        if (err)
            return err;
    }
}

int tdm_map(const tdm_map_options *options)
{
    mapping m = {.options = options, .at_once = options->at_once ? options->at_once : DEFAULT_AT_ONCE};
    if (!options->next || !options->run || m.at_once > TDM_MAP_MAX)
        return -EINVAL;
    if (options->per_second != 0) {
        double interval_s = 1 / options->per_second;
        if (!(interval_s >= TDM_LIMITER_MIN_INTERVAL && interval_s <= TDM_LIMITER_MAX_INTERVAL))
            return -EINVAL;
        m.interval_ns = (int64_t) ceil(1e9 / options->per_second); /* never one too many in a second */
    }
    if (!tdm__exec_to_wait())
        return -EDEADLK;
    int err = make(&m);
    if (!err)
        err = run(&m);
    int closed = tdm_group_close(&m.group);
    if (closed) /* nothing could be waited for: what is under way still uses its slot */
        return closed;
    unmake(&m);
    return err;
}
