/* SPDX-License-Identifier: MIT */
/** @file
 *  The questions that the follower asks a server about its tasks, as paths. Pure. */
#ifndef LOAD_QUESTION_H
#define LOAD_QUESTION_H

#include <stddef.h>
#include <stdint.h>

typedef enum load_question {
    LOAD_ASK_NOTHING,
    LOAD_ASK_CURSOR,  /**< where does the list of ended tasks end now? */
    LOAD_ASK_ENDED,   /**< what has ended since? Waits for one. */
    LOAD_ASK_QUEUED,  /**< is any task queued? */
    LOAD_ASK_RUNNING, /**< … or running? */
    LOAD_ASK_LAST,    /**< nothing is: what has ended meanwhile? */
    LOAD_ASK_ONE,     /**< what became of this id? */
} load_question;

typedef struct load_question_about {
    const char *cursor; /**< where to go on; "": at the beginning (QUEUED and RUNNING only) */
    uint64_t id;
    unsigned limit, wait_s;
} load_question_about;

/** Write the path of a question, "" for LOAD_ASK_NOTHING. 1024 bytes hold the longest. */
void load_question_path(char *path, size_t size, load_question question, const load_question_about *about);

#endif
