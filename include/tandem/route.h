/* SPDX-License-Identifier: MIT */
/** @file
 *  A route and the parameters it takes, declared as a table next to the C struct they fill.
 *
 *  Wrong values never reach the handler: the client gets 422 in the shape of FastAPI with pydantic 2, with every wrong
 *  parameter listed. */
#ifndef TANDEM_ROUTE_H
#define TANDEM_ROUTE_H

#include <tandem/base.h>
#include <tandem/request.h>

TDM_BEGIN

typedef enum tdm_param_in { TDM_QUERY, TDM_PATH } tdm_param_in;

typedef enum tdm_param_type {
    TDM_INT,    /**< int64_t */
    TDM_FLOAT,  /**< double, finite */
    TDM_STRING, /**< const char *, owned by the request */
    TDM_ENUM,   /**< int: the index in `choices` */
} tdm_param_type;

typedef struct tdm_range {
    double min, max;
} tdm_range;
/** For `.range`: both ends are allowed. */
#define TDM_RANGE(lo, hi) (&(const tdm_range){(lo), (hi)})

typedef struct tdm_param {
    const char *name; /**< a table ends with a NULL name */
    tdm_param_in in;
    tdm_param_type type;
    size_t offset;              /**< offsetof the field to fill */
    const char *fallback;       /**< the default as text; NULL with `optional`: the field stays zero */
    bool optional;              /**< may be missing though it has no fallback */
    const tdm_range *range;     /**< for numbers; NULL: any */
    const char *const *choices; /**< for TDM_ENUM: NULL-terminated */
    size_t given; /**< offsetof a bool to set when the client gave a value; 0: none (so it is not the first field) */
} tdm_param;

typedef struct tdm_route {
    const char *method; /**< "GET" (HEAD comes with it), "POST", … */
    const char *path;   /**< "/tasks/{id}" */
    tdm_handler_fn *run;
    tdm_lane lane;                               /**< where the handler runs */
    const char *name;                            /**< for logs and stats; NULL: the path */
    const tdm_param *params;                     /**< or NULL */
    size_t params_size;                          /**< sizeof the struct that `params` fills */
    tdm_lane (*choose_lane)(const void *params); /**< picks the lane from the parameters; NULL: `lane` */
} tdm_route;

/** For a handler that finds one value wrong that its table could not judge: 422 with one entry of type "value_error".
 *  @param input the value as the client gave it. @return as tdm_reply(). */
TDM_API int tdm_reply_invalid(tdm_request *req, tdm_param_in in, const char *name, const char *input, const char *why);

TDM_END

#endif
