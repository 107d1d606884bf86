/* SPDX-License-Identifier: MIT */
/** @file
 *  A server that keeps every request it gets, and runs of the client against it. */
#ifndef TANDEM_TESTS_WITNESS_H
#define TANDEM_TESTS_WITNESS_H

#include <pthread.h>

#include "tests/load/load_run.h"

enum { WITNESS_TEXT = 16384, WITNESS_KEPT = 4096 };

typedef struct witness {
    pthread_mutex_t lock;
    char *requests[WITNESS_KEPT];
    unsigned connection[WITNESS_KEPT]; /**< the number of the connection it came on, from 1 */
    unsigned count;
} witness;

void witness_init(witness *w);
void witness_finish(witness *w);
/** Keep a request. Any thread. */
void witness_note(witness *w, unsigned number, const char *text);
/** A fake_serve: answer every request, and keep it; `arg` is the witness. */
void witness_serve(int fd, unsigned number, void *arg);
/** How many of the kept requests hold `part`. */
unsigned witness_matching(const witness *w, const char *part);

/** Run once against a server that is a witness. @param options everything but the URL; a list that ends with NULL. */
void witness_run(witness *w, load_run *run, const char *path, const char *const *options);

#define WITNESS_RUN(w, r, path, ...) witness_run(w, r, path, (const char *const[]){__VA_ARGS__, NULL})

#endif
