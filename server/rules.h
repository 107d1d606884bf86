/* SPDX-License-Identifier: MIT */
/* The message rules: bytes of a connection in, in any segmentation; a head, a whole message or a refusal out. No I/O and
 * no time here; what the rules have taken is the same however the bytes were cut.
 *
 *     tdm__rules_feed() until it says HEAD;
 *     tdm__rules_answer() with the most that the body may have;
 *     tdm__rules_feed() until it says DONE; use the message; tdm__rules_start() for the next.
 *
 * At any time it may say REFUSED: answer with tdm__rules_status(), and believe nothing more of this connection.
 * One thread at a time. */
#ifndef TANDEM_SERVER_RULES_H
#define TANDEM_SERVER_RULES_H

#include "server/transport.h"

typedef struct tdm__rules tdm__rules;

typedef struct tdm__rules_limits {
    size_t target; /* bytes of the request's target, else 414 */
    size_t head; /* bytes of its line and fields, and apart from them of its trailers and chunk extensions; else 431 */
    unsigned fields; /* else 431 */
} tdm__rules_limits;

typedef enum tdm__rules_state {
    TDM__MORE,    /* everything was taken, and the message is not whole */
    TDM__HEAD,    /* the head is here: it must be answered */
    TDM__DONE,    /* the message is here */
    TDM__REFUSED, /* see tdm__rules_status() */
} tdm__rules_state;

/* @return 0; -ENOMEM. */
int tdm__rules_create(tdm__rules **out, const tdm__rules_limits *limits);
/* NULL is accepted; *rules becomes NULL. */
void tdm__rules_destroy(tdm__rules **rules);
/* Forget the message, and be ready for the next. Memory for one of common size is kept. */
void tdm__rules_start(tdm__rules *rules);

/* Take bytes, up to what ends a head or a message. @param used how many were taken. */
tdm__rules_state tdm__rules_feed(tdm__rules *rules, const char *bytes, size_t size, size_t *used);
/* Go on after HEAD. @param body_limit bytes that the body may have, else 413. @return MORE, DONE or REFUSED. */
tdm__rules_state tdm__rules_answer(tdm__rules *rules, size_t body_limit);

/* From HEAD on; without its body before DONE. Valid until the next call for these rules. */
const tdm__incoming *tdm__rules_message(const tdm__rules *rules);
/* After HEAD: does the client wait to be told to go on? */
bool tdm__rules_expects(const tdm__rules *rules);
/* After HEAD: is there a body to come, and how long is it? 0: that is not known. */
bool tdm__rules_has_body(const tdm__rules *rules, unsigned long long *length);
/* Has nothing of a message come? Empty lines before it are none of it. */
bool tdm__rules_idle(const tdm__rules *rules);
/* Memory that the body takes now. */
size_t tdm__rules_held(const tdm__rules *rules);
/* Is it known to be a HEAD, whose answer has no body? */
bool tdm__rules_is_head(const tdm__rules *rules);
/* After REFUSED. */
int tdm__rules_status(const tdm__rules *rules);

#endif
