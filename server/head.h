/* SPDX-License-Identifier: MIT */
/* What the fields of a head say about the message itself, and whether that can be believed. Pure; any thread. */
#ifndef TANDEM_SERVER_HEAD_H
#define TANDEM_SERVER_HEAD_H

#include "server/message.h"

/* Zeroed: no field was seen. */
typedef struct tdm__head {
    unsigned long long length; /* Content-Length; 0: none */
    unsigned hosts, lengths, encodings, expects;
    bool host_ok, continues, close, keep_alive;
    bool chunked; /* the last Transfer-Encoding is `chunked`, and nothing besides */
    bool coded;   /* or ends with it */
} tdm__head;

void tdm__head_see(tdm__head *head, const char *name, size_t name_size, const char *value, size_t value_size);

/* @return 0; or the status of the refusal. */
int tdm__head_judge(const tdm__head *head, const tdm__request_line *line);

static inline bool tdm__head_has_body(const tdm__head *head)
{
    return head->encodings || head->length;
}

#endif
