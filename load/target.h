/* SPDX-License-Identifier: MIT */
/** @file
 *  What is loaded: a URL, its name in the reports, the request's bytes, and the address that answered. */
#ifndef LOAD_TARGET_H
#define LOAD_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "load/template.h"
#include "load/url.h"

/** One entry of -c or -R: how hard a step presses. */
typedef struct load_level {
    unsigned connections;
    double rate;       /**< requests a second; 0: a closed loop */
    uint64_t requests; /**< of the level alone; 0: as the plan says */
} load_level;

/** One kind of request. A target has one, or, with --mix, several. */
typedef struct load_request {
    load_url url;
    char *label;     /**< its name in the reports */
    unsigned weight; /**< its share is weight / sum of the weights */
    load_template *template;
} load_request;

/** The weights of a target's requests add up to no more. */
enum { LOAD_WEIGHTS_MAX = 10000, LOAD_REQUESTS_MAX = 64 };

typedef struct load_target {
    load_url url; /**< where it is: that of its first request, which owns it */
    char *label;
    load_level *levels; /**< one step for each */
    unsigned level_count;
    load_request *requests;
    unsigned request_count;
    uint8_t *schedule; /**< which request is whose turn: a round in which each stands as often as its weight says */
    unsigned schedule_size;
    bool light; /**< all that is on its way on a connection fits into a first congestion window */
    struct sockaddr_storage address;
    socklen_t address_size;
} load_target;

/** What all requests of a run have in common. */
typedef struct load_request_form {
    const char *method;        /**< NULL: GET, or POST where there is a body */
    const char *const *fields; /**< NULL-terminated */
    const char *body;
    size_t body_size;
} load_request_form;

/** Make the requests of a target whose `label` and `requests` (with URLs and weights) are set, and their schedule.
 *  @param why where a line goes on -EINVAL. @return 0; -EINVAL; -ENOMEM. */
int load_target_prepare(load_target *target, const load_request_form *form, char *why, size_t why_size);
/** Free everything. A zeroed target is accepted. */
void load_target_finish(load_target *target);

/** The bytes of `GET path` on the target's host. @return malloc'ed text, or NULL. */
char *load_target_get(const load_target *target, const char *path);

/** Resolve the host and find the first of its addresses that accepts a connection. Blocks.
 *  @param unix_path a Unix socket to connect to in place of the host; or NULL.
 *  @param why where one line goes when it fails. @return 0, and `address` is set; a negative errno. */
int load_target_reach(load_target *target, const char *unix_path, double timeout_s, char *why, size_t why_size);

#endif
