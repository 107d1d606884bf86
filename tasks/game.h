/* SPDX-License-Identifier: MIT */
/* The game that the baton is passed in: who plays, who waits, what was drawn. For baton.c and testing.c. */
#ifndef TANDEM_TASKS_GAME_H
#define TANDEM_TASKS_GAME_H

#include "tasks/baton.h"
#include <tandem/clock.h>

typedef enum tdm__player_state {
    TDM__PLAYER_RUNS,    /* it holds the baton */
    TDM__PLAYER_READY,   /* it could run */
    TDM__PLAYER_WAITS,   /* for what `wait` says, or its deadline */
    TDM__PLAYER_SETTLES, /* until nobody else can run */
} tdm__player_state;

typedef enum tdm__player_wait {
    TDM__FOR_COND, /* `on` is a condition variable */
    TDM__FOR_TIME,
    TDM__FOR_END, /* `on` is another player */
    TDM__FOR_WORK /* `on` is a loop: for messages, and, if it `looks`, for descriptors */
} tdm__player_wait;

/* One thread. Guarded by the game's lock, but for `run` and `arg`, which are its own. */
struct tdm__player {
    tdm__player *next; /* in the order in which they came */
    pthread_cond_t turn;
    pthread_t thread;
    void *(*run)(void *arg);
    void *arg;
    tdm__player_state state;
    tdm__player_wait wait;
    const void *on;
    int64_t deadline_ns;
    bool woken, looks;
    unsigned looked;    /* how often it looked at descriptors while nothing else happened … */
    uint64_t looked_at; /* … since the game's activity was this */
    const char *in;     /* the function that it waits in */
    char name[16];
};

typedef struct tdm__game {
    pthread_mutex_t lock;               /* guards everything below */
    tdm__player *first, *holder, *host; /* host: who began */
    tdm__baton_note *notes;
    uint64_t seed, random, choices, fingerprint;
    uint64_t temper;     /* one point in so many gives way */
    uint64_t activity;   /* changes when something has happened that may have made a descriptor ready */
    uint64_t turns;      /* since time last passed */
    uint64_t turns_ever; /* since the process began */
    uint64_t max_turns;
    int64_t patience_ns, napped_ns; /* napped: waiting for the world outside */
    _Atomic int64_t now_ns;         /* read without the lock */
} tdm__game;

extern tdm__game tdm__the_game;

/* When time begins. Not 0, which is "no time" in many places. */
#define TDM__FIRST_NS (1000 * TDM_NS_PER_S)

void tdm__game_start(const tdm_testing_options *options);

/* ---- all below with the game's lock, which may be let go of meanwhile ---- */

/* A number below `n`, from the seed. */
uint64_t tdm__game_draw(uint64_t n);
/* Give the baton to whoever is next. @return it; the caller tells it, unless it is the caller. */
tdm__player *tdm__game_hand_over(void);
/* The same, and wait for one's own next turn. Its state says what it is now. */
void tdm__game_pass(tdm__player *p);
void tdm__game_await_turn(tdm__player *p);

#endif
