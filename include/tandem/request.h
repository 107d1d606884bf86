/* SPDX-License-Identifier: MIT */
/** @file
 *  A request and its reply, as a handler sees them.
 *
 *  A handler runs on a fiber of the loop that owns the connection (lane TDM_LOOP) or on a worker of the pool
 *  `handlers` (TDM_POOL). The calls here are for the handler's own thread of control, while it has not returned. */
#ifndef TANDEM_REQUEST_H
#define TANDEM_REQUEST_H

#include <tandem/base.h>
#include <tandem/json.h>
#include <tandem/task.h>

TDM_BEGIN

typedef struct tdm_request tdm_request;
struct tdm_route;
struct tdm_schema;

/** Answers a request: calls one tdm_reply…() and returns 0.
 *  @return 0; a negative errno if it could not answer: the client gets 503 for -EAGAIN and -ESHUTDOWN (with
 *          Retry-After), 504 for -ETIMEDOUT, else 500; a handler that returns 0 without a reply gives 500 and a log line. */
typedef int tdm_handler_fn(tdm_request *req);

/* ---- the request ---- */

/** A process-wide number of the request, from 1. */
TDM_API uint64_t tdm_request_id(const tdm_request *req);
/** "GET", "HEAD", … */
TDM_API const char *tdm_request_method(const tdm_request *req);
/** The request target as it came, query included. */
TDM_API const char *tdm_request_target(const tdm_request *req);
/** The route that takes it; NULL if none does (which only middleware can see). Its path is the whole one. */
TDM_API const struct tdm_route *tdm_request_route(const tdm_request *req);
/** The struct that the route's parameter table filled; NULL if the route has none. */
TDM_API void *tdm_request_params(const tdm_request *req);
/** The struct that the JSON body filled, by the route's `body`; NULL if the route has none. */
TDM_API void *tdm_request_model(const tdm_request *req);
/** A parameter of the path, decoded; NULL if the route has none of this name. Owned by the request. */
TDM_API const char *tdm_request_path(const tdm_request *req, const char *name);
/** The first value of this name in the query, decoded; NULL if there is none, or the query is malformed. */
TDM_API const char *tdm_request_query(tdm_request *req, const char *name);
/** The first cookie of this name; NULL if there is none. */
TDM_API const char *tdm_request_cookie(tdm_request *req, const char *name);
/** The app and its executor. */
TDM_API struct tdm_app *tdm_request_app(const tdm_request *req);
TDM_API tdm_executor *tdm_request_executor(const tdm_request *req);
/** The value of a header field, or NULL; the first one if it came several times. Owned by the request. */
TDM_API const char *tdm_request_header(const tdm_request *req, const char *name);
/** The value of a header field that is a list (Accept-Encoding, If-Match, …): if it came several times, all of its values
 *  in their order with ", " between them, which means the same (RFC 9110, 5.3). Owned by the request.
 *  @param out NULL: none came. @return 0; -ENOMEM. */
TDM_API int tdm_request_header_list(tdm_request *req, const char *name, const char **out);
/** The body; never NULL. Owned by the request. */
TDM_API const void *tdm_request_body(const tdm_request *req, size_t *size);
/** Has the client left? (A reset, or for an unanswered request a closed connection.) */
TDM_API bool tdm_request_gone(const tdm_request *req);
/** Has the client ended its side of the connection (a FIN)? It may have left, or only have nothing more to say: the two
 *  look the same. A route's `end_is_leaving` takes it for leaving. */
TDM_API bool tdm_request_half_closed(const tdm_request *req);

/** The client's address: "127.0.0.1:54321", "[::1]:54321", or "unix". Known on the loop lane and in middleware's `arrive`;
 *  on the pool lane only if it was asked for before. @return NULL: not known. */
TDM_API const char *tdm_request_client(tdm_request *req);
/** Memory that lives as long as the request, for a handler or middleware. @return NULL: none is left. */
TDM_API void *tdm_request_alloc(tdm_request *req, size_t size);

/* ---- background work ---- */

/** Add a background task to this request. A place is reserved now; the task is accepted inside the reply call, and
 *  starts after the reply was handed to the kernel and the handler returned. Tasks of one request run in sequence.
 *  The reply carries `Tandem-Tasks: FIRST-LAST`, the ids of the tasks (consecutive).
 *  @return 0: the library owns `arg`; -EAGAIN: no room: all reservations of this request are released, and unless the
 *          handler replies something else, return this error and the client gets 503 with Retry-After;
 *          -ESHUTDOWN: draining, likewise; -ECANCELED: the request was cancelled while it waited for room (TDM_WAIT):
 *          what it has reserved stays; -EALREADY: the reply was given before, or tdm_reply_accepted() has accepted its
 *          tasks; -EINVAL; -ENOMEM. On an error the caller still owns `arg`. */
TDM_API int tdm_background(tdm_request *req, const tdm_task_spec *spec);

/* ---- the reply: one of these, once ----
 * All return 0: the reply is on its way; -EALREADY: there was one before; -EPIPE: the client is gone (its tasks are
 * accepted all the same, and a handler that returns this after its reply has not failed); -EINVAL: a status outside
 * 200 … 599, a body for 204 or 304, or a broken JSON document; -ENOMEM. The answer to a HEAD has the fields that GET would have, and no body. */

/** Add a header field to the reply, before replying. Both are copied.
 *  @return 0; -EALREADY: the reply was given; -EINVAL: not a legal field name or value, or one that only the library
 *          writes (Connection, Content-Length, Date, Tandem-Tasks, Transfer-Encoding); -ENOMEM. */
TDM_API int tdm_reply_header(tdm_request *req, const char *name, const char *value);

/** A body of any type; copied. `type` may be NULL (no Content-Type). */
TDM_API int tdm_reply(tdm_request *req, int status, const char *type, const void *body, size_t size);
/** No body. */
TDM_API int tdm_reply_empty(tdm_request *req, int status);
/** text/plain; charset=utf-8 */
TDM_API int tdm_reply_text(tdm_request *req, int status, const char *text);
/** application/json, from a writer (which stays the caller's). */
TDM_API int tdm_reply_json(tdm_request *req, int status, const tdm_json_writer *json);
/** application/json, from text that is JSON already. */
TDM_API int tdm_reply_json_text(tdm_request *req, int status, const char *json);
/** application/json, from a struct that `schema` describes (tdm_json_struct()). */
TDM_API int tdm_reply_struct(tdm_request *req, int status, const struct tdm_schema *schema, const void *from);
/** text/html; charset=utf-8 */
TDM_API int tdm_reply_html(tdm_request *req, int status, const char *html);
/** An empty reply that sends the client elsewhere. `location` may hold anything but control characters; what a URL
 *  cannot hold is percent-encoded. @param status 301, 302, 303, 307 or 308. */
TDM_API int tdm_reply_redirect(tdm_request *req, int status, const char *location);
/** 202 for a request whose background tasks were added: Location says where the first task's status can be asked,
 *  which is `prefix` (such as "/tasks/") and its id, and the body is {"task": ID, "tasks": [ID, …], "status": URL}.
 *  @return -EINVAL: no task was added; else as tdm_reply(). */
TDM_API int tdm_reply_accepted(tdm_request *req, const char *prefix);
/** The error shape of FastAPI: {"detail": TEXT}. */
TDM_API int tdm_reply_error(tdm_request *req, int status, const char *detail);
/** The same with a formatted text, for `return tdm_fail(req, 404, "no item %lld", id);` */
TDM_API int tdm_fail(tdm_request *req, int status, const char *format, ...) TDM_PRINTF(3, 4);

/* ---- cookies ---- */

typedef enum tdm_same_site { TDM_SAME_SITE_LAX, TDM_SAME_SITE_STRICT, TDM_SAME_SITE_NONE } tdm_same_site;

typedef struct tdm_cookie {
    const char *name,
        *value;              /**< a token; and what RFC 6265 lets a value hold: no space, quote, comma, semicolon, \\ */
    const char *path;        /**< NULL: "/" */
    const char *domain;      /**< NULL: this host alone */
    int64_t max_age;         /**< seconds; 0: until the browser ends; negative: forget it */
    tdm_same_site same_site; /**< TDM_SAME_SITE_NONE needs `secure` */
    bool secure;             /**< only over TLS */
    bool readable;           /**< scripts may read it; else HttpOnly */
} tdm_cookie;

/** Set a cookie with the reply, before replying. @return as tdm_reply_header(). */
TDM_API int tdm_reply_cookie(tdm_request *req, const tdm_cookie *cookie);

TDM_END

#endif
