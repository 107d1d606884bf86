/* SPDX-License-Identifier: MIT */
/* DESIGN: JSON goes into the struct straight from its text, without a tree between: the text is checked first, so that
 * what reads it here can trust its grammar and its depth, and integers keep all their digits. Conversions are those of
 * pydantic's lax mode ("5" is a number, 1 is true). A name that is there twice makes the body no JSON, because two
 * readers could each see another value: known names are seen here, and only where unknown ones came is the whole text
 * looked through for doubles.
 * Recursion is that of the text, which is at most TDM_JSON_MAX_DEPTH deep; frames are kept small for a fiber's sake. */
#include "server/schema/body.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/schema/number.h"
#include "server/schema/value.h"
#include "tasks/json_text.h"

#define TOO_LARGE 9223372036854775808.0 /* 2 to the 63rd: the first that int64_t does not hold */

typedef struct reader {
    const char *at, *start;
    tdm__arena *arena;
    tdm__problems *problems;
    bool unknown;      /* a member that no rule names was passed over */
    int err;           /* -ENOMEM; -EBADMSG: not JSON after all: stop, it was said */
    const char *twice; /* -EBADMSG: the name that came a second time */
} reader;

static void read_value(reader *r, const tdm__rule *rule, char *to, bool whole, const tdm__loc *loc);

static void skip_space(reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
        r->at++;
}

static void wrong(reader *r, tdm__problem problem, const tdm__rule *rule, const tdm__loc *loc, const char *from,
                  size_t count)
{
    tdm__input input = {.kind = TDM__INPUT_JSON, .text = from, .size = (size_t) (r->at - from), .count = count};
    tdm__problems_add(r->problems, problem, rule ? rule->field : NULL, loc, &input);
}

/* Past a string, from its opening quote. @return does it have escapes? */
static bool skip_string(reader *r)
{
    bool escapes = false;
    for (r->at++; *r->at != '"'; r->at++) {
        if (*r->at == '\\') {
            escapes = true;
            r->at++;
        }
    }
    r->at++;
    return escapes;
}

static void skip_value(reader *r)
{
    unsigned depth = 0;
    do {
        skip_space(r);
        switch (*r->at) {
        case '"':
            skip_string(r);
            break;
        case '{':
        case '[':
            depth++;
            r->at++;
            break;
        case '}':
        case ']':
            depth--;
            r->at++;
            break;
        case ',':
        case ':':
            r->at++;
            break;
        default:
            r->at += strcspn(r->at, ",:]}\" \t\r\n");
        }
    } while (depth);
}

/* Take a string, decoded. @return NULL: no memory. */
static const char *take_string(reader *r, size_t *size)
{
    const char *from = r->at + 1;
    bool escapes = skip_string(r);
    *size = (size_t) (r->at - 1 - from);
    char *copy = tdm__arena_copy(r->arena, from, *size);
    if (!copy)
        r->err = -ENOMEM;
    else if (escapes)
        *size = tdm__json_unescape(copy, *size);
    return copy;
}

static const char *take_number(reader *r, size_t *size)
{
    const char *from = r->at;
    *size = strspn(from, "+-.0123456789eE");
    r->at += *size;
    return from;
}

/* ---- scalars ---- */

static tdm__problem int_of_number(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    double value;
    if (strcspn(text, ".eE") >= size)
        return tdm__value_text(rule, text, size, to);
    if (tdm__number_float(text, size, &value))
        return TDM__NOT_FINITE;
    if (fabs(value) >= TOO_LARGE && value != -TOO_LARGE)
        return TDM__INT_SIZE;
    if (value != trunc(value))
        return TDM__INT_FRACTION;
    return tdm__value_int(rule, (int64_t) value, to);
}

static tdm__problem of_number(const tdm__rule *rule, const char *text, size_t size, void *to)
{
    double value;
    switch (rule->field->type) {
    case TDM_INT:
        return int_of_number(rule, text, size, to);
    case TDM_FLOAT:
        return tdm__value_text(rule, text, size, to);
    case TDM_BOOL:
        if (tdm__number_float(text, size, &value) || (value != 0 && value != 1))
            return TDM__BOOL_PARSING;
        return tdm__value_bool(value != 0, to);
    case TDM_ENUM:
        return TDM__NO_CHOICE;
    case TDM_STRING:
    case TDM_OBJECT:
    case TDM_JSON:
        break;
    }
    return TDM__STRING_TYPE;
}

static tdm__problem of_word(const tdm__rule *rule, bool value, void *to)
{
    switch (rule->field->type) {
    case TDM_BOOL:
        return tdm__value_bool(value, to);
    case TDM_INT:
        return tdm__value_int(rule, value, to);
    case TDM_FLOAT:
        return tdm__value_float(rule, value, to);
    case TDM_ENUM:
        return TDM__NO_CHOICE;
    case TDM_STRING:
    case TDM_OBJECT:
    case TDM_JSON:
        break;
    }
    return TDM__STRING_TYPE;
}

static tdm__problem wrong_type(tdm_type type)
{
    static const tdm__problem problems[] = {
        [TDM_INT] = TDM__INT_TYPE,     [TDM_FLOAT] = TDM__FLOAT_TYPE, [TDM_STRING] = TDM__STRING_TYPE,
        [TDM_ENUM] = TDM__NO_CHOICE,   [TDM_BOOL] = TDM__BOOL_TYPE,   [TDM_OBJECT] = TDM__OBJECT_TYPE,
        [TDM_JSON] = TDM__STRING_TYPE,
    };
    return problems[type];
}

static void read_scalar(reader *r, const tdm__rule *rule, char *to, const tdm__loc *loc)
{
    const char *from = r->at, *text;
    size_t size;
    tdm__problem problem;
    switch (*from) {
    case '"':
        text = take_string(r, &size);
        if (!text)
            return;
        problem = tdm__value_text(rule, text, size, to);
        break;
    case 't':
    case 'f':
        r->at += *from == 't' ? 4 : 5;
        problem = of_word(rule, *from == 't', to);
        break;
    case '{':
    case '[':
    case 'n':
        skip_value(r);
        problem = wrong_type(rule->field->type);
        break;
    default:
        text = take_number(r, &size);
        problem = of_number(rule, text, size, to);
    }
    if (problem != TDM__RIGHT)
        wrong(r, problem, rule, loc, from, 0);
}

static void read_json(reader *r, char *to)
{
    const char *from = r->at;
    skip_value(r);
    const char *copy = tdm__arena_copy(r->arena, from, (size_t) (r->at - from));
    if (copy)
        memcpy(to, &copy, sizeof copy);
    else
        r->err = -ENOMEM;
}

/* ---- objects ---- */

/* The rule of a name; names mostly come in the table's order, so the search begins behind the last one. */
static const tdm__rule *find_rule(const tdm__plan *plan, const char *name, size_t size, unsigned *hint)
{
    for (unsigned i = 0; i < plan->count; i++) {
        unsigned at = *hint + i < plan->count ? *hint + i : *hint + i - plan->count;
        const tdm__rule *rule = &plan->rules[at];
        if (rule->name_size == size && memcmp(rule->field->name, name, size) == 0) {
            *hint = at + 1 < plan->count ? at + 1 : 0;
            return rule;
        }
    }
    return NULL;
}

/* The name at hand; escaped ones are decoded. Stands behind the colon afterwards. */
static const char *take_name(reader *r, size_t *size)
{
    const char *name = r->at + 1, *quote = r->at;
    if (skip_string(r)) {
        r->at = quote;
        name = take_string(r, size);
    } else {
        *size = (size_t) (r->at - 1 - name);
    }
    skip_space(r);
    r->at++; /* the colon */
    skip_space(r);
    return name;
}

static void pass_over(reader *r, const tdm__plan *plan, const char *name, size_t size, const tdm__loc *loc)
{
    const char *from = r->at;
    skip_value(r);
    r->unknown = true;
    if (!plan->schema->strict)
        return;
    const char *copy = tdm__arena_copy(r->arena, name, size);
    if (copy)
        wrong(r, TDM__EXTRA, NULL, &(tdm__loc){.up = loc, .name = copy}, from, 0);
    else
        r->err = -ENOMEM;
}

/* @return a set bit: this rule's member came already. */
static bool note_seen(uint64_t *seen, const tdm__plan *plan, const tdm__rule *rule)
{
    size_t i = (size_t) (rule - plan->rules);
    uint64_t bit = UINT64_C(1) << (i % 64);
    bool before = seen[i / 64] & bit;
    seen[i / 64] |= bit;
    return before;
}

static void note_missing(reader *r, const tdm__plan *plan, const uint64_t *seen, const tdm__loc *loc, const char *from)
{
    for (unsigned i = 0; i < plan->count; i++) {
        const tdm_field *field = plan->rules[i].field;
        if ((seen[i / 64] >> (i % 64) & 1) || field->optional || field->fallback)
            continue;
        wrong(r, TDM__MISSING, &plan->rules[i], &(tdm__loc){.up = loc, .name = field->name}, from, 0);
    }
}

/* From the brace on. */
static void read_object(reader *r, const tdm__plan *plan, char *into, const tdm__loc *loc)
{
    uint64_t seen[TDM__MAX_FIELDS / 64] = {0};
    const char *from = r->at++;
    unsigned hint = 0;
    memcpy(into, plan->defaults, plan->size);
    for (skip_space(r); !r->err && *r->at != '}'; skip_space(r)) {
        size_t size;
        const char *name = take_name(r, &size);
        const tdm__rule *rule = name ? find_rule(plan, name, size, &hint) : NULL;
        if (rule && note_seen(seen, plan, rule)) {
            r->twice = rule->field->name;
            r->err = -EBADMSG;
            return;
        }
        if (rule) {
            if (rule->field->given && *r->at != 'n')
                memcpy(into + rule->field->given, &(bool){true}, sizeof(bool));
            read_value(r, rule, into + rule->field->offset, true, &(tdm__loc){.up = loc, .name = rule->field->name});
        } else if (name) {
            pass_over(r, plan, name, size, loc);
        }
        skip_space(r);
        r->at += *r->at == ',';
    }
    if (r->err)
        return;
    r->at++;
    note_missing(r, plan, seen, loc, from);
}

/* ---- lists ---- */

/* Room for one more item. @return where it goes, zeroed; NULL: no memory. */
static char *grow_list(reader *r, const tdm__rule *rule, tdm_list *list, size_t *capacity)
{
    if (list->count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 4;
        char *items = tdm__arena_alloc(r->arena, more * rule->size);
        if (!items) {
            r->err = -ENOMEM;
            return NULL;
        }
        if (list->count)
            memcpy(items, list->items, list->count * rule->size);
        list->items = items;
        *capacity = more;
    }
    char *item = (char *) list->items + list->count * rule->size;
    memset(item, 0, rule->size);
    return item;
}

static void read_list(reader *r, const tdm__rule *rule, char *to, const tdm__loc *loc)
{
    const size_t max = rule->field->max_items ? rule->field->max_items : TDM_MAX_ITEMS;
    const char *from = r->at++;
    tdm_list list = {0};
    size_t count = 0, capacity = 0;
    for (skip_space(r); !r->err && *r->at != ']'; skip_space(r), count++) {
        char *item = count < max ? grow_list(r, rule, &list, &capacity) : NULL;
        if (item) {
            read_value(r, rule, item, false, &(tdm__loc){.up = loc, .index = count});
            list.count++;
        } else {
            skip_value(r);
            r->unknown = true;
        }
        skip_space(r);
        r->at += *r->at == ',';
    }
    if (r->err)
        return;
    r->at++;
    if (count < rule->field->min_items)
        wrong(r, TDM__FEW_ITEMS, rule, loc, from, count);
    else if (count > max)
        wrong(r, TDM__MANY_ITEMS, rule, loc, from, count);
    memcpy(to, &list, sizeof list);
}

/* ---- any value ---- */

/* @param whole: the field's value; else an item of its list. */
static void read_value(reader *r, const tdm__rule *rule, char *to, bool whole, const tdm__loc *loc)
{
    const char *from = r->at;
    bool list = rule->field->list && whole;
    if (whole && *from == 'n' && rule->field->optional) {
        r->at += 4;
    } else if (list && *from != '[') {
        skip_value(r);
        wrong(r, TDM__LIST_TYPE, rule, loc, from, 0);
    } else if (list) {
        read_list(r, rule, to, loc);
    } else if (rule->field->type == TDM_JSON) {
        r->unknown = r->unknown || *from == '{' || *from == '[';
        read_json(r, to);
    } else if (rule->field->type == TDM_OBJECT && *from == '{') {
        read_object(r, rule->object, to, loc);
    } else {
        read_scalar(r, rule, to, loc);
    }
}

/* Something was passed over that might hold a name twice. */
static int check_names(reader *r, const char *text, size_t size)
{
    size_t at;
    char name[128];
    int err = tdm__json_unique(text, size, &at, name, sizeof name);
    if (err != -EEXIST)
        return err;
    char why[192];
    snprintf(why, sizeof why, "the name \"%s\" is there twice", name);
    tdm__problems_add_json(r->problems, at, why);
    return 0;
}

static int read_document(reader *r, const tdm__plan *plan, void *into, size_t size)
{
    static const tdm__loc body = {.name = "body"};
    unsigned before = r->problems->count;
    skip_space(r);
    if (*r->at == '{') {
        read_object(r, plan, into, &body);
    } else {
        const char *from = r->at;
        skip_value(r);
        r->unknown = true;
        wrong(r, TDM__OBJECT_TYPE, NULL, &body, from, 0);
    }
    /* Where values are wrong already, the client hears of a double name after it has mended them. */
    if (!r->err && r->unknown && r->problems->count == before)
        return check_names(r, r->start, size);
    return r->err;
}

int tdm__body_fill(const tdm__plan *plan, void *into, const char *text, size_t size, tdm__arena *arena,
                   tdm__problems *problems)
{
    reader r = {.at = text, .start = text, .arena = arena, .problems = problems};
    static const tdm__loc body = {.name = "body"};
    memcpy(into, plan->defaults, plan->size);
    if (size == 0) {
        tdm__problems_add(problems, TDM__MISSING, NULL, &body, &(tdm__input){.kind = TDM__INPUT_NONE});
        return 0;
    }
    size_t at = 0;
    const char *why = NULL;
    if (tdm__json_check_why(text, size, &at, &why)) {
        tdm__problems_add_json(problems, at, why);
        return 0;
    }
    int err = read_document(&r, plan, into, size);
    if (err != -EBADMSG)
        return err;
    char words[192];
    snprintf(words, sizeof words, "the name \"%.128s\" is there twice", r.twice);
    tdm__problems_add_json(problems, (size_t) (r.at - text), words);
    return 0;
}
