/* SPDX-License-Identifier: MIT */
/* A JSON body into the struct that its plan describes. Pure; any thread. */
#ifndef TANDEM_SERVER_SCHEMA_BODY_H
#define TANDEM_SERVER_SCHEMA_BODY_H

#include "server/schema/plan.h"
#include "server/schema/problem.h"

/* Fill `into` (plan->size bytes) from `text`, which has a NUL after it. Strings and lists go to the arena. What is wrong
 * is added to `problems`. @return 0; -ENOMEM. */
int tdm__body_fill(const tdm__plan *plan, void *into, const char *text, size_t size, tdm__arena *arena,
                   tdm__problems *problems);

#endif
