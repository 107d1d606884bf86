/* SPDX-License-Identifier: MIT */
/** @file
 *  What is loaded: a URL, its name in the reports, the request's bytes, and the address that answered. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <stddef.h>
#include <sys/socket.h>

#include "load/url.h"

typedef struct load_target {
    load_url url;
    char *label;
    unsigned *connections; /**< one step for each */
    unsigned connection_count;
    char *request; /**< the whole request, ready to be sent */
    size_t request_size;
    struct sockaddr_storage address;
    socklen_t address_size;
} load_target;

/** Make the request of a target whose `url` and `label` are set. @return 0; -ENOMEM. */
int load_target_prepare(load_target *target);
/** Free everything, `url`, `label` and `connections` too. A zeroed target is accepted. */
void load_target_finish(load_target *target);

/** The bytes of `GET path` on the target's host. @return malloc'ed text, or NULL. */
char *load_target_get(const load_target *target, const char *path);

/** Resolve the host and find the first of its addresses that accepts a connection. Blocks.
 *  @param why where one line goes when it fails. @return 0, and `address` is set; a negative errno. */
int load_target_reach(load_target *target, double timeout_s, char *why, size_t why_size);

#endif
