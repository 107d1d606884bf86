/* SPDX-License-Identifier: MIT */
/* Threads of the library's own. */
#ifndef TANDEM_TASKS_THREAD_H
#define TANDEM_TASKS_THREAD_H

#include <pthread.h>

/* Start a thread that takes no signal but those that its own code causes: signals sent to the process are for the
 * program's threads. @param name shown by ps and debuggers; cut after 15 bytes. @return 0; -EAGAIN. Any thread. */
int tdm__thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

#endif
