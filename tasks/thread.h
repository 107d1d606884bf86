/* SPDX-License-Identifier: MIT */
/* Threads of the library's own. */
#ifndef TANDEM_TASKS_THREAD_H
#define TANDEM_TASKS_THREAD_H

#include <pthread.h>

/* Start a thread that takes no signal but those that its own code causes: signals sent to the process are for the
 * program's threads. In testing mode it takes turns with the others. @param name shown by ps and debuggers; cut after 15
 * bytes. @return 0; -EAGAIN. Any thread. */
int tdm__thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);
/* Wait for its end; with no lock of the executor held. @return what `run` returned. */
void *tdm__thread_join(pthread_t thread);

/* The same for a thread that no test's order concerns, and that sees real time: it must wait for nothing of the executor's.
 * For pthread_join(). */
int tdm__thread_start_apart(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

#endif
