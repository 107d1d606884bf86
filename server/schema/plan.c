/* SPDX-License-Identifier: MIT */
/* DESIGN: a table becomes a plan: each entry is checked, its default is read into a pattern of the struct that requests
 * start from, and nested objects get plans of their own, found again by their schema, so that a tree may hold a list of
 * trees. An object within itself, in place, would have no end and is refused. */
#include "server/schema/plan.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/schema/value.h"

static void free_plan(tdm__plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++)
        tdm__pattern_destroy(&plan->rules[i].pattern);
    free(plan->defaults);
    free(plan);
}

void tdm__plans_drop(tdm__plans *plans, const tdm__plan *kept)
{
    while (plans->first != kept) {
        tdm__plan *plan = plans->first;
        plans->first = plan->next;
        free_plan(plan);
    }
}

void tdm__plans_finish(tdm__plans *plans)
{
    tdm__plans_drop(plans, NULL);
}

/* ---- one entry ---- */

static int check_place(const tdm_field *field, const tdm_schema *schema, tdm__why *why)
{
    const char *name = field->name;
    bool structured = field->type == TDM_OBJECT || field->type == TDM_JSON;
    if (schema && field->in != TDM_QUERY)
        return tdm__why_say(why, "`%s` is a member of a body: it has no `in`", name);
    if (!schema && (unsigned) field->in > TDM_COOKIE)
        return tdm__why_say(why, "`%s` is in none of query, path, header and cookie", name);
    if (!schema && structured)
        return tdm__why_say(why, "`%s` is a parameter: objects and JSON are for bodies", name);
    if (field->list && (field->in == TDM_PATH || field->in == TDM_COOKIE))
        return tdm__why_say(why, "`%s` is a list, which a %s cannot have", name, tdm__place_name(field->in));
    if (field->in == TDM_PATH && (field->optional || field->fallback))
        return tdm__why_say(why, "`%s` is part of the path: it is always there, and has no default", name);
    return 0;
}

static int check_room(const tdm__rule *rule, size_t struct_size, tdm__why *why)
{
    const tdm_field *field = rule->field;
    size_t size = field->list ? sizeof(tdm_list) : rule->size;
    if (!rule->size)
        return tdm__why_say(why, "`%s` has no known type, or an object without a schema", field->name);
    if (size > struct_size || field->offset > struct_size - size)
        return tdm__why_say(why, "the field of `%s` lies outside the struct", field->name);
    if (field->given && (struct_size < sizeof(bool) || field->given > struct_size - sizeof(bool)))
        return tdm__why_say(why, "`given` of `%s` lies outside the struct", field->name);
    return 0;
}

static int check_limits(const tdm_field *field, tdm__why *why)
{
    const char *name = field->name;
    bool number = field->type == TDM_INT || field->type == TDM_FLOAT, string = field->type == TDM_STRING;
    if (field->type == TDM_ENUM && (!field->choices || !field->choices[0]))
        return tdm__why_say(why, "`%s` is an enum without choices", name);
    if (!number && (field->range || field->multiple_of != 0))
        return tdm__why_say(why, "`%s` is no number: it has neither range nor multiple_of", name);
    if (!string && (field->pattern || field->min_length || field->max_length))
        return tdm__why_say(why, "`%s` is no string: it has neither length nor pattern", name);
    if (!field->list && (field->min_items || field->max_items))
        return tdm__why_say(why, "`%s` is no list: it has no number of items", name);
    if (field->range && !(field->range->min <= field->range->max))
        return tdm__why_say(why, "the range of `%s` is empty", name);
    if ((field->max_length && field->min_length > field->max_length) ||
        (field->max_items && field->min_items > field->max_items))
        return tdm__why_say(why, "`%s` has a minimum above its maximum", name);
    double step = field->multiple_of;
    if (field->type == TDM_INT && step != 0 && !(step >= 1 && step < 1e18 && step == trunc(step)))
        return tdm__why_say(why, "`%s` can only be a multiple of a whole number", name);
    if (step != 0 && !(step > 0 && isfinite(step)))
        return tdm__why_say(why, "`%s` can only be a multiple of a number above 0", name);
    return 0;
}

static int read_default(const tdm__rule *rule, tdm__plan *plan, tdm__why *why)
{
    const tdm_field *field = rule->field;
    char *to = (char *) plan->defaults + field->offset;
    if (rule->object && !field->list)
        memcpy(to, rule->object->defaults, rule->object->size);
    if (!field->fallback)
        return 0;
    if (field->list || field->type == TDM_OBJECT || field->type == TDM_JSON)
        return tdm__why_say(why, "`%s` cannot have a default: make it optional", field->name);
    if (tdm__value_text(rule, field->fallback, strlen(field->fallback), to) != TDM__RIGHT)
        return tdm__why_say(why, "the default of `%s`, '%s', is not a value of it", field->name, field->fallback);
    return 0;
}

static int make_rule(tdm__plans *plans, tdm__plan *plan, tdm__rule *rule, tdm__why *why)
{
    const tdm_field *field = rule->field;
    int err = check_place(field, plan->schema, why);
    if (!err)
        err = check_room(rule, plan->size, why);
    if (!err)
        err = check_limits(field, why);
    if (!err && field->pattern)
        err = tdm__pattern_create(&rule->pattern, field->pattern, why);
    if (!err && field->type == TDM_OBJECT)
        err = tdm__plans_object(plans, field->object, &rule->object, why);
    if (!err && rule->object && !rule->object->ready && !field->list)
        err = tdm__why_say(why, "`%s` would hold itself", field->name);
    for (const tdm_field *other = plan->fields; !err && other != field; other++) {
        if (other->in == field->in && strcmp(other->name, field->name) == 0)
            err = tdm__why_say(why, "`%s` is there twice", field->name);
    }
    if (err)
        return err;
    plan->places[field->in] = true;
    return read_default(rule, plan, why);
}

/* ---- tables ---- */

static int make_plan(tdm__plans *plans, const tdm_schema *schema, const tdm_field *fields, size_t size,
                     const tdm__plan **out, tdm__why *why)
{
    unsigned count = 0;
    while (fields && fields[count].name)
        if (++count > TDM__MAX_FIELDS)
            return tdm__why_say(why, "a table has more than %d entries", TDM__MAX_FIELDS);
    tdm__plan *plan = calloc(1, sizeof *plan + count * sizeof plan->rules[0]);
    if (!plan)
        return -ENOMEM;
    plan->next = plans->first;
    plans->first = plan; /* before those it needs: they may need it */
    plan->schema = schema;
    plan->fields = fields;
    plan->size = size;
    plan->count = count;
    plan->defaults = calloc(1, size ? size : 1);
    if (!plan->defaults)
        return -ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        tdm__rule *rule = &plan->rules[i];
        rule->field = &fields[i];
        rule->name_size = strlen(fields[i].name);
        rule->size = tdm__value_size(&fields[i]);
        int err = make_rule(plans, plan, rule, why);
        if (err)
            return err;
    }
    plan->ready = true;
    *out = plan;
    return 0;
}

int tdm__plans_params(tdm__plans *plans, const tdm_field *fields, size_t size, const tdm__plan **out, tdm__why *why)
{
    return make_plan(plans, NULL, fields, size, out, why);
}

/* What OpenAPI takes as a name among its components. */
static bool is_name(const char *name)
{
    static const char *const ours[] = {"HTTPError", "HTTPValidationError", "ValidationError"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(name, ours[i]) == 0)
            return false;
    }
    return *name && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

int tdm__plans_object(tdm__plans *plans, const tdm_schema *schema, const tdm__plan **out, tdm__why *why)
{
    if (!schema || !schema->name || !schema->fields || !schema->size)
        return tdm__why_say(why, "a schema has no name, no fields or no size");
    if (!is_name(schema->name))
        return tdm__why_say(why, "the schema name `%s` is not made of letters, digits and -_., or is one of ours",
                            schema->name);
    for (const tdm__plan *plan = plans->first; plan; plan = plan->next) {
        if (plan->schema == schema) {
            *out = plan;
            return 0;
        }
        if (plan->schema && strcmp(plan->schema->name, schema->name) == 0)
            return tdm__why_say(why, "two schemas are called `%s`", schema->name);
    }
    return make_plan(plans, schema, schema->fields, schema->size, out, why);
}
