/* SPDX-License-Identifier: MIT */
/* DESIGN: every thread that takes part is a player. One holds the baton and runs; the others sleep. A player passes the
 * baton on where it waits, and at points in between where the seed says so; game.c draws who is next.
 * The game's lock is held for moments only and guards all of it. Since one thread runs at a time it is hardly ever
 * contended, but threads outside the game (the log's writer) may come by. */
#include "tasks/baton.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <tandem/clock.h>

#include "tasks/game.h"

_Atomic bool tdm__baton_on;

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

/* All below with the game's lock. */

/* @return whether it was woken, or saw its deadline. */
static bool wait_for(tdm__player *p, tdm__player_wait wait, const void *on, int64_t deadline_ns, const char *in)
{
    p->state = TDM__PLAYER_WAITS;
    p->wait = wait;
    p->on = on;
    p->deadline_ns = deadline_ns;
    p->in = in;
    p->woken = false;
    tdm__game_pass(p);
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
    pthread_cond_signal(&tdm__game_hand_over()->turn);
    unlock_game();
    free_player(p);
}

void *tdm__baton_play(void *player)
{
    self = player;
    lock_game();
    tdm__game_await_turn(self);
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
    uint64_t skip = all ? 0 : tdm__game_draw(waiting);
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
    if (tdm__game_draw(game->temper) == 0) {
        self->state = TDM__PLAYER_READY;
        tdm__game_pass(self);
    }
    unlock_game();
}

uint64_t tdm__baton_choose(uint64_t n)
{
    if (!self)
        return 0;
    lock_game();
    uint64_t drawn = tdm__game_draw(n);
    unlock_game();
    return drawn;
}

int64_t tdm__baton_now_ns(void)
{
    return atomic_load(&game->now_ns);
}

void tdm__baton_note_add(tdm__baton_note *note)
{
    note->player = player_in(note->in);
    lock_game();
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

/* Threads that take turns do best on one processor: a hand-over is then a switch, not a wake-up of another processor. What
 * starts later inherits it. */
static cpu_set_t processors_before;
static bool pinned;

static void stay_on_one_processor(void)
{
    cpu_set_t here;
    int cpu = sched_getcpu();
    CPU_ZERO(&here);
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return;
    CPU_SET(cpu, &here);
    pinned = !pthread_getaffinity_np(pthread_self(), sizeof processors_before, &processors_before) &&
             !pthread_setaffinity_np(pthread_self(), sizeof here, &here);
}

int tdm__baton_begin(const tdm_testing_options *options)
{
    tdm__player *host = tdm__baton_invite("main", NULL, NULL);
    if (!host)
        return -ENOMEM;
    host->thread = pthread_self();
    host->state = TDM__PLAYER_RUNS;
    game->holder = game->host = self = host;
    tdm__game_start(options);
    stay_on_one_processor();
    atomic_store(&tdm__baton_on, true);
    return 0;
}

int tdm__baton_end(tdm_testing_report *out)
{
    if (!tdm__testing() || game->host != self)
        return -EINVAL;
    if (game->first != self || self->next)
        return -EBUSY;
    *out = (tdm_testing_report){.choices = game->choices,
                                .fingerprint = game->fingerprint,
                                .time = tdm_s_from_ns(game->now_ns - TDM__FIRST_NS)};
    atomic_store(&tdm__baton_on, false);
    if (pinned)
        pthread_setaffinity_np(pthread_self(), sizeof processors_before, &processors_before);
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
    tdm__game_pass(me);
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
    return tdm__baton_now_ns() - TDM__FIRST_NS;
}
