/* SPDX-License-Identifier: MIT */
/* The grammar of a request, where the parser does not look or looks away. Pure; any thread. */
#ifndef TANDEM_SERVER_MESSAGE_H
#define TANDEM_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define TDM__METHOD_MAX 32 /* a longer one is none that anybody implements */

/* A request line, taken apart. */
typedef struct tdm__request_line {
    const char *method; /* a static string */
    size_t target_at, target_size;
    bool old;     /* HTTP/1.0 */
    bool patched; /* its minor version is higher than 1, and is to be read as 1 */
} tdm__request_line;

/* Look at a request line with its CRLF, or at the beginning of one that is not whole. What is wrong first in the order
 * of the bytes decides, so a line is refused with the same status whether it comes whole or not.
 * @return 0; or the status of the refusal. */
int tdm__message_line(const char *line, size_t size, bool whole, size_t max_target, tdm__request_line *out);

/* Look at one line of the head after the first, or of the trailers, with its CRLF: what the parser would take for an
 * end of line, a fold or a name without letters. @return can the parser have it? */
bool tdm__message_field_line(const char *line, size_t size);

/* "host", "host:port", "[::1]:port"; not empty. */
bool tdm__message_host_ok(const char *host, size_t size);
/* Is `option` in this comma-separated list of tokens? */
bool tdm__message_lists(const char *list, const char *option);
/* 1*DIGIT. @return false: not that, or more than 18 digits that count. */
bool tdm__message_length(const char *value, unsigned long long *out);

/* May this byte stand in a token, or in a quoted string as itself? */
bool tdm__message_token_byte(unsigned char byte);
bool tdm__message_quoted_byte(unsigned char byte);

#endif
