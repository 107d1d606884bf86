/* SPDX-License-Identifier: MIT */
/* What an app keeps for each loop, and the app itself. */
#ifndef TANDEM_SERVER_FRONT_H
#define TANDEM_SERVER_FRONT_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <tandem/app.h>

#include "server/request.h"
#include "server/route/group.h"
#include "server/spares.h"
#include "server/transport.h"
#include "tasks/sync.h"

/* One per loop; its own cache lines, because each request counts. */
typedef struct tdm__front {
    _Alignas(128) struct tdm_app *app;
    tdm__loop *loop;
    TAILQ_HEAD(, tdm_request) handling; /* loop's thread: requests whose handler has not ended */
    tdm__message cancel;                /* the drain's: cancel them all */
    tdm__spares requests_kept;          /* loop's thread: memory of those that have ended */
    /* Written by the loop's thread only, read by any. */
    _Atomic uint64_t requests, replies, left, cut; /* the last three: how they ended */
} tdm__front;

#define TDM__MAX_SECONDS 1e9 /* that an option can mean */

typedef enum tdm__app_state { TDM__NEW, TDM__STARTED, TDM__STOPPING, TDM__STOPPED } tdm__app_state;

struct tdm_app {
    tdm_app_options options; /* the strings are copies, the pointers to doubles are resolved below */
    char *name, *version, *host, *port, *unix_path;
    char *texts[4]; /* copies of further strings in `options`, which point to them */
    double drain_timeout, drain_announce, drain_grace;
    tdm__routers routers; /* read-only once started */
    struct {
        tdm_json_writer document;
        const char *text; /* the document */
        size_t size;
        char *page;
    } docs; /* read-only once started */
    tdm_executor *executor;
    tdm__server *server;
    tdm__front *fronts;
    unsigned front_count;
    _Atomic uint64_t next_request;
    atomic_size_t buffered; /* bytes of bodies that are being read, or whose request still has them */
    atomic_bool draining;
    atomic_bool holder_waits; /* a request that holds places waits for another (background.c) */
    atomic_int state;         /* tdm__app_state; changed by the thread that starts or stops */

    pthread_mutex_t lock;
    tdm__cond changed;
    bool quiet, hurried;   /* under `lock` */
    tdm_manifest manifest; /* of the stop; the stopping thread's */
};

/* Any thread: `quiet` of the transport. */
void tdm__app_quiet(void *context);

#endif
