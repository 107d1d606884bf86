/* SPDX-License-Identifier: MIT */
/** @file
 *  A route: a method, a path, what it takes, and the handler that answers it.
 *
 *  Paths are made of segments. `{id}`, or `{id:str}`, takes one segment that is not empty; `{id:int}` and `{x:float}` only one that is
 *  such a number; `{rest:path}`, at the end, takes all that is left, slashes and the empty rest included. Where several
 *  routes fit a path, literal text wins over `int`, that over `float`, that over any segment, and that over `path`.
 *  HEAD comes with GET, OPTIONS by itself. Segments are compared after their percent-encoding is undone, once; a path
 *  with a broken escape, a control character, bytes that are not UTF-8, a `.` or `..` segment, or an encoded slash in
 *  what `path` takes is answered with 400. */
#ifndef TANDEM_ROUTE_H
#define TANDEM_ROUTE_H

#include <tandem/base.h>
#include <tandem/request.h>
#include <tandem/schema.h>

TDM_BEGIN

/** What tdm_background() does when a task's lane has no room. */
typedef enum tdm_when_full {
    TDM_REFUSE, /**< the handler gets -EAGAIN at once, and the client 503 with Retry-After */
    TDM_WAIT,   /**< it waits for room, up to `wait_for_room`, with at most `max_waiters` of the route; then as above. A
                     request that has reserved places already is refused at once where another such request of the app
                     waits, or where all that it wants could never fit */
} tdm_when_full;

/** A reply that a route gives besides its usual one, for the documentation. A table ends with status 0. */
typedef struct tdm_reply_doc {
    int status;
    const char *summary;
    const tdm_schema *schema; /**< of a JSON body; or NULL */
} tdm_reply_doc;

typedef struct tdm_route {
    const char *method; /**< "GET" (HEAD comes with it), "POST", … */
    const char *path;   /**< "/tasks/{id:int}" */
    tdm_handler_fn *run;
    const void *arg;                             /**< the handler's own, found again by tdm_request_route() */
    tdm_lane lane;                               /**< where the handler runs */
    tdm_when_full full;                          /**< for its background tasks */
    const char *name;                            /**< for logs, stats and documentation; NULL: the path */
    const tdm_param *params;                     /**< or NULL */
    size_t params_size;                          /**< sizeof the struct that `params` fills */
    tdm_lane (*choose_lane)(const void *params); /**< picks the lane from the parameters; NULL: `lane` */
    const tdm_schema *body;                      /**< the JSON body it wants (tdm_request_model()); NULL: any bytes */
    const char *body_type;                       /**< the media type of a body that `body` does not describe, for the
                                                      documentation; NULL: it takes none */
    double deadline;         /**< seconds the handler has, then its waits end and the client gets 504; 0: no limit */
    size_t max_body;         /**< bytes of a body, else 413; 0: the app's */
    double wait_for_room;    /**< seconds, for TDM_WAIT; 0: 5 */
    unsigned max_waiters;    /**< handlers of this route that may wait for room at once, for TDM_WAIT; 0: 100 */
    unsigned retry_after;    /**< seconds in the Retry-After of a 503; 0: 1 */
    const char *summary;     /**< one line for people; or NULL */
    const char *description; /**< more; or NULL */
    const char *const *tags; /**< headings it stands under in the documentation; NULL-terminated; NULL: the router's */
    const tdm_schema *reply; /**< what its usual reply holds, for the documentation; or NULL */
    const char *reply_type;  /**< the media type of its usual reply, for the documentation; NULL: application/json */
    const tdm_reply_doc *other; /**< further replies, for the documentation; or NULL */
    int status;                 /**< of its usual reply, for the documentation; 0: 200 */
    bool hidden;                /**< not in the documentation */
    bool end_is_leaving;        /**< a client that ends its side of the connection while the handler runs has left */
} tdm_route;

/** For a handler that finds one value wrong that its table could not judge: 422 with one entry of type "value_error".
 *  @param input the value as the client gave it. @return as tdm_reply(). */
TDM_API int tdm_reply_invalid(tdm_request *req, tdm_param_in in, const char *name, const char *input, const char *why);

/* ---- routers: routes under a common prefix ---- */

typedef struct tdm_router tdm_router;
struct tdm_app;

typedef struct tdm_router_options {
    const char *prefix;      /**< "/api/v1": begins with a slash, ends without one; may have parameters */
    const char *const *tags; /**< for its routes that have none of their own; NULL-terminated; NULL: the parent's */
} tdm_router_options;

/** The app's own router, without a prefix. Owned by the app, like all routers. */
TDM_API tdm_router *tdm_app_router(struct tdm_app *app);
/** A router under another one: prefixes add up, and middleware of the parent runs around the child's.
 *  @return 0; -EINVAL: the prefix is malformed (the log says how); -EBUSY: the app has started; -ENOMEM. */
TDM_API int tdm_router_create(tdm_router **out, tdm_router *parent, const tdm_router_options *options);
/** Add a route; its path goes behind the prefix ("" or "/" alone are the prefix itself and its slash).
 *  What `route` points to must outlive the app; the struct and its path are copied.
 *  @return 0; -EEXIST: another route takes the same paths; -EINVAL: malformed; -EBUSY: started; -ENOMEM. The log names
 *          the route, and the one that it conflicts with. */
TDM_API int tdm_router_route(tdm_router *router, const tdm_route *route);
/** tdm_router_route() for the common cases. */
TDM_API int tdm_router_get(tdm_router *router, const char *path, tdm_handler_fn *run);
TDM_API int tdm_router_post(tdm_router *router, const char *path, tdm_handler_fn *run);

TDM_END

#endif
