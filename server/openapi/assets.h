/* SPDX-License-Identifier: MIT */
/* The files of the page, as the build embeds them (scripts/lib/embed.py). */
#ifndef TANDEM_SERVER_OPENAPI_ASSETS_H
#define TANDEM_SERVER_OPENAPI_ASSETS_H

#include <stddef.h>

extern const char tdm__asset_page_html[], tdm__asset_page_css[], tdm__asset_page_js[];
extern const size_t tdm__asset_page_html_size, tdm__asset_page_css_size, tdm__asset_page_js_size;

#endif
