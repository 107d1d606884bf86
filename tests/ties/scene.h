/* SPDX-License-Identifier: MIT */
/** @file
 *  One scene: somebody waits, and two things happen at once. */
#ifndef TANDEM_TESTS_SCENE_H
#define TANDEM_TESTS_SCENE_H

#include "tests/ties/ties.h"

/* One who waits. */
typedef struct tie_waiter {
    struct tie_play *play;
    bool beside;    /* it is not the one that the events concern */
    bool late;      /* it begins to wait at the instant, not before */
    bool own_time;  /* the deadline is the wait's own, … */
    bool task_time; /* … or the task's; else a scope's */
    int ends;       /* calls of on_end */
    int accepted;   /* what tdm_spawn() returned */
    uint64_t id;
    int returns, drops, result;
    pthread_t thread;
} tie_waiter;

/* One event on its way. */
typedef struct tie_actor {
    struct tie_play *play;
    tie_event event;
    bool as_thread, performed;
    int result; /* of the call */
    unsigned order;
    pthread_t thread;
} tie_actor;

typedef struct tie_play {
    tie_scene scene;
    tie_event pair[2];
    tie_actor actors[2];
    tie_waiter main, beside;
    tie_place place;
    bool has_beside;
    unsigned acts; /* so far */
    bool drained;
    tdm_drain_report report;
} tie_play;

/** Play it, in testing mode; .scene.wait and .pair are set. */
void tie_play_scene(tie_play *p);

bool tie_in_pair(const tie_play *p, tie_event event);
/** Is it a timer's, and nobody's to bring about? */
bool tie_comes_by_itself(const tie_play *p, tie_event event);
/** Has an event of the pair happened so that the wait had to end? A request to stop that came too late, or too early, has
 *  not. */
bool tie_was_ended(const tie_play *p, tie_event event);

extern const char *const tie_event_names[TIE_EVENTS];

#endif
