/* SPDX-License-Identifier: MIT */
/** @file
 *  What a value must be, declared as a table next to the C struct it fills.
 *
 *  The same table reads (parameters of a request, a JSON body), writes (tdm_json_struct()) and documents (OpenAPI).
 *  What does not fit is answered with 422 in the shape of FastAPI with pydantic 2, all of it at once.
 *
 *      struct item { const char *name; double price; tdm_list tags; };
 *      static const tdm_field item_fields[] = {
 *          {.name = "name", .type = TDM_STRING, .offset = offsetof(struct item, name), .max_length = 40},
 *          {.name = "price", .type = TDM_FLOAT, .offset = offsetof(struct item, price), .range = TDM_RANGE(0, 1e6)},
 *          {.name = "tags", .type = TDM_STRING, .offset = offsetof(struct item, tags), .list = true, .optional = true},
 *          {0},
 *      };
 *      static const tdm_schema item_schema = {.name = "Item", .fields = item_fields, .size = sizeof(struct item)}; */
#ifndef TANDEM_SCHEMA_H
#define TANDEM_SCHEMA_H

#include <tandem/base.h>
#include <tandem/json.h>

TDM_BEGIN

/** Where a parameter is looked for. Of a member of a JSON body it says nothing. */
typedef enum tdm_param_in { TDM_QUERY, TDM_PATH, TDM_HEADER, TDM_COOKIE } tdm_param_in;

/** The type of a value, and of the struct's field that takes it. */
typedef enum tdm_type {
    TDM_INT,    /**< int64_t */
    TDM_FLOAT,  /**< double, finite */
    TDM_STRING, /**< const char *, UTF-8, owned by the request */
    TDM_ENUM,   /**< int: the index in `choices` */
    TDM_BOOL,   /**< bool */
    TDM_OBJECT, /**< the struct of `object`, in place; only in a JSON body */
    TDM_JSON,   /**< const char *: any JSON value, as its text; only in a JSON body */
} tdm_type;

/** The field of a table entry with `list`: `items` are `count` values of the entry's type, one after another. */
typedef struct tdm_list {
    size_t count;
    void *items; /**< NULL when there are none */
} tdm_list;

typedef struct tdm_range {
    double min, max;
    bool above_min, below_max; /**< the end itself is not allowed */
} tdm_range;
/** For `.range`: both ends are allowed. INFINITY and -INFINITY are no limit on their side. */
#define TDM_RANGE(lo, hi) (&(const tdm_range){(lo), (hi), false, false})
/** For `.range`: neither end is allowed. */
#define TDM_BETWEEN(lo, hi) (&(const tdm_range){(lo), (hi), true, true})

typedef struct tdm_schema tdm_schema;

/** One value. A table of them ends with a NULL name. */
typedef struct tdm_field {
    const char *name; /**< of a TDM_HEADER parameter: the field's name, upper and lower case alike */
    tdm_param_in in;
    tdm_type type;
    size_t offset;        /**< offsetof the field to fill */
    const char *fallback; /**< the default as text; NULL with `optional`: the field stays zero */
    bool optional;        /**< may be missing though it has no fallback; in a body also null */
    bool list; /**< several values: the field is a tdm_list. Given in the query (or a header) once for each */
    const tdm_range *range;     /**< for numbers; NULL: any */
    const char *const *choices; /**< for TDM_ENUM: NULL-terminated */
    size_t given; /**< offsetof a bool to set when the client gave a value; 0: none (so it is not the first field) */
    unsigned min_length, max_length; /**< of a string, in characters; 0: any */
    unsigned min_items, max_items;   /**< of a list; 0: any, and at most TDM_MAX_ITEMS */
    double multiple_of;              /**< for numbers; 0: any */
    const char *pattern;             /**< a regular expression (PCRE2, UTF) found in the string; NULL: any string */
    const tdm_schema *object;        /**< for TDM_OBJECT */
    const char *summary;             /**< for people, in the documentation; or NULL */
} tdm_field;

/** A field that stands in a table of parameters. */
typedef tdm_field tdm_param;

/** An object: its members and the struct they fill. Names are unique in an app's documentation. */
struct tdm_schema {
    const char *name; /**< "Item" */
    const tdm_field *fields;
    size_t size;         /**< sizeof the struct */
    bool strict;         /**< members that no field has are wrong, not passed over */
    const char *summary; /**< for people; or NULL */
};

/** The most problems that one 422 lists, and the longest `input` (in bytes) that it gives back; longer ones are left
 *  out. Both bound what a bad request can make the server write. */
#define TDM_MAX_PROBLEMS 100
#define TDM_MAX_PROBLEM_INPUT 1024
/** The most items of a list in a body, unless `max_items` says otherwise. */
#define TDM_MAX_ITEMS 10000

/** Write `from`, a struct that `schema` describes, as a JSON object. Optional fields whose `given` is not set, and
 *  optional strings that are NULL, become null. Any thread. Errors stick to the writer: -EINVAL for an enum's index outside its
 *  choices, or a TDM_JSON text that is not one JSON value. */
TDM_API void tdm_json_struct(tdm_json_writer *w, const tdm_schema *schema, const void *from);

TDM_END

#endif
