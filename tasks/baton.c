/* SPDX-License-Identifier: MIT */
/* DESIGN: every thread that takes part is a player. One holds the baton and runs; the others sleep. A player passes the
 * baton on where it waits, and at points in between where the seed says so. Who is next is drawn from those who can run:
 * those that were woken, those whose deadline has come, those that gave way. If there is none, threads with descriptors
 * look at them; then whoever settles goes on; then time jumps to the next deadline; if there is none, it is a deadlock.
 * The game's lock is held for moments only and guards all of it. Since one thread runs at a time it is hardly ever
 * contended, but threads outside the game (the log's writer) may come by.
 * A test is replayed from its seed alone, so nothing here may depend on an address, a thread's id or real time. Each
 * seed also has its own temper, how often a point gives way: some defects need many switches, others few. */
#include "tasks/baton.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tasks/clock.h"
#include "tasks/game.h"

enum {
    LOOK_ODDS = 8,      /* one hand-over in so many counts those who may look at descriptors among those who can run */
    SPURIOUS_ODDS = 64, /* one in so many those who wait, too: condition variables wake without cause now and then */
    LOOKS = 2,          /* how often in a row a thread looks in vain before time passes */
    REAL_NAP_NS = 1000000,
};

_Atomic bool tdm__baton_on;
tdm__game tdm__the_game = {.lock = PTHREAD_MUTEX_INITIALIZER};

static tdm__game *const game = &tdm__the_game;
static _Thread_local tdm__player *self;
static _Thread_local int held; /* locks of the executor */

static void lock_game(void)
{
    pthread_mutex_lock(&game->lock);
}

static void unlock_game(void)
{
    pthread_mutex_unlock(&game->lock);
}

/* With the game's lock. */
static void fail(const char *what)
{
    unlock_game();
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

static uint64_t draw(uint64_t n)
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
    uint64_t skip = draw(n);
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
    unlock_game();
    nanosleep(&(struct timespec){.tv_nsec = REAL_NAP_NS}, NULL);
    lock_game();
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

/* If nobody takes a turn for too long, the one whose turn it is waits outside the library. */
static void await_turn(tdm__player *p)
{
    while (game->holder != p) {
        uint64_t seen = game->turns_ever;
        int64_t until_ns = tdm__clock_real_ns() + game->patience_ns;
        struct timespec until = {.tv_sec = until_ns / TDM_NS_PER_S, .tv_nsec = until_ns % TDM_NS_PER_S};
        int err = pthread_cond_clockwait(&p->turn, &game->lock, CLOCK_MONOTONIC, &until);
        if (err == ETIMEDOUT && game->holder != p && game->turns_ever == seen && !game->napped_ns)
            fail("the thread whose turn it is did not give way for too long (patience): it waits outside the library, "
                 "or "
                 "computes");
    }
}

/* Its state says what it is now. */
static void pass(tdm__player *p)
{
    tdm__player *next = next_player();
    take_turn(next);
    if (next == p)
        return;
    pthread_cond_signal(&next->turn);
    await_turn(p);
}

/* @return whether it was woken, or saw its deadline. */
static bool wait_for(tdm__player *p, tdm__player_wait wait, const void *on, int64_t deadline_ns, const char *in)
{
    p->state = TDM__PLAYER_WAITS;
    p->wait = wait;
    p->on = on;
    p->deadline_ns = deadline_ns;
    p->in = in;
    p->woken = false;
    pass(p);
    return p->woken || p->deadline_ns > game->now_ns;
}

static void wake(tdm__player *p)
{
    p->state = TDM__PLAYER_READY;
    p->woken = true;
}

/* ---- players ---- */

static tdm__player *player_in(const char *in)
{
    if (!self) {
        char what[160];
        snprintf(what, sizeof what,
                 "a thread that takes no turns waits in %s(): start it by tdm_testing_thread_start()", in);
        tdm__baton_fail(what);
    }
    return self;
}

static void add(tdm__player *p)
{
    tdm__player **at = &game->first;
    while (*at)
        at = &(*at)->next;
    *at = p;
}

static void take_out(tdm__player *p)
{
    tdm__player **at = &game->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
}

static void free_player(tdm__player *p)
{
    pthread_cond_destroy(&p->turn);
    free(p);
}

tdm__player *tdm__baton_invite(const char *name, void *(*run)(void *arg), void *arg)
{
    tdm__player *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    snprintf(p->name, sizeof p->name, "%s", name);
    pthread_cond_init(&p->turn, NULL);
    p->run = run;
    p->arg = arg;
    p->state = TDM__PLAYER_READY;
    lock_game();
    add(p);
    unlock_game();
    return p;
}

void tdm__baton_started(tdm__player *p, pthread_t thread)
{
    lock_game();
    p->thread = thread;
    unlock_game();
    tdm__baton_give_way();
}

void tdm__baton_uninvite(tdm__player *p)
{
    lock_game();
    take_out(p);
    unlock_game();
    free_player(p);
}

static void leave(tdm__player *p)
{
    lock_game();
    take_out(p);
    for (tdm__player *other = game->first; other; other = other->next)
        if (other->state == TDM__PLAYER_WAITS && other->wait == TDM__FOR_END && other->on == p)
            wake(other);
    tdm__player *next = next_player();
    take_turn(next);
    pthread_cond_signal(&next->turn);
    unlock_game();
    free_player(p);
}

void *tdm__baton_play(void *player)
{
    self = player;
    lock_game();
    await_turn(self);
    unlock_game();
    void *result = self->run(self->arg);
    leave(self);
    self = NULL;
    return result;
}

void tdm__baton_await_end(pthread_t thread)
{
    tdm__player *me = player_in(__func__);
    lock_game();
    tdm__player *p = game->first;
    while (p && !pthread_equal(p->thread, thread))
        p = p->next;
    if (p) /* else it has left already */
        wait_for(me, TDM__FOR_END, p, INT64_MAX, "a join");
    unlock_game();
}

/* ---- the seams ---- */

bool tdm__baton_cond_wait(const void *on, pthread_mutex_t *lock, int64_t deadline_ns, const char *in)
{
    tdm__player *me = player_in(in);
    int held_before = held;
    if (held > 1)
        tdm__baton_fail("a thread waits with a second lock of the executor held");
    lock_game();
    held = 0;
    pthread_mutex_unlock(lock);
    bool in_time = wait_for(me, TDM__FOR_COND, on, deadline_ns, in);
    unlock_game();
    pthread_mutex_lock(lock);
    held = held_before;
    return in_time;
}

static bool waits_for(const tdm__player *p, const void *on)
{
    return p->state == TDM__PLAYER_WAITS && p->on == on;
}

void tdm__baton_wake(const void *on, bool all)
{
    uint64_t waiting = 0;
    lock_game();
    for (const tdm__player *p = game->first; p; p = p->next)
        waiting += waits_for(p, on);
    uint64_t skip = all ? 0 : draw(waiting);
    for (tdm__player *p = game->first; p && waiting; p = p->next)
        if (waits_for(p, on) && (all || !skip--)) {
            wake(p);
            waiting = all ? waiting - 1 : 0;
        }
    unlock_game();
}

void tdm__baton_idle(const void *on, int64_t deadline_ns, bool looks, const char *in)
{
    tdm__player *me = player_in(in);
    lock_game();
    me->looks = looks;
    wait_for(me, TDM__FOR_WORK, on, deadline_ns, in);
    me->looks = false;
    unlock_game();
}

void tdm__baton_held(int change)
{
    held += change;
}

void tdm__baton_give_way(void)
{
    if (!self || held)
        return;
    lock_game();
    game->activity++;
    if (draw(game->temper) == 0) {
        self->state = TDM__PLAYER_READY;
        pass(self);
    }
    unlock_game();
}

uint64_t tdm__baton_choose(uint64_t n)
{
    if (!self)
        return 0;
    lock_game();
    uint64_t drawn = draw(n);
    unlock_game();
    return drawn;
}

int64_t tdm__baton_now_ns(void)
{
    return atomic_load(&game->now_ns);
}

void tdm__baton_note_add(tdm__baton_note *note)
{
    lock_game();
    note->player = self;
    note->next = game->notes;
    note->link = &game->notes;
    if (note->next)
        note->next->link = &note->next;
    game->notes = note;
    unlock_game();
}

void tdm__baton_note_remove(tdm__baton_note *note)
{
    lock_game();
    *note->link = note->next;
    if (note->next)
        note->next->link = note->link;
    unlock_game();
}

/* ---- begin and end ---- */

enum { DEFAULT_TURNS = 10000000, DEFAULT_PATIENCE_S = 10 };

/* Not 0, which is "no time" in many places. */
static const int64_t FIRST_NS = 1000 * TDM_NS_PER_S;

int tdm__baton_begin(const tdm_testing_options *options)
{
    static const uint64_t tempers[] = {1, 2, 8, 32};
    tdm__player *host = tdm__baton_invite("main", NULL, NULL);
    if (!host)
        return -ENOMEM;
    host->thread = pthread_self();
    host->state = TDM__PLAYER_RUNS;
    game->holder = game->host = self = host;
    game->notes = NULL;
    game->seed = game->random = options->seed;
    game->temper = tempers[next_random() % (sizeof tempers / sizeof *tempers)];
    game->choices = game->activity = game->turns = 0;
    game->fingerprint = UINT64_C(0xCBF29CE484222325);
    game->max_turns = options->max_turns ? options->max_turns : DEFAULT_TURNS;
    game->patience_ns = tdm_ns_from_s(options->patience > 0 ? options->patience : DEFAULT_PATIENCE_S);
    game->napped_ns = 0;
    atomic_store(&game->now_ns, FIRST_NS);
    atomic_store(&tdm__baton_on, true);
    return 0;
}

int tdm__baton_end(tdm_testing_report *out)
{
    if (!tdm__testing() || game->host != self)
        return -EINVAL;
    if (game->first != self || self->next)
        return -EBUSY;
    *out = (tdm_testing_report){
        .choices = game->choices, .fingerprint = game->fingerprint, .time = tdm_s_from_ns(game->now_ns - FIRST_NS)};
    atomic_store(&tdm__baton_on, false);
    tdm__baton_uninvite(self);
    self = NULL;
    return 0;
}

void tdm__baton_let_pass(int64_t deadline_ns, const char *in)
{
    tdm__player *me = player_in(in);
    lock_game();
    while (deadline_ns > game->now_ns)
        wait_for(me, TDM__FOR_TIME, NULL, deadline_ns, in);
    me->state = TDM__PLAYER_SETTLES;
    me->in = in;
    pass(me);
    unlock_game();
}

uint64_t tdm__baton_choices(void)
{
    lock_game();
    uint64_t choices = game->choices;
    unlock_game();
    return choices;
}

int64_t tdm__baton_elapsed_ns(void)
{
    return tdm__baton_now_ns() - FIRST_NS;
}
