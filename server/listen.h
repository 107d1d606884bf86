/* SPDX-License-Identifier: MIT */
/* Listening sockets: TCP, Unix, or one that was passed to the process. Any thread. */
#ifndef TANDEM_SERVER_LISTEN_H
#define TANDEM_SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TDM__URL_MAX 300

typedef struct tdm__listen_options {
    bool inherit;          /* the one socket of LISTEN_FDS; what follows is not looked at */
    const char *unix_path; /* or a Unix socket; NULL: TCP */
    unsigned unix_mode;    /* of the socket's file */
    const char *host, *port;
    unsigned backlog;
} tdm__listen_options;

/* What is being listened on. */
typedef struct tdm__listening {
    char url[TDM__URL_MAX]; /* "http://host:port" with the port that was bound, or "unix:/path" */
    bool inherited, tcp;
    char *path; /* of a Unix socket that we made, until tdm__listen_leave() */
    dev_t device;
    ino_t inode;
} tdm__listening;

/* Open `count` descriptors to listen with, one for each loop: sockets of their own that share a port (SO_REUSEPORT), or
 * where that cannot be, one socket for all. They are non-blocking and close on exec; what they accept has TCP_NODELAY.
 * @return 0; or a negative errno, and one log line says it to a person. On an error nothing is left open. */
int tdm__listen_open(const tdm__listen_options *options, unsigned count, int *fds, tdm__listening *out);

/* Nobody shall find the way any more: takes a Unix socket's file away, if it is still ours. Once or more. */
void tdm__listen_leave(tdm__listening *listening);

/* Let nobody else in: who connects from now on hears nothing, and tries again until the socket is closed and it is
 * refused. Handshakes under way end well, and connections that wait to be accepted stay whole. For TCP sockets of ours.
 * @return 0; or a negative errno. */
int tdm__listen_bar(int fd);

/* Is a connection waiting to be accepted? */
bool tdm__listen_waiting(int fd);

/* ---- the kinds of it ---- */

int tdm__listen_unix(const tdm__listen_options *options, int *fd, tdm__listening *out);
int tdm__listen_inherited(int *fd, tdm__listening *out);

#endif
