/* SPDX-License-Identifier: MIT */
/* DESIGN: one scene has one who waits (on a loop, a worker or a thread), perhaps somebody who waits beside it, and two events
 * that come at the same instant, each from a thread, a fiber or a worker, or from a timer. The seed decides all that is left
 * open, so the order of the two is the seed's too. Afterwards the one who waited must have ended once, and for one of the two
 * reasons; nobody may wait for what is there; the counts must add up; and nothing may have been lost. Time does not pass while
 * anybody can run, so a lost wake-up is a deadlock, which testing mode reports.
 * Over all seeds each of the two must have been first at least once; if one was not, more seeds are played.
 *
 *     test_ties [WAIT [PAIR]]     e.g. test_ties semaphore cancel-deadline
 *
 * TDM_SEEDS=N: N seeds for each pair; TDM_SEED=N: that one alone. Ends with N passed, N failed: a pair is a test. */
#include "tests/ties/ties.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 60, MOST_SEEDS = 4000, WORKERS = 3, QUEUE = 2, LOOP_TASKS = 6, FILLER_S = 5 };

/* Growth that is no leak: caches of the C library's and libevent's; and what one seed may leave on average. */
enum { WARM_SEEDS = 20, SLACK_BYTES = 65536, SEED_BYTES = 4 };

static const char *const event_names[TIE_EVENTS] = {
    [TIE_COMPLETE] = "complete", [TIE_CANCEL] = "cancel", [TIE_DEADLINE] = "deadline",
    [TIE_FULL] = "full",         [TIE_DRAIN] = "drain",   [TIE_GONE] = "gone",
};

/* One who waits. */
typedef struct waiter {
    struct play *play;
    bool beside; /* it is not the one that the events concern */
    bool late;   /* it begins to wait at the instant, not before */
    bool own_time;
    int accepted; /* what tdm_spawn() returned */
    uint64_t id;
    int returns, drops, result;
    pthread_t thread;
} waiter;

/* One event on its way. */
typedef struct actor {
    struct play *play;
    tie_event event;
    bool as_thread, performed;
    int result; /* of the call */
    unsigned order;
    pthread_t thread;
} actor;

typedef struct play {
    tie_scene scene;
    tie_event pair[2];
    actor actors[2];
    waiter main, beside;
    tie_place place;
    bool has_beside;
    unsigned acts; /* so far */
    bool drained;
    tdm_drain_report report;
} play;

static bool in_pair(const play *p, tie_event event)
{
    return p->pair[0] == event || p->pair[1] == event;
}

static const actor *actor_of(const play *p, tie_event event)
{
    return p->pair[0] == event ? &p->actors[0] : &p->actors[1];
}

static double until_instant(const play *p)
{
    return tdm_s_from_ns(p->scene.at_ns - tdm_clock_ns());
}

static void sleep_to_the_instant(const play *p)
{
    tdm_shield shield;
    TDM_EXPECT(tdm_shield_begin(&shield) == 0);
    TDM_EXPECT(tdm_sleep(until_instant(p)) == 0);
    tdm_shield_end(&shield);
}

/* ---- waiting ---- */

static int wait_now(waiter *w)
{
    play *p = w->play;
    bool deadline = in_pair(p, TIE_DEADLINE) && !w->beside;
    tdm_timeout scope;
    if (deadline && !w->own_time)
        TDM_EXPECT(tdm_timeout_begin(&scope, until_instant(p)) == 0);
    if (w->late)
        sleep_to_the_instant(p);
    int result = p->scene.wait->wait(&p->scene, deadline && w->own_time ? until_instant(p) : TDM_FOREVER);
    if (deadline && !w->own_time) {
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
    ((waiter *) arg)->drops++;
}

static void start_waiter(waiter *w)
{
    play *p = w->play;
    if (p->place == TIE_ON_THREAD) {
        TDM_EXPECT(tdm_testing_thread_start(&w->thread, "waiter", wait_as_thread, w) == 0);
        return;
    }
    tdm_lane lane = p->place == TIE_ON_LOOP ? TDM_LOOP : TDM_POOL;
    tdm_task_spec spec = {.name = "waiter", .run = wait_as_task, .arg = w, .drop = waiter_drop, .lane = lane};
    w->accepted = tdm_spawn(p->scene.executor, &spec, &w->id);
}

static bool has_ended(const play *p, const waiter *w)
{
    return w->returns || (p->place != TIE_ON_THREAD && (w->drops || w->accepted));
}

/* ---- events ---- */

static int hold_a_place(tdm_task *task, void *arg)
{
    (void) task, (void) arg;
    return tdm_sleep(FILLER_S);
}

static void fill(play *p)
{
    tdm_task_spec spec = {.name = "filler", .run = hold_a_place};
    spec.lane = p->place == TIE_ON_LOOP ? TDM_LOOP : TDM_POOL;
    int err = 0;
    for (int i = 0; !err; i++) {
        TDM_EXPECT(i <= WORKERS + QUEUE + LOOP_TASKS);
        err = tdm_spawn(p->scene.executor, &spec, NULL);
    }
    TDM_EXPECT(err == -EAGAIN || (err == -ESHUTDOWN && in_pair(p, TIE_DRAIN)));
}

static void drain(play *p, double timeout)
{
    if (p->drained)
        return;
    p->drained = true;
    int lost = tdm_executor_drain(p->scene.executor, &(tdm_drain_options){.timeout = timeout, .grace = TDM_FOREVER},
                                  &p->report);
    TDM_EXPECT(lost >= 0);
}

static void act(actor *a)
{
    play *p = a->play;
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
    sleep_to_the_instant(((actor *) arg)->play);
    act(arg);
    return 0;
}

static void *act_as_thread(void *arg)
{
    act_as_task(NULL, arg);
    return NULL;
}

static bool comes_by_itself(const play *p, tie_event event)
{
    return event == TIE_DEADLINE || (event == TIE_COMPLETE && p->scene.wait->by_itself);
}

static void start_actor(actor *a)
{
    play *p = a->play;
    if (comes_by_itself(p, a->event))
        return;
    a->as_thread = p->scene.wait->lonely || in_pair(p, TIE_DRAIN) || in_pair(p, TIE_FULL) || !tdm_testing_choose(3);
    if (a->as_thread) {
        TDM_EXPECT(tdm_testing_thread_start(&a->thread, event_names[a->event], act_as_thread, a) == 0);
        return;
    }
    tdm_task_spec spec = {.name = event_names[a->event], .run = act_as_task, .arg = a};
    spec.lane = (tdm_lane) tdm_testing_choose(TDM_LANES);
    TDM_EXPECT(tdm_spawn(p->scene.executor, &spec, NULL) == 0);
}

/* ---- one scene ---- */

static void set_up(play *p)
{
    const tie_wait *wait = p->scene.wait;
    bool full = in_pair(p, TIE_FULL);
    bool needs_task = wait->tasks_only || in_pair(p, TIE_CANCEL) || in_pair(p, TIE_DRAIN) || full;
    p->scene.at_ns = tdm_clock_ns() + TDM_NS_PER_S;
    p->place = (tie_place) tdm_testing_choose(needs_task ? 2 : 3);
    p->has_beside = !full && !wait->lonely && tdm_testing_choose(2);
    tdm_executor_options options = {.loops = 1 + (unsigned) tdm_testing_choose(2), .workers = WORKERS, .ledger = 64};
    if (full) {
        options.queue = QUEUE;
        options.max_loop_tasks = LOOP_TASKS;
    }
    TDM_EXPECT(tdm_executor_create(&p->scene.executor, &options) == 0);
    if (wait->setup)
        wait->setup(&p->scene);
    p->main = (waiter){.play = p, .late = full || tdm_testing_choose(2)};
    p->main.own_time = wait->timed && tdm_testing_choose(2);
    p->beside = (waiter){.play = p, .beside = true};
    for (int i = 0; i < 2; i++)
        p->actors[i] = (actor){.play = p, .event = p->pair[i]};
}

static void start_all(play *p)
{
    bool beside_first = tdm_testing_choose(2);
    if (p->has_beside && beside_first)
        start_waiter(&p->beside);
    for (int i = 0; i < 2; i++)
        start_actor(&p->actors[i]);
    if (in_pair(p, TIE_FULL))
        tdm_sleep(until_instant(p));
    start_waiter(&p->main);
    if (p->has_beside && !beside_first)
        start_waiter(&p->beside);
    if (!in_pair(p, TIE_FULL))
        tdm_sleep(until_instant(p));
}

/* The law, over all shards, in the middle of things. */
static void check_law(play *p)
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

static void join_actors(play *p)
{
    for (int i = 0; i < 2; i++)
        if (p->actors[i].as_thread)
            tdm_testing_thread_join(p->actors[i].thread);
    tdm_testing_advance(in_pair(p, TIE_FULL) ? 2 * FILLER_S : 0);
}

/* Has anything happened that ends the wait? A request to stop that came too late or too early has not. */
static bool was_ended(const play *p, tie_event event)
{
    const actor *a = actor_of(p, event);
    if (event == TIE_FULL)
        return false;
    return comes_by_itself(p, event) || (a->performed && (event != TIE_CANCEL || a->result == 0));
}

static void check_wait(play *p)
{
    const tie_wait *wait = p->scene.wait;
    bool ended = wait->by_itself || was_ended(p, p->pair[0]) || was_ended(p, p->pair[1]);
    TDM_EXPECT(!ended || has_ended(p, &p->main));
    bool there = p->scene.completions && wait->passes_on; /* what one does not take, the next gets */
    TDM_EXPECT(!(p->has_beside && there) || has_ended(p, &p->beside));
    TDM_EXPECT(p->main.returns <= 1 && p->beside.returns <= 1);
}

/* Those who still wait are let go. */
static void let_go(play *p)
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

static void end_waiter(play *p, waiter *w)
{
    if (p->place == TIE_ON_THREAD) {
        tdm_testing_thread_join(w->thread);
        TDM_EXPECT(w->returns == 1);
        return;
    }
    TDM_EXPECT(w->drops == (w->accepted == 0));
    TDM_EXPECT(w->returns <= w->drops);
}

static void end_scene(play *p)
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

static void play_scene(void *arg)
{
    play *p = arg;
    set_up(p);
    start_all(p);
    if (tdm_testing_choose(4) == 0)
        check_law(p);
    join_actors(p);
    check_wait(p);
    let_go(p);
    end_scene(p);
}

/* ---- which was first ---- */

/* What the one who waits is told of an event. */
static int result_of(const play *p, tie_event event)
{
    switch (event) {
    case TIE_CANCEL:
    case TIE_DRAIN:
        return -ECANCELED;
    case TIE_DEADLINE:
        return -ETIMEDOUT;
    case TIE_GONE:
        return p->scene.wait->gone;
    default:
        return 0;
    }
}

static bool result_is_right(const play *p)
{
    const waiter *w = &p->main;
    if (!w->returns)
        return w->accepted || in_pair(p, TIE_CANCEL) || in_pair(p, TIE_DRAIN); /* never begun */
    if (p->scene.wait->shielded)
        return w->result == 0;
    bool may_complete = p->scene.wait->by_itself || in_pair(p, TIE_FULL) || !was_ended(p, p->pair[0]) ||
                        !was_ended(p, p->pair[1]); /* by the hand that lets go in the end */
    return w->result == result_of(p, p->pair[0]) || w->result == result_of(p, p->pair[1]) ||
           (may_complete && w->result == 0);
}

/* @return 0 or 1: which of the pair was first; -1: one cannot say. */
static int first_of(const play *p)
{
    const waiter *w = &p->main;
    if (in_pair(p, TIE_FULL)) {
        bool rejected = w->accepted == -EAGAIN;
        return (p->pair[0] == TIE_FULL) == rejected ? 0 : 1;
    }
    int results[2] = {result_of(p, p->pair[0]), result_of(p, p->pair[1])};
    if (w->returns && results[0] != results[1] && !p->scene.wait->shielded)
        return w->result == results[0] ? 0 : w->result == results[1] ? 1 : -1;
    if (!p->actors[0].order || !p->actors[1].order)
        return -1;
    return p->actors[0].order < p->actors[1].order ? 0 : 1;
}

/* Both come from timers, or end in the same way without our seeing it: there is only one order to see. */
static bool has_two_orders(const play *p)
{
    bool silent = comes_by_itself(p, p->pair[0]) || comes_by_itself(p, p->pair[1]);
    return !(p->scene.wait->shielded && silent && !in_pair(p, TIE_FULL));
}

/* ---- one pair under many seeds ---- */

typedef struct tally {
    uint64_t seeds, orders[2];
} tally;

static void play_seed(const tie_wait *wait, const tie_event *pair, const char *name, uint64_t seed, tally *t)
{
    play p = {.scene.wait = wait, .pair = {pair[0], pair[1]}};
    tdm_testing_options options = {.seed = seed, .replay = name, .patience = 60};
    TDM_EXPECT(tdm_testing_begin(&options) == 0);
    play_scene(&p);
    TDM_EXPECT(result_is_right(&p));
    TDM_EXPECT(tdm_testing_end(NULL) == 0);
    int first = first_of(&p);
    if (first >= 0)
        t->orders[first]++;
    t->seeds++;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given ? strtoull(given, NULL, 10) : otherwise;
}

/* @return whether it held. */
static bool play_pair(const tie_wait *wait, tie_event a, tie_event b, const char *program)
{
    char name[256];
    tie_event pair[2] = {a, b};
    tally t = {0};
    play shape = {.scene.wait = wait, .pair = {a, b}};
    snprintf(name, sizeof name, "%s %s %s-%s", program, wait->name, event_names[a], event_names[b]);
    if (getenv("TDM_SEED")) {
        play_seed(wait, pair, name, tdm_testing_seed(0), &t);
        return true;
    }
    uint64_t seeds = number_from("TDM_SEEDS", SEEDS), most = seeds > MOST_SEEDS ? seeds : MOST_SEEDS;
    bool both = !has_two_orders(&shape);
    size_t before = 0;
    for (uint64_t seed = 0; seed < seeds || (!both && seed < most); seed++) {
        if (seed == WARM_SEEDS)
            before = mallinfo2().uordblks;
        play_seed(wait, pair, name, seed, &t);
        both = both || (t.orders[0] && t.orders[1]);
    }
    size_t after = mallinfo2().uordblks;
    bool leaks = before && after > before + SLACK_BYTES + t.seeds * SEED_BYTES;
    printf("%-12s %-9s %-9s seeds %5" PRIu64 "  first %5" PRIu64 " %5" PRIu64 "%s%s\n", wait->name, event_names[a],
           event_names[b], t.seeds, t.orders[0], t.orders[1], both ? "" : "  ONE ORDER WAS NEVER SEEN",
           leaks ? "  MEMORY GROWS" : "");
    fflush(stdout);
    return both && !leaks;
}

/* ---- all ---- */

typedef struct totals {
    unsigned passed, failed;
} totals;

static bool is_wanted(const char *pattern, const char *name)
{
    return !pattern || strcmp(pattern, name) == 0;
}

static void play_wait(const tie_wait *wait, char **argv, totals *sum)
{
    for (unsigned a = 0; a < TIE_EVENTS; a++)
        for (unsigned b = a + 1; b < TIE_EVENTS; b++) {
            char name[32];
            snprintf(name, sizeof name, "%s-%s", event_names[a], event_names[b]);
            if (!(wait->events & TIE_BIT(a)) || !(wait->events & TIE_BIT(b)) ||
                !is_wanted(argv[1] ? argv[2] : NULL, name))
                continue;
            if (play_pair(wait, (tie_event) a, (tie_event) b, argv[0]))
                sum->passed++;
            else
                sum->failed++;
        }
}

int main(int argc, char **argv)
{
    static const tie_wait *const tables[] = {tie_basic, tie_sync};
    totals sum = {0};
    (void) argc;
    mallopt(M_ARENA_MAX, 1); /* so that the bytes in use can be compared */
    if (tdm_log_start(&(tdm_log_options){.level = TDM_LOG_OFF}) == 0)
        tdm_log_stop(); /* the level stays */
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const tie_wait *wait = tables[i]; wait->name; wait++)
            if (is_wanted(argv[1], wait->name))
                play_wait(wait, argv, &sum);
    if (!sum.passed && !sum.failed) {
        fprintf(stderr, "test_ties: there is no %s %s\n", argv[1], argv[2] ? argv[2] : "");
        return 2;
    }
    printf("%u passed, %u failed\n", sum.passed, sum.failed);
    return sum.failed ? 1 : 0;
}
