/* SPDX-License-Identifier: MIT */
/* Listening TCP sockets. Plain sockets; any thread. */
#ifndef TANDEM_SERVER_LISTEN_H
#define TANDEM_SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#define TDM__URL_MAX 300

/* Open `count` listening sockets on one address: one plain socket, or several that share the port (SO_REUSEPORT).
 * They are non-blocking and close on exec; what they accept has TCP_NODELAY.
 * @param url "http://host:port" with the port that was bound.
 * @return 0; or a negative errno, and one log line says it to a person. On an error nothing is left open. */
int tdm__listen_open(const char *host, const char *port, unsigned count, int *fds, char url[TDM__URL_MAX]);

/* Let nobody else in: who connects from now on hears nothing, and tries again until the socket is closed and it is
 * refused. Handshakes under way end well, and connections that wait to be accepted stay whole.
 * @return 0; or a negative errno. */
int tdm__listen_bar(int fd);

/* Is a connection waiting to be accepted? */
bool tdm__listen_waiting(int fd);

#endif
