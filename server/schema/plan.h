/* SPDX-License-Identifier: MIT */
/* Tables made ready: checked, defaults read, patterns compiled, once when a route is added, so that no request meets a
 * broken table or pays for an unbroken one. Made before the app starts; after that only read, from any thread. */
#ifndef TANDEM_SERVER_SCHEMA_PLAN_H
#define TANDEM_SERVER_SCHEMA_PLAN_H

#include <tandem/schema.h>

#include "server/schema/pattern.h"
#include "server/schema/why.h"

#define TDM__MAX_FIELDS 256 /* of one table */

typedef struct tdm__rule {
    const tdm_field *field;
    size_t name_size, size; /* of the name; of one value in the struct */
    tdm__pattern *pattern;
    const struct tdm__plan *object;
} tdm__rule;

typedef struct tdm__plan {
    struct tdm__plan *next; /* in tdm__plans */
    const tdm_schema *schema;
    const tdm_field *fields;
    size_t size;    /* of the struct */
    void *defaults; /* the struct before anything is read into it */
    bool ready;     /* false while its own fields are looked at */
    bool places[4]; /* which of tdm_param_in its fields use */
    unsigned count;
    tdm__rule rules[];
} tdm__plan;

/* All plans of an app. Zeroed is none. */
typedef struct tdm__plans {
    tdm__plan *first;
} tdm__plans;

void tdm__plans_finish(tdm__plans *plans);
/* Forget the plans made since `kept` was the first (plans->first; NULL: since the beginning): one that could not be made
 * leaves itself and those it needs, unfinished, and nobody may find them again. */
void tdm__plans_drop(tdm__plans *plans, const tdm__plan *kept);

/* Get the plan of a table of parameters. @return 0; -EINVAL, and *why says what is wrong; -ENOMEM. */
int tdm__plans_params(tdm__plans *plans, const tdm_field *fields, size_t size, const tdm__plan **out, tdm__why *why);
/* Get the plan of an object; the same one for the same schema. Likewise. */
int tdm__plans_object(tdm__plans *plans, const tdm_schema *schema, const tdm__plan **out, tdm__why *why);

#endif
