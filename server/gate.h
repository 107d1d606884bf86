/* SPDX-License-Identifier: MIT */
/* A server's part on one loop (a gate), and what the parts share.
 *
 * The server (server.c) and the life of connections (connection.c) are the same for every transport. */
#ifndef TANDEM_SERVER_GATE_H
#define TANDEM_SERVER_GATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/listen.h"
#include "server/transport.h"
#include "tasks/sync.h"

typedef struct tdm__gate tdm__gate;

/* What the server knows of one gate. */
typedef struct tdm__slot {
    tdm__server *server;
    tdm__loop *loop;
    tdm__gate *gate; /* loop's thread, once the server is made */
    int fd, err;     /* for the creation */
    atomic_bool
        paused; /* it takes no connections because of the limit: set by its loop, taken back by whoever wakes it */
    tdm__message close, cut, end, resume;
} tdm__slot;

struct tdm__server {
    tdm_executor *executor;
    tdm__server_options options;
    tdm__listening listening;
    unsigned count;
    tdm__slot *slots;
    atomic_uint connections; /* open */
    atomic_uint alive;       /* open connections and listeners */
    atomic_bool closing;
    _Atomic uint64_t accepted, half_closed, refused;
    /* For tdm__server_destroy(): how many gates have ended. */
    pthread_mutex_t lock;
    tdm__cond changed;
    unsigned ended; /* under `lock` */
};

/* ---- a transport's part; on the loop's thread ---- */

/* The gate owns the listening `fd` from a success on. @return 0; or a negative errno. */
int tdm__evhttp_gate_create(tdm__gate **out, tdm__slot *slot, int fd);
int tdm__direct_gate_create(tdm__gate **out, tdm__slot *slot, int fd);
void tdm__gate_close(tdm__gate *gate);
void tdm__gate_cut(tdm__gate *gate);
/* There is room for connections again. */
void tdm__gate_resume(tdm__gate *gate);

/* ---- what a gate tells; on its loop's thread ---- */

/* A connection was accepted. @return true: the limit is reached, and the gate must take no more until it is resumed. */
bool tdm__slot_accepted(tdm__slot *slot);
void tdm__slot_connection_closed(tdm__slot *slot);
void tdm__slot_listener_closed(tdm__slot *slot);

#endif
