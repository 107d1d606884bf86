/* SPDX-License-Identifier: MIT */
/** @file
 *  Replies that are written while they are made: streams, and server-sent events.
 *
 *      tdm_stream_begin(req, 200, "text/csv", TDM_LENGTH_UNKNOWN);
 *      for (...)
 *          if ((err = tdm_stream_write(req, line, size)) < 0)
 *              return err;
 *      return tdm_stream_end(req);
 *
 *  A write returns when the client has taken enough of what came before, so a slow client costs the server at most
 *  TDM_STREAM_WINDOW bytes and one piece. It yields on a fiber and blocks on a worker. Background tasks are accepted
 *  when the stream begins and start when it is over. A handler that fails after the beginning ends the connection, so
 *  that its client can see that the reply is not whole. */
#ifndef TANDEM_STREAM_H
#define TANDEM_STREAM_H

#include <tandem/base.h>
#include <tandem/request.h>

TDM_BEGIN

/** Bytes that may wait for a client before a write waits too. */
#define TDM_STREAM_WINDOW ((size_t) 64 * 1024)
/** Bytes that a fiber writes at most before its loop has a turn, however fast its client is. */
#define TDM_STREAM_TURN ((size_t) 256 * 1024)
/** For tdm_stream_begin(): the reply ends when it ends. */
#define TDM_LENGTH_UNKNOWN UINT64_MAX

/** Begin a reply in pieces, in place of a tdm_reply…().
 *  @param length its size in bytes, which goes out as Content-Length; or TDM_LENGTH_UNKNOWN.
 *  @return as tdm_reply(); -ECANCELED: the request was cancelled; -EDEADLK: not in a handler or a `before`, but where
 *          nothing may wait (middleware's `arrive`): nothing was done, and another reply can be made. */
TDM_API int tdm_stream_begin(tdm_request *req, int status, const char *type, uint64_t length);
/** Write a piece; `bytes` is needed during the call only. For a HEAD it goes nowhere.
 *  @return 0; -EPIPE: the client is gone; -ECANCELED: the request was cancelled (a deadline, a drain); -EMSGSIZE: more
 *          than `length`; -EINVAL: not begun, or ended. */
TDM_API int tdm_stream_write(tdm_request *req, const void *bytes, size_t size);
/** End it. A handler that returns 0 need not, except that it learns here that less than `length` was written.
 *  @return 0; -EPIPE; -EMSGSIZE: the connection is closed, for the reply is not whole; -EINVAL. */
TDM_API int tdm_stream_end(tdm_request *req);

/* ---- server-sent events ---- */

typedef struct tdm_events_options {
    double heartbeat; /**< seconds without an event after which a comment is sent, so that the client's leaving and dead
                           connections are noticed; 0: 15; negative: none */
    unsigned retry_ms; /**< after which a client should connect again; 0: its own default */
} tdm_events_options;

typedef struct tdm_stream_event {
    const char *id;   /**< or NULL; no line ends */
    const char *name; /**< of the event; NULL: "message"; no line ends */
    const char *data; /**< may have several lines */
} tdm_stream_event;

/** Begin a reply of events. @param options NULL: the defaults. @return as tdm_stream_begin(). */
TDM_API int tdm_events_begin(tdm_request *req, const tdm_events_options *options);
/** Send one event; waits as tdm_stream_write() does. @return likewise; -EINVAL also: a line end in `id` or `name`. */
TDM_API int tdm_events_send(tdm_request *req, const tdm_stream_event *event);
/** The id of the last event that the client got before it came back; NULL: it begins. */
TDM_API const char *tdm_events_last_id(const tdm_request *req);

TDM_END

#endif
