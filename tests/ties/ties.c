/* SPDX-License-Identifier: MIT */
/* DESIGN: each pair of events of each wait is played (scene.c) under a number of seeds. Over all of them each of the two must
 * have been first at least once; while one was not, more seeds are played. Memory in use must not grow from seed to seed.
 *
 *     test_ties [WAIT [PAIR]]     e.g. test_ties semaphore cancel-deadline
 *
 * TDM_SEEDS=N: N seeds for each pair; TDM_SEED=N: that one alone. Ends with N passed, N failed: a pair is a test. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/ties/scene.h"

enum { SEEDS = 60, MOST_SEEDS = 4000 };

/* Growth that is no leak (the C library's and libevent's caches come and go), and what half the seeds may leave on average. */
enum { PROCESS_WARM_SEEDS = 200, WARM_SEEDS = 20, SLACK_BYTES = 1024, SEED_BYTES = 1 };

/* ---- which was first ---- */

/* What the one who waits is told of an event. */
static int result_of(const tie_play *p, tie_event event)
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

static bool result_is_right(const tie_play *p)
{
    const tie_waiter *w = &p->main;
    if (!w->returns)
        return w->accepted || tie_in_pair(p, TIE_CANCEL) || tie_in_pair(p, TIE_DRAIN); /* never begun */
    if (p->scene.wait->shielded)
        return w->result == 0;
    if (w->result == TIE_NOT_WAITED)
        return tie_in_pair(p, TIE_FULL) || tie_in_pair(p, TIE_DRAIN);
    bool may_complete = p->scene.wait->by_itself || tie_in_pair(p, TIE_FULL) || !tie_was_ended(p, p->pair[0]) ||
                        !tie_was_ended(p, p->pair[1]); /* by the hand that lets go in the end */
    return w->result == result_of(p, p->pair[0]) || w->result == result_of(p, p->pair[1]) ||
           (may_complete && w->result == 0);
}

/* @return 0 or 1: which of the pair was first; -1: one cannot say. */
static int first_of(const tie_play *p)
{
    const tie_waiter *w = &p->main;
    if (tie_in_pair(p, TIE_FULL)) {
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
static bool has_two_orders(const tie_play *p)
{
    bool silent = tie_comes_by_itself(p, p->pair[0]) || tie_comes_by_itself(p, p->pair[1]);
    return !(p->scene.wait->shielded && silent && !tie_in_pair(p, TIE_FULL));
}

/* ---- one pair under many seeds ---- */

typedef struct tally {
    uint64_t seeds, orders[2];
} tally;

static void play_seed(const tie_wait *wait, const tie_event *pair, const char *name, uint64_t seed, tally *t)
{
    tie_play p = {.scene.wait = wait, .pair = {pair[0], pair[1]}};
    tdm_testing_options options = {.seed = seed, .replay = name, .patience = 60};
    TDM_EXPECT(tdm_testing_begin(&options) == 0);
    tie_play_scene(&p);
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

/* A leak grows all the time. */
static bool grows(size_t before, size_t after, uint64_t seeds)
{
    return after > before + SLACK_BYTES + seeds * SEED_BYTES;
}

/* The C library's own memory for threads grows with the most that were ever alive at once, less and less: once in a
 * process it is let grow before anything is measured. */
static void warm_up(const tie_wait *wait, const tie_event pair[2], const char *name)
{
    static uint64_t played;
    for (tally ignored = {0}; played < PROCESS_WARM_SEEDS; played++)
        play_seed(wait, pair, name, UINT64_C(1) << 40 | played, &ignored);
}

/* @return whether it held. */
static bool play_pair(const tie_wait *wait, tie_event a, tie_event b, const char *program)
{
    char name[256];
    tie_event pair[2] = {a, b};
    tally t = {0};
    tie_play shape = {.scene.wait = wait, .pair = {a, b}};
    snprintf(name, sizeof name, "%s %s %s-%s", program, wait->name, tie_event_names[a], tie_event_names[b]);
    if (getenv("TDM_SEED")) {
        play_seed(wait, pair, name, tdm_testing_seed(0), &t);
        return true;
    }
    warm_up(wait, pair, name);
    uint64_t seeds = number_from("TDM_SEEDS", SEEDS), most = seeds > MOST_SEEDS ? seeds : MOST_SEEDS;
    bool both = !has_two_orders(&shape);
    size_t at_first = 0, half_way = 0;
    for (uint64_t seed = 0; seed < seeds || (!both && seed < most); seed++) {
        if (seed == WARM_SEEDS)
            at_first = mallinfo2().uordblks;
        if (seed == (WARM_SEEDS + seeds) / 2)
            half_way = mallinfo2().uordblks;
        play_seed(wait, pair, name, seed, &t);
        both = both || (t.orders[0] && t.orders[1]);
    }
    bool leaks = at_first && grows(at_first, half_way, seeds) && grows(half_way, mallinfo2().uordblks, seeds);
    printf("%-12s %-9s %-9s seeds %5" PRIu64 "  first %5" PRIu64 " %5" PRIu64 "%s%s\n", wait->name, tie_event_names[a],
           tie_event_names[b], t.seeds, t.orders[0], t.orders[1], both ? "" : "  ONE ORDER WAS NEVER SEEN",
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
            snprintf(name, sizeof name, "%s-%s", tie_event_names[a], tie_event_names[b]);
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
    static const tie_wait *const tables[] = {tie_basic, tie_sync, tie_objects, tie_family, tie_evented};
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
