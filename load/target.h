/* SPDX-License-Identifier: MIT */
/** @file
 *  What is loaded: a URL, its name in the reports, the request's bytes, and the address that answered. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <stddef.h>
#include <sys/socket.h>

#include "load/url.h"

/** One entry of -c or -R: how hard a step presses. */
typedef struct load_level {
    unsigned connections;
    double rate; /**< requests a second; 0: a closed loop */
} load_level;

/** One kind of request. A target has one, or, with --mix, several. */
typedef struct load_request {
    load_url url;
    char *label;     /**< its name in the reports */
    unsigned weight; /**< its share is weight / sum of the weights */
    char *text;      /**< the whole request, ready to be sent */
    size_t size;
} load_request;

typedef struct load_target {
    load_url url; /**< where it is: that of its first request, which owns it */
    char *label;
    load_level *levels; /**< one step for each */
    unsigned level_count;
    load_request *requests;
    unsigned request_count;
    struct sockaddr_storage address;
    socklen_t address_size;
} load_target;

/** Make the requests of a target whose `label` and `requests` (with their URLs) are set. @return 0; -ENOMEM. */
int load_target_prepare(load_target *target);
/** Free everything. A zeroed target is accepted. */
void load_target_finish(load_target *target);

/** The bytes of `GET path` on the target's host. @return malloc'ed text, or NULL. */
char *load_target_get(const load_target *target, const char *path);

/** Resolve the host and find the first of its addresses that accepts a connection. Blocks.
 *  @param why where one line goes when it fails. @return 0, and `address` is set; a negative errno. */
int load_target_reach(load_target *target, double timeout_s, char *why, size_t why_size);

#endif
