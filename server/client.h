/* SPDX-License-Identifier: MIT */
/* The other end of a connection. */
#ifndef TANDEM_SERVER_CLIENT_H
#define TANDEM_SERVER_CLIENT_H

#include "server/transport.h"

#define TDM__CLIENT_MAX 64

/* "127.0.0.1:54321", "[::1]:54321", "unix". On the loop's thread. @return false: the kernel does not say. */
bool tdm__client_name(const tdm__exchange *exchange, char out[TDM__CLIENT_MAX]);

#endif
