/* SPDX-License-Identifier: MIT */
/* DESIGN: who is next. It is drawn from those who can run: those that were woken, those whose deadline has come, those that
 * gave way. If there is none, threads with descriptors look at them; then whoever settles goes on; then time jumps to the
 * next deadline; if there is none, it is a deadlock.
 * A test is replayed from its seed alone, so nothing here may depend on an address, a thread's id or real time. Each seed
 * also has its own temper, how often a point gives way: some defects need many switches, others few. */
#include "tasks/game.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "tasks/clock.h"

enum {
    LOOK_ODDS = 8,      /* one hand-over in so many counts those who may look at descriptors among those who can run */
    SPURIOUS_ODDS = 64, /* one in so many those who wait, too: condition variables wake without cause now and then */
    LOOKS = 2,          /* how often in a row a thread looks in vain before time passes */
    REAL_NAP_NS = 1000000,
    DEFAULT_TURNS = 10000000,
    DEFAULT_PATIENCE_S = 10,
};

tdm__game tdm__the_game = {.lock = PTHREAD_MUTEX_INITIALIZER};

static tdm__game *const game = &tdm__the_game;

/* With the game's lock. */
static void fail(const char *what)
{
    pthread_mutex_unlock(&game->lock);
    tdm__baton_fail(what);
}

/* ---- choices; with the game's lock ---- */

static uint64_t next_random(void) /* splitmix64 */
{
    uint64_t z = game->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t tdm__game_draw(uint64_t n)
{
    if (n < 2)
        return 0;
    uint64_t drawn = next_random() % n;
    game->choices++;
    game->fingerprint = (game->fingerprint ^ (n << 32 ^ drawn)) * UINT64_C(0x100000001B3);
    return drawn;
}

typedef bool trait(const tdm__player *p);

static bool can_run(const tdm__player *p)
{
    return p->state == TDM__PLAYER_READY || (p->state == TDM__PLAYER_WAITS && p->deadline_ns <= game->now_ns);
}

static bool has_descriptors(const tdm__player *p)
{
    return p->state == TDM__PLAYER_WAITS && p->looks;
}

static bool can_look(const tdm__player *p)
{
    return has_descriptors(p) && (p->looked_at != game->activity || p->looked < LOOKS);
}

static bool settles(const tdm__player *p)
{
    return p->state == TDM__PLAYER_SETTLES;
}

static bool may_wake_without_cause(const tdm__player *p)
{
    return p->state == TDM__PLAYER_WAITS && p->wait == TDM__FOR_COND;
}

static uint64_t count(trait *is, trait *or_is)
{
    uint64_t n = 0;
    for (const tdm__player *p = game->first; p; p = p->next)
        n += is(p) || or_is(p);
    return n;
}

/* One of those who have one of the two traits. NULL: nobody. */
static tdm__player *draw_player(trait *is, trait *or_is)
{
    uint64_t n = count(is, or_is);
    if (!n)
        return NULL;
    uint64_t skip = tdm__game_draw(n);
    tdm__player *p = game->first;
    while (!(is(p) || or_is(p)) || skip--)
        p = p->next;
    return p;
}

/* ---- time; with the game's lock ---- */

/* To the next deadline. @return false: nobody waits for one. */
static bool pass_time(void)
{
    int64_t next = INT64_MAX;
    for (const tdm__player *p = game->first; p; p = p->next)
        if (p->state == TDM__PLAYER_WAITS && p->deadline_ns < next)
            next = p->deadline_ns;
    if (next == INT64_MAX)
        return false;
    assert(next > game->now_ns);
    atomic_store(&game->now_ns, next);
    game->turns = 0;
    return true;
}

/* Nothing in this process can happen. Perhaps something comes in from outside, while there is somebody to see it.
 * @return false: nobody looks, or nothing came for too long. */
static bool wait_for_the_world(void)
{
    if (!count(has_descriptors, has_descriptors) || game->napped_ns >= game->patience_ns)
        return false;
    game->napped_ns += REAL_NAP_NS;
    pthread_mutex_unlock(&game->lock);
    nanosleep(&(struct timespec){.tv_nsec = REAL_NAP_NS}, NULL);
    pthread_mutex_lock(&game->lock);
    game->activity++;
    return true;
}

/* ---- passing the baton; with the game's lock ---- */

static tdm__player *next_player(void)
{
    trait *also = can_run;
    if (next_random() % LOOK_ODDS == 0)
        also = can_look;
    else if (next_random() % SPURIOUS_ODDS == 0)
        also = may_wake_without_cause;
    for (;;) {
        tdm__player *next = count(can_run, can_run) ? draw_player(can_run, also) : NULL;
        if (!next)
            next = draw_player(can_look, can_look);
        if (!next)
            next = draw_player(settles, settles);
        if (next)
            return next;
        if (!pass_time() && !wait_for_the_world())
            fail("nobody can run, and nobody waits for a time: a deadlock");
    }
}

static void take_turn(tdm__player *p)
{
    if (has_descriptors(p) && !can_run(p)) {
        p->looked = p->looked_at == game->activity ? p->looked + 1 : 1;
    } else {
        game->activity++;
        game->napped_ns = 0;
        p->looked = 0;
    }
    p->looked_at = game->activity;
    p->state = TDM__PLAYER_RUNS;
    game->holder = p;
    game->turns_ever++;
    if (++game->turns > game->max_turns)
        fail("too many turns of threads without time passing: the test goes in circles (max_turns)");
}

/* If nobody takes a turn for too long, the one whose turn it is waits outside the library. The time is counted in slices: of
 * one in which the whole process was stopped, as by a debugger, no more than a slice counts. */
void tdm__game_await_turn(tdm__player *p)
{
    enum { SLICES = 10 };
    uint64_t seen = game->turns_ever;
    unsigned over = 0;
    while (game->holder != p) {
        int64_t until_ns = tdm__clock_real_ns() + game->patience_ns / SLICES;
        struct timespec until = {.tv_sec = until_ns / TDM_NS_PER_S, .tv_nsec = until_ns % TDM_NS_PER_S};
        int err = pthread_cond_clockwait(&p->turn, &game->lock, CLOCK_MONOTONIC, &until);
        over = game->turns_ever != seen || game->napped_ns ? 0 : over + (err == ETIMEDOUT);
        seen = game->turns_ever;
        if (over >= SLICES && game->holder != p)
            fail("the thread whose turn it is did not give way for too long (patience): it waits outside the library, "
                 "or computes");
    }
}

tdm__player *tdm__game_hand_over(void)
{
    tdm__player *next = next_player();
    take_turn(next);
    return next;
}

void tdm__game_pass(tdm__player *p)
{
    if (tdm__game_hand_over() == p)
        return;
    pthread_cond_signal(&game->holder->turn);
    tdm__game_await_turn(p);
}

/* ---- a new game ---- */

void tdm__game_start(const tdm_testing_options *options)
{
    static const uint64_t tempers[] = {1, 2, 8, 32};
    game->notes = NULL;
    game->seed = game->random = options->seed;
    game->choices = game->activity = game->turns = 0;
    game->fingerprint = UINT64_C(0xCBF29CE484222325);
    game->max_turns = options->max_turns ? options->max_turns : DEFAULT_TURNS;
    game->patience_ns = tdm_ns_from_s(options->patience > 0 ? options->patience : DEFAULT_PATIENCE_S);
    game->napped_ns = 0;
    game->temper = tempers[next_random() % (sizeof tempers / sizeof *tempers)];
    atomic_store(&game->now_ns, TDM__FIRST_NS);
}
