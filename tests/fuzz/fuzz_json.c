/* SPDX-License-Identifier: MIT */
/* JSON from outside: whatever the bytes, a document or an error with its place; and what was read can be written and
 * read again. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <tandem/json.h>

#include "tests/fuzz/fuzz.h"

static void write_value(tdm_json_writer *w, const tdm_json *value)
{
    const char *text;
    double number;
    bool truth;
    if (tdm_json_is_object(value)) {
        /* Names are not given by the walk; the values alone show that every one can be reached. */
        tdm_json_array_begin(w);
        for (const tdm_json *v = tdm_json_first(value); v; v = tdm_json_next(v))
            write_value(w, v);
        tdm_json_array_end(w);
    } else if (tdm_json_is_array(value)) {
        tdm_json_array_begin(w);
        for (const tdm_json *v = tdm_json_first(value); v; v = tdm_json_next(v))
            write_value(w, v);
        tdm_json_array_end(w);
    } else if (tdm_json_as_string(value, &text)) {
        tdm_json_string(w, text);
    } else if (tdm_json_as_bool(value, &truth)) {
        tdm_json_bool(w, truth);
    } else if (tdm_json_as_double(value, &number)) {
        tdm_json_double(w, number);
    } else {
        tdm_json_null(w);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tdm_json *root = NULL, *again = NULL;
    size_t error_at = 0;
    int err = tdm_json_parse(&root, (const char *) data, size, &error_at);
    assert(err == 0 || err == -EINVAL || err == -E2BIG);
    if (err) {
        assert(!root && (err != -EINVAL || error_at <= size));
        return 0;
    }
    tdm_json_writer w;
    tdm_json_init(&w);
    write_value(&w, root);
    assert(tdm_json_error(&w) == 0);
    size_t text_size;
    const char *text = tdm_json_text(&w, &text_size);
    err = tdm_json_parse(&again, text, text_size, NULL);
    assert(err == 0);
    tdm_json_destroy(&again);
    tdm_json_finish(&w);
    tdm_json_destroy(&root);
    return 0;
}
