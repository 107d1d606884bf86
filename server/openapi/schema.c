/* SPDX-License-Identifier: MIT */
/* DESIGN: the table that checks a value also says what it checks; here it says it in JSON Schema. Objects are written
 * once among the components and referred to by name everywhere else, so that a tree of itself has an end. */
#include "server/openapi/schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/schema/number.h"
#include "server/schema/value.h"

static void write_pair(tdm_json_writer *w, const char *key, const char *value)
{
    tdm_json_key(w, key);
    tdm_json_string(w, value);
}

static void write_number(tdm_json_writer *w, const char *key, double value)
{
    tdm_json_key(w, key);
    tdm_json_double(w, value);
}

void tdm__schema_ref(tdm_json_writer *w, const char *name)
{
    char ref[256];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
    tdm_json_object_begin(w);
    write_pair(w, "$ref", ref);
    tdm_json_object_end(w);
}

static void write_limits(tdm_json_writer *w, const tdm_field *field)
{
    const tdm_range *range = field->range;
    if (range && isfinite(range->min))
        write_number(w, range->above_min ? "exclusiveMinimum" : "minimum", range->min);
    if (range && isfinite(range->max))
        write_number(w, range->below_max ? "exclusiveMaximum" : "maximum", range->max);
    if (field->multiple_of != 0)
        write_number(w, "multipleOf", field->multiple_of);
    if (field->min_length)
        write_number(w, "minLength", field->min_length);
    if (field->max_length)
        write_number(w, "maxLength", field->max_length);
    if (field->pattern)
        write_pair(w, "pattern", field->pattern);
}

static void write_choices(tdm_json_writer *w, const tdm_field *field)
{
    tdm_json_key(w, "enum");
    tdm_json_array_begin(w);
    for (const char *const *choice = field->choices; *choice; choice++)
        tdm_json_string(w, *choice);
    tdm_json_array_end(w);
}

/* The default was read once already when the table was made ready. */
static void write_default(tdm_json_writer *w, const tdm_field *field)
{
    const tdm__rule rule = {.field = field};
    union {
        int64_t integer;
        double number;
        bool truth;
    } value = {0};
    if (!field->fallback)
        return;
    tdm_json_key(w, "default");
    if (field->type == TDM_STRING || field->type == TDM_ENUM ||
        tdm__value_text(&rule, field->fallback, strlen(field->fallback), &value) != TDM__RIGHT)
        tdm_json_string(w, field->fallback);
    else if (field->type == TDM_INT)
        tdm_json_int(w, value.integer);
    else if (field->type == TDM_FLOAT)
        tdm_json_double(w, value.number);
    else
        tdm_json_bool(w, value.truth);
}

/* One value, without what the field says besides. */
static void write_value(tdm_json_writer *w, const tdm_field *field)
{
    static const char *const types[] = {
        [TDM_INT] = "integer",  [TDM_FLOAT] = "number",  [TDM_STRING] = "string", [TDM_ENUM] = "string",
        [TDM_BOOL] = "boolean", [TDM_OBJECT] = "object", [TDM_JSON] = NULL,
    };
    if (field->type == TDM_OBJECT) {
        tdm__schema_ref(w, field->object->name);
        return;
    }
    tdm_json_object_begin(w);
    if (types[field->type])
        write_pair(w, "type", types[field->type]);
    if (field->type == TDM_INT)
        write_pair(w, "format", "int64");
    if (field->type == TDM_FLOAT)
        write_pair(w, "format", "double");
    if (field->type == TDM_ENUM)
        write_choices(w, field);
    write_limits(w, field);
    tdm_json_object_end(w);
}

static void write_list(tdm_json_writer *w, const tdm_field *field)
{
    tdm_json_object_begin(w);
    write_pair(w, "type", "array");
    tdm_json_key(w, "items");
    write_value(w, field);
    if (field->min_items)
        write_number(w, "minItems", field->min_items);
    if (field->max_items)
        write_number(w, "maxItems", field->max_items);
    tdm_json_object_end(w);
}

static void write_either(tdm_json_writer *w, const tdm_field *field)
{
    if (field->list)
        write_list(w, field);
    else
        write_value(w, field);
}

/* Alternatives stand in "anyOf", so that a reference can have a default and a description beside it. */
void tdm__schema_field(tdm_json_writer *w, const tdm_field *field, bool body)
{
    bool nullable = body && field->optional && field->type != TDM_JSON;
    if (!nullable && !field->fallback && !(body && field->summary)) {
        write_either(w, field);
        return;
    }
    tdm_json_object_begin(w);
    tdm_json_key(w, "anyOf");
    tdm_json_array_begin(w);
    write_either(w, field);
    if (nullable) {
        tdm_json_object_begin(w);
        write_pair(w, "type", "null");
        tdm_json_object_end(w);
    }
    tdm_json_array_end(w);
    write_default(w, field);
    if (body && field->summary)
        write_pair(w, "description", field->summary);
    tdm_json_object_end(w);
}

static void write_required(tdm_json_writer *w, const tdm_field *fields)
{
    bool any = false;
    for (const tdm_field *field = fields; field->name; field++) {
        if (field->optional || field->fallback)
            continue;
        if (!any) {
            tdm_json_key(w, "required");
            tdm_json_array_begin(w);
        }
        any = true;
        tdm_json_string(w, field->name);
    }
    if (any)
        tdm_json_array_end(w);
}

void tdm__schema_object(tdm_json_writer *w, const tdm_schema *schema)
{
    tdm_json_object_begin(w);
    write_pair(w, "type", "object");
    write_pair(w, "title", schema->name);
    if (schema->summary)
        write_pair(w, "description", schema->summary);
    tdm_json_key(w, "properties");
    tdm_json_object_begin(w);
    for (const tdm_field *field = schema->fields; field->name; field++) {
        tdm_json_key(w, field->name);
        tdm__schema_field(w, field, true);
    }
    tdm_json_object_end(w);
    write_required(w, schema->fields);
    if (schema->strict) {
        tdm_json_key(w, "additionalProperties");
        tdm_json_bool(w, false);
    }
    tdm_json_object_end(w);
}

void tdm__schema_kind(tdm_json_writer *w, tdm__kind kind)
{
    tdm_json_object_begin(w);
    write_pair(w, "type", kind == TDM__WHOLE ? "integer" : kind == TDM__NUMBER ? "number" : "string");
    tdm_json_object_end(w);
}
