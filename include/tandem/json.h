/* SPDX-License-Identifier: MIT */
/** @file
 *  JSON out and JSON in.
 *
 *  Out: a writer that appends to a growing buffer. Errors are sticky: write the whole document, then ask once.
 *  In: a parsed, read-only tree. Text nested deeper than TDM_JSON_MAX_DEPTH is refused before it is parsed, so that
 *  reading JSON is safe on a fiber's small stack.
 *  A writer or a tree has one owner: calls on the same one must not overlap. */
#ifndef TANDEM_JSON_H
#define TANDEM_JSON_H

#include <tandem/base.h>

TDM_BEGIN

#define TDM_JSON_MAX_DEPTH 64

/* ---- out ---- */

/** A writer in storage of the caller, and not to be copied: what is written lies in it as long as it is short, and a small
 *  document costs no allocation. Fields that start with an underscore are private. */
typedef struct tdm_json_writer {
    char *_data;
    size_t _size, _capacity;
    uint64_t _objects;
    int _error, _depth;
    bool _comma, _key;
    char _room[256];
} tdm_json_writer;

TDM_API void tdm_json_init(tdm_json_writer *w);
/** Free the buffer. */
TDM_API void tdm_json_finish(tdm_json_writer *w);

TDM_API void tdm_json_object_begin(tdm_json_writer *w);
TDM_API void tdm_json_object_end(tdm_json_writer *w);
TDM_API void tdm_json_array_begin(tdm_json_writer *w);
TDM_API void tdm_json_array_end(tdm_json_writer *w);
/** The name of the member that the next value belongs to. */
TDM_API void tdm_json_key(tdm_json_writer *w, const char *key);

/** NUL-terminated text; NULL writes null. Control characters, quotes and backslashes are escaped; bytes that are not
 *  UTF-8 become U+FFFD, so that the document is always valid. */
TDM_API void tdm_json_string(tdm_json_writer *w, const char *text);
TDM_API void tdm_json_string_n(tdm_json_writer *w, const char *text, size_t size);
TDM_API void tdm_json_int(tdm_json_writer *w, int64_t value);
TDM_API void tdm_json_uint(tdm_json_writer *w, uint64_t value);
/** The shortest form that reads back as the same double. JSON has no NaN or infinity: they become "NaN", "Infinity",
 *  "-Infinity" (strings). */
TDM_API void tdm_json_double(tdm_json_writer *w, double value);
/** Seconds from nanoseconds, with nanosecond digits and no rounding error. */
TDM_API void tdm_json_seconds(tdm_json_writer *w, int64_t ns);
TDM_API void tdm_json_bool(tdm_json_writer *w, bool value);
TDM_API void tdm_json_null(tdm_json_writer *w);
/** One complete JSON value, as it is. */
TDM_API void tdm_json_raw(tdm_json_writer *w, const char *json);
TDM_API void tdm_json_raw_n(tdm_json_writer *w, const char *json, size_t size);

/** The document (NUL-terminated; owned by the writer, valid until the next call on it).
 *  @param size where its length goes, or NULL.
 *  @return NULL if memory ran out or the document is not complete; tdm_json_error() tells which. */
TDM_API const char *tdm_json_text(const tdm_json_writer *w, size_t *size);
/** 0; -ENOMEM; -EINVAL: the calls do not make up one document (nothing was written, or two values; a key without a
 *  value, or a member without a key; an end that does not fit its begin; an object or array still open, or nested
 *  deeper than TDM_JSON_MAX_DEPTH). */
TDM_API int tdm_json_error(const tdm_json_writer *w);

/* ---- in ---- */

typedef struct tdm_json tdm_json;

/** Parse one JSON document, strictly (RFC 8259, in UTF-8). Three things that the grammar allows are refused as well,
 *  because they would be read wrongly: the escape \u0000 (strings end at a NUL), half a surrogate pair, and numbers
 *  of more than 63 characters.
 *  @param error_at where the offset of the first wrong byte goes on -EINVAL, or NULL.
 *  @return 0; -EINVAL: not JSON (text after the document included); -E2BIG: nested deeper than TDM_JSON_MAX_DEPTH;
 *          -ENOMEM. */
TDM_API int tdm_json_parse(tdm_json **out, const char *text, size_t size, size_t *error_at);
/** Free a document (its root only). NULL is accepted; *root becomes NULL. */
TDM_API void tdm_json_destroy(tdm_json **root);

/** A member of an object, by its exact name (the first, if it is there twice); NULL if there is none, or `value` is
 *  NULL or not an object. */
TDM_API const tdm_json *tdm_json_get(const tdm_json *value, const char *key);
/** Walk an array (or an object's members): the first element, and the one after. NULL at the end. */
TDM_API const tdm_json *tdm_json_first(const tdm_json *value);
TDM_API const tdm_json *tdm_json_next(const tdm_json *element);

/** Read a value. @return true, and *out is set; false, and *out is as before, if `value` is NULL or of another type,
 *  or a number too large for a double. */
TDM_API bool tdm_json_as_double(const tdm_json *value, double *out);
/** Integers below 2^53 are exact; a number with a fraction, or from 2^53 on (where a double no longer tells n from
 *  n + 1), gives false. */
TDM_API bool tdm_json_as_int(const tdm_json *value, int64_t *out);
TDM_API bool tdm_json_as_bool(const tdm_json *value, bool *out);
/** The string belongs to the document. */
TDM_API bool tdm_json_as_string(const tdm_json *value, const char **out);
TDM_API bool tdm_json_is_null(const tdm_json *value);
TDM_API bool tdm_json_is_array(const tdm_json *value);
TDM_API bool tdm_json_is_object(const tdm_json *value);

TDM_END

#endif
