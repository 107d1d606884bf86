/* SPDX-License-Identifier: MIT */
/* A reply as bytes. Pure but for the clock; any thread. */
#ifndef TANDEM_SERVER_WIRE_H
#define TANDEM_SERVER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field that the handler added. */
typedef struct tdm__extra {
    struct tdm__extra *next;
    const char *name, *value;
    size_t name_size, value_size;
} tdm__extra;

typedef struct tdm__wire {
    int status;
    const char *type; /* or NULL */
    const void *body;
    size_t body_size;
    bool head_only;  /* the answer to a HEAD, or a body that follows: all fields, no body */
    bool unsized;    /* no Content-Length: chunked, or up to the end of the connection */
    bool chunked;    /* with `unsized` */
    bool close;      /* say `Connection: close` */
    bool keep_alive; /* say `Connection: keep-alive`, for HTTP/1.0 */
    unsigned tasks;  /* > 0: say which tasks */
    uint64_t first_id, last_id;
    const tdm__extra *extras;
} tdm__wire;

/* Is this a status whose replies never have a body (204, 304)? */
bool tdm__wire_bodiless(int status);
/* Is it one of the fields that only the library writes? */
bool tdm__wire_reserved(const char *name);
/* Legal as a field's name, or value? */
bool tdm__wire_name_ok(const char *name);
bool tdm__wire_value_ok(const char *value);

/* How many bytes tdm__wire_write() writes at most, whatever the tasks turn out to be. */
size_t tdm__wire_bound(const tdm__wire *wire);
/* @return how many bytes were written. */
size_t tdm__wire_write(const tdm__wire *wire, char *to);

#endif
