/* SPDX-License-Identifier: MIT */
/** @file
 *  An application: routes, a listening address, an executor; from start to drain. */
#ifndef TANDEM_APP_H
#define TANDEM_APP_H

#include <tandem/base.h>
#include <tandem/executor.h>
#include <tandem/middleware.h>
#include <tandem/route.h>

TDM_BEGIN

typedef struct tdm_app tdm_app;

/** How bytes travel. Both keep the same message rules, and answer the same. */
typedef enum tdm_transport {
    TDM_EVHTTP, /**< libevent's evhttp behind a guard: it sees only requests that were judged before */
    TDM_DIRECT, /**< plain libevent events: faster, and smaller when idle */
} tdm_transport;

typedef struct tdm_app_options {
    const char *name;    /**< for the ready line and the manifest; NULL: "tandem" */
    const char *version; /**< NULL: tdm_version() */
    tdm_transport transport;
    const char *host;      /**< a numeric IPv4 or IPv6 address or a name; NULL: "127.0.0.1" */
    const char *port;      /**< a number up to "65535"; "0": any free one; NULL: "8000" */
    const char *unix_path; /**< listen on a Unix socket there, in place of host and port; NULL: do not. A dead one that
                                is in the way is replaced, and the file is taken away at the stop */
    unsigned unix_mode;    /**< of its file; 0: 0660 */
    bool inherit;          /**< listen on the socket that a supervisor passed (LISTEN_FDS), in place of all of these */
    unsigned backlog;      /**< connections that the kernel keeps until they are accepted; 0: 4096 */
    tdm_executor_options executor;
    const double *drain_timeout;  /**< seconds that accepted tasks may go on after a stop; NULL: 30 */
    const double *drain_announce; /**< seconds that listeners stay open after a stop; NULL: 0 */
    const double *drain_grace;    /**< seconds for cancelled tasks to end; NULL: 2 */
    unsigned max_connections;     /**< open at once; accepting pauses beyond it; 0: 10,000 */
    unsigned max_requests;        /**< on one connection; the last one's reply closes it; 0: 1000 */
    size_t max_target;            /**< bytes of a request's target, else 414; 0: 8 KiB */
    size_t max_head;              /**< bytes of a request's line and header fields, else 431; 0: 16 KiB */
    unsigned max_fields;          /**< header fields of a request, else 431; 0: 100 */
    size_t max_body;              /**< bytes of a request's body, else 413; 0: 1 MiB */
    size_t max_buffered;          /**< bytes of all bodies that are being read or answered, else 503; 0: 256 MiB */
    double head_timeout;          /**< seconds in which a request's head must come, else 408; 0: 10 */
    double body_timeout;          /**< the same for its body, and a second more for each 64 KiB of it; 0: 30 */
    double idle_timeout;          /**< seconds a connection may be idle between requests; 0: 75 */
    double write_timeout; /**< seconds in which a client must take 1 KiB of its reply, else it is cut off; 0: 30 */

    const char *title;       /**< of the documentation; NULL: the name */
    const char *description; /**< for the documentation; or NULL */
    const char *openapi;     /**< where its OpenAPI document is; NULL: "/openapi.json"; "": nowhere */
    const char *docs;        /**< where the page is that shows it and tries routes out; NULL: "/docs"; "": nowhere */
} tdm_app_options;

/** Make an app: nothing listens and no thread runs yet. @return 0; -EINVAL (the log says which option); -ENOMEM. */
TDM_API int tdm_app_create(tdm_app **out, const tdm_app_options *options);

/** Add a route to the app's own router: see tdm_router_route(). Before tdm_app_start(). */
TDM_API int tdm_app_route(tdm_app *app, const tdm_route *route);
/** tdm_app_route() for the common cases. */
TDM_API int tdm_app_get(tdm_app *app, const char *path, tdm_handler_fn *run);
TDM_API int tdm_app_post(tdm_app *app, const char *path, tdm_handler_fn *run);

/** Start the executor and listen. On 0, requests are being answered.
 *  @return 0; -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, …: cannot listen there (one clear log line says so); what
 *          tdm_executor_create() returns. */
TDM_API int tdm_app_start(tdm_app *app);
/** The executor, after the start. */
TDM_API tdm_executor *tdm_app_executor(const tdm_app *app);
/** "http://127.0.0.1:8000", with the port that was really bound; or "unix:/path". After the start. */
TDM_API const char *tdm_app_url(const tdm_app *app);
/** Is the app stopping? Any thread. */
TDM_API bool tdm_app_draining(const tdm_app *app);

/** What the server has seen since the start. */
typedef struct tdm_app_stats {
    uint64_t connections;       /**< open now */
    uint64_t accepted;          /**< connections since the start */
    uint64_t half_closed;       /**< clients that sent a FIN while their reply was awaited */
    uint64_t refused;           /**< messages answered before they became a request: malformed, too large, too slow */
    uint64_t requests, replies; /**< requests whose head was read; replies handed to the kernel */
    uint64_t left;              /**< requests whose client left before its reply was handed over */
} tdm_app_stats;

/** Fill *out. After the start; any thread. */
TDM_API void tdm_app_stats_get(const tdm_app *app, tdm_app_stats *out);

/** What a stop came to. */
typedef struct tdm_manifest {
    tdm_totals lanes[TDM_LANES]; /**< lifetime totals */
    uint64_t requests, replies;  /**< requests whose head was read; replies handed to the kernel */
    uint64_t unanswered;         /**< requests without a reply, for any reason but that the client left */
    double seconds;              /**< how long the drain took */
    int exit_status;             /**< 0: every task ended as done, failed, timed out or skipped, or was cancelled by a
                                      user, and the stop left no request unanswered; else 3 */
} tdm_manifest;

/** The orderly stop (docs/drain.md). Blocks; not from a loop or worker. @return 0; -EALREADY. */
TDM_API int tdm_app_stop(tdm_app *app, tdm_manifest *out);
/** Make a stop under way skip its waiting. Any thread. */
TDM_API void tdm_app_hurry(tdm_app *app);
/** Free the app. Stops it first if it runs. NULL is accepted; *app becomes NULL.
 *  @return 0; -EBUSY: abandoned tasks still run: their memory was left to them, and the process should exit. */
TDM_API int tdm_app_destroy(tdm_app **app);

/** A whole main(): log, raise the limit on open files, start, print the ready line, wait for SIGTERM or SIGINT, drain,
 *  print the manifest as one JSON line, and leave. A second signal hurries the drain. A client's reset never ends the
 *  process (SIGPIPE is ignored).
 *  @return the exit status for main(): 0; 1: could not start; 3: the drain lost work. */
TDM_API int tdm_app_main(tdm_app *app);

TDM_END

#endif
