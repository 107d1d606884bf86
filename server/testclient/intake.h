/* SPDX-License-Identifier: MIT */
/* A reply taken off a socket. One thread. */
#ifndef TANDEM_SERVER_TESTCLIENT_INTAKE_H
#define TANDEM_SERVER_TESTCLIENT_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What has come and was not taken yet. Zeroed is nothing. */
typedef struct tdm__intake {
    char *data;
    size_t size, capacity;
} tdm__intake;

typedef struct tdm__taken {
    int status;
    char *head, *body; /* NUL-terminated; the caller's to free */
    size_t head_size, body_size;
    bool close; /* the connection ends with it */
} tdm__taken;

void tdm__intake_finish(tdm__intake *in);
/* Read one final reply (interim ones are passed over) before `deadline_ns`. @param head_only: it answers a HEAD.
 * @return 0; -ENOTCONN: the connection ended before its first byte; -ECONNRESET: in its middle; -ETIMEDOUT;
 *         -EPROTO: it is no HTTP; -ENOMEM; … On an error *out holds nothing. */
int tdm__intake_reply(tdm__intake *in, int fd, bool head_only, int64_t deadline_ns, tdm__taken *out);
/* The value of a field in a head, or NULL: a piece of it, *size bytes. */
const char *tdm__intake_field(const char *head, const char *name, size_t *size);

#endif
