/* SPDX-License-Identifier: MIT */
/** @file
 *  The kinds of failure a request can meet: one table for the engine, the texts and the JSON. */
#ifndef LOAD_ERRORS_H
#define LOAD_ERRORS_H

/* X(NAME, "name in the JSON", "what it means") */
#define LOAD_ERRORS(X)                                                                                                 \
    X(CONNECT, "connect", "the connection could not be opened")                                                        \
    X(RESET, "reset", "the connection was reset before the reply was complete")                                        \
    X(CLOSED, "closed", "the connection was closed before the head of the reply was complete")                         \
    X(TIMEOUT, "timeout", "the reply was not complete in time")                                                        \
    X(PARSE, "parse", "the reply is not HTTP/1")                                                                       \
    X(HEAD_LIMIT, "head_limit", "the head of the reply is longer than 64 KiB")                                         \
    X(SHORT_BODY, "short_body", "the connection ended before the body that was announced")                             \
    X(EXCESS, "excess", "more bytes came than the reply announced")                                                    \
    X(BODY_LIMIT, "body_limit", "the body is longer than what the client keeps")                                       \
    X(STATUS_4XX, "status_4xx", "the status says that the request was wrong")                                          \
    X(STATUS_5XX, "status_5xx", "the status says that the server failed (503 counts as rejected)")

typedef enum load_error {
#define X(name, key, text) LOAD_ERROR_##name,
    LOAD_ERRORS(X)
#undef X
        LOAD_ERROR_COUNT
} load_error;

/** The kind's name, as in the JSON. */
const char *load_error_name(load_error error);
/** One sentence on what it means. */
const char *load_error_text(load_error error);

#endif
