/* SPDX-License-Identifier: MIT */
/* What can be wrong with a parameter, and how FastAPI with pydantic 2 says it. Pure; any thread. */
#ifndef TANDEM_SERVER_PROBLEM_H
#define TANDEM_SERVER_PROBLEM_H

#include <tandem/json.h>
#include <tandem/route.h>

#include "server/query.h"

typedef enum tdm__problem {
    TDM__RIGHT,
    TDM__MISSING,
    TDM__INT_PARSING,
    TDM__INT_SIZE,
    TDM__INT_LIST,
    TDM__FLOAT_PARSING,
    TDM__FLOAT_LIST,
    TDM__NOT_FINITE,
    TDM__STRING_LIST,
    TDM__BELOW,
    TDM__ABOVE,
    TDM__NO_CHOICE,
    TDM__PROBLEMS
} tdm__problem;

void tdm__problem_begin(tdm_json_writer *w);
/* One entry of the list; `values` hold what the client sent. */
void tdm__problem_add(tdm_json_writer *w, tdm__problem problem, const tdm_param *param, const tdm__pairs *values);
void tdm__problem_end(tdm_json_writer *w);

/* A whole body for one value that a handler refused: type "value_error". */
void tdm__problem_value(tdm_json_writer *w, const char *place, const char *name, const char *input, const char *why);

#endif
