/* SPDX-License-Identifier: MIT */
/** @file
 *  A request as bytes, with places that differ from one sending to the next: {{counter}}, {{random}},
 *  {{random:LOW-HIGH}}, {{uuid}}, in the URL, in a field or in the body. Compiled once; then read-only, any thread. */
#ifndef LOAD_TEMPLATE_H
#define LOAD_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "load/random.h"

typedef struct load_template load_template;

/** What a thread fills templates with. Its counter goes first, first + stride, … so that threads share none. */
typedef struct load_values {
    load_random random;
    uint64_t counter, stride;
} load_values;

/** What a request is made of. */
typedef struct load_parts {
    const char *method;    /**< NULL: GET, or POST where there is a body */
    const char *authority; /**< for the Host field, unless a field is one */
    const char *target;
    const char *const *fields; /**< "Name: value", NULL-terminated; or NULL */
    const char *body;          /**< or NULL */
    size_t body_size;
} load_parts;

enum { LOAD_SLOTS_MAX = 32 };

/** @param why where a line goes on -EINVAL. @return 0; -EINVAL: something in it cannot be sent; -ENOMEM. */
int load_template_compile(load_template **out, const load_parts *parts, char *why, size_t why_size);
/** NULL is accepted; *t becomes NULL. */
void load_template_destroy(load_template **t);

/** The bytes of a request that is always the same; NULL if it has places to fill. */
const char *load_template_fixed(const load_template *t, size_t *size);
/** No request made from it is longer. */
size_t load_template_size_max(const load_template *t);
/** Make one request. @param into has room for the longest. @return its size. */
size_t load_template_fill(const load_template *t, load_values *values, char *into);
bool load_template_is_head(const load_template *t);
/** May it be sent once more when it is not known whether it arrived (RFC 9110, 9.2.2)? */
bool load_template_is_idempotent(const load_template *t);

#endif
