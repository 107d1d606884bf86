/* SPDX-License-Identifier: MIT */
/* DESIGN: one scene has one who waits (on a loop, a worker or a thread), perhaps somebody who waits beside it, and two events
 * that come at the same instant, each from a thread, a fiber or a worker, or from a timer. The seed decides all that is left
 * open, so the order of the two is the seed's too. Afterwards the one who waited must have ended once; nobody may wait for
 * what is there; the counts must add up; and nothing may have been lost. Time does not pass while anybody can run, so a lost
 * wake-up is seen before anything else can cover it up. */
#include "tests/ties/scene.h"

enum { MANY_WORKERS = 10, WORKERS = 3, QUEUE = 2, LOOP_TASKS = 6, FILLER_S = 5 };

const char *const tie_event_names[TIE_EVENTS] = {
    [TIE_COMPLETE] = "complete", [TIE_CANCEL] = "cancel", [TIE_DEADLINE] = "deadline",
    [TIE_FULL] = "full",         [TIE_DRAIN] = "drain",   [TIE_GONE] = "gone",
};

bool tie_in_pair(const tie_play *p, tie_event event)
{
    return p->pair[0] == event || p->pair[1] == event;
}

static const tie_actor *actor_of(const tie_play *p, tie_event event)
{
    return p->pair[0] == event ? &p->actors[0] : &p->actors[1];
}

static double until_instant(const tie_play *p)
{
    return tdm_s_from_ns(p->scene.at_ns - tdm_clock_ns());
}

static void sleep_to_the_instant(const tie_play *p)
{
    tdm_shield shield;
    TDM_EXPECT(tdm_shield_begin(&shield) == 0);
    TDM_EXPECT(tdm_sleep(until_instant(p)) == 0);
    tdm_shield_end(&shield);
}

/* ---- waiting ---- */

static int wait_now(tie_waiter *w)
{
    tie_play *p = w->play;
    bool deadline = tie_in_pair(p, TIE_DEADLINE) && !w->beside;
    bool scoped = deadline && !w->own_time && !w->task_time;
    tdm_timeout scope = {0};
    if (scoped)
        TDM_EXPECT(tdm_timeout_begin(&scope, until_instant(p)) == 0);
    if (w->late)
        sleep_to_the_instant(p);
    int result = p->scene.wait->wait(&p->scene, deadline && w->own_time ? until_instant(p) : TDM_FOREVER);
    if (scoped) {
        bool fired = tdm_timeout_end(&scope);
        TDM_EXPECT(fired == (result == -ETIMEDOUT));
    }
    w->result = result;
    w->returns++;
    return result;
}

static int wait_as_task(tdm_task *task, void *arg)
{
    (void) task;
    return wait_now(arg);
}

static void *wait_as_thread(void *arg)
{
    wait_now(arg);
    return NULL;
}

static void waiter_drop(void *arg)
{
    ((tie_waiter *) arg)->drops++;
}

static void waiter_end(const tdm_end *end, void *arg)
{
    tie_waiter *w = arg;
    TDM_EXPECT(!w->drops && !w->ends++);
    if (w->play->scene.wait->start) {
        w->result = end->result;
        w->returns += end->state != TDM_DROPPED && end->state != TDM_SKIPPED;
    } else if (w->returns) {
        TDM_EXPECT(end->result == w->result);
        TDM_EXPECT((end->state == TDM_TIMED_OUT) == (w->task_time && w->result == -ETIMEDOUT));
    }
}

static void start_waiter(tie_waiter *w)
{
    tie_play *p = w->play;
    if (p->place == TIE_ON_THREAD) {
        TDM_EXPECT(tdm_testing_thread_start(&w->thread, "waiter", wait_as_thread, w) == 0);
        return;
    }
    tdm_lane lane = p->place == TIE_ON_LOOP ? TDM_LOOP : TDM_POOL;
    tdm_task_spec spec = {.name = "waiter", .run = wait_as_task, .arg = w, .drop = waiter_drop, .lane = lane};
    spec.on_end = waiter_end;
    if (p->scene.wait->start) {
        spec.run = NULL;
        spec.start = p->scene.wait->start;
    }
    if (w->task_time)
        spec.deadline = until_instant(p);
    uint64_t id = 0;
    w->accepted = tdm_spawn(p->scene.executor, &spec, &id);
    w->id = id; /* known to others from here on */
}

static bool has_ended(const tie_play *p, const tie_waiter *w)
{
    return w->returns || (p->place != TIE_ON_THREAD && (w->drops || w->accepted));
}

/* ---- events ---- */

static int hold_a_place(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(FILLER_S);
}

static void fill(tie_play *p)
{
    tdm_task_spec spec = {.name = "filler", .run = hold_a_place};
    spec.lane = p->place == TIE_ON_LOOP ? TDM_LOOP : TDM_POOL;
    int err = 0;
    for (int i = 0; !err; i++) {
        TDM_EXPECT(i <= WORKERS + QUEUE + LOOP_TASKS);
        err = tdm_spawn(p->scene.executor, &spec, NULL);
    }
    TDM_EXPECT(err == -EAGAIN || (err == -ESHUTDOWN && tie_in_pair(p, TIE_DRAIN)));
}

static void drain(tie_play *p, double timeout)
{
    if (p->drained)
        return;
    p->drained = true;
    int lost = tdm_executor_drain(p->scene.executor, &(tdm_drain_options){.timeout = timeout, .grace = TDM_FOREVER},
                                  &p->report);
    TDM_EXPECT(lost >= 0);
}

static void act(tie_actor *a)
{
    tie_play *p = a->play;
    a->performed = true;
    switch (a->event) {
    case TIE_COMPLETE:
        p->scene.wait->complete(&p->scene);
        p->scene.completions++;
        break;
    case TIE_CANCEL:
        a->performed = p->main.id;
        a->result = a->performed ? tdm_task_cancel(p->scene.executor, p->main.id) : -ENOENT;
        TDM_EXPECT(a->result == 0 || a->result == -EALREADY || !a->performed);
        break;
    case TIE_FULL:
        fill(p);
        break;
    case TIE_DRAIN:
        drain(p, 0);
        break;
    case TIE_GONE:
        p->scene.wait->gone_now(&p->scene);
        break;
    default:
        TDM_EXPECT(!"an event that comes by itself");
    }
    a->order = ++p->acts;
}

static int act_as_task(tdm_task *task, void *arg)
{
    (void) task;
    sleep_to_the_instant(((tie_actor *) arg)->play);
    act(arg);
    return 0;
}

static void *act_as_thread(void *arg)
{
    act_as_task(NULL, arg);
    return NULL;
}

bool tie_comes_by_itself(const tie_play *p, tie_event event)
{
    return event == TIE_DEADLINE || (event == TIE_COMPLETE && p->scene.wait->by_itself);
}

static void start_actor(tie_actor *a)
{
    tie_play *p = a->play;
    if (tie_comes_by_itself(p, a->event))
        return;
    a->as_thread =
        p->scene.wait->lonely || tie_in_pair(p, TIE_DRAIN) || tie_in_pair(p, TIE_FULL) || !tdm_testing_choose(3);
    if (a->as_thread) {
        TDM_EXPECT(tdm_testing_thread_start(&a->thread, tie_event_names[a->event], act_as_thread, a) == 0);
        return;
    }
    tdm_task_spec spec = {.name = tie_event_names[a->event], .run = act_as_task, .arg = a};
    spec.lane = (tdm_lane) tdm_testing_choose(TDM_LANES);
    TDM_EXPECT(tdm_spawn(p->scene.executor, &spec, NULL) == 0);
}

/* ---- one scene ---- */

static void set_up(tie_play *p)
{
    const tie_wait *wait = p->scene.wait;
    bool full = tie_in_pair(p, TIE_FULL);
    bool needs_task = tie_in_pair(p, TIE_CANCEL) || tie_in_pair(p, TIE_DRAIN) || full;
    p->scene.at_ns = tdm_clock_ns() + TDM_NS_PER_S;
    p->place = wait->start ? TIE_ON_LOOP : (tie_place) tdm_testing_choose(needs_task ? 2 : 3);
    p->has_beside = !full && !wait->lonely && !wait->alone && tdm_testing_choose(2);
    p->scene.full = full;
    tdm_executor_options options = {.loops = 1 + (unsigned) tdm_testing_choose(2), .ledger = 64};
    options.workers = full ? WORKERS : MANY_WORKERS;
    if (full) {
        options.queue = QUEUE;
        options.max_loop_tasks = LOOP_TASKS;
    }
    TDM_EXPECT(tdm_executor_create(&p->scene.executor, &options) == 0);
    if (wait->setup)
        wait->setup(&p->scene);
    p->main = (tie_waiter){.play = p, .late = full || tdm_testing_choose(2)};
    if (tie_in_pair(p, TIE_DEADLINE)) {
        p->main.own_time = wait->timed && tdm_testing_choose(2);
        p->main.task_time = !p->main.own_time && p->place != TIE_ON_THREAD && !full && tdm_testing_choose(2);
        p->main.task_time |= wait->start != NULL;
    }
    p->beside = (tie_waiter){.play = p, .beside = true};
    for (int i = 0; i < 2; i++)
        p->actors[i] = (tie_actor){.play = p, .event = p->pair[i]};
}

static void start_all(tie_play *p)
{
    bool beside_first = tdm_testing_choose(2);
    if (p->has_beside && beside_first)
        start_waiter(&p->beside);
    for (int i = 0; i < 2; i++)
        start_actor(&p->actors[i]);
    if (tie_in_pair(p, TIE_FULL))
        tdm_sleep(until_instant(p));
    start_waiter(&p->main);
    if (p->has_beside && !beside_first)
        start_waiter(&p->beside);
    if (!tie_in_pair(p, TIE_FULL))
        tdm_sleep(until_instant(p));
}

/* The law, over all shards, in the middle of things. */
static void check_law(tie_play *p)
{
    tdm_stats stats;
    TDM_EXPECT(tdm_stats_get(p->scene.executor, &stats) == 0);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        const tdm_totals *t = &stats.lanes[lane].lifetime;
        uint64_t sum = 0;
        for (int i = 0; i < TDM_STATES; i++)
            sum += t->state[i];
        TDM_EXPECT(t->accepted == sum);
    }
}

static void join_actors(tie_play *p)
{
    for (int i = 0; i < 2; i++)
        if (p->actors[i].as_thread)
            tdm_testing_thread_join(p->actors[i].thread);
    tdm_testing_advance(tie_in_pair(p, TIE_FULL) ? 2 * FILLER_S : 0);
}

/* Has anything happened that ends the wait? A request to stop that came too late or too early has not. */
bool tie_was_ended(const tie_play *p, tie_event event)
{
    const tie_actor *a = actor_of(p, event);
    if (event == TIE_FULL)
        return false;
    return tie_comes_by_itself(p, event) || (a->performed && (event != TIE_CANCEL || a->result == 0));
}

static void check_wait(tie_play *p)
{
    const tie_wait *wait = p->scene.wait;
    bool ended = wait->by_itself || tie_was_ended(p, p->pair[0]) || tie_was_ended(p, p->pair[1]);
    TDM_EXPECT(!ended || has_ended(p, &p->main));
    bool there = p->scene.completions && wait->passes_on; /* what one does not take, the next gets */
    TDM_EXPECT(!(p->has_beside && there) || has_ended(p, &p->beside));
    TDM_EXPECT(p->main.returns <= 1 && p->beside.returns <= 1);
}

/* Those who still wait are let go. */
static void let_go(tie_play *p)
{
    const tie_wait *wait = p->scene.wait;
    for (int i = 0; i < 3 && !wait->by_itself; i++) {
        bool all = has_ended(p, &p->main) && (!p->has_beside || has_ended(p, &p->beside));
        if (all)
            break;
        wait->complete(&p->scene);
        p->scene.completions++;
        tdm_testing_settle();
    }
}

static void end_waiter(tie_play *p, tie_waiter *w)
{
    if (p->place == TIE_ON_THREAD) {
        tdm_testing_thread_join(w->thread);
        TDM_EXPECT(w->returns == 1);
        return;
    }
    TDM_EXPECT(w->drops == (w->accepted == 0));
    TDM_EXPECT(w->returns <= w->drops && w->ends == w->drops);
}

static void end_scene(tie_play *p)
{
    const tie_wait *wait = p->scene.wait;
    drain(p, TDM_FOREVER);
    for (int lane = 0; lane < TDM_LANES; lane++) {
        const tdm_totals *t = &p->report.lanes[lane];
        uint64_t sum = 0;
        for (int i = TDM_DONE; i < TDM_STATES; i++)
            sum += t->state[i];
        TDM_EXPECT(t->accepted == sum && !t->state[TDM_ABANDONED]);
    }
    end_waiter(p, &p->main);
    if (p->has_beside)
        end_waiter(p, &p->beside);
    if (wait->check)
        wait->check(&p->scene);
    TDM_EXPECT(tdm_executor_destroy(&p->scene.executor) == 0);
    if (wait->finish)
        wait->finish(&p->scene);
}

void tie_play_scene(tie_play *p)
{
    set_up(p);
    start_all(p);
    if (tdm_testing_choose(4) == 0)
        check_law(p);
    join_actors(p);
    check_wait(p);
    let_go(p);
    end_scene(p);
}
