/* SPDX-License-Identifier: MIT */
/* A server's part on one loop, and what the parts share.
 *
 * The server (server.c) is the same for every transport; a shard is a transport's own. */
#ifndef TANDEM_SERVER_SHARD_H
#define TANDEM_SERVER_SHARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/listen.h"
#include "server/transport.h"

typedef struct tdm__shard tdm__shard;

/* What the server knows of one shard. */
typedef struct tdm__slot {
    tdm__server *server;
    tdm__loop *loop;
    tdm__shard *shard; /* loop's thread, once the server is made */
    int fd, err;       /* for the creation */
    atomic_bool
        paused; /* it takes no connections because of the limit: set by its loop, taken back by whoever wakes it */
    tdm__message close, cut, end, resume;
} tdm__slot;

struct tdm__server {
    tdm_executor *executor;
    tdm__server_options options;
    char url[TDM__URL_MAX];
    unsigned count;
    tdm__slot *slots;
    atomic_uint connections; /* open */
    atomic_uint alive;       /* open connections and listeners */
    atomic_bool closing;
    _Atomic uint64_t accepted, half_closed, refused;
    /* For tdm__server_destroy(): how many shards have ended. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned ended; /* under `lock` */
};

/* ---- a transport's part; on the loop's thread ---- */

/* The shard owns the listening `fd` from a success on. @return 0; or a negative errno. */
int tdm__shard_create(tdm__shard **out, tdm__slot *slot, int fd);
void tdm__shard_close(tdm__shard *shard);
void tdm__shard_cut(tdm__shard *shard);
/* There is room for connections again. */
void tdm__shard_resume(tdm__shard *shard);
void tdm__shard_destroy(tdm__shard *shard);

/* ---- what a shard tells; on its loop's thread ---- */

/* A connection was accepted. @return true: the limit is reached, and the shard must take no more until it is resumed. */
bool tdm__slot_accepted(tdm__slot *slot);
void tdm__slot_connection_closed(tdm__slot *slot);
void tdm__slot_listener_closed(tdm__slot *slot);

#endif
