/* SPDX-License-Identifier: MIT */
/** @file
 *  HTTP message cases as data: what a server must answer to given bytes. cases.json came with the task, more.json is our
 *  own; cases.py makes this table of both. The fields are those of the data. */
#ifndef TANDEM_TESTS_CASES_H
#define TANDEM_TESTS_CASES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct http_blob {
    const char *bytes;
    size_t size;
} http_blob;

typedef struct http_segment {
    http_blob send;
    int wait_status; /**< then wait for this response, unless 0 */
    int wait_ms;
} http_segment;

typedef struct http_drip {
    http_blob start, piece;
    int every_ms, until_ms;
    bool no_read;
} http_drip;

typedef struct http_case {
    const char *name, *layer, *why;
    http_blob request;
    const int *expect_status; /**< allowed for the first final response; ends with 0 */
    bool may_close;           /**< or closed without a response */
    bool may_stay_open;       /**< or no response, and still open */
    bool must_close;
    int max_responses, n_responses;    /**< 0: as many as come */
    const int *statuses;               /**< of all final responses; ends with 0; or NULL */
    const char *const *const *uris;    /**< alternatives of what X-Uri says, in order; each ends with NULL */
    const char *no_uri;                /**< or NULL, as the next two */
    const char *body_not, *has_header; /**< in no body; of the first response */
    int body_len;                      /**< X-Body-Len of the first response; -1: any */
    bool need_100, no_100;
    bool valid_status_line, head, half_close, bytewise, abort;
    int idle_ms;
    const http_segment *segments; /**< in place of the request */
    size_t segment_count;
    const http_drip *drip; /**< or NULL */
} http_case;

extern const http_case http_cases[];
extern const size_t http_case_count;

#endif
