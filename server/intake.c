/* SPDX-License-Identifier: MIT */
/* DESIGN: a connection's bytes on their way into a request. Between two messages a connection has no parser and no
 * buffer: the gate lends it rules with the first byte, and mostly has them back before the next event. What the owner
 * of the head must decide is decided here: the limit of the body, whether the client is told to go on, and how many
 * requests a connection may have. A refusal comes after the replies to what was sent before it, because one message is
 * read at a time. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "server/connection.h"

/* ---- rules to lend ---- */

static tdm__rules *lend_rules(tdm__gate *gate)
{
    tdm__rules *rules = NULL;
    if (gate->spare_count)
        return gate->spare[--gate->spare_count];
    const tdm__server_options *options = &gate->server->options;
    tdm__rules_limits limits = {
        .target = options->max_target, .head = options->max_head, .fields = options->max_fields};
    return tdm__rules_create(&rules, &limits) ? NULL : rules;
}

void tdm__exchange_forget_message(tdm__exchange *x)
{
    tdm__gate *gate = x->gate;
    if (!x->rules)
        return;
    if (gate->spare_count < TDM__SPARE_RULES) {
        tdm__rules_start(x->rules);
        gate->spare[gate->spare_count++] = x->rules;
        x->rules = NULL;
    } else {
        tdm__rules_destroy(&x->rules);
    }
}

/* ---- a head ---- */

/* A client that is not told goes on by itself after a while (RFC 9110, 10.1.1): so where there is no room for it, as
 * behind a long reply, it is left out. @return false: the client has left, or part of it is on its way. */
static bool tell_to_go_on(const tdm__exchange *x)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t sent = send(x->fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent == (ssize_t) sizeof go_on - 1 || (sent < 0 && (errno == EAGAIN || errno == EINTR));
}

/* @return REFUSED: it was. */
static tdm__rules_state answer_head(tdm__exchange *x)
{
    const tdm__server_options *options = &x->gate->server->options;
    size_t limit = options->max_body;
    unsigned long long length;
    int status = 0;
    if (tdm__rules_has_body(x->rules, &length) && options->hooks->head)
        status = options->hooks->head(options->context, tdm__rules_message(x->rules), &limit);
    tdm__rules_state state = status ? TDM__REFUSED : tdm__rules_answer(x->rules, limit);
    if (state == TDM__REFUSED)
        tdm__exchange_refuse(x, status ? status : tdm__rules_status(x->rules));
    return state;
}

/* Count the memory that the body takes. @return false: all together have too much. */
static bool charge(tdm__exchange *x)
{
    tdm__server *server = x->gate->server;
    size_t held = tdm__rules_held(x->rules);
    if (held <= x->charged)
        return true;
    size_t more = held - x->charged;
    x->charged = held;
    return atomic_fetch_add_explicit(server->options.buffered, more, memory_order_relaxed) + more <=
           server->options.max_buffered;
}

void tdm__exchange_uncharge(tdm__exchange *x)
{
    if (x->charged)
        atomic_fetch_sub_explicit(x->gate->server->options.buffered, x->charged, memory_order_relaxed);
    x->charged = 0;
}

/* ---- bytes ---- */

/* Some of a message is here, and no more for now. @param head its head has just come. */
static void wait_for_more(tdm__exchange *x, bool head)
{
    if (x->phase == TDM__IDLE && tdm__rules_idle(x->rules))
        return; /* it was an empty line; they are counted */
    if (head || x->phase == TDM__IDLE) {
        tdm__exchange_enter(x, head ? TDM__BODY : TDM__READING);
        x->heard_ns = x->since_ns;
    } else {
        x->heard_ns = tdm__loop_turn_now(x->gate->loop);
    }
}

size_t tdm__exchange_take(tdm__exchange *x, const char *bytes, size_t size)
{
    if (!x->rules && !(x->rules = lend_rules(x->gate))) {
        tdm__exchange_refuse(x, 503);
        return size;
    }
    size_t at, used = 0;
    tdm__rules_state state = tdm__rules_feed(x->rules, bytes, size, &at);
    bool head = state == TDM__HEAD;
    if (head) {
        state = answer_head(x);
        if (state == TDM__REFUSED)
            return at;
        if (state == TDM__MORE)
            state = tdm__rules_feed(x->rules, bytes + at, size - at, &used);
        x->moved = 0;
    }
    x->moved += head ? used : at;
    if (state == TDM__REFUSED || !charge(x))
        tdm__exchange_refuse(x, state == TDM__REFUSED ? tdm__rules_status(x->rules) : 503);
    else if (state == TDM__DONE)
        x->gate->ways->ready(x);
    else
        wait_for_more(x, head);
    if (head && state == TDM__MORE && used == 0 && x->phase == TDM__BODY && tdm__rules_expects(x->rules) &&
        !tell_to_go_on(x))
        x->gate->ways->close(x);
    return at + used;
}

void tdm__exchange_hand_up(tdm__exchange *x)
{
    tdm__gate *gate = x->gate;
    const tdm__server_options *options = &gate->server->options;
    tdm__incoming in = *tdm__rules_message(x->rules);
    in.keep_alive = in.keep_alive && ++x->requests < options->max_requests;
    x->keep_alive = tdm__rules_message(x->rules)->keep_alive;
    tdm__exchange_enter(x, TDM__BUSY);
    x->refs++; /* a reply inside the up-call may close the connection */
    tdm__exchange_uncharge(x);
    options->hooks->arrived(options->context, gate->loop, x, &in);
    tdm__exchange_forget_message(x);
    if (x->phase == TDM__BUSY || x->phase == TDM__STREAMING)
        tdm__exchange_watch(x);
    tdm__exchange_unref(x);
}
