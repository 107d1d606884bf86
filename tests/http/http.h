/* SPDX-License-Identifier: MIT */
/** @file
 *  A small HTTP client for tests, with bytes in the test's hand: what is sent is what the test says, and a reply is
 *  taken apart only as far as its status, fields and body. Everything has a deadline of HTTP_PATIENCE_S and fails the
 *  test when it passes. One connection belongs to one thread. */
#ifndef TANDEM_TESTS_HTTP_H
#define TANDEM_TESTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <check.h>
#include <tandem/tandem.h>

#define HTTP_PATIENCE_S 20

typedef struct http_connection {
    int fd;
    char *data; /* received and not yet taken */
    size_t size, capacity;
} http_connection;

typedef struct http_reply {
    int status;
    char *head; /* status line and fields, NUL-terminated */
    char *body; /* NUL-terminated */
    size_t body_size;
} http_reply;

void http_connect(http_connection *c, const char *url);
/** As http_connect(), but @return 0; or a negative errno. */
int http_try_connect(http_connection *c, const char *url);
void http_disconnect(http_connection *c);
/** Close with a reset. */
void http_reset(http_connection *c);

void http_send(http_connection *c, const void *bytes, size_t size);
void http_say(http_connection *c, const char *format, ...) TDM_PRINTF(2, 3);
/** A whole request with a Host field; `fields` are further lines, each with its CRLF, or NULL. */
void http_ask(http_connection *c, const char *method, const char *target, const char *fields);

/** The next reply; @param head_only it answers a HEAD. */
http_reply http_read(http_connection *c, bool head_only);
/** As http_read(), but @return false: the connection ended before a reply's first byte. */
bool http_try_read(http_connection *c, http_reply *reply);
void http_reply_finish(http_reply *reply);
/** The value of a field, or NULL; valid until the next call. */
const char *http_field(const http_reply *reply, const char *name);
/** The next reply must have this status. */
void http_expect_status(http_connection *c, int status);
/** The next reply must be that of http_get_hello(). */
void http_read_hello(http_connection *c);
/** The same, after a GET of "/". */
void http_expect_hello(http_connection *c);
/** Is there nothing to read, on an open connection? */
bool http_is_silent(const http_connection *c);
/** The server closes the connection now (with a FIN or a reset) and sends nothing more. */
void http_expect_end(http_connection *c);
/** As http_expect_end(), and it must be a FIN. */
void http_expect_fin(http_connection *c);

/** One request on a connection of its own, that must be answered with `status`. */
http_reply http_once(const char *url, const char *method, const char *target, int status);
/** The same, and the body (unless NULL) must be `body`. */
void http_expect(const char *url, const char *method, const char *target, int status, const char *body);

/** The ids in a reply's Tandem-Tasks. */
void http_tasks(const http_reply *reply, uint64_t *first, uint64_t *last);

/** The transport that this run of the tests is about: the variable TANDEM_TRANSPORT, which tandemd reads too. */
tdm_transport http_transport(void);
/** A started app with these options (port 0 if none is set), on that transport; `add` adds its routes. */
tdm_app *http_app(const tdm_app_options *options, void (*add)(tdm_app *app));
/** Handlers: 200 with "hello"; 200 with the size of the body. */
int http_get_hello(tdm_request *req);
int http_post_size(tdm_request *req);
/** For http_app(): these two, as GET "/" and POST "/size". */
void http_add_routes(tdm_app *app);
/** Stop without waiting, and free. */
void http_app_end(tdm_app *app);
/** The tasks that end next, at least `count` of them, oldest first, into `rows`. */
void http_wait_ended(tdm_executor *executor, tdm_cursor *cursor, tdm_task_info *rows, unsigned count);
/** Wait until `*flag` is at least `value`. */
void http_wait_for(const _Atomic int *flag, int value);

/** main() of a test program; each test in a process of its own. */
int http_main(const char *name, const TTest *const *tests);

#endif
