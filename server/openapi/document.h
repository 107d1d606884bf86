/* SPDX-License-Identifier: MIT */
/* An app's routes as one OpenAPI 3.1 document. */
#ifndef TANDEM_SERVER_OPENAPI_DOCUMENT_H
#define TANDEM_SERVER_OPENAPI_DOCUMENT_H

#include <tandem/json.h>

struct tdm_app;

/* After the routers were frozen. */
void tdm__openapi_write(tdm_json_writer *w, const struct tdm_app *app);

#endif
