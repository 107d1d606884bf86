/* SPDX-License-Identifier: MIT */
/* DESIGN: a route's parameter table against what the client sent. Every parameter is looked at, so that one answer
 * lists all that is wrong, in the shape of FastAPI with pydantic 2 (the same `type` values and messages). Where FastAPI
 * quietly takes the last of two values, a scalar given twice is wrong here: a client that sends two does not know which
 * one counts. Names that no parameter has are ignored, as in FastAPI. */
#include "server/params.h"

#include <errno.h>
#include <string.h>

#include "server/number.h"
#include "server/problem.h"

static size_t field_size(tdm_param_type type)
{
    switch (type) {
    case TDM_INT:
        return sizeof(int64_t);
    case TDM_FLOAT:
        return sizeof(double);
    case TDM_STRING:
        return sizeof(const char *);
    case TDM_ENUM:
        return sizeof(int);
    }
    return 0;
}

/* Copies, because a field may be anywhere in the caller's struct. */
static void store(void *into, const tdm_param *param, const void *value)
{
    memcpy((char *) into + param->offset, value, field_size(param->type));
}

/* What is wrong with a text, if anything. */
static tdm__problem read_int(const tdm_param *param, const char *text, void *into)
{
    int64_t value;
    int err = tdm__number_int(text, &value);
    if (err == -EINVAL)
        return TDM__INT_PARSING;
    if (param->range && (double) value < param->range->min)
        return TDM__BELOW;
    if (param->range && (double) value > param->range->max)
        return TDM__ABOVE;
    if (err == -ERANGE)
        return TDM__INT_SIZE;
    store(into, param, &value);
    return TDM__RIGHT;
}

static tdm__problem read_float(const tdm_param *param, const char *text, void *into)
{
    double value;
    int err = tdm__number_float(text, &value);
    if (err)
        return err == -EDOM ? TDM__NOT_FINITE : TDM__FLOAT_PARSING;
    if (param->range && value < param->range->min)
        return TDM__BELOW;
    if (param->range && value > param->range->max)
        return TDM__ABOVE;
    store(into, param, &value);
    return TDM__RIGHT;
}

static tdm__problem read_enum(const tdm_param *param, const char *text, void *into)
{
    for (int i = 0; param->choices[i]; i++) {
        if (strcmp(param->choices[i], text) == 0) {
            store(into, param, &i);
            return TDM__RIGHT;
        }
    }
    return TDM__NO_CHOICE;
}

static tdm__problem read_value(const tdm_param *param, const char *text, void *into)
{
    switch (param->type) {
    case TDM_INT:
        return read_int(param, text, into);
    case TDM_FLOAT:
        return read_float(param, text, into);
    case TDM_STRING:
        store(into, param, &text);
        return TDM__RIGHT;
    case TDM_ENUM:
        return read_enum(param, text, into);
    }
    return TDM__RIGHT;
}

static tdm__problem wrong_as_list(tdm_param_type type)
{
    switch (type) {
    case TDM_INT:
        return TDM__INT_LIST;
    case TDM_FLOAT:
        return TDM__FLOAT_LIST;
    case TDM_STRING:
        return TDM__STRING_LIST;
    case TDM_ENUM:
        break;
    }
    return TDM__NO_CHOICE;
}

static tdm__problem read_param(const tdm_param *param, void *into, const tdm__pairs *values)
{
    const char *text = NULL;
    unsigned times = 0;
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i].name, param->name) == 0 && times++ == 0)
            text = values->list[i].value;
    }
    if (times > 1)
        return wrong_as_list(param->type);
    if (times == 0) {
        if (!param->fallback)
            return param->optional ? TDM__RIGHT : TDM__MISSING;
        return read_value(param, param->fallback, into);
    }
    if (param->given)
        memcpy((char *) into + param->given, &(bool){true}, sizeof(bool));
    return read_value(param, text, into);
}

static const char *check_param(const tdm_param *param, size_t params_size)
{
    size_t size = field_size(param->type);
    if (param->in != TDM_QUERY && param->in != TDM_PATH)
        return "a parameter is in neither query nor path";
    if (!size || size > params_size || param->offset > params_size - size)
        return "a parameter's field lies outside the struct";
    if (param->given && param->given > params_size - sizeof(bool))
        return "a parameter's `given` lies outside the struct";
    if (param->type == TDM_ENUM && (!param->choices || !param->choices[0]))
        return "an enum parameter has no choices";
    if (param->range && !(param->range->min <= param->range->max))
        return "a parameter's range is empty";
    return NULL;
}

int tdm__params_check(const tdm_param *params, size_t params_size, const char **why)
{
    *why = NULL;
    for (const tdm_param *param = params; param && param->name && !*why; param++) {
        *why = check_param(param, params_size);
        tdm_param moved = *param;
        char room[sizeof(int64_t)]; /* the largest field: the fallback is tried out there */
        moved.offset = 0;
        if (!*why && param->fallback && read_value(&moved, param->fallback, room) != TDM__RIGHT)
            *why = "a parameter's default is not a value of it";
        for (const tdm_param *other = params; !*why && other != param; other++) {
            if (other->in == param->in && strcmp(other->name, param->name) == 0)
                *why = "a parameter is there twice";
        }
    }
    return *why ? -EINVAL : 0;
}

int tdm__params_fill(const tdm_param *params, void *into, const tdm__pairs *path, const tdm__pairs *query,
                     tdm_json_writer *problems)
{
    static const tdm_param_in order[] = {TDM_PATH, TDM_QUERY}; /* as FastAPI lists them */
    bool wrong = false;
    for (size_t place = 0; place < 2; place++) {
        const tdm__pairs *values = order[place] == TDM_PATH ? path : query;
        for (const tdm_param *param = params; param && param->name; param++) {
            if (param->in != order[place])
                continue;
            tdm__problem problem = read_param(param, into, values);
            if (problem == TDM__RIGHT)
                continue;
            if (!wrong)
                tdm__problem_begin(problems);
            wrong = true;
            tdm__problem_add(problems, problem, param, values);
        }
    }
    if (!wrong)
        return 0;
    tdm__problem_end(problems);
    return tdm_json_error(problems) ? -ENOMEM : -EBADMSG;
}
