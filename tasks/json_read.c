/* SPDX-License-Identifier: MIT */
/* DESIGN: JSON in. The one file that knows cJSON: a tdm_json is a cJSON item, seen through a cast. The text is checked
 * before (json_check.c), so cJSON never meets deep or malformed text here, and when it fails memory ran out. Getters
 * take NULL, so that a chain of them needs one question at its end. */
#include <tandem/json.h>

#include <errno.h>
#include <math.h>

#include <cjson/cJSON.h>

#include "tasks/json_text.h"

static const cJSON *item_of(const tdm_json *value)
{
    return (const cJSON *) value;
}

int tdm_json_parse(tdm_json **out, const char *text, size_t size, size_t *error_at)
{
    int err = tdm__json_check(text, size, error_at);
    if (err)
        return err;
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (!root)
        return -ENOMEM;
    *out = (tdm_json *) root;
    return 0;
}

void tdm_json_destroy(tdm_json **root)
{
    if (!root)
        return;
    cJSON_Delete((cJSON *) *root);
    *root = NULL;
}

const tdm_json *tdm_json_get(const tdm_json *value, const char *key)
{
    if (!tdm_json_is_object(value))
        return NULL;
    return (const tdm_json *) cJSON_GetObjectItemCaseSensitive(item_of(value), key);
}

const tdm_json *tdm_json_first(const tdm_json *value)
{
    if (!tdm_json_is_object(value) && !tdm_json_is_array(value))
        return NULL;
    return (const tdm_json *) item_of(value)->child;
}

const tdm_json *tdm_json_next(const tdm_json *element)
{
    return element ? (const tdm_json *) item_of(element)->next : NULL;
}

bool tdm_json_as_double(const tdm_json *value, double *out)
{
    if (!cJSON_IsNumber(item_of(value)) || !isfinite(item_of(value)->valuedouble))
        return false;
    *out = item_of(value)->valuedouble;
    return true;
}

bool tdm_json_as_int(const tdm_json *value, int64_t *out)
{
    double number;
    if (!tdm_json_as_double(value, &number) || !(fabs(number) < 0x1p53) || number != trunc(number))
        return false;
    *out = (int64_t) number;
    return true;
}

bool tdm_json_as_bool(const tdm_json *value, bool *out)
{
    if (!cJSON_IsBool(item_of(value)))
        return false;
    *out = cJSON_IsTrue(item_of(value));
    return true;
}

bool tdm_json_as_string(const tdm_json *value, const char **out)
{
    if (!cJSON_IsString(item_of(value)))
        return false;
    *out = item_of(value)->valuestring;
    return true;
}

bool tdm_json_is_null(const tdm_json *value)
{
    return cJSON_IsNull(item_of(value));
}

bool tdm_json_is_array(const tdm_json *value)
{
    return cJSON_IsArray(item_of(value));
}

bool tdm_json_is_object(const tdm_json *value)
{
    return cJSON_IsObject(item_of(value));
}
