/* SPDX-License-Identifier: MIT */
/* Tables as JSON Schema (2020-12, as OpenAPI 3.1 wants it). Pure; any thread. */
#ifndef TANDEM_SERVER_OPENAPI_SCHEMA_H
#define TANDEM_SERVER_OPENAPI_SCHEMA_H

#include <tandem/json.h>

#include "server/route/path.h"
#include "server/schema/plan.h"

/* The schema of one field's value. @param body: it is a member of a body, where what is optional may be null. */
void tdm__schema_field(tdm_json_writer *w, const tdm_field *field, bool body);
/* The schema of an object, written out. */
void tdm__schema_object(tdm_json_writer *w, const tdm_schema *schema);
/* {"$ref": …} to an object among the components. */
void tdm__schema_ref(tdm_json_writer *w, const char *name);
/* What a segment of this kind takes, for a path's parameter that no table has. */
void tdm__schema_kind(tdm_json_writer *w, tdm__kind kind);

#endif
