/* SPDX-License-Identifier: MIT */
/* DESIGN: a struct back to JSON by the table that reads it, so that what a service takes and what it gives cannot drift
 * apart. Any table will do: nothing needs to be made ready for it. */
#include <string.h>

#include <tandem/schema.h>

#include "server/schema/value.h"
#include "tasks/json_text.h"

static void write_enum(tdm_json_writer *w, const tdm_field *field, int index)
{
    int count = 0;
    while (field->choices[count])
        count++;
    if (index >= 0 && index < count)
        tdm_json_string(w, field->choices[index]);
    else
        tdm_json_raw_n(w, "", 0); /* an error that sticks */
}

static void write_json(tdm_json_writer *w, const char *text)
{
    size_t at;
    if (!text)
        tdm_json_null(w);
    else if (tdm__json_check(text, strlen(text), &at) == 0)
        tdm_json_raw(w, text);
    else
        tdm_json_raw_n(w, "", 0);
}

static void write_one(tdm_json_writer *w, const tdm_field *field, const char *from)
{
    union {
        int64_t integer;
        double number;
        const char *text;
        int index;
        bool truth;
    } value;
    if (field->type == TDM_OBJECT) {
        tdm_json_struct(w, field->object, from);
        return;
    }
    memcpy(&value, from, tdm__value_size(field));
    switch (field->type) {
    case TDM_INT:
        tdm_json_int(w, value.integer);
        break;
    case TDM_FLOAT:
        tdm_json_double(w, value.number);
        break;
    case TDM_STRING:
        tdm_json_string(w, value.text);
        break;
    case TDM_ENUM:
        write_enum(w, field, value.index);
        break;
    case TDM_BOOL:
        tdm_json_bool(w, value.truth);
        break;
    case TDM_JSON:
        write_json(w, value.text);
        break;
    case TDM_OBJECT:
        break;
    }
}

static void write_list(tdm_json_writer *w, const tdm_field *field, const char *from)
{
    tdm_list list;
    memcpy(&list, from, sizeof list);
    tdm_json_array_begin(w);
    for (size_t i = 0; i < list.count; i++)
        write_one(w, field, (const char *) list.items + i * tdm__value_size(field));
    tdm_json_array_end(w);
}

void tdm_json_struct(tdm_json_writer *w, const tdm_schema *schema, const void *from)
{
    tdm_json_object_begin(w);
    for (const tdm_field *field = schema->fields; field->name; field++) {
        const char *at = from;
        bool given = true;
        if (field->optional && field->given)
            memcpy(&given, at + field->given, sizeof given);
        tdm_json_key(w, field->name);
        if (!given)
            tdm_json_null(w);
        else if (field->list)
            write_list(w, field, at + field->offset);
        else
            write_one(w, field, at + field->offset);
    }
    tdm_json_object_end(w);
}
