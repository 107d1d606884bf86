/* SPDX-License-Identifier: MIT */
/* DESIGN: what a transport's library lacks. Time: a head and a body must come within their limits, whatever drips in, a
 * client must take its reply, and an idle connection ends; a list for each phase in order of age makes most of that a
 * look at the first one, and where many end at once the loop gets its turn in between. Leaving: while a reply is awaited
 * nobody reads, so the socket's end is watched apart. Ending: a connection that we close while the client may still be
 * sending is closed in two steps, because a close with unread bytes resets it, and the reset can take the reply with it.
 * In a drain, idle connections close only after a moment: a client in full swing has its next request by then, and
 * learns from that reply that the connection ends. */
#include "server/connection.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tandem/clock.h>
#include <tandem/log.h>

#include "server/refusal.h"

#define MS (TDM_NS_PER_S / 1000)
#define RETRY_NS (100 * MS)         /* accepting pauses so long when descriptors run out */
#define WARN_NS (10 * TDM_NS_PER_S) /* between two warnings of that */
#define LINGER_NS (1000 * MS)
#define LINGER_BYTES (4u << 20)
#define WRITE_LOOKS 4         /* at a client's progress, in the time that it has */
#define LOOK_NS (20 * MS)     /* between two looks at all bodies */
#define BODY_STEP (64u << 10) /* so many bytes of a body give it a second more */
#define BODY_STEPS_MAX 1000000
#define SWEEP_AT_ONCE 64 /* connections of a phase that end; then the loop gets its turn */
#define CLOSE_TICK_NS (50 * MS)
#define CLOSE_IDLE_NS (500 * MS)     /* a connection in use has its next request by then */
#define CLOSE_PARTIAL_NS (1000 * MS) /* a request that stops in the middle */
#define CLOSE_SETTLE_NS (50 * MS)    /* for handshakes that were under way when the listener was barred */
#define CLOSE_LISTEN_NS (2000 * MS)  /* the most that its queue keeps a listener open, should nobody empty it */

/* ---- phases ---- */

static void wake_by(tdm__gate *gate, int64_t due_ns)
{
    if (gate->tick.place && gate->tick_due_ns <= due_ns)
        return;
    gate->tick_due_ns = due_ns;
    if (tdm__timer_arm(gate->loop, &gate->tick, due_ns))
        tdm_log_warning("no memory for a timer: connections may stay open for longer");
}

/* How long a connection may be in a phase before somebody looks at it; INT64_MAX: for ever. */
static int64_t patience_of(const tdm__gate *gate, tdm__phase phase)
{
    const tdm__server_options *options = &gate->server->options;
    switch (phase) {
    case TDM__IDLE:
        return gate->closing ? CLOSE_TICK_NS : options->idle_ns;
    case TDM__READING:
        return gate->closing ? CLOSE_TICK_NS : options->head_ns;
    case TDM__BODY:
        return gate->closing ? CLOSE_TICK_NS : options->body_ns;
    case TDM__STREAMING:
    case TDM__WRITING:
        return options->write_ns / WRITE_LOOKS;
    case TDM__LINGER:
        return LINGER_NS;
    default:
        return INT64_MAX;
    }
}

void tdm__exchange_enter(tdm__exchange *x, tdm__phase phase)
{
    tdm__gate *gate = x->gate;
    x->since_ns = tdm__loop_turn_now(gate->loop);
    TAILQ_REMOVE(&gate->at[x->phase], x, link);
    x->phase = (unsigned char) phase;
    if (phase == TDM__DEAD)
        return;
    TAILQ_INSERT_TAIL(&gate->at[phase], x, link);
    int64_t patience = patience_of(gate, phase);
    if (patience != INT64_MAX)
        wake_by(gate, x->since_ns + patience);
}

void tdm__exchange_accept(tdm__gate *gate, tdm__exchange *x)
{
    x->gate = gate;
    x->fd = -1;
    x->refs = 1;
    x->phase = TDM__FRESH;
    TAILQ_INSERT_TAIL(&gate->at[TDM__FRESH], x, link);
    if (tdm__slot_accepted(gate->slot)) {
        gate->full = true;
        gate->ways->listen(gate, false);
    }
}

void tdm__exchange_own(tdm__exchange *x, void *owner)
{
    x->owner = owner;
}

void tdm__exchange_over(tdm__exchange *x, tdm__ending ending)
{
    void *owner = x->owner;
    x->owner = NULL;
    tdm__exchange_uncharge(x);
    if (owner)
        x->gate->server->options.hooks->over(owner, ending);
}

void tdm__exchange_unref(tdm__exchange *x)
{
    if (--x->refs == 0)
        x->gate->ways->free(x);
}

/* ---- ends ---- */

void tdm__exchange_watch(tdm__exchange *x)
{
    /* Without it the client's leaving shows when the reply is written. */
    if (!x->watched && x->gate->peers)
        x->watched = tdm__peer_watch(x->gate->peers, x->fd, false, x) == 0;
}

void tdm__exchange_unwatch(tdm__exchange *x)
{
    if (x->watched)
        tdm__peer_forget(x->gate->peers, x->fd);
    x->watched = false;
}

void tdm__exchange_closed(tdm__exchange *x)
{
    tdm__gate *gate = x->gate;
    tdm__exchange_unwatch(x);
    tdm__exchange_forget_message(x);
    tdm__exchange_enter(x, TDM__DEAD);
    tdm__exchange_over(x, x->cut || gate->cutting ? TDM__CUT : TDM__LEFT);
    tdm__slot_connection_closed(gate->slot);
    tdm__exchange_unref(x);
}

void tdm__exchange_cut(tdm__exchange *x)
{
    x->cut = true;
    x->gate->ways->close(x);
}

/* Has the client sent something that was not read yet? */
static bool has_unread(const tdm__exchange *x)
{
    int unread = 0;
    return ioctl(x->fd, FIONREAD, &unread) == 0 && unread > 0;
}

bool tdm__exchange_forget_input(tdm__exchange *x)
{
    static _Thread_local char nowhere[16384];
    for (int i = 0; i < 16; i++) {
        ssize_t n = recv(x->fd, nowhere, sizeof nowhere, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return errno == EINTR;
        x->moved += n > 0 ? (size_t) n : 0;
        if (n <= 0 || x->moved > LINGER_BYTES) {
            x->gate->ways->close(x);
            return false;
        }
    }
    return true;
}

void tdm__exchange_linger(tdm__exchange *x)
{
    tdm__exchange_unwatch(x);
    tdm__exchange_forget_message(x);
    tdm__exchange_uncharge(x);
    shutdown(x->fd, SHUT_WR);
    x->gate->ways->still(x);
    tdm__exchange_enter(x, TDM__LINGER);
    x->moved = 0;
    if (x->gate->peers && tdm__peer_watch(x->gate->peers, x->fd, true, x))
        x->gate->ways->close(x);
    else
        x->watched = x->gate->peers != NULL;
}

void tdm__exchange_end_last(tdm__exchange *x, bool pending)
{
    if (x->keep_alive || pending || has_unread(x))
        tdm__exchange_linger(x);
    else
        x->gate->ways->close(x);
}

void tdm__exchange_refuse(tdm__exchange *x, int status)
{
    char bytes[TDM__REFUSAL_MAX];
    bool head_only = x->rules && tdm__rules_is_head(x->rules);
    size_t size = tdm__refusal_write(status, head_only, bytes);
    atomic_fetch_add_explicit(&x->gate->server->refused, 1, memory_order_relaxed);
    ssize_t sent = send(x->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Where there is no room, the end alone says it; a reset would take the reply before it along. */
    if (sent >= 0 || errno == EAGAIN || errno == EINTR)
        tdm__exchange_linger(x);
    else
        x->gate->ways->close(x);
}

void tdm__exchange_half_closed(tdm__exchange *x)
{
    const tdm__hooks *hooks = x->gate->server->options.hooks;
    atomic_fetch_add_explicit(&x->gate->server->half_closed, 1, memory_order_relaxed);
    if (x->owner && hooks->half_closed && hooks->half_closed(x->owner))
        x->gate->ways->close(x);
}

static void on_peer(void *what, tdm__peer_event event)
{
    tdm__exchange *x = what;
    if (event == TDM__PEER_GONE)
        x->gate->ways->close(x);
    else if (event == TDM__PEER_DATA)
        tdm__exchange_forget_input(x);
    else
        tdm__exchange_half_closed(x);
}

/* ---- listening ---- */

void tdm__gate_listen(tdm__gate *gate)
{
    if (gate->listener >= 0 && !gate->full && !gate->starved)
        gate->ways->listen(gate, true);
}

/* The connection stays in the kernel's queue, and trying again at once would spin. */
void tdm__gate_starve(tdm__gate *gate, int err)
{
    int64_t now = tdm_clock_ns();
    if (!gate->warned_ns || now - gate->warned_ns > WARN_NS) {
        gate->warned_ns = now;
        tdm_log_warning("cannot accept connections: %s; trying again every %d ms", strerror(err),
                        (int) (RETRY_NS / MS));
    }
    if (tdm__timer_arm(gate->loop, &gate->retry, now + RETRY_NS) == 0) {
        gate->starved = true;
        gate->ways->listen(gate, false);
    }
}

static void on_retry(tdm__timer *timer)
{
    tdm__gate *gate = (tdm__gate *) ((char *) timer - offsetof(tdm__gate, retry));
    gate->starved = false;
    tdm__gate_listen(gate);
}

static void unlisten(tdm__gate *gate)
{
    if (gate->listener < 0)
        return;
    gate->ways->unlisten(gate);
    close(gate->listener);
    gate->listener = -1;
    tdm__timer_disarm(gate->loop, &gate->retry);
    tdm__slot_listener_closed(gate->slot);
}

/* ---- time ---- */

/* In the drain: is this connection, which has no complete request, done with? */
static bool is_done_with(const tdm__exchange *x, int64_t now)
{
    if (x->phase == TDM__IDLE)
        return now - x->since_ns >= CLOSE_IDLE_NS && !has_unread(x);
    return now - x->heard_ns >= CLOSE_PARTIAL_NS && !has_unread(x);
}

/* A large body has more time. What was announced counts, or else what came. */
static int64_t body_due_ns(const tdm__exchange *x)
{
    unsigned long long length;
    tdm__rules_has_body(x->rules, &length);
    uint64_t steps = (length ? length : x->moved) / BODY_STEP;
    int64_t more = steps < BODY_STEPS_MAX ? (int64_t) steps * TDM_NS_PER_S : BODY_STEPS_MAX * TDM_NS_PER_S;
    return x->since_ns + x->gate->server->options.body_ns + more;
}

/* @return was its time over? If so it has ended, or will be looked at again. */
static bool look_at(tdm__exchange *x, int64_t now)
{
    const tdm__server_options *options = &x->gate->server->options;
    int64_t age = now - x->since_ns;
    bool done_with = x->gate->closing && x->phase <= TDM__BODY && is_done_with(x, now);
    if (done_with || (x->phase == TDM__IDLE && age >= options->idle_ns) ||
        (x->phase == TDM__LINGER && age >= LINGER_NS))
        x->gate->ways->close(x);
    else if ((x->phase == TDM__READING && age >= options->head_ns) || (x->phase == TDM__BODY && now >= body_due_ns(x)))
        tdm__exchange_refuse(x, 408);
    else if (x->phase == TDM__STREAMING || x->phase == TDM__WRITING)
        tdm__exchange_check_progress(x);
    else
        return false;
    return true;
}

/* @return is there more to do at once? */
static bool sweep(tdm__gate *gate, tdm__phase phase, int64_t now)
{
    int64_t patience = patience_of(gate, phase);
    bool all = phase == TDM__BODY || (gate->closing && phase <= TDM__BODY);
    unsigned count = 0;
    tdm__exchange *x = TAILQ_FIRST(&gate->at[phase]), *next;
    for (; x && count < SWEEP_AT_ONCE && (all || now - x->since_ns >= patience); x = next) {
        next = TAILQ_NEXT(x, link);
        count += look_at(x, now);
    }
    return count == SWEEP_AT_ONCE;
}

/* When the first of a phase is to be looked at. */
static int64_t next_look(const tdm__gate *gate, tdm__phase phase, int64_t now)
{
    const tdm__exchange *x = TAILQ_FIRST(&gate->at[phase]);
    int64_t due = INT64_MAX;
    if (!x)
        return due;
    if (gate->closing && phase <= TDM__BODY)
        return now + CLOSE_TICK_NS;
    if (phase != TDM__BODY)
        return x->since_ns + patience_of(gate, phase);
    for (; x; x = TAILQ_NEXT(x, link))
        due = body_due_ns(x) < due ? body_due_ns(x) : due;
    return due > now + LOOK_NS ? due : now + LOOK_NS; /* there may be many, each with a time of its own */
}

static const tdm__phase timed[] = {TDM__IDLE, TDM__READING, TDM__BODY, TDM__STREAMING, TDM__WRITING, TDM__LINGER};

static void set_next_tick(tdm__gate *gate, int64_t now)
{
    int64_t due = gate->closing && gate->listener >= 0 ? now + MS : INT64_MAX;
    for (size_t i = 0; i < sizeof timed / sizeof timed[0]; i++) {
        int64_t next = next_look(gate, timed[i], now);
        due = next < due ? next : due;
    }
    if (due != INT64_MAX)
        wake_by(gate, due);
}

/* Is everybody in who had begun to connect? */
static bool may_unlisten(const tdm__gate *gate, int64_t now)
{
    bool inherited = gate->server->listening.inherited; /* who waits in its queue is served by the next process */
    if (gate->listener < 0 || gate->starved || inherited || now >= gate->listen_until_ns)
        return true;
    return now >= gate->listen_until_ns - CLOSE_LISTEN_NS + CLOSE_SETTLE_NS && !tdm__listen_waiting(gate->listener);
}

static void on_tick(tdm__timer *timer)
{
    tdm__gate *gate = (tdm__gate *) ((char *) timer - offsetof(tdm__gate, tick));
    int64_t now = tdm_clock_ns();
    bool more = false;
    for (size_t i = 0; i < sizeof timed / sizeof timed[0]; i++)
        more |= sweep(gate, timed[i], now);
    if (gate->closing && may_unlisten(gate, now))
        unlisten(gate);
    if (more)
        wake_by(gate, now);
    else
        set_next_tick(gate, now);
}

/* ---- a gate ---- */

int tdm__gate_init(tdm__gate *gate, tdm__slot *slot, const tdm__gate_ways *ways, int listener, bool watch)
{
    gate->slot = slot;
    gate->server = slot->server;
    gate->loop = slot->loop;
    gate->ways = ways;
    gate->listener = listener;
    gate->tick.run = on_tick;
    gate->retry.run = on_retry;
    for (int phase = 0; phase < TDM__DEAD; phase++)
        TAILQ_INIT(&gate->at[phase]);
    return watch ? tdm__peers_create(&gate->peers, tdm__loop_base(slot->loop), on_peer) : 0;
}

void tdm__gate_finish(tdm__gate *gate)
{
    tdm__timer_disarm(gate->loop, &gate->tick);
    tdm__timer_disarm(gate->loop, &gate->retry);
    tdm__peers_destroy(&gate->peers);
    while (gate->spare_count)
        tdm__rules_destroy(&gate->spare[--gate->spare_count]);
}

void tdm__gate_resume(tdm__gate *gate)
{
    gate->full = false;
    tdm__gate_listen(gate);
}

void tdm__gate_close(tdm__gate *gate)
{
    gate->closing = true;
    gate->full = gate->starved = false;
    gate->listen_until_ns = tdm_clock_ns() + CLOSE_LISTEN_NS;
    const tdm__listening *listening = &gate->server->listening;
    bool ours = gate->listener >= 0 && listening->tcp && !listening->inherited;
    int err = ours ? tdm__listen_bar(gate->listener) : 0;
    if (err)
        tdm_log_debug("cannot bar the listening socket: %s", strerror(-err));
    tdm__gate_listen(gate);
    wake_by(gate, tdm_clock_ns());
}

void tdm__gate_cut(tdm__gate *gate)
{
    gate->cutting = true;
    gate->ways->settle(gate);
    for (int phase = TDM__IDLE; phase < TDM__DEAD; phase++) {
        while (!TAILQ_EMPTY(&gate->at[phase]))
            gate->ways->close(TAILQ_FIRST(&gate->at[phase]));
    }
    unlisten(gate);
}
