/* SPDX-License-Identifier: MIT */
/* Typed parameters: a route's table applied to the values that came. Pure; any thread. */
#ifndef TANDEM_SERVER_PARAMS_H
#define TANDEM_SERVER_PARAMS_H

#include <tandem/json.h>
#include <tandem/route.h>

#include "server/query.h"

/* Can the table be used? Names, offsets, fallbacks and choices are checked once, so that no request meets a broken one.
 * @return 0; -EINVAL, and *why says what is wrong. */
int tdm__params_check(const tdm_param *params, size_t params_size, const char **why);

/* Fill `into` (zeroed) from the path's values and the query.
 * @param problems an initialised writer; on -EBADMSG it holds the body of the 422: {"detail":[…]}.
 * @return 0; -EBADMSG: at least one parameter is wrong, and all wrong ones are listed; -ENOMEM. */
int tdm__params_fill(const tdm_param *params, void *into, const tdm__pairs *path, const tdm__pairs *query,
                     tdm_json_writer *problems);

#endif
