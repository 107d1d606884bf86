/* SPDX-License-Identifier: MIT */
/* DESIGN: waits for other tasks: a join and a group's. Each who waits starts its own, which go on until an event is set;
 * what it does not get to see the end of, it stops and waits for, as all must who own tasks. */
#include "tests/ties/ties.h"

enum {
    FOR_ALL =
        TIE_BIT(TIE_COMPLETE) | TIE_BIT(TIE_CANCEL) | TIE_BIT(TIE_DEADLINE) | TIE_BIT(TIE_FULL) | TIE_BIT(TIE_DRAIN)
};

static void family_setup(tie_scene *s)
{
    TDM_EXPECT(tdm_event_create((tdm_event **) &s->object) == 0);
}

static void family_complete(tie_scene *s)
{
    tdm_event_set(s->object);
}

static void family_finish(tie_scene *s)
{
    TDM_EXPECT(tdm_event_waiting(s->object) == 0);
    tdm_event_destroy((tdm_event **) &s->object);
}

static int be_a_child(tdm_task *task, void *arg)
{
    (void) task;
    tie_scene *s = arg;
    s->given++;
    int err = tdm_event_wait(s->object);
    s->taken++;
    return err;
}

/* Not where a worker would run the child itself, since then it is the child that waits. */
static tdm_task_spec a_child(tie_scene *s)
{
    tdm_task *me = tdm_task_current();
    tdm_lane lane = TDM_LOOP;
    if (!me || tdm_task_lane(me) == TDM_LOOP)
        lane = s->full ? TDM_POOL : (tdm_lane) tdm_testing_choose(TDM_LANES);
    return (tdm_task_spec){.name = "child", .run = be_a_child, .arg = s, .lane = lane};
}

static bool is_refusal(const tie_scene *s, int err)
{
    return err == -ESHUTDOWN || (s->full && err == -EAGAIN);
}

static int wait_join(tie_scene *s, double seconds)
{
    tdm_task *child = NULL;
    tdm_end end = {.result = 1};
    tdm_task_spec spec = a_child(s);
    int err = tdm_task_start(&child, s->executor, &spec);
    if (err) {
        TDM_EXPECT(is_refusal(s, err));
        return TIE_NOT_WAITED;
    }
    err = seconds < TDM_FOREVER ? tdm_join_for(&child, seconds, &end) : tdm_join(&child, &end);
    TDM_EXPECT(!child == !err);
    if (err) {
        int stopped = tdm_task_stop(child);
        TDM_EXPECT(stopped == 0 || stopped == -EALREADY);
        TDM_EXPECT(tdm_join_shielded(&child, &end) == 0);
    }
    bool called_off = end.state == TDM_CANCELLED || end.state == TDM_DROPPED;
    TDM_EXPECT(end.state == TDM_DONE ? end.result == 0 : called_off);
    return !err && called_off ? TIE_NOT_WAITED : err; /* a drain stops both */
}

static tdm_group *open_group(tie_scene *s)
{
    tdm_group *group = NULL;
    TDM_EXPECT(tdm_group_open(&group, &(tdm_group_options){.executor = s->executor}) == 0);
    for (int i = 0; i < 2; i++) {
        tdm_task_spec spec = a_child(s);
        int index = tdm_group_spawn(group, &spec);
        if (index != i) {
            TDM_EXPECT(is_refusal(s, index) || index == -ECANCELED); /* cancelled: a child was stopped by a drain */
            TDM_EXPECT(tdm_group_close(&group) == 0);
            break;
        }
    }
    return group;
}

static int wait_group(tie_scene *s, double seconds)
{
    (void) seconds;
    tdm_group *group = open_group(s);
    if (!group)
        return TIE_NOT_WAITED;
    int err = tdm_group_wait(group);
    const tdm_end *ends;
    TDM_EXPECT(tdm_group_ends(group, &ends) == 2);
    for (int i = 0; i < 2; i++)
        TDM_EXPECT(ends[i].state == TDM_DONE || (err && ends[i].state > TDM_DONE));
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return err == -ESHUTDOWN ? -ECANCELED : err; /* a child that a drain dropped */
}

static int wait_next(tie_scene *s, double seconds)
{
    (void) seconds;
    tdm_group *group = open_group(s);
    if (!group)
        return TIE_NOT_WAITED;
    tdm_end end;
    int told = tdm_group_next(group, &end, NULL);
    TDM_EXPECT(told < 0 || told == 1);
    int err = told < 0 ? told : end.state == TDM_DONE ? 0 : -ECANCELED;
    TDM_EXPECT(tdm_group_close(&group) == 0);
    return err;
}

/* To a pool of its own: a worker might run it itself in its own pool, and then it is the function that waits. */
static void offload_setup(tie_scene *s)
{
    tdm_pool *pool;
    family_setup(s);
    TDM_EXPECT(tdm_pool_create(&pool, s->executor, &(tdm_pool_options){.name = "elsewhere", .max_workers = 4}) == 0);
}

static int wait_offload(tie_scene *s, double seconds)
{
    (void) seconds;
    int result = 1;
    tdm_offload_options options = {.executor = s->executor, .abandon = tdm_testing_choose(2)};
    options.pool = tdm_pool_find(s->executor, "elsewhere");
    int err = tdm_offload(be_a_child, s, &options, &result);
    if (err == -ESHUTDOWN)
        return TIE_NOT_WAITED;
    TDM_EXPECT(err || result == 0 || result == -ECANCELED);
    return !err && result ? TIE_NOT_WAITED : err; /* a drain stopped it */
}

typedef struct drawing {
    tie_scene *scene;
    int drawn;
} drawing;

/* Two inputs, both under way at once where there is room for them. */
static int draw_child(void **item, void *arg)
{
    drawing *d = arg;
    *item = d->scene;
    return d->drawn++ < 2;
}

static int wait_map(tie_scene *s, double seconds)
{
    (void) seconds;
    drawing d = {.scene = s};
    tdm_map_options options = {.next = draw_child, .run = be_a_child, .arg = &d, .executor = s->executor};
    options.lane = a_child(s).lane;
    options.ordered = tdm_testing_choose(2);
    options.at_once = 1 + (unsigned) tdm_testing_choose(2);
    int err = tdm_map(&options);
    TDM_EXPECT(err || d.drawn == 3);
    return err == -ESHUTDOWN ? TIE_NOT_WAITED : err;
}

static void family_check(tie_scene *s)
{
    TDM_EXPECT(s->given == s->taken); /* nobody's child is left */
}

const tie_wait tie_family[] = {
    {.name = "join",
     .events = FOR_ALL,
     .timed = true,
     .setup = family_setup,
     .wait = wait_join,
     .complete = family_complete,
     .check = family_check,
     .finish = family_finish},
    {.name = "group",
     .events = FOR_ALL,
     .setup = family_setup,
     .wait = wait_group,
     .complete = family_complete,
     .check = family_check,
     .finish = family_finish},
    {.name = "offload",
     .events = FOR_ALL,
     .setup = offload_setup,
     .wait = wait_offload,
     .complete = family_complete,
     .check = family_check,
     .finish = family_finish},
    {.name = "next",
     .events = FOR_ALL,
     .setup = family_setup,
     .wait = wait_next,
     .complete = family_complete,
     .check = family_check,
     .finish = family_finish},
    {.name = "map",
     .events = FOR_ALL,
     .setup = family_setup,
     .wait = wait_map,
     .complete = family_complete,
     .check = family_check,
     .finish = family_finish},
    {0},
};
