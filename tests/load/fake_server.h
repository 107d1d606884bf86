/* SPDX-License-Identifier: MIT */
/** @file
 *  A small server for tests, on 127.0.0.1 and a free port: each connection is a thread that runs a function of the
 *  test, with plain blocking calls. What fails in it aborts the test. */
#ifndef TANDEM_TESTS_FAKE_SERVER_H
#define TANDEM_TESTS_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fake_server fake_server;

/** Serve one connection; `number` counts them from 1. The descriptor is closed when it returns. */
typedef void fake_serve(int fd, unsigned number, void *arg);

fake_server *fake_server_start(fake_serve *serve, void *arg);
unsigned fake_server_port(const fake_server *server);
/** "http://127.0.0.1:PORT" and `path`, in a buffer that the next call on this server overwrites. */
const char *fake_server_url(fake_server *server, const char *path);
/** Accept no more; what is open goes on. */
void fake_server_refuse(fake_server *server);
/** Shut everything down and join the threads; *server becomes NULL. */
void fake_server_stop(fake_server **server);

/** Read one request. @param path where its target goes. @return false: the client has left. */
bool fake_read_request(int fd, char *path, size_t size);
/** Read one request with its body, NUL-terminated. @return false: the client has left. */
bool fake_read_whole(int fd, char *text, size_t size);
/** Send all of it; a client that left is no failure. */
void fake_send(int fd, const char *text);
void fake_send_n(int fd, const void *data, size_t size);
/** Has the client neither closed nor reset the connection? */
bool fake_is_open(int fd);
/** A complete reply: "200 OK", further fields (each with CRLF) or "", and a body. */
void fake_reply(int fd, const char *status, const char *fields, const char *body);
/** Make the coming close a reset. */
void fake_reset(int fd);

#endif
