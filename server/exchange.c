/* SPDX-License-Identifier: MIT */
/* DESIGN: a reply on its way out, the same for every transport. What the kernel takes at once is sent from where it
 * lies; only what it does not take is copied and becomes the transport's. A reply in pieces is framed here, so that a
 * transport moves bytes and knows nothing of chunks. The order is always kept: nothing is sent past what waits. */
#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <tandem/log.h>

#include "server/connection.h"

#define UNSENT (8 << 10)  /* what the kernel keeps of a stream at most, besides what is on its way, */
#define PROVEN 1024       /* until so many KiB of streams have gone to this client */
#define PIECES_MAX 3      /* a chunk: its size, its bytes, its end */
#define PROGRESS_MIN 1024 /* bytes that a client must take in the time it has */

/* Send what can be sent. @return 0, and *sent says how much; -EPIPE: the connection was closed. */
static int send_now(tdm__exchange *x, struct iovec *pieces, size_t count, size_t *sent)
{
    *sent = 0;
    if (x->gate->ways->unsent(x))
        return 0;
    ssize_t n;
    if (count == 1) { /* most replies; the kernel has less to take in */
        n = send(x->fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
        n = sendmsg(x->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        x->gate->ways->close(x); /* the client has left */
        return -EPIPE;
    }
    *sent = n < 0 ? 0 : (size_t) n;
    return 0;
}

static size_t size_of(const struct iovec *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].iov_len;
    return size;
}

/* Take `size` bytes from the front. @return how many pieces are empty then. */
static size_t skip(struct iovec *pieces, size_t count, size_t size)
{
    size_t i = 0;
    for (; i < count && size >= pieces[i].iov_len; i++)
        size -= pieces[i].iov_len;
    if (i < count) {
        pieces[i].iov_base = (char *) pieces[i].iov_base + size;
        pieces[i].iov_len -= size;
    }
    return i;
}

static void limit_unsent(tdm__exchange *x, int bytes)
{
    if (setsockopt(x->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes) && errno != EOPNOTSUPP &&
        errno != ENOPROTOOPT) /* not over TCP */
        tdm_log_debug("cannot limit what waits in the kernel: %s", strerror(errno));
}

/* For a client with a tiny window the kernel would cut megabytes into pieces as small as that, with far more work and memory
 * than they have bytes. So the client of a stream shows first that it takes what it gets. */
static void begin_proof(tdm__exchange *x)
{
    if (x->proof)
        return;
    x->proof = 1;
    limit_unsent(x, UNSENT);
}

static void move(tdm__exchange *x, size_t size)
{
    uint64_t before = x->moved >> 10;
    x->moved += size;
    if (x->proof >= PROVEN)
        return;
    uint64_t proof = x->proof + ((x->moved >> 10) - before);
    x->proof = proof < PROVEN ? (uint16_t) proof : PROVEN;
    if (x->proof == PROVEN)
        limit_unsent(x, 0); /* the system's own limit */
}

static int send_or_keep(tdm__exchange *x, struct iovec *pieces, size_t count)
{
    size_t size = size_of(pieces, count), sent;
    int err = send_now(x, pieces, count, &sent);
    if (err)
        return err; /* the connection may be gone */
    move(x, size);
    if (sent == size)
        return 0;
    size_t gone = skip(pieces, count, sent);
    if (x->gate->ways->keep(x, pieces + gone, count - gone))
        return 0;
    tdm__exchange_cut(x);
    return -ENOMEM;
}

/* const is lost in every iovec; nobody writes through these. */
static struct iovec piece_of(const void *bytes, size_t size)
{
    union {
        const void *in;
        void *out;
    } at = {bytes};
    return (struct iovec){at.out, size};
}

void tdm__exchange_send(tdm__exchange *x, const void *bytes, size_t size, bool close)
{
    assert(x->phase == TDM__BUSY && size > 0);
    struct iovec piece = piece_of(bytes, size);
    tdm__exchange_unwatch(x);
    size_t sent;
    if (send_now(x, &piece, 1, &sent))
        return;
    if (sent == size) {
        x->gate->ways->finish(x, close);
        return;
    }
    skip(&piece, 1, sent);
    x->moved = size;
    x->taken = 0;
    tdm__exchange_enter(x, TDM__WRITING);
    x->heard_ns = x->since_ns;
    if (x->gate->ways->keep(x, &piece, 1))
        x->gate->ways->finish(x, close);
    else
        tdm__exchange_cut(x);
}

int tdm__exchange_begin(tdm__exchange *x, const void *head, size_t size, bool chunked)
{
    assert(x->phase == TDM__BUSY && size > 0);
    struct iovec piece = piece_of(head, size);
    x->chunked = chunked;
    x->moved = x->taken = 0;
    tdm__exchange_enter(x, TDM__STREAMING);
    x->heard_ns = x->since_ns;
    begin_proof(x);
    return send_or_keep(x, &piece, 1);
}

int tdm__exchange_write(tdm__exchange *x, const void *bytes, size_t size)
{
    assert(x->phase == TDM__STREAMING);
    if (size == 0)
        return 0;
    struct iovec pieces[PIECES_MAX];
    if (!x->chunked) {
        pieces[0] = piece_of(bytes, size);
        return send_or_keep(x, pieces, 1);
    }
    char head[20];
    int head_size = snprintf(head, sizeof head, "%zx\r\n", size);
    pieces[0] = piece_of(head, (size_t) head_size);
    pieces[1] = piece_of(bytes, size);
    pieces[2] = piece_of("\r\n", 2);
    return send_or_keep(x, pieces, 3);
}

size_t tdm__exchange_unsent(const tdm__exchange *x)
{
    return x->gate->ways->unsent(x);
}

void tdm__exchange_end(tdm__exchange *x, bool close)
{
    assert(x->phase == TDM__STREAMING);
    struct iovec piece = piece_of("0\r\n\r\n", 5);
    if (x->chunked && send_or_keep(x, &piece, 1))
        return;
    tdm__exchange_unwatch(x);
    if (x->gate->ways->unsent(x))
        tdm__exchange_enter(x, TDM__WRITING);
    x->gate->ways->finish(x, close);
}

/* ---- what a transport tells ---- */

/* How many bytes of the reply the client has taken, as far as the kernel knows. */
static uint64_t taken(const tdm__exchange *x)
{
    int in_kernel = 0;
    if (ioctl(x->fd, SIOCOUTQ, &in_kernel) || in_kernel < 0)
        in_kernel = 0;
    uint64_t waits = x->gate->ways->unsent(x) + (uint64_t) in_kernel;
    return x->moved > waits ? x->moved - waits : 0;
}

/* Close with a reset: else the kernel would go on offering what the client does not take, and keep it for as long as he
 * likes. */
static void drop(tdm__exchange *x)
{
    const struct linger reset = {.l_onoff = 1};
    if (setsockopt(x->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset))
        tdm_log_debug("cannot reset a connection: %s", strerror(errno));
    x->gate->ways->close(x);
}

void tdm__exchange_check_progress(tdm__exchange *x)
{
    uint64_t now_taken = taken(x);
    bool waits = x->gate->ways->unsent(x) > 0;
    tdm__exchange_enter(x, (tdm__phase) x->phase); /* to be looked at again */
    if (!waits || now_taken - x->taken >= PROGRESS_MIN) {
        x->taken = now_taken;
        x->heard_ns = x->since_ns;
    } else if (x->since_ns - x->heard_ns >= x->gate->server->options.write_ns) {
        drop(x); /* it counts as gone */
    }
}

void tdm__exchange_drained(tdm__exchange *x)
{
    if (x->phase == TDM__STREAMING && x->owner && x->gate->server->options.hooks->drained)
        x->gate->server->options.hooks->drained(x->owner);
}
