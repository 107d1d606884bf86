/* SPDX-License-Identifier: MIT */
/* DESIGN: loops and workers publish what they run, in a few relaxed stores; the watchdog compares two looks. What holds
 * a loop beyond the limit is named while it still does, so that a task that never comes back is named too; when it lets
 * go, the loop itself says how long it was (loop.c). Looks are half a limit apart, so a hold that is shorter than one and
 * a half limits may be seen by the loop alone. */
#include "tasks/watchdog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tasks/executor.h"
#include "tasks/hold.h"
#include "tasks/thread.h"
#include <tandem/clock.h>
#include <tandem/log.h>

struct tdm__watchdog {
    tdm_executor *executor; /* constant, as is all but `stop` */
    pthread_t thread;
    pthread_mutex_t lock;
    tdm__cond changed;
    bool stop; /* guarded by the lock */
};

static void look_at_loop(tdm__loop *loop)
{
    tdm__hold hold;
    char who[TDM__WHO_MAX];
    if (tdm__loop_look(loop, &hold))
        tdm_log_warning("%s has held loop %u (thread %" PRIu32 ") for %.0f ms and goes on: nothing else runs there",
                        tdm__who(hold.id, hold.name, who), tdm__loop_index(loop), tdm__loop_thread(loop),
                        hold.seconds * 1e3);
}

static void look_at_pool(tdm__pool *pool)
{
    tdm__stuck stuck;
    char who[TDM__WHO_MAX];
    for (unsigned from = 0; tdm__pool_next_stuck(pool, &from, &stuck);)
        tdm_log_warning("%s has held worker %u (thread %" PRIu32 ") of the pool \"%s\" for %.0f s",
                        tdm__who(stuck.id, stuck.name, who), stuck.worker, stuck.thread, tdm_pool_name(pool),
                        stuck.seconds);
}

static void look(tdm_executor *executor)
{
    for (unsigned i = 0; i < executor->settings.loops; i++)
        look_at_loop(executor->loops[i]);
    for (unsigned i = 0; i < tdm__executor_pool_count(executor); i++)
        look_at_pool(executor->pools[i]);
}

/* Half the shortest limit, and short enough for a pool that is made later. */
static int64_t period(tdm_executor *executor)
{
    int64_t ns = 2 * TDM_NS_PER_S, hold_ns = tdm_ns_from_s(executor->settings.hold_limit);
    if (hold_ns && hold_ns < ns)
        ns = hold_ns;
    for (unsigned i = 0; i < tdm__executor_pool_count(executor); i++)
        if (tdm__pool_stuck_ns(executor->pools[i]) < ns)
            ns = tdm__pool_stuck_ns(executor->pools[i]);
    return ns / 2 + 1;
}

static void *watch(void *arg)
{
    tdm__watchdog *watchdog = arg;
    tdm__lock(&watchdog->lock);
    while (!watchdog->stop) {
        int64_t next_ns = tdm__deadline(period(watchdog->executor));
        while (!watchdog->stop && tdm__cond_wait(&watchdog->changed, &watchdog->lock, next_ns))
            ;
        tdm__unlock(&watchdog->lock);
        look(watchdog->executor);
        tdm__lock(&watchdog->lock);
    }
    tdm__unlock(&watchdog->lock);
    return NULL;
}

static void destroy(tdm__watchdog *watchdog)
{
    tdm__cond_finish(&watchdog->changed);
    pthread_mutex_destroy(&watchdog->lock);
    free(watchdog);
}

int tdm__watchdog_create(tdm__watchdog **out, tdm_executor *executor)
{
    if (tdm__testing()) /* nothing that holds a thread takes virtual time */
        return 0;
    tdm__watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog)
        return -ENOMEM;
    watchdog->executor = executor;
    pthread_mutex_init(&watchdog->lock, NULL);
    tdm__cond_init(&watchdog->changed);
    int err = tdm__thread_start(&watchdog->thread, "tdm-watchdog", watch, watchdog);
    if (err) {
        destroy(watchdog);
        return err;
    }
    *out = watchdog;
    return 0;
}

void tdm__watchdog_destroy(tdm__watchdog **slot)
{
    tdm__watchdog *watchdog = *slot;
    if (!watchdog)
        return;
    *slot = NULL;
    tdm__lock(&watchdog->lock);
    watchdog->stop = true;
    tdm__cond_signal(&watchdog->changed);
    tdm__unlock(&watchdog->lock);
    tdm__thread_join(watchdog->thread);
    destroy(watchdog);
}
