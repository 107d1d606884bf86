/* SPDX-License-Identifier: MIT */
/* What must hold of a request before it is believed. Pure; any thread. */
#ifndef TANDEM_SERVER_MESSAGE_H
#define TANDEM_SERVER_MESSAGE_H

#include "server/transport.h"

/* Messages that two readers could take apart differently are refused, whatever the transport made of them.
 * @return 0, or the status of the refusal; the connection must close with it. */
int tdm__message_check(const tdm__incoming *in);

/* Does a Connection field list this option? */
bool tdm__message_connection_has(const tdm__incoming *in, const char *option);

#endif
