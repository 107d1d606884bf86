/* SPDX-License-Identifier: MIT */
/* The routes that show what an app's routes are: the OpenAPI document, and the page that lets a person try them. */
#ifndef TANDEM_SERVER_OPENAPI_DOCS_H
#define TANDEM_SERVER_OPENAPI_DOCS_H

struct tdm_app;

/* Add the routes, before the routers are frozen, unless the app has its own there. @return as tdm_app_route(). */
int tdm__docs_add(struct tdm_app *app);
/* Write the document, after they were frozen. @return 0; -ENOMEM; -EINVAL: it cannot be written. */
int tdm__docs_write(struct tdm_app *app);
void tdm__docs_finish(struct tdm_app *app);

#endif
