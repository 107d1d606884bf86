/* SPDX-License-Identifier: MIT */
/* DESIGN: what a server is apart from its transport: one listener per loop, a limit on connections that all loops share,
 * and an orderly end. The steps of the end are messages to the loops and never wait for one: a loop that a task holds
 * must not hold the drain. Only tdm__server_destroy() waits, and gives up on a loop that does not come round.
 * `alive` counts listeners and connections; it reaches zero once, because no connection comes without a listener. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "server/connection.h"
#include <tandem/clock.h>

#define PATIENCE_S 2 /* for a loop to come round at the end */

static tdm__slot *slot_of(tdm__message *message, size_t offset)
{
    return (tdm__slot *) ((char *) message - offset);
}

static void on_close(tdm__message *message)
{
    tdm__gate_close(slot_of(message, offsetof(tdm__slot, close))->gate);
}

static void on_cut(tdm__message *message)
{
    tdm__gate_cut(slot_of(message, offsetof(tdm__slot, cut))->gate);
}

static void on_resume(tdm__message *message)
{
    tdm__slot *slot = slot_of(message, offsetof(tdm__slot, resume));
    if (slot->gate)
        tdm__gate_resume(slot->gate);
}

static void on_end(tdm__message *message)
{
    tdm__slot *slot = slot_of(message, offsetof(tdm__slot, end));
    tdm__server *server = slot->server;
    if (slot->gate)
        slot->gate->ways->destroy(slot->gate);
    slot->gate = NULL;
    tdm__lock(&server->lock);
    server->ended++;
    tdm__cond_signal(&server->changed);
    tdm__unlock(&server->lock);
}

static void create_gate(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__slot *slot = arg;
    bool direct = slot->server->options.transport == TDM_DIRECT;
    slot->err = direct ? tdm__direct_gate_create(&slot->gate, slot, slot->fd)
                       : tdm__evhttp_gate_create(&slot->gate, slot, slot->fd);
}

static void destroy_gate(tdm__loop *loop, void *arg)
{
    (void) loop;
    tdm__slot *slot = arg;
    if (slot->gate)
        slot->gate->ways->destroy(slot->gate);
    slot->gate = NULL;
}

static void pass_by(tdm__loop *loop, void *arg)
{
    (void) loop;
    (void) arg;
}

/* A last `resume` may still lie in one. */
static void empty_inboxes(const tdm__server *server)
{
    for (unsigned i = 0; i < server->count; i++)
        tdm__loop_call(server->slots[i].loop, pass_by, NULL);
}

static void free_server(tdm__server *server)
{
    tdm__listen_leave(&server->listening);
    tdm__cond_finish(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server->slots);
    free(server);
}

static tdm__server *new_server(tdm_executor *executor, const tdm__server_options *options)
{
    tdm__server *server = calloc(1, sizeof *server);
    if (!server)
        return NULL;
    server->executor = executor;
    server->options = *options;
    server->count = tdm_executor_settings(executor)->loops;
    server->slots = calloc(server->count, sizeof *server->slots);
    if (!server->slots) {
        free(server);
        return NULL;
    }
    pthread_mutex_init(&server->lock, NULL);
    tdm__cond_init(&server->changed);
    for (unsigned i = 0; i < server->count; i++) {
        tdm__slot *slot = &server->slots[i];
        *slot = (tdm__slot){.server = server, .loop = tdm__executor_loop(executor, i), .fd = -1};
        slot->close.run = on_close;
        slot->cut.run = on_cut;
        slot->end.run = on_end;
        slot->resume.run = on_resume;
    }
    return server;
}

int tdm__server_create(tdm__server **out, tdm_executor *executor, const tdm__server_options *options)
{
    tdm__server *server = new_server(executor, options);
    if (!server)
        return -ENOMEM;
    int fds[TDM_MAX_LOOPS];
    int err = tdm__listen_open(&options->listen, server->count, fds, &server->listening);
    if (err) {
        free_server(server);
        return err;
    }
    atomic_store(&server->alive, server->count);
    *out = server; /* a request may ask for it as soon as the first gate is there */
    unsigned made = 0;
    for (; made < server->count && !err; made++) {
        tdm__slot *slot = &server->slots[made];
        slot->fd = fds[made];
        tdm__loop_call(slot->loop, create_gate, slot);
        err = slot->err;
    }
    if (!err)
        return 0;
    for (unsigned i = made - 1; i < server->count; i++)
        close(fds[i]);
    atomic_store(&server->closing, true); /* connections that end now need not wake who has paused */
    for (unsigned i = 0; i + 1 < made; i++)
        tdm__loop_call(server->slots[i].loop, destroy_gate, &server->slots[i]);
    *out = NULL;
    empty_inboxes(server);
    free_server(server);
    return err;
}

const char *tdm__server_url(const tdm__server *server)
{
    return server->listening.url;
}

void tdm__server_close(tdm__server *server)
{
    atomic_store(&server->closing, true);
    tdm__listen_leave(&server->listening);
    for (unsigned i = 0; i < server->count; i++)
        tdm__loop_post(server->slots[i].loop, &server->slots[i].close);
}

void tdm__server_cut(tdm__server *server)
{
    for (unsigned i = 0; i < server->count; i++)
        tdm__loop_post(server->slots[i].loop, &server->slots[i].cut);
}

int tdm__server_destroy(tdm__server **server_at)
{
    tdm__server *server = *server_at;
    if (!server)
        return 0;
    *server_at = NULL;
    atomic_store(&server->closing, true);
    for (unsigned i = 0; i < server->count; i++)
        tdm__loop_post(server->slots[i].loop, &server->slots[i].end);
    int64_t until_ns = tdm_clock_ns() + PATIENCE_S * TDM_NS_PER_S;
    bool in_time = true;
    tdm__lock(&server->lock);
    while (server->ended < server->count && in_time)
        in_time = tdm__cond_wait(&server->changed, &server->lock, until_ns);
    bool all = server->ended == server->count;
    tdm__unlock(&server->lock);
    if (!all)
        return -EBUSY;
    empty_inboxes(server);
    free_server(server);
    return 0;
}

void tdm__server_count(const tdm__server *server, tdm_app_stats *out)
{
    out->connections = atomic_load(&server->connections);
    out->accepted = atomic_load(&server->accepted);
    out->half_closed = atomic_load(&server->half_closed);
    out->refused = atomic_load(&server->refused);
}

/* ---- what gates tell ---- */

static void one_less_alive(tdm__server *server)
{
    if (atomic_fetch_sub(&server->alive, 1) == 1 && server->options.hooks->quiet)
        server->options.hooks->quiet(server->options.context);
}

bool tdm__slot_accepted(tdm__slot *slot)
{
    tdm__server *server = slot->server;
    atomic_fetch_add(&server->alive, 1);
    atomic_fetch_add_explicit(&server->accepted, 1, memory_order_relaxed);
    unsigned open = atomic_fetch_add(&server->connections, 1) + 1;
    if (open < server->options.max_connections || atomic_load(&server->closing))
        return false;
    /* Whoever closes a connection after this sees the flag; one that was closed before is seen here. */
    atomic_store(&slot->paused, true);
    if (atomic_load(&server->connections) >= server->options.max_connections)
        return true;
    return !atomic_exchange(&slot->paused, false);
}

void tdm__slot_connection_closed(tdm__slot *slot)
{
    tdm__server *server = slot->server;
    unsigned before = atomic_fetch_sub(&server->connections, 1);
    if (before <= server->options.max_connections && !atomic_load(&server->closing)) {
        for (unsigned i = 0; i < server->count; i++) {
            tdm__slot *other = &server->slots[i];
            if (atomic_load(&other->paused) && atomic_exchange(&other->paused, false))
                tdm__loop_post(other->loop, &other->resume);
        }
    }
    one_less_alive(server);
}

void tdm__slot_listener_closed(tdm__slot *slot)
{
    one_less_alive(slot->server);
}
