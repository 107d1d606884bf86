/* SPDX-License-Identifier: MIT */
/** @file
 *  What a server has answered on a connection, taken apart, and held against a case. */
#ifndef TANDEM_TESTS_ANSWERS_H
#define TANDEM_TESTS_ANSWERS_H

#include "tests/http/cases.h"
#include "tests/http/http.h"

#define ANSWERS_MAX 16

typedef struct answers {
    unsigned count; /**< final responses */
    bool interim;   /**< a 100 came before the first */
    struct {
        int status, body_len; /**< X-Body-Len; -1: none */
        char uri[200];        /**< X-Uri */
        const char *head, *body;
        size_t head_size, body_size;
    } answer[ANSWERS_MAX]; /**< these point into the bytes that were parsed */
} answers;

/** Read what is there. @return false: the connection has ended. */
bool answers_receive(http_connection *c);
/** Has a response with this status begun? */
bool answers_has(const char *bytes, size_t size, int status);
/** @param head the first final response answers a HEAD. @return NULL; or what is wrong with the bytes. */
const char *answers_parse(answers *out, const char *bytes, size_t size, bool head);
/** @param open is the connection still open? @return NULL; or what the case wants otherwise. */
const char *answers_judge(const answers *got, const http_case *c, bool open);
/** @return NULL; or in what they differ. */
const char *answers_differ(const answers *a, const answers *b);

#endif
