/* SPDX-License-Identifier: MIT */
/* One route as an OpenAPI operation. */
#ifndef TANDEM_SERVER_OPENAPI_OPERATION_H
#define TANDEM_SERVER_OPENAPI_OPERATION_H

#include <tandem/json.h>

#include "server/route/group.h"

/* @param path the endpoint whose names the path's parameters go by. */
void tdm__operation_write(tdm_json_writer *w, const tdm__router *tree, const tdm__endpoint *endpoint,
                          const tdm__endpoint *path);

#endif
