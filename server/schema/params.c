/* SPDX-License-Identifier: MIT */
/* DESIGN: a route's parameters against what the client sent. Every parameter is looked at, so that one answer lists all
 * that is wrong, in the shape of FastAPI with pydantic 2 (the same `type` values and messages). Where FastAPI quietly
 * takes the last of two values, a scalar given twice is wrong here: a client that sends two does not know which one
 * counts. Names that no parameter has are ignored, as in FastAPI. A string is UTF-8 wherever it came from: where FastAPI
 * takes the bytes of a header field for ISO 8859-1, others than UTF-8 are wrong here. */
#include "server/schema/params.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "server/schema/value.h"

static bool is_called(const tdm__pair *pair, const tdm__rule *rule)
{
    if (pair->name_size != rule->name_size)
        return false;
    if (rule->field->in == TDM_HEADER)
        return strcasecmp(pair->name, rule->field->name) == 0;
    return memcmp(pair->name, rule->field->name, rule->name_size) == 0;
}

static tdm__problem wrong_as_list(tdm_type type)
{
    switch (type) {
    case TDM_INT:
        return TDM__INT_TYPE;
    case TDM_FLOAT:
        return TDM__FLOAT_TYPE;
    case TDM_BOOL:
        return TDM__BOOL_TYPE;
    case TDM_ENUM:
        return TDM__NO_CHOICE;
    case TDM_STRING:
    case TDM_OBJECT:
    case TDM_JSON:
        break;
    }
    return TDM__STRING_TYPE;
}

/* Queries and paths are decoded to UTF-8 or refused; header fields come as they are, and may hold any bytes from 0x80 on
 * (RFC 9110, 5.5: obs-text). */
static tdm__problem judge(const tdm__rule *rule, const tdm__pair *pair, void *to)
{
    bool raw = rule->field->in == TDM_HEADER || rule->field->in == TDM_COOKIE;
    if (raw && rule->field->type == TDM_STRING && !tdm__is_utf8(pair->value, pair->value + pair->value_size))
        return TDM__NOT_UTF8;
    return tdm__value_text(rule, pair->value, pair->value_size, to);
}

/* Where things go while a table is filled. */
typedef struct filling {
    void *into;
    tdm__arena *arena;
    tdm__problems *problems;
} filling;

static void add(const filling *f, tdm__problem problem, const tdm__rule *rule, const tdm__loc *more,
                const tdm__input *input)
{
    const tdm__loc place = {.name = tdm__place_name(rule->field->in)};
    const tdm__loc name = {.up = &place, .name = rule->field->name};
    tdm__loc item = more ? *more : name;
    if (more)
        item.up = &name;
    tdm__problems_add(f->problems, problem, rule->field, &item, input);
}

static void note_given(const filling *f, const tdm__rule *rule)
{
    if (rule->field->given)
        memcpy((char *) f->into + rule->field->given, &(bool){true}, sizeof(bool));
}

static void fill_one(const filling *f, const tdm__rule *rule, const tdm__pairs *values)
{
    const tdm__pair *pair = NULL;
    size_t times = 0;
    for (size_t i = 0; i < values->count; i++) {
        if (is_called(&values->list[i], rule) && times++ == 0)
            pair = &values->list[i];
    }
    tdm__problem problem = TDM__RIGHT;
    tdm__input input = {.kind = TDM__INPUT_NONE};
    if (times == 1) {
        note_given(f, rule);
        input = (tdm__input){.kind = TDM__INPUT_TEXT, .text = pair->value, .size = pair->value_size};
        problem = judge(rule, pair, (char *) f->into + rule->field->offset);
    } else if (times > 1) {
        input = (tdm__input){.kind = TDM__INPUT_TEXTS, .text = rule->field->name, .pairs = values, .count = times};
        input.fold = rule->field->in == TDM_HEADER;
        problem = wrong_as_list(rule->field->type);
    } else if (!rule->field->fallback && !rule->field->optional) {
        problem = TDM__MISSING;
    }
    if (problem != TDM__RIGHT)
        add(f, problem, rule, NULL, &input);
}

static int fill_list(const filling *f, const tdm__rule *rule, const tdm__pairs *values)
{
    const tdm_field *field = rule->field;
    size_t count = 0;
    for (size_t i = 0; i < values->count; i++)
        count += is_called(&values->list[i], rule);
    tdm__input all = {.kind = TDM__INPUT_TEXTS,
                      .text = field->name,
                      .pairs = values,
                      .count = count,
                      .fold = field->in == TDM_HEADER};
    if (count == 0) {
        if (!field->optional)
            add(f, TDM__MISSING, rule, NULL, &(tdm__input){.kind = TDM__INPUT_NONE});
        return 0;
    }
    note_given(f, rule);
    tdm_list list = {.count = count, .items = tdm__arena_alloc(f->arena, count * rule->size)};
    if (!list.items)
        return -ENOMEM;
    memset(list.items, 0, count * rule->size);
    size_t at = 0;
    for (size_t i = 0; i < values->count; i++) {
        const tdm__pair *pair = &values->list[i];
        if (!is_called(pair, rule))
            continue;
        tdm__problem problem = judge(rule, pair, (char *) list.items + at * rule->size);
        tdm__input one = {.kind = TDM__INPUT_TEXT, .text = pair->value, .size = pair->value_size};
        if (problem != TDM__RIGHT)
            add(f, problem, rule, &(tdm__loc){.index = at}, &one);
        at++;
    }
    if (count < field->min_items)
        add(f, TDM__FEW_ITEMS, rule, NULL, &all);
    if (field->max_items && count > field->max_items)
        add(f, TDM__MANY_ITEMS, rule, NULL, &all);
    memcpy((char *) f->into + field->offset, &list, sizeof list);
    return 0;
}

int tdm__params_fill(const tdm__plan *plan, void *into, const tdm__sources *sources, tdm__arena *arena,
                     tdm__problems *problems)
{
    static const tdm_param_in order[] = {TDM_PATH, TDM_QUERY, TDM_HEADER, TDM_COOKIE}; /* as FastAPI lists them */
    const filling f = {into, arena, problems};
    memcpy(into, plan->defaults, plan->size);
    for (size_t place = 0; place < sizeof order / sizeof order[0]; place++) {
        const tdm__pairs *values = &sources->from[order[place]];
        for (unsigned i = 0; plan->places[order[place]] && i < plan->count; i++) {
            const tdm__rule *rule = &plan->rules[i];
            if (rule->field->in != order[place])
                continue;
            int err = 0;
            if (rule->field->list)
                err = fill_list(&f, rule, values);
            else
                fill_one(&f, rule, values);
            if (err)
                return err;
        }
    }
    return 0;
}
