/* SPDX-License-Identifier: MIT */
/* DESIGN: the judge of single values, the same for a query, a header and a body: a rule's limits are asked in one place,
 * in pydantic's order. Values are copied into the struct by memcpy, because a field may stand anywhere in it. */
#include "server/schema/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "server/schema/number.h"

size_t tdm__value_size(const tdm_field *field)
{
    switch (field->type) {
    case TDM_INT:
        return sizeof(int64_t);
    case TDM_FLOAT:
        return sizeof(double);
    case TDM_STRING:
    case TDM_JSON:
        return sizeof(const char *);
    case TDM_ENUM:
        return sizeof(int);
    case TDM_BOOL:
        return sizeof(bool);
    case TDM_OBJECT:
        return field->object ? field->object->size : 0;
    }
    return 0;
}

static tdm__problem check_range(const tdm_range *range, double value)
{
    if (value > range->max)
        return range->below_max ? TDM__NOT_BELOW : TDM__ABOVE;
    if (range->below_max && value == range->max)
        return TDM__NOT_BELOW;
    if (value < range->min)
        return range->above_min ? TDM__NOT_ABOVE : TDM__BELOW;
    return range->above_min && value == range->min ? TDM__NOT_ABOVE : TDM__RIGHT;
}

tdm__problem tdm__value_int(const tdm__rule *rule, int64_t value, void *to)
{
    const tdm_field *field = rule->field;
    if (field->multiple_of != 0 && value % (int64_t) field->multiple_of != 0)
        return TDM__NOT_MULTIPLE;
    tdm__problem problem = field->range ? check_range(field->range, (double) value) : TDM__RIGHT;
    if (problem == TDM__RIGHT)
        memcpy(to, &value, sizeof value);
    return problem;
}

/* As pydantic: a remainder within rounding of zero or of the step is none. */
static bool is_multiple(double value, double step)
{
    double rest = fabs(fmod(value, step)), slack = fabs(value) / 1e9;
    return rest <= slack || fabs(rest - fabs(step)) <= slack;
}

tdm__problem tdm__value_float(const tdm__rule *rule, double value, void *to)
{
    const tdm_field *field = rule->field;
    if (field->multiple_of != 0 && !is_multiple(value, field->multiple_of))
        return TDM__NOT_MULTIPLE;
    tdm__problem problem = field->range ? check_range(field->range, value) : TDM__RIGHT;
    if (problem == TDM__RIGHT)
        memcpy(to, &value, sizeof value);
    return problem;
}

static size_t characters(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char) text[i] & 0xC0) != 0x80;
    return count;
}

tdm__problem tdm__value_string(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    const tdm_field *field = rule->field;
    if (field->min_length || field->max_length) {
        size_t length = characters(text, size);
        if (length < field->min_length)
            return TDM__TOO_SHORT;
        if (field->max_length && length > field->max_length)
            return TDM__TOO_LONG;
    }
    if (rule->pattern && !tdm__pattern_matches(rule->pattern, text, size))
        return TDM__NO_MATCH;
    memcpy(to, &text, sizeof text);
    return TDM__RIGHT;
}

tdm__problem tdm__value_enum(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    for (int i = 0; rule->field->choices[i]; i++) {
        const char *choice = rule->field->choices[i];
        if (strncmp(choice, text, size) == 0 && choice[size] == '\0') {
            memcpy(to, &i, sizeof i);
            return TDM__RIGHT;
        }
    }
    return TDM__NO_CHOICE;
}

tdm__problem tdm__value_bool(bool value, void *to)
{
    memcpy(to, &value, sizeof value);
    return TDM__RIGHT;
}

static tdm__problem int_of_text(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    int64_t value;
    int err = tdm__number_int(text, size, &value);
    if (err == -EINVAL)
        return TDM__INT_PARSING;
    if (!err)
        return tdm__value_int(rule, value, to);
    /* Clamped: a limit that it breaks says more than its size. */
    tdm__problem problem = rule->field->range ? check_range(rule->field->range, (double) value) : TDM__RIGHT;
    return problem == TDM__RIGHT ? TDM__INT_SIZE : problem;
}

static tdm__problem float_of_text(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    double value;
    int err = tdm__number_float(text, size, &value);
    if (err)
        return err == -EDOM ? TDM__NOT_FINITE : TDM__FLOAT_PARSING;
    return tdm__value_float(rule, value, to);
}

static tdm__problem bool_of_text(const char *text, void *to)
{
    static const char *const yes[] = {"true", "1", "on", "yes", "t", "y"}, *const no[] = {"false", "0", "off",
                                                                                          "no",    "f", "n"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcasecmp(text, yes[i]) == 0)
            return tdm__value_bool(true, to);
        if (strcasecmp(text, no[i]) == 0)
            return tdm__value_bool(false, to);
    }
    return TDM__BOOL_PARSING;
}

tdm__problem tdm__value_text(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    switch (rule->field->type) {
    case TDM_INT:
        return int_of_text(rule, text, size, to);
    case TDM_FLOAT:
        return float_of_text(rule, text, size, to);
    case TDM_STRING:
        return tdm__value_string(rule, text, size, to);
    case TDM_ENUM:
        return tdm__value_enum(rule, text, size, to);
    case TDM_BOOL:
        return bool_of_text(text, to);
    case TDM_OBJECT:
    case TDM_JSON:
        break;
    }
    return TDM__STRING_TYPE;
}
