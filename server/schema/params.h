/* SPDX-License-Identifier: MIT */
/* Typed parameters: a route's plan applied to the values that came. Pure; any thread. */
#ifndef TANDEM_SERVER_SCHEMA_PARAMS_H
#define TANDEM_SERVER_SCHEMA_PARAMS_H

#include "server/schema/plan.h"
#include "server/schema/problem.h"

/* What came, by tdm_param_in; a place that no rule of the plan uses may be empty. */
typedef struct tdm__sources {
    tdm__pairs from[4];
} tdm__sources;

/* Fill `into` (plan->size bytes). What is wrong is added to `problems`. @return 0; -ENOMEM. */
int tdm__params_fill(const tdm__plan *plan, void *into, const tdm__sources *sources, tdm__arena *arena,
                     tdm__problems *problems);

#endif
