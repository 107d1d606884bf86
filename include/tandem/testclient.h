/* SPDX-License-Identifier: MIT */
/** @file
 *  A client for tests of a service: start the app in this process, ask it over a real socket, look at the reply.
 *
 *      tdm_testclient *t;
 *      tdm_testclient_start(&t, make_app());
 *      assert(tdm_testclient_get(t, "/items/7")->status == 200);
 *      assert(tdm_testclient_post(t, "/items", "application/json", "{\"name\":\"tea\"}")->status == 201);
 *      tdm_testclient_stop(&t);
 *
 *  A client belongs to one thread. */
#ifndef TANDEM_TESTCLIENT_H
#define TANDEM_TESTCLIENT_H

#include <tandem/app.h>
#include <tandem/base.h>
#include <tandem/json.h>

TDM_BEGIN

/** Seconds that a reply may take. */
#define TDM_TESTCLIENT_PATIENCE 20

typedef struct tdm_testclient tdm_testclient;

/** What came back. Good until the client is stopped. */
typedef struct tdm_testreply {
    int status;       /**< 0: no reply came, and `error` says why */
    int error;        /**< 0, or a negative errno */
    const char *head; /**< status line and fields, each with its CRLF; never NULL */
    const char *body; /**< chunks put together; NUL-terminated; never NULL */
    size_t size;      /**< of the body */
} tdm_testreply;

typedef struct tdm_testrequest {
    const char *method;  /**< NULL: "GET" */
    const char *target;  /**< NULL: "/" */
    const char *headers; /**< further fields, each with its CRLF: "Cookie: a=b\r\n"; or NULL */
    const void *body;    /**< or NULL */
    size_t size;         /**< of the body */
} tdm_testrequest;

/** Start `app`, on a free port of 127.0.0.1 whatever its options say, and make a client for it.
 *  @return 0: the client owns the app; what tdm_app_start() returns; -ENOMEM. On an error the caller still owns it. */
TDM_API int tdm_testclient_start(tdm_testclient **out, tdm_app *app);
/** Stop the app without waiting for its tasks, and free it, the client and all replies. NULL is accepted; *client
 *  becomes NULL. @return 0; -EBUSY as tdm_app_destroy(). */
TDM_API int tdm_testclient_stop(tdm_testclient **client);
TDM_API tdm_app *tdm_testclient_app(const tdm_testclient *client);

/** One request on a connection that is kept for the next. Never NULL. */
TDM_API const tdm_testreply *tdm_testclient_send(tdm_testclient *client, const tdm_testrequest *request);
/** The same for the common cases; `type` is the Content-Type, `body` text. */
TDM_API const tdm_testreply *tdm_testclient_get(tdm_testclient *client, const char *target);
TDM_API const tdm_testreply *tdm_testclient_delete(tdm_testclient *client, const char *target);
TDM_API const tdm_testreply *tdm_testclient_post(tdm_testclient *client, const char *target, const char *type,
                                                 const char *body);
TDM_API const tdm_testreply *tdm_testclient_put(tdm_testclient *client, const char *target, const char *type,
                                                const char *body);

/** The value of a field (the first of that name), or NULL. Good until the client is stopped. */
TDM_API const char *tdm_testclient_header(tdm_testclient *client, const tdm_testreply *reply, const char *name);
/** The body as JSON; NULL: it is none. Good until the client is stopped. */
TDM_API const tdm_json *tdm_testclient_json(tdm_testclient *client, const tdm_testreply *reply);

TDM_END

#endif
