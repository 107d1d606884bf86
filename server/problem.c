/* SPDX-License-Identifier: MIT */
/* DESIGN: the words of a 422. One table holds each kind's `type` and message; limits and choices are put in where the
 * message has them. `input` is what the client sent: the text, a list if it sent several, null if it sent none. */
#include "server/problem.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *type, *message;
} words[TDM__PROBLEMS] = {
    [TDM__MISSING] = {"missing", "Field required"},
    [TDM__INT_PARSING] = {"int_parsing", "Input should be a valid integer, unable to parse string as an integer"},
    [TDM__INT_SIZE] = {"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"},
    [TDM__INT_LIST] = {"int_type", "Input should be a valid integer"},
    [TDM__FLOAT_PARSING] = {"float_parsing", "Input should be a valid number, unable to parse string as a number"},
    [TDM__FLOAT_LIST] = {"float_type", "Input should be a valid number"},
    [TDM__NOT_FINITE] = {"finite_number", "Input should be a finite number"},
    [TDM__STRING_LIST] = {"string_type", "Input should be a valid string"},
    [TDM__BELOW] = {"greater_than_equal", "Input should be greater than or equal to "},
    [TDM__ABOVE] = {"less_than_equal", "Input should be less than or equal to "},
    [TDM__NO_CHOICE] = {"enum", "Input should be "},
};

_Static_assert(sizeof words / sizeof words[0] == TDM__PROBLEMS, "each kind has its words");

#define MESSAGE_MAX 512

void tdm__problem_begin(tdm_json_writer *w)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "detail");
    tdm_json_array_begin(w);
}

void tdm__problem_end(tdm_json_writer *w)
{
    tdm_json_array_end(w);
    tdm_json_object_end(w);
}

static void write_head(tdm_json_writer *w, const char *type, const char *place, const char *name, const char *message)
{
    tdm_json_object_begin(w);
    tdm_json_key(w, "type");
    tdm_json_string(w, type);
    tdm_json_key(w, "loc");
    tdm_json_array_begin(w);
    tdm_json_string(w, place);
    tdm_json_string(w, name);
    tdm_json_array_end(w);
    tdm_json_key(w, "msg");
    tdm_json_string(w, message);
    tdm_json_key(w, "input");
}

static void write_input(tdm_json_writer *w, const char *name, const tdm__pairs *values)
{
    const char *first = NULL;
    bool list = false;
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i].name, name) != 0)
            continue;
        if (first && !list) {
            list = true;
            tdm_json_array_begin(w);
            tdm_json_string(w, first);
        }
        if (first)
            tdm_json_string(w, values->list[i].value);
        else
            first = values->list[i].value;
    }
    if (list)
        tdm_json_array_end(w);
    else
        tdm_json_string(w, first);
}

/* "'a', 'b' or 'c'" */
static void name_choices(char *out, size_t size, const char *const *choices)
{
    size_t at = 0;
    for (size_t i = 0; choices[i] && at < size; i++) {
        const char *between = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        int n = snprintf(out + at, size - at, "%s'%s'", between, choices[i]);
        at += n > 0 ? (size_t) n : size;
    }
}

static void write_limit(tdm_json_writer *w, const char *key, double limit)
{
    tdm_json_key(w, "ctx");
    tdm_json_object_begin(w);
    tdm_json_key(w, key);
    tdm_json_double(w, limit);
    tdm_json_object_end(w);
}

void tdm__problem_add(tdm_json_writer *w, tdm__problem problem, const tdm_param *param, const tdm__pairs *values)
{
    const char *place = param->in == TDM_PATH ? "path" : "query";
    char detail[MESSAGE_MAX / 2] = "";
    if (problem == TDM__BELOW)
        snprintf(detail, sizeof detail, "%.15g", param->range->min);
    else if (problem == TDM__ABOVE)
        snprintf(detail, sizeof detail, "%.15g", param->range->max);
    else if (problem == TDM__NO_CHOICE)
        name_choices(detail, sizeof detail, param->choices);
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "%s%s", words[problem].message, detail);
    write_head(w, words[problem].type, place, param->name, message);
    write_input(w, param->name, values);
    if (problem == TDM__BELOW) {
        write_limit(w, "ge", param->range->min);
    } else if (problem == TDM__ABOVE) {
        write_limit(w, "le", param->range->max);
    } else if (problem == TDM__NO_CHOICE) {
        tdm_json_key(w, "ctx");
        tdm_json_object_begin(w);
        tdm_json_key(w, "expected");
        tdm_json_string(w, detail);
        tdm_json_object_end(w);
    }
    tdm_json_object_end(w);
}

void tdm__problem_value(tdm_json_writer *w, const char *place, const char *name, const char *input, const char *why)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "Value error, %s", why);
    tdm__problem_begin(w);
    write_head(w, "value_error", place, name, message);
    tdm_json_string(w, input);
    tdm_json_object_end(w);
    tdm__problem_end(w);
}
