/* SPDX-License-Identifier: MIT */
/** @file
 *  Middleware: code that stands around every handler of a router.
 *
 *  It runs in the order in which it was added, parents' before children's, and on the way back in the reverse order, so
 *  the lines that add it are a picture of it:
 *
 *      tdm_app_use(app, tdm_request_ids(NULL));
 *      tdm_app_use(app, tdm_access_log(NULL));
 *      tdm_app_use(app, tdm_cors(&(tdm_cors_options){.origins = origins}));
 *      tdm_app_use(app, tdm_gzip(NULL));
 *      tdm_router_use(admin, tdm_basic_auth(&(tdm_basic_options){.realm = "admin", .check = check_user}));
 *
 *  The app's own middleware (but not that of other routers) also sees requests that no route takes. */
#ifndef TANDEM_MIDDLEWARE_H
#define TANDEM_MIDDLEWARE_H

#include <tandem/base.h>
#include <tandem/route.h>

TDM_BEGIN

/** A reply on its way out, which `after` may change. What it points to must live as long as the request
 *  (tdm_request_alloc()). */
typedef struct tdm_outgoing {
    int status;
    const char *type; /**< Content-Type, or NULL */
    const void *body; /**< NULL with `streamed` */
    size_t size;
    bool streamed; /**< the body follows piece by piece, or from a file */
} tdm_outgoing;

/** How a route is protected, for the documentation (OpenAPI's security schemes). */
typedef struct tdm_security {
    const char *name;   /**< of the scheme, "basic" */
    const char *type;   /**< "http" or "apiKey" */
    const char *scheme; /**< for "http": "basic" or "bearer" */
    const char *in;     /**< for "apiKey": "header", "query" or "cookie" */
    const char *key;    /**< for "apiKey": the name there */
} tdm_security;

/** One piece of middleware. Any of its calls may be NULL. */
typedef struct tdm_middleware {
    const char *name; /**< for the log; required */
    void *arg;        /**< handed to its calls */
    /** As soon as the request is here and its route is known (tdm_request_route()), before its parameters and body are
     *  looked at. On the loop's thread, outside a fiber: it must not wait. It may reply; then nothing further in runs.
     *  @return 0; a negative errno is mapped to a status as a handler's is. */
    int (*arrive)(tdm_request *req, void *arg);
    /** Just before the handler, in its lane; it may wait. Otherwise as `arrive`. */
    int (*before)(tdm_request *req, void *arg);
    /** When a reply is made, whoever makes it and wherever. It may add header fields (tdm_reply_header()) and change
     *  *reply; it must not wait. Only for requests that reached its `arrive`: not where one further out replied.
     *  @return 0; a negative errno: the reply becomes a 500. */
    int (*after)(tdm_request *req, tdm_outgoing *reply, void *arg);
    /** When a request that reached its `arrive` is over: the reply is with the kernel, or the client is gone. On the
     *  loop's thread, outside a fiber; the handler of a streamed reply has returned. */
    void (*done)(tdm_request *req, void *arg);
    /** Called once, when the app is destroyed, or at once if it could not be added. */
    void (*drop)(void *arg);
    const tdm_security *security; /**< for the documentation; or NULL */
    int error;                    /**< why it could not be made: tdm_app_use() returns it */
} tdm_middleware;

struct tdm_app;

/** Put middleware around all routes of the app, or of a router and those under it. Before the start. The struct is
 *  copied. @return 0; -EINVAL: no name; -EBUSY: started; -ENOMEM; the middleware's own `error` (the log says what). On
 *          an error its `drop` has been called. */
TDM_API int tdm_app_use(struct tdm_app *app, tdm_middleware middleware);
TDM_API int tdm_router_use(tdm_router *router, tdm_middleware middleware);

/* ---- for middleware ---- */

/** Keep something with a request under a key of one's own (its address is compared). @return 0; -ENOMEM. */
TDM_API int tdm_request_keep(tdm_request *req, const void *key, void *value);
/** What was kept, or NULL. */
TDM_API void *tdm_request_kept(const tdm_request *req, const void *key);
/** The status of the reply; 0 before there is one. */
TDM_API int tdm_request_status(const tdm_request *req);
/** Seconds since the request arrived. */
TDM_API double tdm_request_seconds(const tdm_request *req);

/* ---- request ids ---- */

typedef struct tdm_request_ids_options {
    bool distrust; /**< make one for every request, whatever id the client brings */
} tdm_request_ids_options;

/** Give each request an id: the trace id of a valid W3C `traceparent`; else a valid `X-Request-ID` (up to 128 letters,
 *  digits and -_.:/+=@); else a new one of 32 hexadecimal digits. It goes back as `X-Request-ID`, and into the lines of
 *  the access log and, as `trace`, of whatever its handler and its tasks log. @param options NULL: the defaults. */
TDM_API tdm_middleware tdm_request_ids(const tdm_request_ids_options *options);
/** The request's id; NULL without that middleware. */
TDM_API const char *tdm_request_trace(const tdm_request *req);

/* ---- access log ---- */

typedef struct tdm_access_log_options {
    bool json; /**< one JSON object a line; else uvicorn's line: `127.0.0.1:54321 - "GET / HTTP/1.1" 200 OK` */
} tdm_access_log_options;

/** One line at level info for each request when it is over. As JSON it has the user that tdm_basic_auth() let in, but
 *  never a token or a key. The target is logged as it came: secrets do not belong in a query. */
TDM_API tdm_middleware tdm_access_log(const tdm_access_log_options *options);

/* ---- CORS ---- */

typedef struct tdm_cors_options {
    const char *const *origins; /**< "https://example.org", or "*" for all; NULL-terminated; required */
    const char *const *methods; /**< NULL: GET, HEAD, POST, PUT, PATCH, DELETE; "*": whichever is asked for */
    const char *const *headers; /**< that requests may have, besides Accept, Accept-Language, Content-Language and
                                     Content-Type; "*" for all that are asked for */
    const char *const *expose;  /**< that scripts may read of a reply; NULL: only the safe ones */
    bool credentials;           /**< cookies and Authorization may come along; not together with origin "*" */
    unsigned max_age;           /**< seconds a browser may keep the answer to a preflight; 0: 600 */
} tdm_cors_options;

/** Answer preflights, and tell browsers which pages may read replies. The lists must outlive the app. */
TDM_API tdm_middleware tdm_cors(const tdm_cors_options *options);

/* ---- gzip ---- */

typedef struct tdm_gzip_options {
    size_t min_size; /**< bytes; smaller bodies go as they are; 0: 500 */
    int level;       /**< 1 (fast) … 9 (small); 0: 6 */
} tdm_gzip_options;

/** Compress bodies of text, JSON, XML, JavaScript and SVG for clients that accept it. Streams,
 *  and files of more than 32 KiB, go as they are.
 *
 *  To those clients the ETag of what is compressed is a weak one, also where it did not get smaller, and also on a file's
 *  304 or 412. On a 304 of a handler's own it is weak if If-None-Match has it so: what the 200 would be is not known. */
TDM_API tdm_middleware tdm_gzip(const tdm_gzip_options *options);

/* ---- who is asking ---- */

/** Does this user have this password? Must not wait: it is called on the loop's thread. Compare with
 *  tdm_equal_in_constant_time(). @param user, password what the client sent; `password` is NULL for a token or a key. */
typedef bool tdm_credentials_fn(const char *user, const char *password, void *arg);

typedef struct tdm_basic_options {
    const char *realm;         /**< NULL: "tandem" */
    tdm_credentials_fn *check; /**< or `users` */
    void *arg;                 /**< handed to `check` */
    const char *const *users;  /**< "user:password" each, NULL-terminated; used when there is no `check` */
} tdm_basic_options;

typedef struct tdm_token_options {
    const char *realm;         /**< for the WWW-Authenticate of a bearer; NULL: "tandem" */
    tdm_credentials_fn *check; /**< gets the token as `user`; or `tokens` */
    void *arg;
    const char *const *tokens; /**< the right ones, NULL-terminated; used when there is no `check` */
    tdm_param_in in;           /**< of an API key with a `key`: TDM_QUERY (the zero value), TDM_HEADER or TDM_COOKIE */
    const char *key; /**< of an API key: the name there; NULL: the header field X-API-Key, whatever `in` says */
} tdm_token_options;

/** HTTP Basic (RFC 7617): 401 with WWW-Authenticate without the right user and password. */
TDM_API tdm_middleware tdm_basic_auth(const tdm_basic_options *options);
/** Bearer tokens (RFC 6750): 401 likewise. */
TDM_API tdm_middleware tdm_bearer_auth(const tdm_token_options *options);
/** A key in a header field, a query parameter or a cookie: 401 likewise. */
TDM_API tdm_middleware tdm_api_key(const tdm_token_options *options);
/** The user (or token, or key) that one of these let in; NULL: none of them did. */
TDM_API const char *tdm_request_user(const tdm_request *req);
/** Compare without telling by the time it takes where two texts differ (the length of `given` may show). */
TDM_API bool tdm_equal_in_constant_time(const char *given, const char *right);

TDM_END

#endif
