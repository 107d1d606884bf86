/* SPDX-License-Identifier: MIT */
/* DESIGN: the words of a 422. One table holds each kind's `type`, its message and what stands in its `ctx`; limits and
 * choices are put in where the message has a '%'. `input` is what the client sent: the text, a list if it sent several,
 * JSON as it stood in the body, null if it sent none; what is longer than TDM_MAX_PROBLEM_INPUT is left out, because a
 * small table and a large body would else make an answer many times as large as the question. */
#include "server/schema/problem.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a kind's `ctx` holds. */
typedef enum subject {
    NOTHING,
    MIN,
    MAX,
    MULTIPLE,
    MIN_LENGTH,
    MAX_LENGTH,
    PATTERN,
    EXPECTED,
    MIN_ITEMS,
    MAX_ITEMS
} subject;

static const struct {
    const char *type, *message;
    subject context;
    const char *key; /* in `ctx` */
} words[TDM__PROBLEMS] = {
    [TDM__RIGHT] = {"", "", NOTHING, NULL},
    [TDM__MISSING] = {"missing", "Field required", NOTHING, NULL},
    [TDM__INT_PARSING] = {"int_parsing", "Input should be a valid integer, unable to parse string as an integer",
                          NOTHING, NULL},
    [TDM__INT_SIZE] = {"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", NOTHING,
                       NULL},
    [TDM__INT_TYPE] = {"int_type", "Input should be a valid integer", NOTHING, NULL},
    [TDM__INT_FRACTION] = {"int_from_float", "Input should be a valid integer, got a number with a fractional part",
                           NOTHING, NULL},
    [TDM__FLOAT_PARSING] = {"float_parsing", "Input should be a valid number, unable to parse string as a number",
                            NOTHING, NULL},
    [TDM__FLOAT_TYPE] = {"float_type", "Input should be a valid number", NOTHING, NULL},
    [TDM__NOT_FINITE] = {"finite_number", "Input should be a finite number", NOTHING, NULL},
    [TDM__BOOL_PARSING] = {"bool_parsing", "Input should be a valid boolean, unable to interpret input", NOTHING, NULL},
    [TDM__BOOL_TYPE] = {"bool_type", "Input should be a valid boolean", NOTHING, NULL},
    [TDM__STRING_TYPE] = {"string_type", "Input should be a valid string", NOTHING, NULL},
    [TDM__NOT_UTF8] = {"string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string",
                       NOTHING, NULL},
    [TDM__BELOW] = {"greater_than_equal", "Input should be greater than or equal to %", MIN, "ge"},
    [TDM__ABOVE] = {"less_than_equal", "Input should be less than or equal to %", MAX, "le"},
    [TDM__NOT_ABOVE] = {"greater_than", "Input should be greater than %", MIN, "gt"},
    [TDM__NOT_BELOW] = {"less_than", "Input should be less than %", MAX, "lt"},
    [TDM__NOT_MULTIPLE] = {"multiple_of", "Input should be a multiple of %", MULTIPLE, "multiple_of"},
    [TDM__TOO_SHORT] = {"string_too_short", "String should have at least %", MIN_LENGTH, "min_length"},
    [TDM__TOO_LONG] = {"string_too_long", "String should have at most %", MAX_LENGTH, "max_length"},
    [TDM__NO_MATCH] = {"string_pattern_mismatch", "String should match pattern '%'", PATTERN, "pattern"},
    [TDM__NO_CHOICE] = {"enum", "Input should be %", EXPECTED, "expected"},
    [TDM__LIST_TYPE] = {"list_type", "Input should be a valid list", NOTHING, NULL},
    [TDM__FEW_ITEMS] = {"too_short", "List should have at least %", MIN_ITEMS, "min_length"},
    [TDM__MANY_ITEMS] = {"too_long", "List should have at most %", MAX_ITEMS, "max_length"},
    [TDM__OBJECT_TYPE] = {"model_attributes_type",
                          "Input should be a valid dictionary or object to extract fields from", NOTHING, NULL},
    [TDM__EXTRA] = {"extra_forbidden", "Extra inputs are not permitted", NOTHING, NULL},
    [TDM__NOT_JSON] = {"json_invalid", "JSON decode error", NOTHING, NULL},
};

_Static_assert(sizeof words / sizeof words[0] == TDM__PROBLEMS, "each kind has its words");

#define MESSAGE_MAX 768
#define DETAIL_MAX 512

const char *tdm__place_name(tdm_param_in in)
{
    static const char *const names[] = {"query", "path", "header", "cookie"};
    _Static_assert(TDM_QUERY == 0 && TDM_PATH == 1 && TDM_HEADER == 2 && TDM_COOKIE == 3, "in order");
    return names[in];
}

void tdm__problems_finish(tdm__problems *p)
{
    tdm_json_finish(&p->w);
}

int tdm__problems_end(tdm__problems *p)
{
    tdm_json_array_end(&p->w);
    tdm_json_object_end(&p->w);
    return tdm_json_error(&p->w) ? -ENOMEM : 0;
}

static void write_loc(tdm_json_writer *w, const tdm__loc *loc)
{
    if (loc->up)
        write_loc(w, loc->up);
    if (loc->name)
        tdm_json_string(w, loc->name);
    else
        tdm_json_uint(w, loc->index);
}

static void begin_entry(tdm__problems *p, const char *type, const tdm__loc *loc, const char *message)
{
    tdm_json_writer *w = &p->w;
    if (p->count++ == 0) {
        tdm_json_object_begin(w);
        tdm_json_key(w, "detail");
        tdm_json_array_begin(w);
    }
    tdm_json_object_begin(w);
    tdm_json_key(w, "type");
    tdm_json_string(w, type);
    tdm_json_key(w, "loc");
    tdm_json_array_begin(w);
    write_loc(w, loc);
    tdm_json_array_end(w);
    tdm_json_key(w, "msg");
    tdm_json_string(w, message);
}

static bool is_wanted(const tdm__input *input, const tdm__pair *pair)
{
    return (input->fold ? strcasecmp(pair->name, input->text) : strcmp(pair->name, input->text)) == 0;
}

static size_t size_of_texts(const tdm__input *input)
{
    size_t size = 0;
    for (size_t i = 0; i < input->pairs->count; i++)
        size += is_wanted(input, &input->pairs->list[i]) ? input->pairs->list[i].value_size : 0;
    return size;
}

static void write_input(tdm_json_writer *w, const tdm__input *input)
{
    size_t size = input->kind == TDM__INPUT_TEXTS ? size_of_texts(input) : input->size;
    if (size > TDM_MAX_PROBLEM_INPUT)
        return;
    tdm_json_key(w, "input");
    switch (input->kind) {
    case TDM__INPUT_NONE:
        tdm_json_null(w);
        break;
    case TDM__INPUT_TEXT:
        tdm_json_string_n(w, input->text, input->size);
        break;
    case TDM__INPUT_JSON:
        tdm_json_raw_n(w, input->text, input->size);
        break;
    case TDM__INPUT_TEXTS:
        tdm_json_array_begin(w);
        for (size_t i = 0; i < input->pairs->count; i++) {
            if (is_wanted(input, &input->pairs->list[i]))
                tdm_json_string(w, input->pairs->list[i].value);
        }
        tdm_json_array_end(w);
    }
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

static double limit_of(subject context, const tdm_field *field)
{
    switch (context) {
    case MIN:
        return field->range->min;
    case MAX:
        return field->range->max;
    case MULTIPLE:
        return field->multiple_of;
    case MIN_LENGTH:
        return field->min_length;
    case MAX_LENGTH:
        return field->max_length;
    case MIN_ITEMS:
        return field->min_items;
    case MAX_ITEMS:
        return field->max_items ? field->max_items : TDM_MAX_ITEMS;
    case NOTHING:
    case PATTERN:
    case EXPECTED:
        break;
    }
    return 0;
}

/* What the message names, in its words. */
static void write_detail(char *out, subject context, const tdm_field *field, size_t count)
{
    double limit = context != NOTHING ? limit_of(context, field) : 0;
    const char *plural = limit == 1 ? "" : "s";
    if (context == PATTERN)
        snprintf(out, DETAIL_MAX, "%s", field->pattern);
    else if (context == EXPECTED)
        name_choices(out, DETAIL_MAX, field->choices);
    else if (context == MIN_LENGTH || context == MAX_LENGTH)
        snprintf(out, DETAIL_MAX, "%.15g character%s", limit, plural);
    else if (context == MIN_ITEMS || context == MAX_ITEMS)
        snprintf(out, DETAIL_MAX, "%.15g item%s after validation, not %zu", limit, plural, count);
    else
        snprintf(out, DETAIL_MAX, "%.15g", limit);
}

static void write_context(tdm_json_writer *w, tdm__problem problem, const tdm_field *field, const char *detail,
                          size_t count)
{
    subject context = words[problem].context;
    if (context == NOTHING)
        return;
    tdm_json_key(w, "ctx");
    tdm_json_object_begin(w);
    bool items = context == MIN_ITEMS || context == MAX_ITEMS;
    if (items) {
        tdm_json_key(w, "field_type");
        tdm_json_string(w, "List");
    }
    tdm_json_key(w, words[problem].key);
    if (context == PATTERN || context == EXPECTED)
        tdm_json_string(w, detail);
    else
        tdm_json_double(w, limit_of(context, field));
    if (items) {
        tdm_json_key(w, "actual_length");
        tdm_json_uint(w, count);
    }
    tdm_json_object_end(w);
}

void tdm__problems_add(tdm__problems *p, tdm__problem problem, const tdm_field *field, const tdm__loc *loc,
                       const tdm__input *input)
{
    assert(problem > TDM__RIGHT && problem < TDM__PROBLEMS);
    if (tdm__problems_full(p))
        return;
    char detail[DETAIL_MAX], message[MESSAGE_MAX];
    const char *text = words[problem].message, *hole = strchr(text, '%');
    write_detail(detail, words[problem].context, field, input->count);
    if (hole)
        snprintf(message, sizeof message, "%.*s%s%s", (int) (hole - text), text, detail, hole + 1);
    begin_entry(p, words[problem].type, loc, hole ? message : text);
    write_input(&p->w, input);
    write_context(&p->w, problem, field, detail, input->count);
    tdm_json_object_end(&p->w);
}

void tdm__problems_add_json(tdm__problems *p, size_t at, const char *why)
{
    if (tdm__problems_full(p))
        return;
    const tdm__loc body = {.name = "body"}, place = {.up = &body, .index = at};
    tdm_json_writer *w = &p->w;
    begin_entry(p, words[TDM__NOT_JSON].type, &place, words[TDM__NOT_JSON].message);
    tdm_json_key(w, "input");
    tdm_json_object_begin(w);
    tdm_json_object_end(w);
    tdm_json_key(w, "ctx");
    tdm_json_object_begin(w);
    tdm_json_key(w, "error");
    tdm_json_string(w, why);
    tdm_json_object_end(w);
    tdm_json_object_end(w);
}

void tdm__problems_add_value(tdm__problems *p, const tdm__loc *loc, const char *input, const char *why)
{
    char message[MESSAGE_MAX];
    snprintf(message, sizeof message, "Value error, %s", why);
    begin_entry(p, "value_error", loc, message);
    tdm_json_key(&p->w, "input");
    tdm_json_string(&p->w, input);
    tdm_json_object_end(&p->w);
}
