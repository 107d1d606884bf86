/* SPDX-License-Identifier: MIT */
/* The life of connections on one loop, the same for every transport: the states they pass, the time they may take, the
 * clients that leave, and how they end. A transport embeds these structs in its own and brings the ways to act on them.
 *
 * Thread: all of it on the loop's thread. */
#ifndef TANDEM_SERVER_CONNECTION_H
#define TANDEM_SERVER_CONNECTION_H

#include <sys/queue.h>
#include <sys/uio.h>

#include "server/gate.h"
#include "server/peer.h"
#include "server/rules.h"

typedef enum tdm__phase {
    TDM__FRESH,     /* accepted; the transport is not ready with it */
    TDM__IDLE,      /* between requests */
    TDM__READING,   /* some of a head is here */
    TDM__BODY,      /* some of a body is to come */
    TDM__BUSY,      /* a request is with its handler */
    TDM__STREAMING, /* its reply goes out in pieces */
    TDM__WRITING,   /* the rest of a reply is with the transport */
    TDM__LINGER,    /* ended by us, waiting for the client's end */
    TDM__DEAD,
} tdm__phase;

TAILQ_HEAD(tdm__exchanges, tdm__exchange);

/* A connection, and the one request on it at a time. Most are idle: what only a request needs is in `rules`. */
struct tdm__exchange {
    TAILQ_ENTRY(tdm__exchange) link; /* in gate->at[phase] */
    tdm__gate *gate;
    void *owner;
    tdm__rules *rules; /* of the message that is being read, or was; NULL: there is none */
    int fd;
    unsigned requests; /* so far */
    unsigned char phase, refs;
    bool watched;     /* by gate->peers */
    bool keep_alive;  /* the client would go on after this request */
    bool cut;         /* it is we who close */
    bool chunked;     /* STREAMING: pieces are framed */
    uint16_t proof;   /* KiB of streams that its client has taken, up to what proves it; 0: there was none yet */
    int64_t since_ns; /* when this phase began; STREAMING, WRITING: when its progress was last looked at */
    int64_t heard_ns; /* READING, BODY: when the last byte came; replies: when the client was last seen to take some */
    uint64_t moved;   /* BODY: bytes that came; replies: bytes that were given to be sent; LINGER: bytes forgotten */
    uint64_t taken;   /* replies: of these, how many the client had taken when that was last looked at */
    size_t charged;   /* of what all bodies take */
};

/* What a transport can do. */
typedef struct tdm__gate_ways {
    /* End the connection now; tdm__exchange_closed() is called inside. */
    void (*close)(tdm__exchange *x);
    /* Read and write no more on it. Without gate->peers: call tdm__exchange_forget_input() soon, and when more comes. */
    void (*still)(tdm__exchange *x);
    /* Take connections, or do not. */
    void (*listen)(tdm__gate *gate, bool on);
    /* Take none ever again; the listening socket is closed after this. */
    void (*unlisten)(tdm__gate *gate);
    /* Bring what is fresh into another phase. */
    void (*settle)(tdm__gate *gate);
    void (*free)(tdm__exchange *x);
    /* A message is whole: call tdm__exchange_hand_up(), now or soon. */
    void (*ready)(tdm__exchange *x);
    /* Keep a copy of these bytes, and write them as the socket takes them, then call tdm__exchange_drained().
     * @return false: no memory. */
    bool (*keep)(tdm__exchange *x, const struct iovec *pieces, size_t count);
    /* How many bytes are kept. */
    size_t (*unsent)(const tdm__exchange *x);
    /* Nothing will be added to the reply. When nothing of it is kept any more it was handed over, and the connection
     * reads the next request, or ends. */
    void (*finish)(tdm__exchange *x, bool close);
    void (*destroy)(tdm__gate *gate);
} tdm__gate_ways;

#define TDM__SPARE_RULES 8

/* A server's part on one loop. */
struct tdm__gate {
    tdm__slot *slot;
    tdm__server *server;
    tdm__loop *loop;
    const tdm__gate_ways *ways;
    tdm__peers *peers; /* NULL: the transport sees by itself when a client leaves */
    tdm__timer tick, retry;
    int listener;                        /* -1: closed */
    struct tdm__exchanges at[TDM__DEAD]; /* by phase, each oldest `since_ns` first */
    tdm__rules *spare[TDM__SPARE_RULES];
    unsigned spare_count;
    bool closing, cutting, full, starved;
    int64_t tick_due_ns, listen_until_ns, warned_ns;
};

/* @param watch have gate->peers. @return 0; or a negative errno. */
int tdm__gate_init(tdm__gate *gate, tdm__slot *slot, const tdm__gate_ways *ways, int listener, bool watch);
/* After every connection was closed. */
void tdm__gate_finish(tdm__gate *gate);
/* Take connections, unless something stands against it. */
void tdm__gate_listen(tdm__gate *gate);
/* accept() failed for want of something: pause. */
void tdm__gate_starve(tdm__gate *gate, int err);

/* ---- connections (connection.c) ---- */

/* A new one: counted, and fresh. The caller has set nothing but its own part. */
void tdm__exchange_accept(tdm__gate *gate, tdm__exchange *x);
void tdm__exchange_enter(tdm__exchange *x, tdm__phase phase);
/* A request was handed up and has no reply yet: notice the client's leaving. */
void tdm__exchange_watch(tdm__exchange *x);
void tdm__exchange_unwatch(tdm__exchange *x);
/* The client sent a FIN while its reply is awaited. */
void tdm__exchange_half_closed(tdm__exchange *x);
/* Answer in place of a handler, and close. Nothing may wait to be written. */
void tdm__exchange_refuse(tdm__exchange *x, int status);
/* Close in two steps: shut for writing, then wait a moment for the client's end. */
void tdm__exchange_linger(tdm__exchange *x);
/* End it after its last reply: in two steps where the client may be sending, or has sent what nobody will read (RFC 9112,
 * 9.6). @param pending the transport holds some of that, or knows of more. */
void tdm__exchange_end_last(tdm__exchange *x, bool pending);
/* LINGER: read, and forget. May close it. @return may there be more to read? */
bool tdm__exchange_forget_input(tdm__exchange *x);
/* Its owner learns how it ended, once: the first call tells, the others find no owner. */
void tdm__exchange_over(tdm__exchange *x, tdm__ending ending);
/* The transport closes it: the last thing said of it. */
void tdm__exchange_closed(tdm__exchange *x);
void tdm__exchange_unref(tdm__exchange *x);

/* ---- requests (intake.c) ---- */

static inline bool tdm__exchange_reads(const tdm__exchange *x)
{
    return x->phase == TDM__IDLE || x->phase == TDM__READING || x->phase == TDM__BODY;
}

/* Take bytes of a connection that reads, up to the end of a message. The connection may be closed, lingering or busy
 * when this returns. @return how many were taken. */
size_t tdm__exchange_take(tdm__exchange *x, const char *bytes, size_t size);
/* The message is whole, and the transport is ready for its reply: hand it up. */
void tdm__exchange_hand_up(tdm__exchange *x);
/* The memory that its body took is counted no more. */
void tdm__exchange_uncharge(tdm__exchange *x);
/* Its rules go back to the gate. */
void tdm__exchange_forget_message(tdm__exchange *x);

/* ---- replies (exchange.c) ---- */

/* What was kept has been written. */
void tdm__exchange_drained(tdm__exchange *x);
/* Has the client taken enough of its reply since the last look? If not, the connection is cut. */
void tdm__exchange_check_progress(tdm__exchange *x);

#endif
