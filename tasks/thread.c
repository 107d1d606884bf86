/* SPDX-License-Identifier: MIT */
/* DESIGN: one way to start a thread, so that all of ours have a name and the same signal mask. The mask is set before
 * the thread exists, else a signal could arrive in between. Faults stay open: a stack overrun is one (overrun.c); and
 * SIGPROF, or profilers would see nothing of our threads. */
#include "tasks/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tasks/baton.h"

int tdm__thread_start_apart(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
    char cut[16]; /* what the kernel keeps */
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        sigdelset(&blocked, open[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int err = pthread_create(out, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err)
        return -EAGAIN;
    snprintf(cut, sizeof cut, "%s", name);
    pthread_setname_np(*out, cut);
    return 0;
}

int tdm__thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg)
{
    if (!tdm__testing())
        return tdm__thread_start_apart(out, name, run, arg);
    tdm__player *player = tdm__baton_invite(name, run, arg);
    int err = player ? tdm__thread_start_apart(out, name, tdm__baton_play, player) : -EAGAIN;
    if (!err)
        tdm__baton_started(player, *out);
    else if (player)
        tdm__baton_uninvite(player);
    return err;
}

void *tdm__thread_join(pthread_t thread)
{
    void *result = NULL;
    if (tdm__testing())
        tdm__baton_await_end(thread);
    pthread_join(thread, &result);
    return result;
}
