/* SPDX-License-Identifier: MIT */
/* What can be wrong with a value, and how FastAPI with pydantic 2 says it. Pure; any thread. */
#ifndef TANDEM_SERVER_SCHEMA_PROBLEM_H
#define TANDEM_SERVER_SCHEMA_PROBLEM_H

#include <tandem/schema.h>

#include "server/schema/query.h"

typedef enum tdm__problem {
    TDM__RIGHT,
    TDM__MISSING,
    TDM__INT_PARSING,
    TDM__INT_SIZE,
    TDM__INT_TYPE,
    TDM__INT_FRACTION,
    TDM__FLOAT_PARSING,
    TDM__FLOAT_TYPE,
    TDM__NOT_FINITE,
    TDM__BOOL_PARSING,
    TDM__BOOL_TYPE,
    TDM__STRING_TYPE,
    TDM__NOT_UTF8,
    TDM__BELOW,
    TDM__ABOVE,
    TDM__NOT_ABOVE,
    TDM__NOT_BELOW,
    TDM__NOT_MULTIPLE,
    TDM__TOO_SHORT,
    TDM__TOO_LONG,
    TDM__NO_MATCH,
    TDM__NO_CHOICE,
    TDM__LIST_TYPE,
    TDM__FEW_ITEMS,
    TDM__MANY_ITEMS,
    TDM__OBJECT_TYPE,
    TDM__EXTRA,
    TDM__NOT_JSON,
    TDM__PROBLEMS
} tdm__problem;

/* Where a value stands: a step, and the steps before it. */
typedef struct tdm__loc {
    const struct tdm__loc *up;
    const char *name; /* NULL: `index` */
    size_t index;
} tdm__loc;

/* The wrong value, as it is given back. */
typedef struct tdm__input {
    enum { TDM__INPUT_NONE, TDM__INPUT_TEXT, TDM__INPUT_JSON, TDM__INPUT_TEXTS } kind;
    const char *text; /* TEXT: the value; JSON: its document; TEXTS: the name that the wanted pairs have */
    size_t size;
    const tdm__pairs *pairs; /* TEXTS */
    bool fold;               /* TEXTS: names are the same in upper and lower case */
    size_t count;            /* of a list: its items */
} tdm__input;

/* A list of problems that becomes {"detail":[…]}. At most TDM_MAX_PROBLEMS are written. */
typedef struct tdm__problems {
    tdm_json_writer w;
    unsigned count;
} tdm__problems;

/* Zeroed is empty. */
void tdm__problems_finish(tdm__problems *p);
/* @param field whose limits the message names; NULL where the problem needs none. */
void tdm__problems_add(tdm__problems *p, tdm__problem problem, const tdm_field *field, const tdm__loc *loc,
                       const tdm__input *input);
/* The body is not JSON: `why` says what stands at the byte `at`. */
void tdm__problems_add_json(tdm__problems *p, size_t at, const char *why);
/* A value that a handler refused: type "value_error". */
void tdm__problems_add_value(tdm__problems *p, const tdm__loc *loc, const char *input, const char *why);
static inline bool tdm__problems_full(const tdm__problems *p)
{
    return p->count >= TDM_MAX_PROBLEMS;
}
/* Close the document. @return 0; -ENOMEM. */
int tdm__problems_end(tdm__problems *p);

/* "query", "path", … */
const char *tdm__place_name(tdm_param_in in);

#endif
